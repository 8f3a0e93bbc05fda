//! A run and what is asked of it, one command after the other, as a store does it.

use serde_json::{Value, json};

use crate::event::{AttemptEnd, Decision, InputMode, NoticeLevel, RunCreated};
use crate::*;

/// When every story begins.
pub(crate) const START: Timestamp = Timestamp::from_ms(1_795_168_800_000);

/// A run with its log.
#[derive(Debug, Clone)]
pub(crate) struct Story {
    pub(crate) run: Run,
    pub(crate) policy: Policy,
    pub(crate) log: Vec<Envelope>,
    pub(crate) now: Timestamp,
}

impl Story {
    /// A run that was just created.
    pub(crate) fn of(policy: Policy) -> Self {
        let mut story = Self {
            run: Run::new(),
            policy,
            log: Vec::new(),
            now: START,
        };
        let created = RunCreated {
            agent: "a".to_owned(),
            driver: DriverKind::Scripted,
            thread: ThreadId::parse("t").unwrap(),
            trigger: Trigger::Api,
            input: Input::text("hi"),
            client: serde_json::Map::new(),
            supersedes: None,
            refines: None,
            parent: None,
            structured: false,
            retries: None,
        };
        story.append(vec![created.into()]);
        story
    }

    /// The same behind these commands, each of which is accepted.
    #[track_caller]
    pub(crate) fn after(mut self, commands: &[Command]) -> Self {
        for command in commands {
            if let Err(refused) = self.tell(command.clone()) {
                panic!("{command:?}: {refused}");
            }
        }
        self
    }

    /// The same so much later.
    pub(crate) fn later(mut self, ms: u64) -> Self {
        self.now = self.now.plus_ms(ms);
        self
    }

    /// Decides a command and takes in what it causes.
    pub(crate) fn tell(&mut self, command: Command) -> Result<Vec<Event>, Refused> {
        let events = self.run.decide(command, &self.policy, self.now)?;
        self.append(events.clone());
        Ok(events)
    }

    fn append(&mut self, events: Vec<Event>) {
        for event in events {
            let envelope = Envelope {
                seq: self.run.last_seq.next(),
                at: self.now,
                attempt: self.run.attempt,
                event,
            };
            self.run.apply(&envelope);
            self.log.push(envelope);
        }
    }
}

/// The policy of a scripted agent that resumes.
pub(crate) fn resuming() -> Policy {
    AgentSpec::new(DriverKind::Scripted).policy()
}

/// What events are, as type and data.
pub(crate) fn shown(events: &[Event]) -> Vec<(String, Value)> {
    let data = |event: &Event| {
        let mut bytes = Vec::new();
        event.write_data(&mut bytes);
        serde_json::from_slice(&bytes).unwrap()
    };
    events
        .iter()
        .map(|event| (event.kind().to_owned(), data(event)))
        .collect()
}

/// An event by its type and data.
#[track_caller]
pub(crate) fn event(kind: &str, data: &Value) -> Event {
    let data = serde_json::value::RawValue::from_string(data.to_string()).unwrap();
    let event = Event::read(kind, &data);
    assert!(!matches!(event, Event::Unknown(_)), "{kind} {data}");
    event
}

pub(crate) fn ana() -> By {
    By("ana".to_owned())
}

pub(crate) fn claim() -> Command {
    Command::Claim {
        driver: DriverKind::Scripted,
    }
}

pub(crate) fn lose() -> Command {
    Command::Lose {
        why: "lease".to_owned(),
    }
}

pub(crate) fn stop() -> Command {
    Command::Stop {
        by: ana(),
        why: None,
        superseded_by: None,
    }
}

pub(crate) fn supersede() -> Command {
    Command::Stop {
        by: ana(),
        why: None,
        superseded_by: Some(RunId::new(START, [7; 10])),
    }
}

pub(crate) fn input(mode: InputMode) -> Command {
    Command::Input {
        mode,
        parts: vec![Part::text("more")],
        by: ana(),
    }
}

pub(crate) fn take_back(n: u32) -> Command {
    Command::TakeBack {
        input: InputId::nth(n),
    }
}

pub(crate) fn notify(text: &str) -> Command {
    Command::Notify {
        level: NoticeLevel::Info,
        text: text.to_owned(),
        by: ana(),
    }
}

pub(crate) fn answer(request: &str, answer: Answer) -> Command {
    Command::Answer {
        request: RequestId::parse(request).unwrap(),
        answer,
        by: ana(),
    }
}

pub(crate) fn decided(decision: Decision) -> Answer {
    Answer::Decision {
        decision,
        note: None,
    }
}

pub(crate) fn allow(request: &str) -> Command {
    answer(request, decided(Decision::Allow))
}

pub(crate) fn expire(request: &str) -> Command {
    Command::Expire {
        request: RequestId::parse(request).unwrap(),
        why: "late".to_owned(),
    }
}

pub(crate) fn append(fence: u64, events: &[(&str, Value)]) -> Command {
    let events = events.iter().map(|(kind, data)| event(kind, data));
    Command::Work(Fence(fence), Work::Append(events.collect()))
}

pub(crate) fn approval(request: &str) -> (&'static str, Value) {
    let data =
        json!({"request": request, "kind": "command", "title": "rm", "options": ["allow", "deny"]});
    ("approval.requested", data)
}

pub(crate) fn message(message: &str) -> (&'static str, Value) {
    let data = json!({"message": message, "role": "assistant"});
    ("message.started", data)
}

pub(crate) fn text(message: &str, text: &str) -> (&'static str, Value) {
    (
        "text.delta",
        json!({"message": message, "part": 0, "text": text}),
    )
}

pub(crate) fn call(call: &str) -> (&'static str, Value) {
    (
        "tool.started",
        json!({"call": call, "name": "n", "kind": "other"}),
    )
}

pub(crate) fn task(task: &str) -> (&'static str, Value) {
    let data = json!({"task": task, "kind": "subagent", "title": "look", "status": "running"});
    ("task.started", data)
}

pub(crate) fn consume(fence: u64, n: u32) -> Command {
    let work = Work::Consume {
        input: InputId::nth(n),
        turn: TurnId::nth(1),
    };
    Command::Work(Fence(fence), work)
}

pub(crate) fn wait(fence: u64, mode: WaitMode) -> Command {
    Command::Work(Fence(fence), Work::Wait { mode, due_at: None })
}

pub(crate) fn park_until(fence: u64, ms: u64) -> Command {
    let work = Work::Wait {
        mode: WaitMode::Parked,
        due_at: Some(START.plus_ms(ms)),
    };
    Command::Work(Fence(fence), work)
}

pub(crate) fn finish(fence: u64) -> Command {
    Command::Work(Fence(fence), Work::Finish(Outcome::completed()))
}

pub(crate) fn end(fence: u64, end: AttemptEnd) -> Command {
    let why = "going".to_owned();
    Command::Work(Fence(fence), Work::End { end, why })
}

pub(crate) fn conclude() -> Command {
    Command::Conclude(Outcome::aborted(Reason::Unwatched))
}
