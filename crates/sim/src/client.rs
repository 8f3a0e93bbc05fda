//! Clients by chance: they start, stop, steer, answer, repeat themselves and come too late.

use run::event::{Decision, InputMode};
use run::{
    Answer as Given, By, Command, Input, InputId, OpenRequest, Part, RequestId, RequestKind, Run,
    RunId, ThreadId, Timestamp, User,
};
use serde_json::{Map, json};
use store::{Idempotency, OnConflict, RunRecord, Scope, Start};

use crate::op::{Errand, Op, Who};
use crate::{Rng, script};

/// What clients remember.
#[derive(Debug, Default)]
pub(crate) struct Clients {
    n_said: u32,
    n_keys: u32,
    /// Starts without an answer, which are asked for again.
    pub(crate) to_repeat: Vec<Start>,
}

const THREADS: usize = 4;

fn errand(op: Op) -> Errand {
    Errand {
        who: Who::Client,
        op,
    }
}

impl Clients {
    /// What a client does, given how all runs stand, oldest first.
    pub(crate) fn turn(
        &mut self,
        records: &[RunRecord],
        now: Timestamp,
        rng: &mut Rng,
    ) -> Option<Errand> {
        let open: Vec<&RunRecord> = records
            .iter()
            .filter(|record| !record.control.is_final())
            .collect();
        match rng.below(100) {
            0..=29 if open.len() < 12 => Some(self.start(records, now, rng)),
            // Mostly open runs, sometimes one that has long ended.
            n => {
                let record = if n % 10 == 0 {
                    rng.pick(records)
                } else {
                    rng.pick(&open).copied()
                };
                record.map(|record| self.command(record, rng))
            }
        }
    }

    fn start(&mut self, records: &[RunRecord], now: Timestamp, rng: &mut Rng) -> Errand {
        if !self.to_repeat.is_empty() && rng.percent(50) {
            let at = rng.below(self.to_repeat.len());
            let mut start = self.to_repeat.swap_remove(at);
            // A repeated request makes an id of its own; the key says that it is the same one.
            start.run = RunId::new(now, rng.ten_bytes());
            return errand(Op::Start(Box::new(start)));
        }
        let thread = format!("thread {}", rng.below(THREADS));
        let thread = ThreadId::parse(thread).expect("a short word is an id");
        let on_conflict = match rng.below(10) {
            0..=1 => OnConflict::Reject,
            2..=5 => OnConflict::Enqueue,
            6 => OnConflict::Steer,
            _ => {
                let of_thread: Vec<&RunRecord> = records
                    .iter()
                    .filter(|record| record.thread == thread)
                    .collect();
                let current = of_thread.iter().find(|record| record.is_current);
                match current.filter(|_| rng.percent(80)).or(rng.pick(&of_thread)) {
                    Some(named) => OnConflict::Supersede(named.id),
                    None => OnConflict::Enqueue,
                }
            }
        };
        let idempotency = rng.percent(40).then(|| {
            self.n_keys += 1;
            Idempotency {
                key: format!("key {}", self.n_keys),
                body_hash: [1; 32],
            }
        });
        let n_agent = rng.below(5);
        let start = Start {
            on_conflict,
            idempotency,
            ..Start::new(
                RunId::new(now, rng.ten_bytes()),
                owner(&thread),
                thread,
                format!("agent {n_agent}"),
                script::agent(n_agent, rng),
                Input::text(self.words()),
            )
        };
        errand(Op::Start(Box::new(start)))
    }

    fn words(&mut self) -> String {
        self.n_said += 1;
        format!("no. {}", self.n_said)
    }

    fn command(&mut self, record: &RunRecord, rng: &mut Rng) -> Errand {
        let control = &*record.control;
        let command = match rng.below(100) {
            0..=11 => Command::Stop {
                by: By("a client".to_owned()),
                why: rng.percent(50).then(|| "enough".to_owned()),
                superseded_by: None,
            },
            12..=44 => Command::Input {
                mode: if rng.percent(60) {
                    InputMode::Steer
                } else {
                    InputMode::FollowUp
                },
                parts: vec![Part::text(self.words())],
                by: By("a client".to_owned()),
            },
            45..=54 => Command::TakeBack {
                input: match rng.pick(&control.inputs) {
                    Some(pending) => pending.input.clone(),
                    None => InputId::nth(1),
                },
            },
            _ => answer(control, rng),
        };
        let scope = if rng.percent(3) {
            Scope {
                user: User::parse("a stranger").ok(),
                ..Scope::local()
            }
        } else {
            owner(&record.thread)
        };
        errand(Op::Command {
            scope,
            run: record.id,
            command,
        })
    }
}

/// Each thread has its user.
fn owner(thread: &ThreadId) -> Scope {
    Scope {
        user: User::parse(format!("owner of {thread}")).ok(),
        ..Scope::local()
    }
}

/// An answer to an open request, or to one that has been closed, or to none.
fn answer(control: &Run, rng: &mut Rng) -> Command {
    let open: Vec<(&RequestId, &OpenRequest)> = control.requests.iter().collect();
    match rng.pick(&open) {
        Some((request, open)) => fitting(request, open, rng),
        None => Command::Answer {
            request: match rng.pick(&control.closed_requests) {
                Some(closed) => closed.request.clone(),
                None => RequestId::nth(1),
            },
            answer: Given::Result(json!("late")),
            by: By("a client".to_owned()),
        },
    }
}

/// An answer of the kind that a request wants.
pub(crate) fn fitting(request: &RequestId, open: &OpenRequest, rng: &mut Rng) -> Command {
    let answer = match &open.wants {
        RequestKind::Approval { options, .. } => Given::Decision {
            decision: rng.pick(options).copied().unwrap_or(Decision::Deny),
            note: rng.percent(30).then(|| "a note".to_owned()),
        },
        RequestKind::Question { ids } => {
            let answers = ids.iter().map(|id| (id.clone(), json!(rng.below(100))));
            Given::Answers(answers.collect::<Map<_, _>>().into())
        }
        RequestKind::ClientTool { .. } => Given::Result(json!("done")),
    };
    Command::Answer {
        request: request.clone(),
        answer,
        by: By("a client".to_owned()),
    }
}
