//! Drivers that do not behave.

use run::event::{MessageStarted, TextDelta, ToolRunning};
use run::{CallId, MessageId, Outcome, Role, Status};
use worker::{Context, Driver, Ending};

use crate::house::{House, outcome, script};

/// What a faulty driver does in its first attempt; in the next one it is done at once.
#[derive(Clone, Copy)]
enum Fault {
    Panics,
    GivesUp,
    WritesNonsense,
    NeverEnds,
}

struct Faulty(Fault);

impl Driver for Faulty {
    async fn perform(&self, context: Context) -> Ending {
        if context.resumes() {
            return Ending::Finished(Outcome::completed());
        }
        let message = MessageId::nth(1);
        let started = MessageStarted {
            message: message.clone(),
            role: Role::Assistant,
        };
        let text = TextDelta {
            message,
            part: 0,
            text: "so far".into(),
        };
        let said = vec![started.into(), text.into()];
        if context.emit_durable(said).await.is_err() {
            return Ending::Cancelled;
        }
        match self.0 {
            Fault::Panics => panic!("a bug"),
            Fault::GivesUp => Ending::Cancelled,
            Fault::WritesNonsense => {
                let nonsense = ToolRunning {
                    call: CallId::nth(7),
                    n_try: 1,
                    run: None,
                };
                let heard = context.emit_durable(vec![nonsense.into()]).await;
                assert!(heard.is_err());
                Ending::Finished(Outcome::completed())
            }
            // Deaf to everything.
            Fault::NeverEnds => std::future::pending().await,
        }
    }
}

#[tokio::test]
async fn a_panic_loses_the_attempt_at_once() {
    let mut house = House::new().await;
    let run = house.start(script(r#"[{"text":"x"}]"#)).await;
    let settings = house.settings();
    let worker = house.hire_as(settings, Faulty(Fault::Panics));
    let (control, text) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
    assert_eq!((control.attempt, &*text), (2, "so far"));
    let events = house.events(run).await;
    let why = events.iter().find_map(|e| match &e.event {
        run::Event::AttemptEnded(ended) => Some(ended.why.clone()),
        _ => None,
    });
    assert_eq!(why.as_deref(), Some("the driver panicked: a bug"));
    worker.leave().await;
}

#[tokio::test]
async fn a_driver_that_gives_up_loses_the_attempt() {
    let mut house = House::new().await;
    let run = house.start(script(r#"[{"text":"x"}]"#)).await;
    let settings = house.settings();
    let worker = house.hire_as(settings, Faulty(Fault::GivesUp));
    let (control, _) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
    assert_eq!(control.attempt, 2);
    worker.leave().await;
}

#[tokio::test]
async fn a_driver_that_writes_nonsense_fails_the_run() {
    let mut house = House::new().await;
    let run = house.start(script(r#"[{"text":"x"}]"#)).await;
    let settings = house.settings();
    let worker = house.hire_as(settings, Faulty(Fault::WritesNonsense));
    let (control, text) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Failed, "error"));
    assert_eq!((control.attempt, &*text), (1, "so far"));
    worker.leave().await;
}

#[tokio::test]
async fn a_driver_that_does_not_hear_a_stop_is_ended() {
    let mut house = House::new().await;
    let mut spec = script(r#"[{"text":"x"}]"#);
    spec.stop_timeout_ms = 500;
    let run = house.start(spec).await;
    let settings = house.settings();
    let worker = house.hire_as(settings, Faulty(Fault::NeverEnds));
    house
        .until(run, "under way", |run| run.n_messages == 1)
        .await;
    house.stop(run).await;
    let (control, text) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Aborted, "stopped"));
    assert_eq!((control.is_closed(), &*text), (true, "so far"));
    worker.leave().await;
}
