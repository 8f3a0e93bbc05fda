//! Who says what in an attempt: the script's player, or a model that says so many words.

use run::event::{
    MessageCompleted, MessageDiscarded, MessageStarted, RetryScheduled, StepFinished, StepStarted,
    TextDelta, TurnStarted,
};
use run::snapshot::{Progress, Resolution};
use run::{
    AgentSpec, DriverKind, MessageId, Outcome, Part, Role, Run, Snapshot, StepId, Timestamp,
    TurnId, Usage,
};
use worker::{Action, Player};

use crate::{Rng, script};

/// Performs an attempt.
#[derive(Debug)]
pub(crate) enum Performer {
    Script(Box<Player>),
    /// What is still to be done, last first.
    Model(Vec<Action>),
}

impl Performer {
    /// Goes on where the log ends.
    pub(crate) fn resume(spec: &AgentSpec, run: &Run, snapshot: &Snapshot, rng: &mut Rng) -> Self {
        match spec.driver {
            DriverKind::Scripted => Self::Script(Box::new(Player::resume(spec, run, snapshot))),
            DriverKind::Model
            | DriverKind::Loop
            | DriverKind::Command
            | DriverKind::Agui
            | DriverKind::Pi
            | DriverKind::Codex
            | DriverKind::Claude
            | DriverKind::Acp
            | DriverKind::Worktree => {
                // A whole answer is not asked for again.
                let is_said = snapshot
                    .messages
                    .iter()
                    .any(|message| message.progress == Progress::Completed);
                let mut actions = if is_said {
                    Vec::new()
                } else {
                    call(spec, run, rng)
                };
                actions.reverse();
                Self::Model(actions)
            }
        }
    }

    /// What is to be done next.
    pub(crate) fn next(&mut self, run: &Run, now: Timestamp) -> Action {
        match self {
            Self::Script(player) => player.next(run, now),
            Self::Model(actions) => actions
                .pop()
                .unwrap_or(Action::Finish(Outcome::completed())),
        }
    }

    /// Whether this is a good moment to hand over.
    pub(crate) fn is_between_units(&self) -> bool {
        match self {
            Self::Script(player) => player.is_between_units(),
            Self::Model(_) => true,
        }
    }

    pub(crate) fn heard(&mut self, parts: &[Part]) {
        if let Self::Script(player) = self {
            player.heard(parts);
        }
    }

    pub(crate) fn missed(&mut self) {
        if let Self::Script(player) = self {
            player.missed();
        }
    }

    pub(crate) fn answered(&mut self, resolution: &Resolution) {
        if let Self::Script(player) = self {
            player.answered(resolution);
        }
    }
}

/// The words of a model.
pub(crate) fn words(spec: &AgentSpec) -> Vec<String> {
    (0..script::n_words(spec))
        .map(|n| format!("w{n} "))
        .collect()
}

/// One call of a model, which may break off in the middle and be made again.
fn call(spec: &AgentSpec, run: &Run, rng: &mut Rng) -> Vec<Action> {
    let words = words(spec);
    let mut actions = Vec::new();
    if run.turn.is_none() {
        let started = TurnStarted {
            turn: TurnId::nth(run.n_turns + 1),
            input: None,
            model: None,
        };
        actions.push(Action::Write(vec![started.into()]));
    }
    let step = StepId::nth(run.n_steps + 1);
    let mut message = MessageId::nth(run.n_messages + 1);
    actions.push(Action::Write(vec![
        StepStarted {
            step: step.clone(),
            model: None,
        }
        .into(),
    ]));
    if rng.percent(25) {
        say(&mut actions, &message, &words[..rng.below(words.len())]);
        let why = "the connection broke".to_owned();
        let discarded = MessageDiscarded {
            message: message.clone(),
            why: why.clone(),
        };
        let delay_ms = rng.between(1, 400);
        let retry = RetryScheduled { delay_ms, why };
        actions.push(Action::Write(vec![discarded.into(), retry.into()]));
        actions.push(Action::Sleep { ms: delay_ms });
        message = MessageId::nth(run.n_messages + 2);
    }
    say(&mut actions, &message, &words);
    let completed = MessageCompleted {
        message,
        parts: Some(vec![Part::text(words.concat())]),
        interrupted: false,
    };
    let finished = StepFinished {
        step,
        usage: Usage {
            output_tokens: words.len() as u64,
            ..Usage::default()
        },
        finish_reason: Some("stop".to_owned()),
    };
    actions.push(Action::Write(vec![completed.into(), finished.into()]));
    actions
}

fn say(actions: &mut Vec<Action>, message: &MessageId, words: &[String]) {
    let started = MessageStarted {
        message: message.clone(),
        role: Role::Assistant,
    };
    actions.push(Action::Write(vec![started.into()]));
    for word in words {
        let delta = TextDelta {
            message: message.clone(),
            part: 0,
            text: word.clone(),
        };
        actions.push(Action::Write(vec![delta.into()]));
    }
}
