//! What all measurements on a store share: a fresh store, open runs, and events of the size that is quoted.

use std::path::Path;
use std::time::Duration;

use run::event::{MessageStarted, TextDelta};
use run::{
    AgentSpec, AppendNo, Event, Fence, Input, MessageId, NodeId, Outcome, Role, RunId, ScriptStep,
    ThreadId, Timestamp, Trigger, Work, WorkerId,
};
use store::{Append, Claim, Location, OnConflict, Options, Scope, Start, Store};

/// Options of a measured store: as a server has them, but without upkeep in between.
pub(crate) fn options() -> Options {
    Options {
        queued_runs: 1_000_000,
        compact_after_ms: None,
        ..Options::default()
    }
}

pub(crate) async fn open(dir: &Path, options: Options) -> anyhow::Result<Store> {
    Ok(Store::open(&Location::Sqlite(dir.join("bench.db")), options).await?)
}

/// The start of the `n`-th run, on a thread of its own.
pub(crate) fn start(n: u32) -> Start {
    let mut random = [0; 10];
    random[..4].copy_from_slice(&n.to_be_bytes());
    Start {
        run: RunId::new(Timestamp::from_ms(1_795_168_800_000 + i64::from(n)), random),
        scope: Scope::local(),
        thread: ThreadId::parse(format!("bench-{n}")).expect("a short name"),
        agent: "bench".to_owned(),
        spec: AgentSpec::scripted(vec![ScriptStep {
            text: Some("x".to_owned()),
            ..ScriptStep::default()
        }]),
        input: Input::text("measure"),
        on_conflict: OnConflict::Reject,
        trigger: Trigger::Api,
        refines: None,
        client: serde_json::Map::new(),
        metadata: serde_json::Map::new(),
        idempotency: None,
        parent: None,
        credentials: None,
        retries: None,
        segment: None,
    }
}

pub(crate) fn worker() -> WorkerId {
    WorkerId::parse("bench").expect("a short name")
}

pub(crate) fn node() -> NodeId {
    NodeId::parse("bench").expect("a short name")
}

/// A run that a measurement writes to.
#[derive(Clone, Copy)]
pub(crate) struct Writing {
    pub(crate) run: RunId,
    pub(crate) fence: Fence,
    pub(crate) next: u64,
}

impl Writing {
    /// Its next append.
    pub(crate) fn append(&mut self, events: Vec<Event>) -> Append {
        self.next += 1;
        Append {
            run: self.run,
            fence: self.fence,
            append_no: AppendNo(self.next),
            events,
        }
    }
}

/// A delta whose data is about 95 bytes of JSON.
pub(crate) fn delta() -> Event {
    text("the quick brown fox jumps over the lazy dog again ")
}

pub(crate) fn text(text: &str) -> Event {
    TextDelta {
        message: MessageId::nth(1),
        part: 0,
        text: text.to_owned(),
    }
    .into()
}

pub(crate) fn opening() -> Event {
    MessageStarted {
        message: MessageId::nth(1),
        role: Role::Assistant,
    }
    .into()
}

/// Starts and claims `n` runs, each with an open message.
pub(crate) async fn runs(store: &Store, from: u32, n: u32) -> anyhow::Result<Vec<Writing>> {
    let tasks: Vec<_> = (from..from + n)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move { store.start(start(n)).await })
        })
        .collect();
    for task in tasks {
        task.await??;
    }
    store.register(&worker(), &node(), 3_600_000).await?;
    let mut writing = Vec::new();
    while writing.len() < n as usize {
        for claimed in store
            .claim(Claim {
                worker: worker(),
                max: 256,
            })
            .await?
        {
            writing.push(Writing {
                run: claimed.run.id,
                fence: claimed.fence,
                next: 0,
            });
        }
    }
    for one in &mut writing {
        let append = one.append(vec![opening()]);
        store.append(append).await?;
    }
    Ok(writing)
}

pub(crate) async fn finish(store: &Store, writing: &[Writing]) -> anyhow::Result<()> {
    for one in writing {
        store
            .work(one.run, one.fence, Work::Finish(Outcome::completed()))
            .await?;
    }
    Ok(())
}

/// How many events are due after a time at a rate.
pub(crate) fn due(elapsed: Duration, per_second: u64) -> u64 {
    u64::try_from(elapsed.as_micros() * u128::from(per_second) / 1_000_000).unwrap_or(u64::MAX)
}
