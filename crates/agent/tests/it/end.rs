//! How a child's end is told, and what of it is collected.

use agent::{Exit, Process, Spec, Stdin, alive};

use crate::shell::{exists, lines, program, script, start, until, until_alive};

#[track_caller]
fn check(text: &str, expected: Exit) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    assert_eq!(
        runtime.block_on(async { start(text).await.finish().await.exit }),
        expected
    );
}

#[test]
fn the_end_is_a_code_or_a_signal() {
    check("exit 0", Exit::Code(0));
    check("exit 7", Exit::Code(7));
    check("kill -9 $$", Exit::Signal(9));
    check("kill -15 $$", Exit::Signal(15));
}

#[tokio::test]
async fn unread_output_does_not_hinder_the_end() {
    let process = Process::spawn(program("head", &["-c", "4000000", "/dev/zero"]))
        .await
        .unwrap();
    assert_eq!(process.finish().await.exit, Exit::Code(0));
}

#[tokio::test]
async fn what_is_left_after_the_childs_own_end_is_swept() {
    let mut process = start("setsid sleep 1000 >/dev/null 2>&1 & sleep 1000 & echo up").await;
    let marker = process.marker().clone();
    assert_eq!(lines(&mut process, 1).await, ["up"]);
    assert_eq!(process.exited().await, Exit::Code(0));
    until_alive(&marker, 2);
    let ended = process.finish().await;
    assert_eq!((ended.exit, ended.swept.killed), (Exit::Code(0), 2));
    assert_eq!(ended.swept.survivors, []);
    assert_eq!(alive(&marker), []);
}

#[tokio::test]
async fn a_dead_process_is_not_alive() {
    // The shell becomes a program that never collects the child that the shell had started.
    let mut process = start("sh -c 'echo $$' & exec sleep 1000").await;
    let dead = lines(&mut process, 1).await.remove(0);
    let is_dead = || {
        std::fs::read_to_string(format!("/proc/{dead}/stat"))
            .unwrap()
            .contains(") Z ")
    };
    until("it is dead and not collected", is_dead);
    assert_eq!(alive(process.marker()), [process.pid()]);
}

#[tokio::test]
async fn a_process_whose_first_thread_has_ended_is_alive() {
    let text = "import threading, time, ctypes\n\
                threading.Thread(target=time.sleep, args=(1000,)).start()\n\
                print('up', flush=True)\n\
                ctypes.CDLL(None).pthread_exit(None)";
    let mut process = Process::spawn(program("python3", &["-c", text]))
        .await
        .unwrap();
    assert_eq!(lines(&mut process, 1).await, ["up"]);
    let pid = process.pid();
    let looks_dead = || {
        std::fs::read_to_string(format!("/proc/{pid}/stat"))
            .unwrap()
            .contains(") Z ")
    };
    until("its first thread has ended", looks_dead);
    assert_eq!(alive(process.marker()), [pid]);
    // Found through its environment, too, not only as our own child.
    assert_eq!(agent::sweep(process.marker()).killed, 1);
    assert_eq!(process.finish().await.exit, Exit::Signal(9));
}

#[tokio::test]
async fn orphans_become_children_of_the_server_and_are_collected() {
    // The middle shell ends before the inner one, which is an orphan from then on.
    let text = "(sh -c 'echo $$; read go </dev/fd/3' &) 3<&0; cat >/dev/null";
    let mut process = Process::spawn(Spec {
        stdin: Stdin::Pipe,
        ..script(text)
    })
    .await
    .unwrap();
    let mut input = process.take_input().unwrap();
    let orphan = lines(&mut process, 1).await.remove(0);
    let parent = || {
        let stat = std::fs::read_to_string(format!("/proc/{orphan}/stat")).unwrap();
        let (_, rest) = stat.rsplit_once(") ").unwrap();
        rest.split(' ').nth(1).unwrap().to_owned()
    };
    until("it is ours", || parent() == std::process::id().to_string());
    input.write(b"\n\n\n\n").await.unwrap();
    drop(input);
    until("it was collected", || !exists(&orphan));
    assert_eq!(process.finish().await.exit, Exit::Code(0));
}

#[tokio::test]
async fn statuses_that_others_wait_for_are_left_to_them() {
    let running = start("echo up; sleep 1000").await;
    let start_other = |code: i32| {
        // A leader of a session looks like an orphan when it is dead.
        let mut command = std::process::Command::new(if code < 10 { "sh" } else { "setsid" });
        let script = format!("exit {code}");
        let args: &[_] = if code < 10 {
            &["-c", &script]
        } else {
            &["sh", "-c", &script]
        };
        command.args(args).spawn().unwrap()
    };
    let mut others: Vec<_> = (0..20).map(start_other).collect();
    until("they are dead", || {
        others.iter().all(|other| {
            std::fs::read_to_string(format!("/proc/{}/stat", other.id()))
                .unwrap()
                .contains(") Z ")
        })
    });
    // After each start there is a look for orphans.
    for code in 0..3 {
        assert_eq!(
            start(&format!("exit {code}")).await.finish().await.exit,
            Exit::Code(code)
        );
    }
    for (code, other) in (0..).zip(&mut others) {
        assert_eq!(other.wait().unwrap().code(), Some(code));
    }
    drop(running);
}
