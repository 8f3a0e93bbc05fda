//! Clients, workers alive and taken for dead, and the supervisor, all at once and in any order.

use proptest::prelude::*;
use serde_json::json;

use super::log::config;
use super::soup;
use super::story::*;
use crate::event::{AttemptEnd, Decision, InputMode, ToolStatus};
use crate::*;

/// What somebody does next. The numbers choose among what there is at that moment.
#[derive(Debug, Clone)]
struct Move {
    kind: u8,
    n: u8,
    /// Which of all fences ever given a worker writes under: 0 is the newest.
    age: usize,
    event: Event,
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let age = prop_oneof![4 => Just(0_usize), 1 => 0..4_usize];
    let one = (any::<u8>(), any::<u8>(), age, soup::event());
    let one = one.prop_map(|(kind, n, age, event)| Move {
        kind,
        n,
        age,
        event,
    });
    prop::collection::vec(one, 0..80)
}

fn policy() -> impl Strategy<Value = Policy> {
    let on_lost = prop::sample::select(vec![OnLost::Resume, OnLost::Retry, OnLost::Abort]);
    (on_lost, any::<[bool; 4]>(), 1..5_u32).prop_map(|(on_lost, yes, max_lost_attempts)| Policy {
        on_lost,
        survives: Survives {
            text: yes[0],
            calls: yes[1],
            requests: yes[2],
        },
        takes_inputs: true,
        over_budget: BudgetEnd::Fail,
        max_lost_attempts,
        stop_timeout_ms: 50,
        backoff: Backoff {
            first_ms: 10,
            max_ms: 40,
        },
        budget: Budget {
            wall_ms: yes[3].then_some(2_000),
            ..Budget::default()
        },
    })
}

/// A story with every fence that a worker was ever given.
struct Actors {
    story: Story,
    fences: Vec<Fence>,
}

impl Actors {
    #[expect(
        clippy::too_many_lines,
        reason = "one arm for each thing that may happen"
    )]
    fn command(&self, one: &Move) -> Command {
        let Move {
            kind,
            n,
            age,
            event,
        } = one;
        let run = &self.story.run;
        let newest = self.fences.len().saturating_sub(1);
        let fence = self.fences.get(newest.saturating_sub(*age));
        let fence = fence.copied().unwrap_or(Fence(1));
        let nth = u32::from(n % 4);
        let work = |work| Command::Work(fence, work);
        let begin = |kind: &str, name: &str, n: u32, more: serde_json::Value| {
            let mut data = json!({name: format!("{}{n}", &name[..1])});
            data.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            super::story::event(kind, &data)
        };
        match kind % 25 {
            0 => stop(),
            1 => supersede(),
            2 => input(InputMode::Steer),
            3 => input(InputMode::FollowUp),
            4 => take_back(run.n_inputs.saturating_sub(nth)),
            5 | 6 => match run.requests.iter().next() {
                Some((request, open)) => answer(
                    request.as_str(),
                    match &open.wants {
                        RequestKind::Approval { .. } => decided(Decision::ALL[usize::from(n % 4)]),
                        RequestKind::Question { ids } => {
                            let answers = ids.iter().map(|id| (id.clone(), json!(1)));
                            Answer::Answers(answers.collect::<serde_json::Map<_, _>>().into())
                        }
                        RequestKind::ClientTool { .. } => Answer::Result(json!(n)),
                    },
                ),
                None => allow("q1"),
            },
            7 => match run.requests.keys().next_back() {
                Some(request) => expire(request.as_str()),
                None => expire("q1"),
            },
            8 if *n < 20 => conclude(),
            9 => lose(),
            10..=12 => claim(),
            13 | 14 => work(Work::Wait {
                mode: if *n < 80 {
                    WaitMode::Held
                } else {
                    WaitMode::Parked
                },
                due_at: (*n > 200).then(|| self.story.now.plus_ms(u64::from(*n))),
            }),
            15 if *n < 60 => work(Work::Finish(Outcome::completed())),
            15 if *n < 80 => work(Work::Finish(Outcome::failed(
                Reason::Error,
                ErrorInfo::new("x", "y"),
            ))),
            16 => work(Work::End {
                end: [AttemptEnd::HandedOver, AttemptEnd::Lost, AttemptEnd::Parked]
                    [usize::from(n % 3)],
                why: "going".to_owned(),
            }),
            17 => match run.inputs.first() {
                Some(pending) => work(Work::Consume {
                    input: pending.input.clone(),
                    turn: TurnId::nth(1),
                }),
                None => consume(fence.0, 1),
            },
            18 => work(Work::Append(vec![begin(
                "message.started",
                "message",
                run.n_messages,
                json!({"role": "assistant"}),
            )])),
            19 => work(Work::Append(vec![begin(
                "tool.started",
                "call",
                run.n_calls,
                json!({"name": "n", "kind": "other", "idempotent": *n > 99}),
            )])),
            20 => work(Work::Append(vec![begin(
                "approval.requested",
                "request",
                run.n_requests,
                json!({"kind": "x", "title": "y", "options": Decision::ALL, "expires_at": (*n > 99).then(|| self.story.now.plus_ms(30))}),
            )])),
            21 => match run.calls.keys().next() {
                Some(call) => work(Work::Append(vec![super::story::event(
                    "tool.running",
                    &json!({"call": call, "try": 1, "run": child(*n)}),
                )])),
                None => claim(),
            },
            22 => match run.calls.iter().next_back() {
                Some((call, open)) => Command::ChildEnded {
                    call: call.clone(),
                    run: open.run.unwrap_or(child(*n)),
                    status: ToolStatus::Ok,
                    result: json!(n),
                    usage: Usage::default(),
                },
                None => claim(),
            },
            _ => work(Work::Append(vec![event.clone()])),
        }
    }

    fn act(&mut self, one: &Move) {
        self.story.now = self.story.now.plus_ms(u64::from(one.n % 16));
        let before = self.story.run.clone();
        let command = self.command(one);
        let result = self.story.tell(command.clone());
        let after = &self.story.run;

        assert!(after.fence >= before.fence);
        if let Command::Work(fence, _) = command
            && (fence != before.fence || !before.is_held())
        {
            assert!(result.is_err(), "{command:?} was accepted");
        }
        let Ok(events) = result else {
            assert_eq!(*after, before);
            return;
        };
        if before.is_final() {
            assert!(events.is_empty(), "{events:?} after the end");
        }
        let moves_fence = |event: &&Event| {
            matches!(
                event,
                Event::AttemptStarted(_) | Event::AttemptEnded(_) | Event::RunFinished(_)
            )
        };
        let n_moves = events.iter().filter(moves_fence).count() as u64;
        assert_eq!(after.fence.0, before.fence.0 + n_moves);
        if let Some(Event::AttemptStarted(_)) = events.first() {
            self.fences.push(after.fence);
        }
        check(after);
    }
}

/// One of a few runs of other agents.
fn child(n: u8) -> RunId {
    RunId::new(Timestamp::from_ms(1), [n % 3; 10])
}

/// What holds between any two commands.
fn check(run: &Run) {
    let text = serde_json::to_string(run).unwrap();
    assert_eq!(serde_json::from_str::<Run>(&text).unwrap(), *run);
    assert!(text.len() < 16 * 1024);
    if run.is_final() {
        assert!(run.is_closed(), "open after the end: {run:?}");
    }
    // A wait is for something.
    if let State::Waiting {
        mode,
        requests,
        calls,
        due_at,
    } = &run.state
    {
        assert!(!requests.is_empty() || !calls.is_empty() || due_at.is_some());
        let elsewhere: Vec<_> = run.performed_elsewhere().cloned().collect();
        let open: Vec<_> = run.requests.keys().cloned().collect();
        match mode {
            WaitMode::Parked => assert_eq!((requests, calls), (&open, &elsewhere)),
            WaitMode::Held => {
                assert!(requests.iter().all(|request| open.contains(request)));
                assert!(calls.iter().all(|call| elsewhere.contains(call)));
            }
        }
    }
}

/// What holds of the whole log.
fn check_log(story: &Story) {
    let mut run = Run::new();
    for (n, envelope) in story.log.iter().enumerate() {
        assert_eq!(envelope.seq, Seq(n as u64 + 1));
        assert!(!run.is_final(), "{envelope:?} after the end");
        run.apply(envelope);
    }
    assert_eq!(run, story.run);
}

/// Does what has to happen, without any worker, until nothing has to.
fn leave_alone(story: &mut Story) -> Step {
    for _ in 0..500 {
        let step = story.run.next_step(&story.policy, story.now, Holder::Gone);
        let command = match step {
            Step::Nothing | Step::Wait => return step,
            Step::Claim => claim(),
            Step::Lose => lose(),
            Step::Expire(request) => expire(request.as_str()),
            Step::Conclude(outcome) => Command::Conclude(outcome),
            Step::SleepUntil(time) => {
                assert!(time > story.now);
                story.now = time;
                continue;
            }
        };
        assert!(!story.tell(command).unwrap().is_empty());
        check(&story.run);
    }
    panic!("never at rest: {:?}", story.run);
}

proptest! {
    #![proptest_config(config(600))]

    #[test]
    fn a_run_keeps_its_promises_whoever_acts(policy in policy(), moves in moves()) {
        let mut actors = Actors { story: Story::of(policy), fences: vec![] };
        for one in &moves {
            actors.act(one);
        }
        check_log(&actors.story);

        let mut story = actors.story;
        match leave_alone(&mut story) {
            Step::Nothing => prop_assert!(story.run.is_final()),
            _ => prop_assert!(!story.run.requests.is_empty(), "{:?}", story.run),
        }
        check_log(&story);
    }
}
