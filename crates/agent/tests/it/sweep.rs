//! A sweep finds all of one run and nothing of another.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::time::Instant;

use agent::{Mark, Marker, Process, Spec, StopSteps, alive, alive_all, limits, sweep, sweep_all};

use crate::shell::{lines, marker, program, script, start, until, until_alive};

async fn sleeper(marker: &Marker) -> Process {
    let spec = Spec {
        marker: marker.clone(),
        ..script("echo up; exec sleep 1000")
    };
    let mut process = Process::spawn(spec).await.unwrap();
    lines(&mut process, 1).await;
    process
}

#[tokio::test]
async fn other_runs_and_other_servers_are_not_touched() {
    let mine = marker();
    let other_run = mine.mark().run("r2").unwrap();
    // As long as ours, and ours with something behind it: only whole values are equal.
    let longer_run = mine.mark().run("r11").unwrap();
    let other_mark = marker().mark().run(mine.run()).unwrap();
    let longer_mark = Mark::new(&format!("{}1", mine.mark().as_str()))
        .unwrap()
        .run(mine.run())
        .unwrap();
    let victim = sleeper(&mine).await;
    let others = [
        sleeper(&other_run).await,
        sleeper(&longer_run).await,
        sleeper(&other_mark).await,
        sleeper(&longer_mark).await,
    ];
    assert_eq!(alive(&mine), [victim.pid()]);
    assert_eq!(sweep(&mine).killed, 1);
    assert_eq!(alive(&mine), []);
    for other in &others {
        assert_eq!(alive(other.marker()), [other.pid()]);
    }
    let mut of_the_mark = [others[0].pid(), others[1].pid()];
    of_the_mark.sort_unstable();
    assert_eq!(alive_all(mine.mark()), of_the_mark);
    assert_eq!(sweep_all(mine.mark()).killed, 2);
    assert_eq!(alive(others[2].marker()), [others[2].pid()]);
    assert_eq!(alive(others[3].marker()), [others[3].pid()]);
}

#[tokio::test]
async fn a_child_of_this_run_that_names_another_run_is_not_touched() {
    // It speaks once it has left this run's group, and starts no other program: during an `execve` it shows no marker.
    let other = "OUTLIVE_RUN_ID=r2 setsid sh -c 'echo up; kill -STOP $$'";
    let mut process = start(&format!("{other} & exec sleep 1000")).await;
    lines(&mut process, 1).await;
    let marker = process.marker().clone();
    let other = marker.mark().run("r2").unwrap();
    assert_eq!(sweep(&marker).killed, 1);
    assert_eq!(alive(&other).len(), 1);
    assert_eq!(sweep(&other).killed, 1);
    assert_eq!(sweep(&other).killed, 0);
}

#[tokio::test]
async fn parts_of_a_run_are_swept_each_alone_and_the_run_as_a_whole() {
    let whole = marker();
    let part = |name: &str| Spec {
        marker: whole.part(name).unwrap(),
        ..script("sleep 1000 & echo up; exec sleep 1000")
    };
    let mut one = Process::spawn(part("one")).await.unwrap();
    let mut other = Process::spawn(part("other")).await.unwrap();
    for process in [&mut one, &mut other] {
        lines(process, 1).await;
    }
    until_alive(&whole, 4);
    one.stop(StopSteps::NOW);
    one.finish().await;
    assert_eq!(alive(&whole).len(), 2);
    assert_eq!(alive(other.marker()).len(), 2);
    assert_eq!(sweep(&whole).killed, 2);
    assert_eq!(alive(&whole), []);
}

#[test]
fn a_sweep_without_anything_to_find_is_quick() {
    let start = Instant::now();
    assert_eq!(sweep(&marker()), agent::Swept::default());
    assert!(start.elapsed() < limits::SWEEP / 2);
}

/// A program that keeps starting itself.
fn restless(folder: &tempfile::TempDir, text: &str) -> PathBuf {
    let path = folder.path().join("restless");
    std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Starts one, lets it renew itself some times, stops it and proves that nothing is left.
async fn check(text: &str) {
    let folder = tempfile::tempdir().unwrap();
    let path = restless(&folder, text);
    let mut process = Process::spawn(program(path.to_str().unwrap(), &[]))
        .await
        .unwrap();
    lines(&mut process, 20).await;
    let marker = process.marker().clone();
    process.stop(StopSteps::NOW);
    let ended = process.finish().await;
    assert_eq!(ended.swept.survivors, [], "{text}");
    assert_eq!(alive(&marker), [], "{text}");
    // Whoever had escaped would have been born again by now.
    until("three more looks", {
        let mut looks = 0;
        move || {
            looks += 1;
            assert_eq!(alive(&marker), [], "{text}");
            looks == 3
        }
    });
}

#[tokio::test]
async fn what_starts_itself_again_and_ends_is_caught() {
    check("echo up; \"$0\" & exit 0").await;
}

#[tokio::test]
async fn what_starts_itself_again_in_a_new_session_is_caught() {
    check("trap '' TERM HUP; echo up; setsid \"$0\" & exit 0").await;
}

#[tokio::test]
async fn what_multiplies_is_caught() {
    // Each starts two, and eight generations are enough of them.
    check(
        "trap '' TERM; echo up; n=$((${1:-0} + 1)); \
         if [ $n -le 8 ]; then setsid \"$0\" $n & sleep 0.2; setsid \"$0\" $n & fi; sleep 0.3; exit 0",
    )
    .await;
}

#[tokio::test]
async fn who_starts_its_children_again_is_caught() {
    let child = "setsid sh -c \"echo up; exec sleep 0.01\"";
    check(&format!(
        "trap '' TERM; (trap '' TERM; while :; do {child}; done) & while :; do {child}; done"
    ))
    .await;
}
