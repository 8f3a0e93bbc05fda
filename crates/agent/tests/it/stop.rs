//! A stop reaches all that a child started.

use std::time::Duration;

use agent::{Ended, Exit, Process, Spec, Stdin, StopSteps, Swept, alive};

use crate::shell::{exists, lines, program, rest, script, start, until, until_alive};

/// Steps whose graces are not waited for by any test that passes.
const PATIENT: StopSteps = StopSteps {
    interrupt: None,
    terminate: Duration::from_mins(1),
    kill: Duration::from_mins(1),
};

/// Steps for who ignores SIGTERM.
const BRISK: StopSteps = StopSteps {
    terminate: Duration::from_millis(100),
    ..PATIENT
};

/// Starts a script that says `up` as often as `ups`, stops it and proves that nothing is left.
async fn stopped(text: &str, ups: usize, steps: StopSteps) -> (String, Ended) {
    let mut process = start(text).await;
    let marker = process.marker().clone();
    lines(&mut process, ups).await;
    process.stop(steps);
    let said = rest(&mut process).await;
    let ended = process.finish().await;
    assert_eq!(alive(&marker), []);
    assert_eq!(ended.swept.survivors, []);
    (said, ended)
}

#[tokio::test]
async fn a_child_that_ends_when_asked_says_its_last_words() {
    let text = "trap 'echo bye; exit 3' TERM; echo up; while :; do sleep 0.01; done";
    let (said, ended) = stopped(text, 1, PATIENT).await;
    assert_eq!(
        (said.as_str(), ended),
        (
            "bye\n",
            Ended {
                exit: Exit::Code(3),
                swept: Swept::default()
            }
        )
    );
}

#[tokio::test]
async fn an_interrupt_comes_first_if_wanted() {
    let text = "trap 'echo int; exit 0' INT; echo up; while :; do sleep 0.01; done";
    let steps = StopSteps {
        interrupt: Some(Duration::from_mins(1)),
        ..PATIENT
    };
    let (said, ended) = stopped(text, 1, steps).await;
    assert_eq!((said.as_str(), ended.exit), ("int\n", Exit::Code(0)));
}

#[tokio::test]
async fn a_child_that_ignores_it_is_killed() {
    let (_, ended) = stopped(
        "trap '' TERM INT; echo up; while :; do sleep 0.01; done",
        1,
        BRISK,
    )
    .await;
    assert_eq!(ended.exit, Exit::Signal(9));
    let steps = StopSteps {
        interrupt: Some(Duration::from_millis(50)),
        ..BRISK
    };
    let (_, ended) = stopped(
        "trap '' TERM INT; echo up; while :; do sleep 0.01; done",
        1,
        steps,
    )
    .await;
    assert_eq!(ended.exit, Exit::Signal(9));
}

#[tokio::test]
async fn a_suspended_child_ends_when_asked() {
    let mut process = start("echo up; kill -STOP $$").await;
    lines(&mut process, 1).await;
    let pid = process.pid();
    until("it is suspended", || {
        std::fs::read_to_string(format!("/proc/{pid}/stat"))
            .unwrap()
            .contains(") T ")
    });
    process.stop(PATIENT);
    assert_eq!(process.finish().await.exit, Exit::Signal(15));
}

#[tokio::test]
async fn the_rest_of_its_group_has_the_rest_of_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let text = "sh -c 'trap \"sleep 0.3; echo saved > saved; exit\" TERM; echo up; while :; do sleep 0.01; done' & wait";
    let mut process = Process::spawn(Spec {
        cwd: Some(folder.path().into()),
        ..script(text)
    })
    .await
    .unwrap();
    lines(&mut process, 1).await;
    process.stop(PATIENT);
    assert_eq!(process.finish().await.exit, Exit::Signal(15));
    assert_eq!(
        std::fs::read_to_string(folder.path().join("saved")).unwrap(),
        "saved\n"
    );
}

#[tokio::test]
async fn the_rest_of_its_group_can_be_stopped_after_its_own_end() {
    let folder = tempfile::tempdir().unwrap();
    let text = "sh -c 'trap \"echo saved > saved; exit\" TERM; echo up; while :; do sleep 0.01; done' & read go";
    let spec = Spec {
        cwd: Some(folder.path().into()),
        stdin: Stdin::Pipe,
        ..script(text)
    };
    let mut process = Process::spawn(spec).await.unwrap();
    lines(&mut process, 1).await;
    process.take_input().unwrap().write(b"\n").await.unwrap();
    assert_eq!(process.exited().await, Exit::Code(0));
    process.stop(PATIENT);
    assert_eq!(process.finish().await.exit, Exit::Code(0));
    assert_eq!(
        std::fs::read_to_string(folder.path().join("saved")).unwrap(),
        "saved\n"
    );
}

#[tokio::test]
async fn children_in_sessions_of_their_own_that_ignore_it_are_killed() {
    let tool = "setsid sh -c \"trap '' TERM HUP INT; echo up; while :; do sleep 1000; done\" &";
    let (_, ended) = stopped(&format!("{tool} {tool} {tool} wait"), 3, PATIENT).await;
    assert_eq!(ended.exit, Exit::Signal(15));
    assert!(ended.swept.killed >= 3, "{ended:?}");
}

#[tokio::test]
async fn a_daemon_is_killed() {
    // Started twice removed, by a leader that is gone, with nothing of the child's own open.
    let daemon = "setsid sh -c '(trap \"\" TERM; exec sleep 1000) >/dev/null 2>&1 </dev/null &'";
    let mut process = start(&format!("({daemon} &); echo up; exec sleep 1001")).await;
    let marker = process.marker().clone();
    lines(&mut process, 1).await;
    until("both are there and nobody else", || {
        let names = alive(&marker)
            .into_iter()
            .map(|pid| std::fs::read_to_string(format!("/proc/{pid}/cmdline")));
        names.filter_map(Result::ok).collect::<Vec<_>>()
            == ["sleep\u{0}1001\u{0}", "sleep\u{0}1000\u{0}"]
    });
    process.stop(PATIENT);
    let ended = process.finish().await;
    assert_eq!((ended.exit, ended.swept.killed), (Exit::Signal(15), 1));
    assert_eq!(alive(&marker), []);
}

/// Children without a marker, in sessions of their own, whose parents die of the stop itself.
async fn unmarked_are_killed(steps: StopSteps) {
    let tool = "env -i setsid sh -c 'echo $$; sleep 1000 & echo $!; wait' & ";
    let mut process = start(&format!("{tool} {tool} wait")).await;
    let marker = process.marker().clone();
    let pids = lines(&mut process, 4).await;
    assert_eq!(alive(&marker).len(), 5);
    process.stop(steps);
    assert_eq!(process.finish().await.swept.survivors, []);
    assert_eq!(alive(&marker), []);
    for pid in pids {
        assert!(!exists(&pid), "{pid}");
    }
}

#[tokio::test]
async fn a_child_that_cleared_its_environment_is_killed() {
    unmarked_are_killed(StopSteps::NOW).await;
    unmarked_are_killed(PATIENT).await;
}

#[tokio::test]
async fn a_member_of_its_session_needs_no_marker() {
    let mut process = start("(env -i sh -c 'echo $$; exec sleep 1000' &); exit 0").await;
    let pid = lines(&mut process, 1).await.remove(0);
    assert_eq!(process.exited().await, Exit::Code(0));
    assert!(exists(&pid));
    assert_eq!(process.finish().await.swept.killed, 1);
    assert!(!exists(&pid));
}

#[tokio::test]
async fn a_stop_needs_nobody_who_reads() {
    let process = Process::spawn(program("yes", &[])).await.unwrap();
    let stopper = process.stopper();
    until("it waits for a reader", || {
        std::fs::read_to_string(format!("/proc/{}/wchan", process.pid()))
            .unwrap()
            .contains("pipe_write")
    });
    let marker = process.marker().clone();
    stopper.stop(PATIENT);
    let empty = tokio::task::spawn_blocking(move || until_alive(&marker, 0));
    empty.await.unwrap();
    assert_eq!(process.finish().await.exit, Exit::Signal(15));
}

#[tokio::test]
async fn a_sharper_stop_replaces_a_patient_one() {
    let mut process = start("trap 'echo no' TERM; echo up; while :; do sleep 0.01; done").await;
    lines(&mut process, 1).await;
    process.stop(PATIENT);
    assert_eq!(lines(&mut process, 1).await, ["no"]);
    process.stop(StopSteps::NOW);
    assert_eq!(process.finish().await.exit, Exit::Signal(9));
}

#[tokio::test]
async fn finishing_does_not_begin_a_stop_again() {
    let mut process = start("trap 'echo no' TERM; echo up; while :; do sleep 0.01; done").await;
    lines(&mut process, 1).await;
    process.stop(StopSteps {
        terminate: Duration::from_millis(300),
        ..PATIENT
    });
    assert_eq!(rest(&mut process).await, "no\n");
    assert_eq!(process.finish().await.exit, Exit::Signal(9));
}

#[tokio::test]
async fn dropping_a_process_kills_all_of_it() {
    let mut process = start("setsid sleep 1000 & echo up; exec sleep 1000").await;
    let marker = process.marker().clone();
    lines(&mut process, 1).await;
    drop(process);
    tokio::task::spawn_blocking(move || until_alive(&marker, 0))
        .await
        .unwrap();
}

#[test]
fn the_end_of_the_runtime_kills_all_of_it() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let process = runtime.block_on(async {
        let mut process = start("setsid sleep 1000 & echo up; exec sleep 1000").await;
        lines(&mut process, 1).await;
        process
    });
    let marker = process.marker().clone();
    drop(runtime);
    assert_eq!(alive(&marker), []);
    drop(process);
}

#[tokio::test]
async fn giving_up_a_start_leaves_nothing_behind() {
    for _ in 0..50 {
        let spec = program("sleep", &["1000"]);
        let marker = spec.marker.clone();
        let start = tokio::spawn(Process::spawn(spec));
        tokio::task::yield_now().await;
        start.abort();
        drop(start.await);
        tokio::task::spawn_blocking(move || until_alive(&marker, 0))
            .await
            .unwrap();
    }
}
