//! What a worker would do, done by a test.

use run::event::{
    ApprovalRequested, Decision, Event, MessageCompleted, MessageStarted, TextDelta, TurnStarted,
};
use run::{
    AppendNo, Fence, MessageId, NodeId, Outcome, Part, RequestId, Role, RunId, Timestamp, TurnId,
    WaitMode, Work, WorkerId,
};
use store::{Append, Claim, Store};

use crate::server::PATIENCE;

/// An attempt under way.
pub(crate) struct Attempt {
    store: Store,
    pub(crate) run: RunId,
    fence: Fence,
    append_no: u64,
}

impl Attempt {
    /// Takes up one run that is due.
    pub(crate) async fn claim(store: &Store) -> Self {
        let worker = WorkerId::parse("w1").unwrap();
        let node = NodeId::parse("n1").unwrap();
        store.register(&worker, &node, 60_000).await.unwrap();
        let mut due = store.due();
        let claimed = tokio::time::timeout(PATIENCE, async {
            loop {
                due.mark_unchanged();
                let claim = Claim {
                    worker: worker.clone(),
                    max: 1,
                };
                if let Some(claimed) = store.claim(claim).await.unwrap().pop() {
                    return claimed;
                }
                due.changed().await.unwrap();
            }
        });
        let claimed = claimed.await.expect("no run is due");
        Self {
            store: store.clone(),
            run: claimed.run.id,
            fence: claimed.fence,
            append_no: 0,
        }
    }

    pub(crate) async fn append(&mut self, events: Vec<Event>) {
        self.append_no += 1;
        self.store
            .append(Append {
                run: self.run,
                fence: self.fence,
                append_no: AppendNo(self.append_no),
                events,
            })
            .await
            .unwrap();
    }

    /// Begins the first turn and its message.
    pub(crate) async fn begin(&mut self) {
        self.append(vec![
            TurnStarted {
                turn: TurnId::nth(1),
                input: None,
                model: None,
            }
            .into(),
            MessageStarted {
                message: MessageId::nth(1),
                role: Role::Assistant,
            }
            .into(),
        ])
        .await;
    }

    pub(crate) async fn say(&mut self, text: &str) {
        self.append(vec![
            TextDelta {
                message: MessageId::nth(1),
                part: 0,
                text: text.to_owned(),
            }
            .into(),
        ])
        .await;
    }

    pub(crate) async fn complete(&mut self, text: &str) {
        self.append(vec![
            MessageCompleted {
                message: MessageId::nth(1),
                parts: Some(vec![Part::text(text)]),
                interrupted: false,
            }
            .into(),
        ])
        .await;
    }

    /// Asks for an approval and lets go of the run.
    pub(crate) async fn ask(&mut self, request: &RequestId, expires_at: Option<Timestamp>) {
        self.append(vec![
            ApprovalRequested {
                request: request.clone(),
                kind: "command".to_owned(),
                title: "Delete it?".to_owned(),
                detail: serde_json::Value::Null,
                options: vec![Decision::Allow, Decision::Deny],
                call: None,
                expires_at,
                grants: None,
            }
            .into(),
        ])
        .await;
        self.work(Work::Wait {
            mode: WaitMode::Parked,
            due_at: None,
        })
        .await;
    }

    pub(crate) async fn finish(&mut self) {
        self.work(Work::Finish(Outcome::completed())).await;
    }

    pub(crate) async fn work(&mut self, work: Work) {
        self.store.work(self.run, self.fence, work).await.unwrap();
    }
}

/// Performs one run from its start to its end.
pub(crate) async fn perform(store: &Store) -> RunId {
    let mut attempt = Attempt::claim(store).await;
    attempt.begin().await;
    attempt.say("Hello").await;
    attempt.complete("Hello").await;
    attempt.finish().await;
    attempt.run
}
