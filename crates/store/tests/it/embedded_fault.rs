//! Faults of the embedded store's file, disk and neighbours.

use std::path::{Path, PathBuf};
use std::time::Duration;

use run::{Outcome, Seq, Work};
use rusqlite::Connection;
use store::{
    Health, Location, OnConflict, OpenError, Options, Scope, StartError, Store, WorkError,
};

use crate::conformance::{Place, World, numbers, start, text};
use crate::embedded::place;
use crate::embedded_file::path_of;

async fn open(path: &Path) -> Result<(), OpenError> {
    let opened = Store::open(&Location::Sqlite(path.to_owned()), Options::default()).await;
    match opened {
        Ok(store) => {
            store.close().await;
            Ok(())
        }
        Err(error) => Err(error),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_of_somebody_else_is_waited_for() {
    let world = World::open(place()).await;
    let mut attempt = world.attempt("t").await;
    attempt.say(&world, "before").await;
    let other = Connection::open(path_of(&world)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    {
        let during = attempt.say(&world, "during");
        tokio::pin!(during);
        let waits = tokio::time::timeout(Duration::from_secs(3), &mut during).await;
        assert!(waits.is_err(), "the file is locked");
        other.execute_batch("ROLLBACK").unwrap();
        during.await;
    }
    assert_eq!(*world.store.health().borrow(), Health::Ok);
    assert_eq!(numbers(&world.log(attempt.run).await), [1, 2, 3, 4, 5]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_stays_fails_and_is_got_over() {
    let world = World::with(place(), |options| options.locked_wait_ms = 100).await;
    let mut attempt = world.attempt("t").await;
    attempt.say(&world, "before").await;
    let mut follower = world
        .store
        .follow(&Scope::local(), attempt.run, Seq(4))
        .await
        .unwrap();
    let other = Connection::open(path_of(&world)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut health = world.store.health();
    let failed = attempt.append(&world, vec![text("during")]).await;
    assert!(matches!(&failed, Err(WorkError::Unavailable(why)) if why.code == "locked"));
    assert!(matches!(&*health.borrow_and_update(), Health::Failing(why) if why.code == "locked"));
    // Readers are not concerned, and a follower sees nothing that is not stored.
    assert_eq!(numbers(&world.log(attempt.run).await), [1, 2, 3, 4]);
    assert_eq!(follower.ready().await, Ok(store::Ready::Nothing));
    other.execute_batch("ROLLBACK").unwrap();
    // Without anybody asking for anything.
    let recovered = health.wait_for(|health| *health == Health::Ok);
    tokio::time::timeout(Duration::from_secs(10), recovered)
        .await
        .unwrap()
        .unwrap();
    attempt.repeat(&world, vec![text("during")]).await.unwrap();
    let frames = follower.next().await.unwrap().unwrap();
    assert_eq!(numbers(&frames), [5]);
    attempt.finish(&world).await;
    let frames = follower.next().await.unwrap().unwrap();
    assert_eq!(follower.next().await, Ok(None));
    assert_eq!(numbers(&frames), [6, 7]);
}

/// Fills the store until it is full, makes room, and goes on.
async fn check_full(world: &World, make_room: impl AsyncFnOnce(&World)) {
    let kept = world.attempt("kept").await;
    kept.finish(world).await;
    let kept_log = world.log(kept.run).await;
    let mut attempt = world.attempt("t").await;
    let mut n_written = 0;
    let why = loop {
        let said = format!("{n_written} {}", "x".repeat(4_000));
        let events = if n_written == 0 {
            attempt.say(world, &said).await;
            n_written += 1;
            continue;
        } else {
            vec![text(&said)]
        };
        match attempt.append(world, events).await {
            Ok(_) => n_written += 1,
            Err(WorkError::Unavailable(why)) => break why,
            Err(other) => panic!("{other}"),
        }
        assert!(n_written < 5_000, "it never became full");
    };
    assert_eq!(why.code, "disk_full", "{}", why.message);
    let numbers_now = |log: &[u8]| numbers(log) == (1..=n_written + 3).collect::<Vec<u64>>();
    assert!(
        numbers_now(&world.log(attempt.run).await),
        "nothing half done"
    );
    assert!(world.log(kept.run).await == kept_log, "readers still read");
    let refused = world.store.start(start("u", OnConflict::Reject)).await;
    if let Err(refused) = refused {
        assert!(matches!(&refused, StartError::Unavailable(why) if why.code == "disk_full"));
    }

    make_room(world).await;
    World::until("the store works again", async || {
        let again = attempt.repeat(world, vec![text("again")]).await;
        again.is_ok()
    })
    .await;
    world.worker("w1").await;
    let done = Work::Finish(Outcome::completed());
    attempt.work(world, done).await.unwrap();
    let last = n_written + 4 + 2;
    let log = world.log(attempt.run).await;
    assert_eq!(numbers(&log), (1..=last).collect::<Vec<_>>());
    assert_eq!(*world.store.health().borrow(), Health::Ok);
    assert_eq!(world.store.sweep().await.unwrap().lost, []);
    world.store.close().await;
    let report = store::sqlite::doctor(&path_of(world)).unwrap();
    assert_eq!(report.findings, []);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_at_its_bound_is_full_until_something_is_deleted() {
    let world = World::with(place(), |options| {
        options.max_bytes = Some(1024 * 1024);
        options.fold_age_ms = 0;
    })
    .await;
    let mut old = world.attempt("old").await;
    for _ in 0..100 {
        old.say(&world, &"y".repeat(4_000)).await;
    }
    old.finish(&world).await;
    check_full(&world, async |world| {
        world
            .store
            .delete_run(&Scope::local(), old.run)
            .await
            .unwrap();
    })
    .await;
}

/// A small disk of its own, where that is permitted.
struct Disk(PathBuf);

impl Disk {
    fn mount(dir: &Path, options: &str) -> Option<Self> {
        let path = dir.join("disk");
        std::fs::create_dir_all(&path).unwrap();
        run(
            "mount",
            &["-t", "tmpfs", "-o", options, "tmpfs", path.to_str()?],
        )
        .then(|| Self(path))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        run("umount", &["-l", self.0.to_str().unwrap()]);
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "mount and umount end by themselves"
)]
fn run(program: &str, args: &[&str]) -> bool {
    std::process::Command::new(program)
        .args(args)
        .stderr(std::process::Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_said_and_got_over() {
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::mount(dir.path(), "size=2m") else {
        return;
    };
    let filler = disk.0.join("filler");
    std::fs::write(&filler, vec![0; 512 * 1024]).unwrap();
    let place = Place {
        location: Location::Sqlite(disk.0.join("test.db")),
        _keep: Box::new(()),
    };
    let world = World::open(place).await;
    check_full(&world, async |_| std::fs::remove_file(&filler).unwrap()).await;
    drop(world);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_of_commits_does_not_fill_a_small_disk_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = Disk::mount(dir.path(), "size=4m") else {
        return;
    };
    let place = Place {
        location: Location::Sqlite(disk.0.join("test.db")),
        _keep: Box::new(()),
    };
    // As a server has it, and far more than there is room for.
    let world = World::with(place, |options| options.wal_bytes = store::WAL_BYTES).await;
    let mut attempt = world.attempt("t").await;
    for n in 0..1_000 {
        attempt.say(&world, &format!("{n} ")).await;
    }
    attempt.finish(&world).await;
    drop(world);
}

#[tokio::test]
async fn a_read_only_disk_is_said() {
    let dir = tempfile::tempdir().unwrap();
    // Too small for the log as it is usually made, which is no reason not to start.
    let Some(disk) = Disk::mount(dir.path(), "size=4m") else {
        return;
    };
    let path = disk.0.join("test.db");
    open(&path).await.unwrap();
    assert!(run(
        "mount",
        &["-o", "remount,ro", disk.0.to_str().unwrap()]
    ));
    let refused = open(&path).await.unwrap_err().to_string();
    assert!(refused.contains("Read-only"), "{refused}");
}

#[tokio::test]
async fn what_is_no_store_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let unusable = async |path: &Path| match open(path).await {
        Err(OpenError::Unusable { message, .. }) => message,
        other => panic!("{other:?}"),
    };
    let garbage = dir.path().join("garbage");
    std::fs::write(&garbage, "this is no database ".repeat(1_000)).unwrap();
    let message = unusable(&garbage).await;
    assert!(message.contains("not a database"), "{message}");
    assert_eq!(
        std::fs::read(&garbage).unwrap().len(),
        20_000,
        "and untouched"
    );
    unusable(dir.path()).await;
    unusable(&dir.path().join("no/such/directory/test.db")).await;
    let other = dir.path().join("other.db");
    let connection = Connection::open(&other).unwrap();
    connection.execute_batch("CREATE TABLE thread (x)").unwrap();
    let message = unusable(&other).await;
    assert!(message.contains("thread"), "{message}");
}

#[tokio::test]
async fn a_store_of_a_later_version_is_left_alone() {
    let world = World::open(place()).await;
    world.store.close().await;
    let path = path_of(&world);
    let connection = Connection::open(&path).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let refused = open(&path).await.unwrap_err();
    assert!(matches!(&refused, OpenError::Newer { found: 99, .. }));
    assert!(refused.to_string().contains("newer program"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_file_is_said_to_be_corrupt() {
    let world = World::open(place()).await;
    let mut attempt = world.attempt("t").await;
    for n in 0..200 {
        attempt
            .say(&world, &format!("{n} {}", "x".repeat(1_000)))
            .await;
    }
    attempt.finish(&world).await;
    world.store.close().await;
    let path = path_of(&world);
    // Without free pages, so that every page matters.
    let connection = Connection::open(&path).unwrap();
    connection
        .execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE)")
        .unwrap();
    drop(connection);
    let healthy = std::fs::read(&path).unwrap();
    let (mut n_opened, mut n_said) = (0, 0);
    for page in 1..healthy.len() / 4096 {
        let mut damaged = healthy.clone();
        for (n, byte) in damaged[page * 4096..][..4096].iter_mut().enumerate() {
            *byte = u8::try_from(n * 31 % 251).unwrap();
        }
        std::fs::write(&path, &damaged).unwrap();
        // Every answer is the truth or a clear error; nothing panics or waits for ever.
        let options = world.options.clone();
        let Ok(store) = Store::open(&world.place.location, options).await else {
            n_said += 1;
            continue;
        };
        n_opened += 1;
        let _ = store.start(start("new", OnConflict::Enqueue)).await;
        let mut after = Seq::ZERO;
        loop {
            match store.events(&Scope::local(), attempt.run, after, 10).await {
                Ok(found) if found.is_final || found.next == after => break,
                Ok(found) => after = found.next,
                Err(_) => {
                    n_said += 1;
                    break;
                }
            }
        }
        store.close().await;
        match store::sqlite::doctor(&path) {
            Ok(report) => assert!(!report.findings.is_empty(), "page {page}"),
            Err(error) => assert!(matches!(error, OpenError::Unusable { .. })),
        }
    }
    assert!(n_opened > 10 && n_said > 10, "{n_opened} {n_said}");
}
