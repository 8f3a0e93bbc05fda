//! Plays the script of an agent, one action after another. Pure and synchronous: whoever plays brings the clock, the
//! control state and the answers, so that a simulation plays as the server does.
//!
//! All that an attempt needs to go on behind an earlier one is in the log. [`Player::resume`] finds the place by
//! walking the script along what was written: nothing is said twice and nothing is left out.

mod position;
mod speech;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use run::event::{
    ApprovalRequested, Decision, InputMode, Notice, NoticeLevel, Question, QuestionAsked,
    ToolCalled, ToolCompleted, ToolKind, ToolRunning, ToolStarted, ToolStatus, TurnCompleted,
    TurnStarted, TurnStatus,
};
use run::snapshot::Resolution;
use run::{
    AgentSpec, CallId, ErrorInfo, Event, Input, InputId, MessageId, Outcome, Part, Reason,
    RequestId, Run, StepId, Timestamp, TurnId, WaitMode,
};
use serde_json::{Value, json};

use crate::script::{QUESTION, Reply, Said, Say, Unit, acknowledgement, echo, reply};
use crate::voice::Voice;

/// The code of the notice that is written before a scripted attempt dies: the next one knows by it that it did.
pub const EXIT_NOTICE: &str = "script_exit";

/// What a player wants done next.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Write these events.
    Write(Vec<Event>),
    /// Write these events when it is their time: the `n`-th word, from 0, of a text that is said at this rate.
    Pace {
        /// The events.
        events: Vec<Event>,
        /// Words of the text that were said before in this attempt; 0 starts the clock.
        n: u32,
        /// Words a second.
        per_second: f64,
    },
    /// Write these events and go on when they are durable.
    Announce(Vec<Event>),
    /// Do nothing for so long.
    Sleep {
        /// Milliseconds.
        ms: u64,
    },
    /// Write these events, if any, and wait until the request is closed; then [`Player::answered`].
    Ask {
        /// What asks; nothing when it was asked before.
        events: Vec<Event>,
        /// The request.
        request: RequestId,
        /// How to wait.
        mode: WaitMode,
    },
    /// Take this input; then [`Player::heard`] or [`Player::missed`].
    Consume {
        /// The input.
        input: InputId,
        /// The turn that hears it.
        turn: TurnId,
    },
    /// End the run. When an input came first, ask for the next action again.
    Finish(Outcome),
    /// Break off without a word.
    Die,
}

/// Plays a script.
#[derive(Debug, Clone)]
pub struct Player {
    spec: AgentSpec,
    turn: Turn,
    /// What the turn does.
    units: Vec<Unit>,
    /// Which of them is next or under way.
    at: usize,
    /// How far it is, if it is a text.
    said: Said,
    /// Words of it said in this attempt.
    n_paced: u32,
    /// The request of it that waits for its answer.
    asked: Option<RequestId>,
    /// How often its call was begun before.
    n_tries: u32,
    /// Steers that were consumed and are to be acknowledged.
    acknowledge: VecDeque<(InputId, String)>,
    consuming: Option<InputId>,
    message: Option<OpenMessage>,
    last_message: Option<MessageId>,
    step: Option<OpenStep>,
    count: Count,
    plan: VecDeque<Action>,
}

#[derive(Debug, Clone, PartialEq)]
enum Turn {
    ToBegin { input: Option<InputId> },
    Open(TurnId),
    Between,
}

#[derive(Debug, Clone)]
struct OpenMessage {
    id: MessageId,
    parts: Vec<Part>,
    bytes: usize,
}

#[derive(Debug, Clone)]
struct OpenStep {
    id: StepId,
    n_words: u64,
}

/// How many there were of each kind, for the ids of the next.
#[derive(Debug, Clone, Copy)]
struct Count {
    turns: u32,
    steps: u32,
    messages: u32,
    calls: u32,
    requests: u32,
}

impl Player {
    /// What is to be done next, given the newest known control state.
    pub fn next(&mut self, run: &Run, now: Timestamp) -> Action {
        loop {
            if let Some(action) = self.plan.pop_front() {
                return action;
            }
            self.advance(run, now);
        }
    }

    /// Whether nothing is half done: a good moment to stop.
    pub fn is_between_units(&self) -> bool {
        self.plan.is_empty() && self.said == Said::default() && self.acknowledge.is_empty()
    }

    /// The input of the last [`Action::Consume`] was consumed and says this.
    pub fn heard(&mut self, parts: &[Part]) {
        let Some(input) = self.consuming.take() else {
            return;
        };
        let text = text_of(parts);
        match &self.turn {
            Turn::Open(_) => self.acknowledge.push_back((input, acknowledgement(&text))),
            Turn::ToBegin { .. } | Turn::Between => self.open_turn_for(input, &text),
        }
    }

    /// The input of the last [`Action::Consume`] was taken back first.
    pub fn missed(&mut self) {
        self.consuming = None;
    }

    /// The request of the last [`Action::Ask`] was closed like this.
    pub fn answered(&mut self, resolution: &Resolution) {
        if self.asked.take().is_some() {
            self.take_answer(resolution);
        }
    }

    fn take_answer(&mut self, resolution: &Resolution) {
        let step = match self.units.get(self.at) {
            Some(Unit::Ask { step }) => self.spec.script.get(*step),
            _ => None,
        };
        self.at += 1;
        match step.map_or(Reply::Nothing, |step| reply(step, resolution)) {
            Reply::Nothing => {}
            Reply::Say(text) => {
                let say = Say::given(Voice::Text, text);
                self.units.insert(self.at, Unit::Say(say));
            }
            Reply::EndTurn => self.units.truncate(self.at),
        }
    }

    fn open_turn_for(&mut self, input: InputId, text: &str) {
        self.turn = Turn::ToBegin { input: Some(input) };
        self.units = vec![Unit::Say(Say::given(Voice::Text, echo(text)))];
        self.at = 0;
    }

    /// Plans at least one action, or moves on by a unit.
    fn advance(&mut self, run: &Run, now: Timestamp) {
        let turn = match &self.turn {
            Turn::ToBegin { input } => {
                self.count.turns += 1;
                let turn = TurnId::nth(self.count.turns);
                let started = TurnStarted {
                    turn: turn.clone(),
                    input: input.clone(),
                    model: None,
                };
                self.turn = Turn::Open(turn);
                self.write([started.into()]);
                return;
            }
            Turn::Between => {
                if let Some(pending) = run.next_input(InputMode::FollowUp) {
                    let turn = TurnId::nth(self.count.turns + 1);
                    self.consume(pending.input.clone(), turn);
                } else {
                    self.plan.push_back(Action::Finish(Outcome::completed()));
                }
                return;
            }
            Turn::Open(turn) => turn.clone(),
        };
        if let Some((input, text)) = self.acknowledge.pop_front() {
            self.say_acknowledgement(&input, text);
            return;
        }
        let between = self.said == Said::default() && self.asked.is_none();
        if between && let Some(steer) = run.next_input(InputMode::Steer) {
            self.complete_message();
            self.consume(steer.input.clone(), turn);
            return;
        }
        match self.units.get(self.at).cloned() {
            Some(Unit::Say(say)) => self.say(&say),
            Some(Unit::Tool { step }) => self.call(step),
            Some(Unit::Ask { step }) => self.ask(step, now),
            Some(Unit::Stall { ms }) => {
                self.at += 1;
                self.plan.push_back(Action::Sleep { ms });
            }
            Some(Unit::Fail { message }) => {
                self.complete_message();
                self.finish_step();
                let error = ErrorInfo::new("script_failed", message);
                let outcome = Outcome::failed(Reason::Error, error);
                self.plan.push_back(Action::Finish(outcome));
            }
            Some(Unit::Exit) => {
                self.at += 1;
                let text = "the script ends this attempt here";
                let notice = Notice::new(NoticeLevel::Info, EXIT_NOTICE, text);
                self.plan.push_back(Action::Announce(vec![notice.into()]));
                self.plan.push_back(Action::Die);
            }
            None => self.end_turn(run, turn),
        }
    }

    fn end_turn(&mut self, run: &Run, turn: TurnId) {
        self.complete_message();
        self.finish_step();
        if run.next_input(InputMode::FollowUp).is_some() {
            let completed = TurnCompleted {
                turn,
                status: TurnStatus::Completed,
                error: None,
            };
            self.turn = Turn::Between;
            self.write([completed.into()]);
        } else {
            // The turn ends with the run: until then an input may still come.
            self.plan.push_back(Action::Finish(Outcome::completed()));
        }
    }

    fn consume(&mut self, input: InputId, turn: TurnId) {
        self.consuming = Some(input.clone());
        self.plan.push_back(Action::Consume { input, turn });
    }

    fn call(&mut self, step: usize) {
        self.complete_message();
        self.begin_step();
        let message = self.last_message.clone();
        self.count.calls += 1;
        let call = CallId::nth(self.count.calls);
        let n_try = self.n_tries + 1;
        self.n_tries = 0;
        self.at += 1;
        let Some(step) = self.spec.script.get(step) else {
            return;
        };
        let name = step.tool.clone().unwrap_or_default();
        let args = step.args.clone().unwrap_or_else(|| json!({}));
        let result = step.result.clone().unwrap_or(Value::Null);
        let ms = step.delay_ms.unwrap_or(0);
        self.write([
            ToolStarted {
                call: call.clone(),
                name,
                kind: ToolKind::Other,
                title: None,
                message,
                // Nothing is touched, so it may be done again.
                idempotent: true,
            }
            .into(),
            ToolCalled {
                call: call.clone(),
                args,
                vendor: None,
            }
            .into(),
        ]);
        let running = ToolRunning {
            call: call.clone(),
            n_try,
            run: None,
        };
        self.plan.push_back(Action::Announce(vec![running.into()]));
        if ms > 0 {
            self.plan.push_back(Action::Sleep { ms });
        }
        let completed = ToolCompleted {
            call,
            status: ToolStatus::Ok,
            result,
            usage: None,
        };
        self.plan.push_back(Action::Write(vec![completed.into()]));
        self.finish_step();
    }

    fn ask(&mut self, step: usize, now: Timestamp) {
        let Some(step) = self.spec.script.get(step).cloned() else {
            self.at += 1;
            return;
        };
        let mode = if step.held {
            WaitMode::Held
        } else {
            WaitMode::Parked
        };
        if let Some(request) = self.asked.clone() {
            let events = Vec::new();
            self.plan.push_back(Action::Ask {
                events,
                request,
                mode,
            });
            return;
        }
        self.complete_message();
        self.finish_step();
        self.count.requests += 1;
        let request = RequestId::nth(self.count.requests);
        let expires_at = step.expires_ms.map(|ms| now.plus_ms(ms));
        let event = match (step.approval, step.question) {
            (Some(title), _) => ApprovalRequested {
                request: request.clone(),
                kind: "script".to_owned(),
                title,
                detail: Value::Null,
                options: Decision::ALL.to_vec(),
                call: None,
                expires_at,
                grants: None,
            }
            .into(),
            (None, question) => QuestionAsked {
                request: request.clone(),
                questions: vec![Question {
                    id: QUESTION.to_owned(),
                    text: question.unwrap_or_default(),
                    options: Vec::new(),
                    multiple: false,
                }],
                expires_at,
                call: None,
            }
            .into(),
        };
        self.asked = Some(request.clone());
        self.plan.push_back(Action::Ask {
            events: vec![event],
            request,
            mode,
        });
    }

    /// Plans to write events, together with what is to be written right before.
    fn write(&mut self, events: impl IntoIterator<Item = Event>) {
        if let Some(Action::Write(before)) = self.plan.back_mut() {
            before.extend(events);
        } else {
            self.plan
                .push_back(Action::Write(events.into_iter().collect()));
        }
    }
}

fn text_of(parts: &[Part]) -> String {
    let input = Input {
        parts: parts.to_vec(),
        ..Input::default()
    };
    input.as_text()
}
