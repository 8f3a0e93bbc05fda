//! What every backend must do. A backend names two functions, one that makes a fresh store and one that opens the same
//! again; every test below runs on it unchanged.

use std::sync::atomic::{AtomicU8, Ordering};

use run::event::{MessageStarted, TextDelta};
use run::{
    AgentSpec, AppendNo, Event, Input, MessageId, NodeId, Outcome, Role, RunId, ScriptStep, Seq,
    ThreadId, Timestamp, Trigger, Work, WorkerId, frame,
};
use store::{Append, Claim, Claimed, OnConflict, Scope, Start, Store};

macro_rules! suite {
    ($fresh:path, $open:path) => {
        #[tokio::test]
        async fn what_is_appended_is_read_and_followed_to_the_end() {
            let fresh = $fresh().await;
            crate::conformance::what_is_appended_is_read_and_followed_to_the_end(&fresh.store)
                .await;
            fresh.store.close().await;
            let store = $open(&fresh.dir).await;
            crate::conformance::reads_the_same_after_reopening(&store).await;
        }
    };
}
pub(crate) use suite;

pub(crate) fn start(thread: &str, on_conflict: OnConflict) -> Start {
    static N: AtomicU8 = AtomicU8::new(0);
    let n = N.fetch_add(1, Ordering::Relaxed);
    Start {
        run: RunId::new(
            Timestamp::from_ms(1_795_168_800_000 + i64::from(n)),
            [n; 10],
        ),
        scope: Scope::local(),
        thread: ThreadId::parse(thread).unwrap(),
        agent: "demo".into(),
        spec: AgentSpec::scripted(vec![ScriptStep {
            text: Some("hi".into()),
            ..ScriptStep::default()
        }]),
        input: Input::text("hello"),
        on_conflict,
        trigger: Trigger::Api,
        refines: None,
        client: serde_json::Map::new(),
        metadata: serde_json::Map::new(),
        idempotency: None,
    }
}

pub(crate) async fn claim(store: &Store, max: usize) -> Vec<Claimed> {
    let worker = WorkerId::parse("w1").unwrap();
    store
        .register(&worker, &NodeId::parse("n1").unwrap(), 5_000)
        .await
        .unwrap();
    store.claim(Claim { worker, max }).await.unwrap()
}

pub(crate) async fn what_is_appended_is_read_and_followed_to_the_end(store: &Store) {
    let scope = Scope::local();
    let started = store.start(start("t", OnConflict::Reject)).await.unwrap();
    let id = started.run.id;
    let mut follower = store.follow(&scope, id, Seq::ZERO).await.unwrap();
    let claimed = claim(store, 10).await;
    assert_eq!(claimed.len(), 1);
    let fence = claimed[0].fence;
    let message = MessageId::nth(1);
    for n in 1..200_u64 {
        let text = format!("word{n} ");
        let event: Event = if n == 1 {
            MessageStarted {
                message: message.clone(),
                role: Role::Assistant,
            }
            .into()
        } else {
            TextDelta {
                message: message.clone(),
                part: 0,
                text,
            }
            .into()
        };
        let append = Append {
            run: id,
            fence,
            append_no: AppendNo(n),
            events: vec![event],
        };
        let first = store.append(append.clone()).await.unwrap();
        let again = store.append(append).await.unwrap();
        assert_eq!(
            (again.first, again.last),
            (first.first, first.last),
            "a repeat answers the first"
        );
    }
    store
        .work(id, fence, Work::Finish(Outcome::completed()))
        .await
        .unwrap();
    let mut seen = Vec::new();
    while let Some(frames) = follower.next().await.unwrap() {
        seen.extend_from_slice(&frames);
    }
    let numbers: Vec<u64> = frame::split(&seen)
        .map(|frame| frame::seq(frame).unwrap().0)
        .collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
    let page = store.events(&scope, id, Seq::ZERO, 10_000).await.unwrap();
    assert_eq!(page.frames, seen);
    assert!(page.is_final);
}

pub(crate) async fn reads_the_same_after_reopening(store: &Store) {
    let scope = Scope::local();
    let runs = store
        .runs(&scope, store::RunFilter::default(), None, 10)
        .await
        .unwrap();
    assert_eq!(runs.entries.len(), 1);
    let page = store
        .events(&scope, runs.entries[0].id, Seq::ZERO, 10_000)
        .await
        .unwrap();
    assert_eq!(page.next, runs.entries[0].control.last_seq);
    assert!(page.is_final);
    let snapshot = store.snapshot(&scope, runs.entries[0].id).await.unwrap();
    assert_eq!(snapshot.last_seq, page.next);
}
