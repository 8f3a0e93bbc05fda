//! A log in memory, decided by the same code as in the store, with a player that can be cut off at any event.

use run::event::{Decision, InputMode, RunCreated, ToolStatus};
use run::{
    AgentSpec, Answer, By, Command, DriverKind, Envelope, Event, Fence, Input, Part, Policy,
    Refused, RequestId, RequestKind, Run, Seq, Snapshot, State, Status, ThreadId, Timestamp,
    Trigger, WaitMode, Work,
};
use serde_json::json;

use super::super::{Action, EXIT_NOTICE, Player};
use crate::script::QUESTION;

pub(super) struct World {
    spec: AgentSpec,
    policy: Policy,
    run: Run,
    snapshot: Snapshot,
    now: Timestamp,
    later: Option<String>,
    pub(super) decision: Decision,
}

/// All that was said and done in a run, however many attempts it took.
#[derive(Debug, PartialEq)]
pub(super) struct Total {
    pub(super) status: Status,
    /// By turn.
    pub(super) text: Vec<String>,
    pub(super) reasoning: Vec<String>,
    pub(super) steered: Vec<String>,
    pub(super) n_calls: usize,
    pub(super) n_requests: usize,
    pub(super) n_exits: usize,
}

/// The attempt is over before its time.
struct Cut;

impl World {
    pub(super) fn new(spec: &AgentSpec) -> Self {
        let mut policy = spec.policy();
        policy.max_lost_attempts = u32::MAX;
        let mut world = Self {
            spec: spec.clone(),
            policy,
            run: Run::new(),
            snapshot: Snapshot::default(),
            now: Timestamp::from_ms(1_000),
            later: None,
            decision: Decision::Allow,
        };
        world.commit(vec![
            RunCreated {
                agent: "test".into(),
                driver: DriverKind::Scripted,
                thread: ThreadId::parse("t").unwrap(),
                trigger: Trigger::Api,
                input: Input::text("go"),
                client: serde_json::Map::new(),
                supersedes: None,
                refines: None,
                parent: None,
                structured: false,
                retries: None,
            }
            .into(),
        ]);
        world
    }

    pub(super) fn steer(&mut self, text: &str) {
        self.input(InputMode::Steer, text);
    }

    pub(super) fn follow_up(&mut self, text: &str) {
        self.input(InputMode::FollowUp, text);
    }

    /// A steer that comes while the first tool is running.
    pub(super) fn later_steer(&mut self, text: &str) {
        self.later = Some(text.to_owned());
    }

    fn input(&mut self, mode: InputMode, text: &str) {
        let by = By("test".into());
        let parts = vec![Part::text(text)];
        self.decide(Command::Input { mode, parts, by }).unwrap();
    }

    pub(super) fn n_events(&self) -> usize {
        usize::try_from(self.run.last_seq.0).unwrap()
    }

    pub(super) fn n_messages(&self) -> usize {
        self.snapshot.messages.len()
    }

    /// Plays to the end; each attempt but the last ends after so many events.
    pub(super) fn play(&mut self, cuts: &[usize]) {
        let mut cuts = cuts.iter().copied();
        for _ in 0..1_000 {
            if self.run.is_final() {
                return;
            }
            self.answer_all();
            self.now = self.now.plus_ms(60_000);
            let driver = DriverKind::Scripted;
            self.decide(Command::Claim { driver }).unwrap();
            let left = cuts.next().unwrap_or(usize::MAX);
            if self.attempt(left).is_err() {
                let why = "cut".to_owned();
                self.decide(Command::Lose { why }).unwrap();
            }
        }
        panic!("the run does not end: {:?}", self.run);
    }

    fn attempt(&mut self, mut left: usize) -> Result<(), Cut> {
        let mut player = Player::resume(&self.spec, &self.run, &self.snapshot);
        loop {
            match player.next(&self.run, self.now) {
                Action::Write(events) | Action::Pace { events, .. } | Action::Announce(events) => {
                    self.write(events, &mut left)?;
                }
                Action::Sleep { ms } => self.now = self.now.plus_ms(ms),
                Action::Ask {
                    events,
                    request,
                    mode,
                } => {
                    self.write(events, &mut left)?;
                    take(&mut left)?;
                    self.work(Work::Wait { mode, due_at: None }).unwrap();
                    match &self.run.state {
                        State::Waiting {
                            mode: WaitMode::Parked,
                            ..
                        } => return Ok(()),
                        State::Waiting { .. } => self.answer_all(),
                        State::Queued { .. } | State::Running | State::Final(_) => {}
                    }
                    let asked = self.snapshot.requests.iter();
                    let resolution = asked
                        .filter(|asked| asked.request == request)
                        .find_map(|asked| asked.resolution.clone());
                    player.answered(&resolution.unwrap());
                }
                Action::Consume { input, turn } => {
                    take(&mut left)?;
                    let work = Work::Consume {
                        input: input.clone(),
                        turn,
                    };
                    self.work(work).unwrap();
                    let given = self
                        .snapshot
                        .inputs
                        .iter()
                        .find(|given| given.input == input);
                    player.heard(&given.unwrap().parts);
                }
                Action::Finish(outcome) => {
                    take(&mut left)?;
                    match self.work(Work::Finish(outcome)) {
                        Ok(()) => return Ok(()),
                        Err(Refused::InputsPending(_)) => {}
                        Err(refused) => panic!("{refused}"),
                    }
                }
                Action::Die => return Err(Cut),
            }
        }
    }

    fn write(&mut self, events: Vec<Event>, left: &mut usize) -> Result<(), Cut> {
        for event in events {
            take(left)?;
            let is_running = matches!(event, Event::ToolRunning(_));
            self.work(Work::Append(vec![event])).unwrap();
            if is_running && let Some(text) = self.later.take() {
                self.steer(&text);
            }
        }
        Ok(())
    }

    fn work(&mut self, work: Work) -> Result<(), Refused> {
        let fence: Fence = self.run.fence;
        self.decide(Command::Work(fence, work))
    }

    fn decide(&mut self, command: Command) -> Result<(), Refused> {
        let events = self.run.decide(command, &self.policy, self.now)?;
        self.commit(events);
        Ok(())
    }

    fn commit(&mut self, events: Vec<Event>) {
        for event in events {
            let envelope = Envelope {
                seq: Seq(self.run.last_seq.0 + 1),
                at: self.now,
                attempt: self.run.attempt,
                event,
            };
            self.run.apply(&envelope);
            self.snapshot.apply(&envelope);
        }
    }

    fn answer_all(&mut self) {
        let open: Vec<(RequestId, RequestKind)> = self
            .run
            .requests
            .iter()
            .map(|(id, open)| (id.clone(), open.wants.clone()))
            .collect();
        for (request, wants) in open {
            let answer = match wants {
                RequestKind::Approval { .. } => Answer::Decision {
                    decision: self.decision,
                    note: Some("no way".into()),
                },
                RequestKind::Question { .. } => Answer::Answers(json!({ QUESTION: 42 })),
                RequestKind::ClientTool { .. } => Answer::Result(json!(null)),
            };
            let by = By("test".into());
            let command = Command::Answer {
                request,
                answer,
                by,
            };
            self.decide(command).unwrap();
        }
    }

    pub(super) fn total(&self) -> Total {
        let mut total = Total {
            status: self.run.status(),
            text: Vec::new(),
            reasoning: Vec::new(),
            steered: Vec::new(),
            n_calls: 0,
            n_requests: self.snapshot.requests.len(),
            n_exits: 0,
        };
        let mut turn = None;
        let mut steered: Vec<(String, String)> = Vec::new();
        for message in &self.snapshot.messages {
            if turn != message.turn {
                turn.clone_from(&message.turn);
                total.text.push(String::new());
            }
            for part in &message.parts {
                let id = message.message.as_str();
                match (part, id.split_once('-')) {
                    (Part::Text { text, .. }, Some((_, input))) => match steered.last_mut() {
                        Some((last, so_far)) if last == input => so_far.push_str(text),
                        _ => steered.push((input.to_owned(), text.clone())),
                    },
                    (Part::Text { text, .. }, None) => {
                        total.text.last_mut().unwrap().push_str(text);
                    }
                    (Part::Reasoning { text, .. }, None) => total.reasoning.push(text.clone()),
                    (part, _) => panic!("{part:?}"),
                }
            }
        }
        total.reasoning = vec![total.reasoning.concat()];
        total.steered = steered.into_iter().map(|(_, text)| text).collect();
        let done = self.snapshot.activities.iter();
        total.n_calls = done
            .filter(|call| call.status == Some(ToolStatus::Ok))
            .count();
        let notices = self.snapshot.notices.iter();
        total.n_exits = notices.filter(|notice| notice.code == EXIT_NOTICE).count();
        total
    }
}

fn take(left: &mut usize) -> Result<(), Cut> {
    *left = left.checked_sub(1).ok_or(Cut)?;
    Ok(())
}
