//! What can only be tried from inside: faults and bugs in the middle of a commit, and what the writer has in memory.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use run::event::{MessageStarted, TextDelta};
use run::{
    AgentSpec, AppendNo, Event, Fence, Input, MessageId, NodeId, Outcome, Role, RunId, ScriptStep,
    Seq, ThreadId, Timestamp, Work, WorkerId, frame,
};

use super::core::Operation;
use super::fault::Fault;
use super::store::Sqlite;
use super::txn::Txn;
use crate::{Append, Claim, Health, OnConflict, Options, Ready, Scope, Start, Unavailable};

const BEGIN_MS: i64 = 1_795_168_800_000;

/// A store with a clock, and one worker.
struct World {
    store: Sqlite,
    now_ms: Arc<AtomicI64>,
    n_runs: u64,
    _dir: tempfile::TempDir,
}

impl World {
    async fn open() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let now_ms = Arc::new(AtomicI64::new(BEGIN_MS));
        let reads = Arc::clone(&now_ms);
        let options = Options {
            clock: Arc::new(move || Timestamp::from_ms(reads.load(Ordering::SeqCst))),
            wal_bytes: 0,
            compact_after_ms: None,
            ..Options::default()
        };
        let path = dir.path().join("test.db");
        let store = Sqlite::open(&path, options).await.unwrap();
        let node = NodeId::parse("n1").unwrap();
        let hour = 3_600_000;
        store.register(&worker(), &node, hour).await.unwrap();
        Self {
            store,
            now_ms,
            n_runs: 0,
            _dir: dir,
        }
    }

    fn start(&mut self, thread: &str, agent: &str) -> Start {
        self.n_runs += 1;
        let mut random = [0; 10];
        random[2..].copy_from_slice(&self.n_runs.to_be_bytes());
        Start {
            on_conflict: OnConflict::Enqueue,
            ..Start::new(
                RunId::new(Timestamp::from_ms(BEGIN_MS), random),
                Scope::local(),
                ThreadId::parse(thread).unwrap(),
                agent.to_owned(),
                AgentSpec::scripted(vec![ScriptStep::default()]),
                Input::text("hello"),
            )
        }
    }

    /// Starts a run and claims it.
    async fn attempt(&mut self, thread: &str) -> (RunId, Fence) {
        let start = self.start(thread, "demo");
        let run = start.run;
        self.store.start(start).await.unwrap();
        let claim = Claim {
            worker: worker(),
            max: 1,
        };
        let claimed = self.store.claim(claim).await.unwrap();
        assert_eq!(claimed[0].run.id, run);
        (run, claimed[0].fence)
    }

    async fn append(&self, (run, fence): (RunId, Fence), no: u64) -> Result<Seq, Unavailable> {
        let message = MessageId::nth(1);
        let event: Event = if no == 1 {
            let role = Role::Assistant;
            MessageStarted { message, role }.into()
        } else {
            let text = format!("{no} {}", "x".repeat(100));
            TextDelta {
                message,
                part: 0,
                text,
            }
            .into()
        };
        let append = Append {
            run,
            fence,
            append_no: AppendNo(no),
            events: vec![event],
        };
        match self.store.append(append).await {
            Ok(appended) => Ok(appended.last),
            Err(crate::WorkError::Unavailable(why)) => Err(why),
            Err(other) => panic!("{other}"),
        }
    }

    async fn finish(&self, (run, fence): (RunId, Fence)) {
        let done = Work::Finish(Outcome::completed());
        self.store.work(run, fence, done).await.unwrap();
    }
}

fn worker() -> WorkerId {
    WorkerId::parse("w1").unwrap()
}

/// Starts a run and then does not go well.
struct Breaks {
    start: Start,
    panics: bool,
}

impl Operation for Breaks {
    type Output = ();

    fn perform(self, txn: &mut Txn<'_>) -> Result<(), Fault> {
        let started = super::StartOp(self.start).perform(txn)?;
        assert!(started.is_ok());
        assert!(!self.panics, "a bug in an operation");
        Err(Fault(rusqlite::Error::InvalidQuery))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_breaks_leaves_no_trace_and_the_store_goes_on() {
    let mut world = World::open().await;
    let attempt = world.attempt("t").await;
    let scope = Scope::local();
    let mut follower = world
        .store
        .follow(&scope, attempt.0, Seq::ZERO)
        .await
        .unwrap();
    let mut seen = Vec::new();
    for no in 1..=40 {
        let panics = no % 2 == 0;
        let start = world.start(&format!("broken{no}"), "broken");
        let broken = start.run;
        // Both may be in one commit or not: an append that failed is repeated.
        let (broke, appended) = tokio::join!(
            world.store.submit(Breaks { start, panics }),
            world.append(attempt, no)
        );
        assert_eq!(
            broke.unwrap_err().code,
            if panics { "internal" } else { "io" }
        );
        if appended.is_err() {
            world.append(attempt, no).await.unwrap();
        }
        let unknown = world.store.run(&scope, broken).await;
        assert_eq!(unknown.err(), Some(crate::ReadError::Unknown));
        if no % 3 == 0 {
            seen.extend_from_slice(&follower.next().await.unwrap().unwrap());
        }
    }
    world.finish(attempt).await;
    while let Some(frames) = follower.next().await.unwrap() {
        seen.extend_from_slice(&frames);
    }
    let numbers: Vec<u64> = frame::split(&seen)
        .map(|frame| frame::seq(frame).unwrap().0)
        .collect();
    assert_eq!(numbers, (1..=44).collect::<Vec<_>>());
    assert_eq!(*world.store.health().borrow(), Health::Ok);
    let tails = world.store.inner.shared.tails.runs();
    assert!(
        tails.len() <= 1,
        "nothing is left of what never was: {tails:?}"
    );
    world.store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_commit_comes_back_to_health_by_itself() {
    let mut world = World::open().await;
    let start = world.start("t", "demo");
    let mut health = world.store.health();
    let broke = world.store.submit(Breaks {
        start,
        panics: true,
    });
    assert!(broke.await.is_err());
    let recovered = health.wait_for(|health| *health == Health::Ok);
    tokio::time::timeout(Duration::from_secs(10), recovered)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(world.store.counts().await.unwrap().queued, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_that_panics_takes_no_reader_away() {
    let world = World::open().await;
    for _ in 0..10 {
        let broke: Result<(), Unavailable> = world
            .store
            .readers()
            .read(|_| panic!("a bug in a read"))
            .await;
        assert_eq!(broke.unwrap_err().code, "internal");
    }
    assert!(world.store.counts().await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn runs_that_ended_are_forgotten_although_the_store_is_never_idle() {
    let mut world = World::open().await;
    let busy = world.attempt("busy").await;
    let scope = Scope::local();
    let mut followed = None;
    let mut no = 0;
    for n in 0..100 {
        let attempt = world.attempt(&format!("t{n}")).await;
        if n == 50 {
            followed = Some(
                world
                    .store
                    .follow(&scope, attempt.0, Seq::ZERO)
                    .await
                    .unwrap(),
            );
        }
        world.finish(attempt).await;
        no += 1;
        world.append(busy, no).await.unwrap();
    }
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        // Busy all the time, so that there is never a pause in which to clear up.
        no += 1;
        world.append(busy, no).await.unwrap();
        if world.store.inner.shared.tails.runs().len() == 2 {
            break;
        }
        assert!(Instant::now() < deadline, "ended runs stay in memory");
    }
    drop(followed);
    loop {
        no += 1;
        world.append(busy, no).await.unwrap();
        if world.store.inner.shared.tails.runs() == [busy.0] {
            break;
        }
        assert!(
            Instant::now() < deadline,
            "a run stays when its follower left"
        );
    }
}

#[tokio::test]
async fn runs_that_only_wait_are_forgotten_when_their_events_are_old() {
    let mut world = World::open().await;
    for n in 0..20 {
        let start = world.start(&format!("t{n}"), "demo");
        world.store.start(start).await.unwrap();
    }
    let tails = &world.store.inner.shared.tails;
    assert_eq!(tails.runs().len(), 20);
    world.now_ms.fetch_add(3_000, Ordering::SeqCst);
    let deadline = Instant::now() + Duration::from_secs(10);
    while !tails.runs().is_empty() {
        assert!(Instant::now() < deadline, "waiting runs stay in memory");
        tokio::task::yield_now().await;
    }
}

/// Compares what the writer counts with what the rows say.
struct Compare;

/// Runs that workers have by agent, and queued runs.
type Counted = (HashMap<String, u32>, u32);

impl Operation for Compare {
    type Output = (Counted, Counted);

    fn perform(self, txn: &mut Txn<'_>) -> Result<(Counted, Counted), Fault> {
        let held = txn.state.held.iter();
        let held = held
            .filter(|(_, n)| **n > 0)
            .map(|((_, agent), n)| (agent.clone(), *n));
        let queued = txn.state.queued.values().sum();
        let memory = (held.collect(), queued);
        let mut rows = txn
            .connection
            .prepare("SELECT agent, count(*) FROM run WHERE worker IS NOT NULL GROUP BY agent")?;
        let held = rows
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        let queued = txn.connection.query_row(
            "SELECT count(*) FROM run WHERE status = 'queued'",
            [],
            |row| row.get(0),
        )?;
        Ok((memory, (held, queued)))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_writer_counts_is_what_the_rows_say() {
    let mut world = World::open().await;
    // A small generator of numbers, so that a failure comes again.
    let mut random: u32 = 1;
    let mut next = |max: u32| {
        random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (random >> 16) % max
    };
    let mut attempts: Vec<(RunId, Fence)> = Vec::new();
    let scope = Scope::local();
    for round in 0..400 {
        match next(8) {
            0..=2 => {
                let mut start = world.start(&format!("t{}", next(20)), &format!("a{}", next(3)));
                start.spec.concurrency = Some(4);
                let started = world.store.start(start).await.unwrap();
                if next(4) == 0 {
                    let mut start = world.start(started.run.thread.as_str(), "a0");
                    start.on_conflict = OnConflict::Supersede(started.run.id);
                    let _ = world.store.start(start).await;
                }
            }
            3 | 4 => {
                let claim = Claim {
                    worker: worker(),
                    max: 3,
                };
                let claimed = world.store.claim(claim).await.unwrap();
                attempts.extend(
                    claimed
                        .iter()
                        .map(|claimed| (claimed.run.id, claimed.fence)),
                );
            }
            5 if !attempts.is_empty() => {
                let at = next(u32::try_from(attempts.len()).unwrap());
                let (run, fence) = attempts.swap_remove(usize::try_from(at).unwrap());
                let end = run::event::AttemptEnd::Lost;
                let why = "test".to_owned();
                let work = match next(3) {
                    0 => Work::End { end, why },
                    1 => Work::Wait {
                        mode: run::WaitMode::Parked,
                        due_at: Some(Timestamp::from_ms(BEGIN_MS + 5_000)),
                    },
                    _ => Work::Finish(Outcome::completed()),
                };
                let _ = world.store.work(run, fence, work).await;
            }
            6 => {
                world.now_ms.fetch_add(1_000, Ordering::SeqCst);
                world.store.sweep().await.unwrap();
            }
            7 => {
                let start = world.start("broken", "a1");
                let panics = next(2) == 0;
                let _ = world.store.submit(Breaks { start, panics }).await;
                let runs = crate::RunFilter::default();
                let page = world.store.runs(&scope, runs, None, 200).await.unwrap();
                if let Some(run) = page.entries.get(usize::try_from(next(30)).unwrap()) {
                    let _ = world.store.delete_run(&scope, run.id).await;
                    let stop = run::Command::Conclude(Outcome::aborted(run::Reason::Stopped));
                    let _ = world.store.command(&scope, run.id, stop).await;
                }
            }
            _ => {}
        }
        let (memory, rows) = world.store.submit(Compare).await.unwrap();
        assert_eq!(memory, rows, "round {round}");
    }
    assert!(world.n_runs > 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_would_be_very_large_is_several() {
    let mut world = World::open().await;
    let mut attempts = Vec::new();
    for n in 0..40 {
        attempts.push(world.attempt(&format!("t{n}")).await);
    }
    let large = "x".repeat(900 * 1024);
    let appends = attempts.iter().map(|(run, fence)| {
        let event = run::event::Custom {
            name: "large".into(),
            value: large.clone().into(),
        };
        world.store.append(Append {
            run: *run,
            fence: *fence,
            append_no: AppendNo(1),
            events: vec![event.into()],
        })
    });
    let answers = futures_util::future::join_all(appends).await;
    assert!(answers.iter().all(Result::is_ok));
    let largest: i64 = world
        .store
        .readers()
        .read(|connection| {
            let sql = "SELECT max(length(bytes)) FROM journal";
            connection.query_row(sql, [], |row| row.get(0))
        })
        .await
        .unwrap();
    let bound = i64::try_from(crate::COMMIT_BYTES + 1024 * 1024).unwrap();
    assert!(largest <= bound, "{largest}");
    let scope = Scope::local();
    let mut follower = world
        .store
        .follow(&scope, attempts[0].0, Seq(2))
        .await
        .unwrap();
    assert!(matches!(follower.ready().await, Ok(Ready::Frames(_))));
}

/// What is asked often must not read all the runs that there ever were.
#[tokio::test]
async fn no_query_of_the_writer_or_of_lists_reads_all_runs() {
    let world = World::open().await;
    let plans = world.store.readers().read(|connection| {
        let mut scans = Vec::new();
        for sql in [
            "SELECT tenant, agent, count(*) FROM run INDEXED BY run_held WHERE worker IS NOT NULL GROUP BY tenant, agent",
            "SELECT key FROM run WHERE worker IS NOT NULL",
            "SELECT tenant, count(*) FROM run WHERE finished_at IS NULL AND status = 'queued' GROUP BY tenant",
            "SELECT id FROM run WHERE worker IS NOT NULL AND worker NOT IN (SELECT id FROM worker WHERE until > ?1) LIMIT ?2",
            "SELECT id FROM run WHERE next_at <= ?1 ORDER BY next_at LIMIT ?2",
            "SELECT tenant, agent FROM run WHERE due_at IS NOT NULL AND (tenant, agent) > (?1, ?2) ORDER BY tenant, agent LIMIT 1",
            "SELECT id FROM run WHERE thread = ?1 AND line IS NOT NULL ORDER BY line LIMIT 1",
            "SELECT key FROM run WHERE +tenant = ?1 AND thread = (SELECT key FROM thread WHERE tenant = ?1 AND id = ?2) ORDER BY key DESC",
            "SELECT key FROM run INDEXED BY run_open WHERE tenant = ?1 AND finished_at IS NULL AND status IN (SELECT value FROM json_each(?2)) ORDER BY key DESC",
        ] {
            let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
            let unbound = vec![rusqlite::types::Null; plan.parameter_count()];
            let steps = plan.query_map(rusqlite::params_from_iter(unbound), |row| row.get(3))?;
            for step in steps.collect::<Result<Vec<String>, _>>()? {
                // A scan of an index of open or held runs reads only those.
                let is_small = step.contains("run_open") || step.contains("run_held");
                if step.starts_with("SCAN run") && !is_small {
                    scans.push(format!("{sql}: {step}"));
                }
                assert!(!step.contains("run_of_tenant"), "{sql}: {step}");
            }
        }
        Ok(scans)
    });
    assert_eq!(plans.await.unwrap(), Vec::<String>::new());
}
