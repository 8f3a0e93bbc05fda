//! What only the embedded store promises: about its file, its copies and its upkeep.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use run::{Command, Outcome, Reason, RunId, Seq, State, WaitMode, Work, frame};
use rusqlite::Connection;
use store::sqlite::{doctor, restore};
use store::{Location, OnConflict, OpenError, Options, RunFilter, Scope, Store};

use crate::conformance::{Attempt, World, numbers, start};
use crate::embedded::place;

pub(crate) fn path_of(world: &World) -> PathBuf {
    let Location::Sqlite(path) = &world.place.location;
    path.clone()
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// What a kill leaves on the disk.
fn copy_of(path: &Path, to: &Path) -> PathBuf {
    let copy = to.join("copy.db");
    for suffix in ["", "-wal", "-lock"] {
        let from = beside(path, suffix);
        if from.exists() {
            std::fs::copy(from, beside(&copy, suffix)).unwrap();
        }
    }
    copy
}

async fn open(path: &Path) -> Store {
    let options = Options {
        compact_after_ms: None,
        ..Options::default()
    };
    Store::open(&Location::Sqlite(path.to_owned()), options)
        .await
        .unwrap()
}

async fn log_of(store: &Store, run: RunId) -> Vec<u8> {
    let mut follower = store.follow(&Scope::local(), run, Seq::ZERO).await.unwrap();
    let mut log = Vec::new();
    while let store::Ready::Frames(frames) = follower.ready().await.unwrap() {
        log.extend_from_slice(&frames);
    }
    log
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_there_after_a_kill_at_any_time() {
    let world = World::with(place(), |options| options.wal_bytes = 256 * 1024).await;
    let path = path_of(&world);
    let mut attempts = Vec::new();
    for n in 0..4 {
        attempts.push(world.attempt(&format!("t{n}")).await);
    }
    let dir = tempfile::tempdir().unwrap();
    for round in 0..30_usize {
        for (n, attempt) in attempts.iter_mut().enumerate() {
            if (round + n) % 3 > 0 {
                attempt
                    .say(&world, &format!("{round} {}", "x".repeat(round * 20)))
                    .await;
            }
        }
        if round % 7 == 6 {
            // Fold by age, and one that ends.
            world.advance(3_000);
            let ended = attempts.remove(0);
            ended.finish(&world).await;
            world.worker("w1").await;
            attempts.push(world.attempt(&format!("r{round}")).await);
        }
        let copy = copy_of(&path, dir.path());
        let store = open(&copy).await;
        let scope = Scope::local();
        let all = store.runs(&scope, RunFilter::default(), None, 100).await;
        for run in all.unwrap().entries {
            let now = log_of(&world.store, run.id).await;
            let then = log_of(&store, run.id).await;
            assert!(then == now, "round {round}, run {}", run.id);
            let (now, then) =
                tokio::join!(world.store.run(&scope, run.id), store.run(&scope, run.id));
            assert_eq!(now.unwrap().control, then.unwrap().control);
        }
        store.close().await;
        assert_eq!(doctor(&copy).unwrap().findings, []);
        std::fs::remove_file(&copy).unwrap();
        let _ = std::fs::remove_file(beside(&copy, "-wal"));
    }
}

#[tokio::test]
async fn the_log_is_large_from_the_first_commit() {
    let world = World::with(place(), |options| options.wal_bytes = 1024 * 1024).await;
    let wal = beside(&path_of(&world), "-wal");
    assert_eq!(wal.metadata().unwrap().len(), 1024 * 1024);
    world.attempt("t").await.finish(&world).await;
    assert_eq!(wal.metadata().unwrap().len(), 1024 * 1024);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn load_the_write_ahead_log_does_not_grow_for_ever() {
    let world = World::with(place(), |options| options.wal_bytes = 1024 * 1024).await;
    let mut attempt = world.attempt("t").await;
    for n in 0..3_000 {
        attempt
            .say(&world, &format!("{n} {}", "x".repeat(8_000)))
            .await;
    }
    let path = path_of(&world);
    let wal = beside(&path, "-wal").metadata().unwrap().len();
    let database = path.metadata().unwrap().len();
    assert!(wal < 24 * 1024 * 1024, "{wal} bytes beside {database}");
    assert!(
        database > 4 * 1024 * 1024,
        "{database} bytes were checkpointed"
    );
}

#[tokio::test]
async fn a_second_server_hears_who_holds_the_file() {
    let world = World::with(place(), |options| options.holder = "127.0.0.1:4600".into()).await;
    let path = path_of(&world);
    let held = |result: Result<(), OpenError>| match result {
        Err(OpenError::Held { holder, .. }) => holder,
        other => panic!("{other:?}"),
    };
    let expected = format!("process {}, 127.0.0.1:4600", std::process::id());
    let second = Store::open(&world.place.location, Options::default()).await;
    assert_eq!(held(second.map(drop)), expected);
    assert_eq!(held(doctor(&path).map(drop)), expected);
    #[cfg(unix)]
    {
        let link = path.with_file_name("link.db");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let by_link = Store::open(&Location::Sqlite(link), Options::default()).await;
        assert_eq!(held(by_link.map(drop)), expected);
    }
    world.store.close().await;
    Store::open(&world.place.location, Options::default())
        .await
        .unwrap()
        .close()
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_compacted_log_has_the_same_bytes_and_is_small() {
    let mut world = World::with(place(), |options| options.compact_after_ms = Some(0)).await;
    let mut attempt = world.attempt("t").await;
    let words = [
        "the", "run", "goes", "on", "behind", "every", "cut", "and", "ends",
    ];
    for n in 0..3_000_usize {
        let said = format!("{} {} ", words[n * 7 % 9], words[n * n % 9]);
        attempt.say(&world, &said).await;
    }
    let sizes = |path: &Path| -> (i64, bool) {
        let connection = Connection::open(path).unwrap();
        let sql = "SELECT (SELECT sum(length(bytes)) FROM chunk), (SELECT compacted FROM run)";
        connection
            .query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
    };
    let path = path_of(&world);
    let open_run = world.run("open").await;
    let mut follower = world
        .store
        .follow(&Scope::local(), attempt.run, Seq::ZERO)
        .await
        .unwrap();
    let mut seen = follower.next().await.unwrap().unwrap().to_vec();
    attempt.finish(&world).await;
    let log = world.log(attempt.run).await;
    World::until("the run is compacted", async || sizes(&path).1).await;
    let (after, _) = sizes(&path);
    assert!(
        after * 5 <= i64::try_from(log.len()).unwrap(),
        "{after} of {}",
        log.len()
    );
    assert!(world.log(attempt.run).await == log);
    // From any place in it, and for whoever was following meanwhile.
    while let Some(frames) = follower.next().await.unwrap() {
        seen.extend_from_slice(&frames);
    }
    assert!(seen == log);
    let last = numbers(&log).len() as u64;
    let scope = Scope::local();
    for after in [1, last / 3, last - 1, last] {
        let page = world
            .store
            .events(&scope, attempt.run, Seq(after), 10_000)
            .await;
        let page = page.unwrap();
        let skipped: usize = frame::split(&log)
            .take(usize::try_from(after).unwrap())
            .map(<[u8]>::len)
            .sum();
        assert!(log[skipped..].starts_with(&page.frames));
        let n = numbers(&page.frames).len() as u64;
        assert!(n > 0 || after == last);
    }
    let snapshot = world
        .store
        .snapshot(&Scope::local(), attempt.run)
        .await
        .unwrap();
    assert_eq!(snapshot.last_seq, Seq(last));
    assert_eq!(world.kinds(open_run).await, ["run.created"]);
    world.reopen().await;
    assert!(world.log(attempt.run).await == log);
    world.store.close().await;
    assert_eq!(doctor(&path).unwrap().findings, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_taken_while_the_store_works_and_restores_without_open_runs() {
    let world = Arc::new(World::open(place()).await);
    let mut parked = world.attempt("parked").await;
    parked.ask_and_wait(&world, WaitMode::Parked).await;
    let done = world.attempt("done").await;
    done.finish(&world).await;
    let mut running = world.attempt("running").await;
    for _ in 0..3 {
        world
            .store
            .start(start("running", OnConflict::Enqueue))
            .await
            .unwrap();
    }
    let writer = {
        let world = Arc::clone(&world);
        let mut running = running.clone();
        tokio::spawn(async move {
            for n in 0..300 {
                running
                    .say(&world, &format!("{n} {}", "x".repeat(500)))
                    .await;
            }
        })
    };
    running.no = 0;
    let dir = tempfile::tempdir().unwrap();
    let (copy, to) = (dir.path().join("copy.db"), dir.path().join("restored.db"));
    world.store.backup(&copy).await.unwrap();
    assert!(
        world.store.backup(&copy).await.is_err(),
        "never over a file"
    );
    writer.await.unwrap();
    let done_log = world.log(done.run).await;
    let running_log = world.log(running.run).await;

    assert_eq!(restore(&copy, &to).unwrap(), 5);
    assert!(restore(&copy, &to).is_err(), "never over a store");
    let store = open(&to).await;
    let scope = Scope::local();
    let all = store.runs(&scope, RunFilter::default(), None, 100).await;
    for run in all.unwrap().entries {
        let State::Final(outcome) = &run.control.state else {
            panic!("run {} is open", run.id)
        };
        let log = log_of(&store, run.id).await;
        if run.id == done.run {
            assert_eq!(outcome.reason, Reason::Completed);
            assert!(log == done_log);
        } else {
            assert_eq!(outcome.reason, Reason::Interrupted);
        }
        if run.id == running.run {
            let ends = numbers(&log).len();
            let common = log
                .iter()
                .zip(&running_log)
                .take_while(|(a, b)| a == b)
                .count();
            assert!(
                numbers(&log[..common]).len() + 3 >= ends,
                "a prefix, then its end"
            );
        }
    }
    assert_eq!(store.counts().await.unwrap(), store::Counts::default());
    assert_eq!(store.instance(), world.store.instance());
    store.close().await;
    assert_eq!(doctor(&to).unwrap().findings, []);
}

#[tokio::test]
async fn a_restore_that_fails_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let (from, to) = (dir.path().join("garbage"), dir.path().join("to.db"));
    std::fs::write(
        &from,
        "this is no database, but it is long enough to be one. ".repeat(100),
    )
    .unwrap();
    assert!(matches!(
        restore(&from, &to),
        Err(OpenError::Unusable { .. })
    ));
    assert!(!to.exists());
    std::fs::write(beside(&to, "-wal"), "of another store").unwrap();
    let refused = restore(&from, &to).unwrap_err().to_string();
    assert!(refused.contains("to.db-wal is there already"), "{refused}");
    assert!(restore(&dir.path().join("nothing"), &dir.path().join("b.db")).is_err());
    // A store that works is no backup: half of it is in its log.
    let world = World::open(place()).await;
    let attempt = world.attempt("t").await;
    let refused = restore(&path_of(&world), &dir.path().join("c.db")).unwrap_err();
    assert!(refused.to_string().contains("is no backup"), "{refused}");
    assert!(!dir.path().join("c.db").exists());
    attempt.finish(&world).await;
    world.store.close().await;
    assert_eq!(
        restore(&path_of(&world), &dir.path().join("c.db")).unwrap(),
        0
    );
}

#[tokio::test]
async fn the_doctor_finds_what_was_tampered_with() {
    let world = World::open(place()).await;
    let mut attempt = world.attempt("t").await;
    for n in 0..100 {
        attempt
            .say(&world, &format!("{n} {}", "x".repeat(100)))
            .await;
    }
    let stop = Command::Conclude(Outcome::aborted(Reason::Stopped));
    let scope = Scope::local();
    world
        .store
        .command(&scope, attempt.run, stop)
        .await
        .unwrap();
    let other = world.attempt("other").await;
    other
        .work(&world, Work::Finish(Outcome::completed()))
        .await
        .unwrap();
    world.run("open").await;
    world.store.close().await;
    let path = path_of(&world);
    let healthy = doctor(&path).unwrap();
    assert_eq!((healthy.n_runs, healthy.n_events), (3, 2 + 101 + 2 + 3 + 1));
    assert_eq!(healthy.findings, []);
    let dir = tempfile::tempdir().unwrap();
    let last = "(SELECT max(id) FROM chunk WHERE run = 1)";
    for (sql, finding) in [
        (
            "UPDATE run SET control = replace(control, '\"n_turns\":0', '\"n_turns\":9')"
                .to_owned(),
            "control state differs",
        ),
        ("UPDATE run SET control = '{}'".to_owned(), "cannot be read"),
        ("UPDATE run SET spec = 'x'".to_owned(), "cannot be read"),
        (
            "DELETE FROM chunk WHERE id = (SELECT min(id) FROM chunk)".to_owned(),
            "missing",
        ),
        (
            format!("DELETE FROM chunk WHERE id = {last}"),
            "the row knows of event",
        ),
        (
            "UPDATE chunk SET bytes = x'00112233'".to_owned(),
            "cannot be read",
        ),
        (
            format!(
                "UPDATE chunk SET bytes = replace(bytes, 'data: {{', 'data: [') WHERE id = {last}"
            ),
            "cannot be read",
        ),
        ("UPDATE chunk SET packed = 1".to_owned(), "cannot be read"),
    ] {
        let copy = copy_of(&path, dir.path());
        let connection = Connection::open(&copy).unwrap();
        assert!(connection.execute(&sql, []).unwrap() > 0, "{sql}");
        drop(connection);
        let report = doctor(&copy).unwrap();
        assert!(
            report
                .findings
                .iter()
                .any(|found| found.what.contains(finding)),
            "{sql}: {:?}",
            report.findings
        );
    }
    assert!(doctor(&dir.path().join("nothing")).is_err());
    assert!(!dir.path().join("nothing").exists());
}

#[tokio::test]
async fn one_odd_row_harms_nobody_else() {
    let mut world = World::open(place()).await;
    let mut lost = world.attempt("lost").await;
    lost.say(&world, "not to be lost").await;
    let odd = world.run("odd").await;
    let fine = world.run("fine").await;
    world.store.close().await;
    let connection = Connection::open(path_of(&world)).unwrap();
    let spoil = "UPDATE run SET spec = '{\"later\": true}' WHERE thread IN (SELECT key FROM thread WHERE id IN ('odd', 'lost'))";
    assert_eq!(connection.execute(spoil, []).unwrap(), 2);
    world.reopen().await;
    world.worker("w1").await;
    assert_eq!(world.store.sweep().await.unwrap().lost, []);
    let stop = Command::Conclude(Outcome::aborted(Reason::Stopped));
    let scope = Scope::local();
    let (refused, started) = tokio::join!(
        world.store.command(&scope, odd, stop),
        world.store.start(start("new", OnConflict::Reject))
    );
    assert!(matches!(refused, Err(store::CommandError::Unavailable(why)) if why.code == "corrupt"));
    let new = started.unwrap().run.id;
    let claimed = world.claim("w1", 1).await;
    assert_eq!(claimed[0].run.id, fine, "the odd run is passed over");
    Attempt::of(&claimed[0]).finish(&world).await;
    let listed = world
        .store
        .runs(&scope, RunFilter::default(), None, 10)
        .await
        .unwrap();
    let listed: Vec<RunId> = listed.entries.iter().map(|run| run.id).collect();
    assert_eq!(listed, [new, fine]);
    assert_eq!(*world.store.health().borrow(), store::Health::Ok);
    // Read by a program that understands it, it is all there.
    world.store.close().await;
    let repair = "UPDATE run SET spec = (SELECT spec FROM run ORDER BY key DESC LIMIT 1)";
    connection.execute(repair, []).unwrap();
    world.reopen().await;
    let kinds = world.kinds(lost.run).await;
    assert_eq!(kinds[2..], ["message.started", "text.delta"]);
}
