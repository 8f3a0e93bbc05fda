//! What a run said, against what its script says when nothing goes wrong: nothing lost, nothing twice.

use std::collections::VecDeque;

use run::event::InputMode;
use run::snapshot::{InputState, Progress, Resolution};
use run::{
    AgentSpec, DriverKind, Event, Part, PendingInput, Reason, Role, Run, Snapshot, State,
    Timestamp, TurnId,
};
use worker::{Action, Player};

use super::Log;
use crate::Violation;
use crate::performer::words;
use crate::violation::ensure;

const SAID_ONCE: &str = "what a run says is what its script says, once";
const STEERS: &str = "a steer that was heard is acknowledged once";
const CALLS: &str = "a tool that was called has one result";

/// Actions of a script that is played without a break, at most.
const MAX_ACTIONS: usize = 100_000;

/// What an agent says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Speech {
    /// The answer, by turn.
    text: Vec<String>,
    reasoning: String,
    n_calls: usize,
}

/// Compares the log of a run that has ended with its agent's script.
pub fn text(spec: &AgentSpec, log: &Log) -> Result<(), Violation> {
    let State::Final(outcome) = &log.control().state else {
        return Ok(());
    };
    let is_whole = match outcome.reason {
        Reason::Completed => true,
        // Only a step of the script fails so.
        Reason::Error => spec.driver == DriverKind::Scripted,
        _ => false,
    };
    let said = said(log.snapshot());
    let should = match spec.driver {
        DriverKind::Scripted => play(spec, log.snapshot()),
        DriverKind::Model
        | DriverKind::Loop
        | DriverKind::Command
        | DriverKind::Agui
        | DriverKind::Pi
        | DriverKind::Codex
        | DriverKind::Claude
        | DriverKind::Acp
        | DriverKind::Worktree => Speech {
            text: vec![words(spec).concat()],
            ..Speech::default()
        },
    };
    let fits = if is_whole {
        said == should
    } else {
        is_begun(&said, &should)
    };
    ensure(fits, SAID_ONCE, || {
        format!("{outcome:?}\n  said {said:?}\n  script {should:?}")
    })?;
    if is_whole {
        check_calls(&said, log)?;
        check_steers(log)?;
    }
    Ok(())
}

/// Whether this much was said when it was cut short.
fn is_begun(said: &Speech, should: &Speech) -> bool {
    let Some((last, before)) = said.text.split_last() else {
        return true;
    };
    should.text.starts_with(before)
        && should
            .text
            .get(before.len())
            .map_or("", String::as_str)
            .starts_with(last.as_str())
        && should.reasoning.starts_with(&said.reasoning)
        && said.n_calls <= should.n_calls
}

fn check_calls(said: &Speech, log: &Log) -> Result<(), Violation> {
    let n_results = log
        .snapshot()
        .activities
        .iter()
        .filter(|call| call.status == Some(run::event::ToolStatus::Ok))
        .count();
    ensure(n_results == said.n_calls, CALLS, || {
        format!("{n_results} results, {} calls", said.n_calls)
    })
}

fn check_steers(log: &Log) -> Result<(), Violation> {
    for steer in log.steers() {
        let snapshot = log.snapshot();
        let parts = snapshot
            .inputs
            .iter()
            .find(|given| given.input == *steer)
            .map(|given| text_of(&given.parts));
        let suffix = format!("-{steer}");
        let answer: String = snapshot
            .messages
            .iter()
            .filter(|message| message.message.as_str().ends_with(&suffix))
            .map(|message| text_of(&message.parts))
            .collect();
        let should = format!("(steered: {})", parts.unwrap_or_default());
        ensure(answer == should, STEERS, || {
            format!("{steer}: {answer:?} for {should:?}")
        })?;
    }
    Ok(())
}

fn text_of(parts: &[Part]) -> String {
    let text = |part: &Part| match part {
        Part::Text { text, .. } => Some(text.clone()),
        _ => None,
    };
    parts.iter().filter_map(text).collect()
}

/// What stands in a snapshot, without acknowledgements of steers and what readers are to forget.
fn said(snapshot: &Snapshot) -> Speech {
    let mut speech = Speech {
        n_calls: snapshot
            .activities
            .iter()
            .filter(|call| call.status == Some(run::event::ToolStatus::Ok))
            .count(),
        ..Speech::default()
    };
    let mut turns: Vec<Option<TurnId>> = Vec::new();
    for message in &snapshot.messages {
        let is_word = message.role == Role::Assistant
            && message.progress != Progress::Discarded
            && !message.message.as_str().contains('-');
        if !is_word {
            continue;
        }
        if turns.last() != Some(&message.turn) {
            turns.push(message.turn.clone());
            speech.text.push(String::new());
        }
        for part in &message.parts {
            match (part, speech.text.last_mut()) {
                (Part::Text { text, .. }, Some(turn)) => turn.push_str(text),
                (Part::Reasoning { text, .. }, _) => speech.reasoning.push_str(text),
                _ => {}
            }
        }
    }
    speech.text.retain(|turn| !turn.is_empty());
    speech
}

/// Plays a script from end to end, with the answers and follow-ups that the run had.
fn play(spec: &AgentSpec, snapshot: &Snapshot) -> Speech {
    let mut player = Player::resume(spec, &Run::new(), &Snapshot::default());
    let mut control = Run::new();
    let mut answers: VecDeque<Option<Resolution>> = snapshot
        .requests
        .iter()
        .map(|request| request.resolution.clone())
        .collect();
    let mut openers = openers(snapshot);
    let mut speech = Speech::default();
    for _ in 0..MAX_ACTIONS {
        match player.next(&control, Timestamp::default()) {
            Action::Write(events) | Action::Announce(events) | Action::Pace { events, .. } => {
                speech.add(&events);
            }
            Action::Sleep { .. } | Action::Die => {}
            Action::Ask { events, .. } => {
                speech.add(&events);
                match answers.pop_front() {
                    Some(Some(answer)) => player.answered(&answer),
                    Some(None) | None => break,
                }
            }
            Action::Consume { .. } => {
                control.inputs.clear();
                player.heard(&openers.pop_front().map(|it| it.1).unwrap_or_default());
            }
            Action::Finish(outcome) => match openers.front() {
                Some((input, _)) if outcome.reason == Reason::Completed => {
                    control.inputs = vec![PendingInput {
                        input: input.clone(),
                        mode: InputMode::FollowUp,
                    }];
                }
                _ => break,
            },
        }
    }
    speech.text.retain(|turn| !turn.is_empty());
    speech
}

/// The inputs that opened turns, in the order of the turns.
fn openers(snapshot: &Snapshot) -> VecDeque<(run::InputId, Vec<Part>)> {
    let mut by_turn: Vec<(u32, run::InputId, Vec<Part>)> = Vec::new();
    for given in &snapshot.inputs {
        let InputState::Consumed { turn } = &given.state else {
            continue;
        };
        let n = turn
            .as_str()
            .trim_start_matches(|c: char| !c.is_ascii_digit());
        let n: u32 = n.parse().unwrap_or(0);
        // The first input of a turn behind the first one is what it answers.
        if n > 1 && by_turn.iter().all(|(other, ..)| *other != n) {
            by_turn.push((n, given.input.clone(), given.parts.clone()));
        }
    }
    by_turn.sort_by_key(|(n, ..)| *n);
    by_turn
        .into_iter()
        .map(|(_, input, parts)| (input, parts))
        .collect()
}

impl Speech {
    fn add(&mut self, events: &[Event]) {
        for event in events {
            match event {
                Event::TurnStarted(_) => self.text.push(String::new()),
                Event::TextDelta(delta) => {
                    if let Some(turn) = self.text.last_mut() {
                        turn.push_str(&delta.text);
                    }
                }
                Event::ReasoningDelta(delta) => self.reasoning.push_str(&delta.text),
                Event::ToolCompleted(_) => self.n_calls += 1,
                _ => {}
            }
        }
    }
}
