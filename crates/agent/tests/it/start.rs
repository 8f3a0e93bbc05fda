//! What a child gets, and why there is none.

use std::os::fd::AsRawFd as _;

use agent::{Exit, Process, SpawnError, Spec, Stdin, limits};

use crate::shell::{program, rest, script};

#[tokio::test]
async fn the_environment_is_what_was_given_and_the_marker() {
    let mut spec = program("env", &[]);
    spec.env = vec![
        ("PATH".into(), "/usr/bin:/bin".into()),
        ("OUTLIVE_RUN_ID".into(), "forged".into()),
    ];
    let mark = spec.marker.mark().as_str().to_owned();
    let mut process = Process::spawn(spec).await.unwrap();
    let text = rest(&mut process).await;
    let mut variables: Vec<_> = text.lines().collect();
    variables.sort_unstable();
    assert_eq!(
        variables,
        [
            &format!("OUTLIVE_MARK={mark}"),
            "OUTLIVE_RUN_ID=r1",
            "PATH=/usr/bin:/bin"
        ]
    );
}

#[tokio::test]
async fn the_child_leads_a_group_and_a_session() {
    let mut process = Process::spawn(program("cut", &["-d ", "-f1,5,6", "/proc/self/stat"]))
        .await
        .unwrap();
    let pid = process.pid();
    assert_eq!(rest(&mut process).await, format!("{pid} {pid} {pid}\n"));
}

#[tokio::test]
async fn no_descriptor_of_the_server_is_open_in_the_child() {
    let file = tempfile::tempfile().unwrap();
    rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::empty()).unwrap();
    assert!(file.as_raw_fd() > 2);
    let mut process = Process::spawn(program("ls", &["/proc/self/fd"]))
        .await
        .unwrap();
    // The last one is the directory that is being listed.
    assert_eq!(rest(&mut process).await, "0\n1\n2\n3\n");
}

#[tokio::test]
async fn no_signal_is_ignored_or_blocked() {
    let mut process = Process::spawn(program(
        "grep",
        &["-E", "Sig(Ign|Blk)", "/proc/self/status"],
    ))
    .await
    .unwrap();
    for line in rest(&mut process).await.lines() {
        let (name, bits) = line.split_once(":\t").unwrap();
        // The C library keeps 32 and 33 for itself and lets nobody touch them.
        let reserved = 0b11 << 31;
        assert_eq!(
            u64::from_str_radix(bits, 16).unwrap() & !reserved,
            0,
            "{name}"
        );
    }
}

#[tokio::test]
async fn the_child_works_where_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let cwd = folder.path().canonicalize().unwrap();
    let mut process = Process::spawn(Spec {
        cwd: Some(cwd.clone()),
        ..program("pwd", &[])
    })
    .await
    .unwrap();
    assert_eq!(rest(&mut process).await.trim_end(), cwd.to_str().unwrap());
}

#[tokio::test]
async fn the_input_is_written_while_the_output_is_read() {
    let bytes = b"0123456789abcdef".repeat(64 * 1024);
    let spec = Spec {
        stdin: Stdin::Bytes(bytes.clone()),
        ..program("cat", &[])
    };
    let mut process = Process::spawn(spec).await.unwrap();
    assert!(rest(&mut process).await.into_bytes() == bytes);
    assert_eq!(process.finish().await.exit, Exit::Code(0));
}

#[tokio::test]
async fn a_child_need_not_read_its_input() {
    for stdin in [
        Stdin::Null,
        Stdin::Pipe,
        Stdin::Bytes(vec![b'a'; 1024 * 1024]),
    ] {
        let process = Process::spawn(Spec {
            stdin,
            ..program("true", &[])
        })
        .await
        .unwrap();
        assert_eq!(process.finish().await.exit, Exit::Code(0));
    }
}

#[tokio::test]
async fn the_end_of_the_input_is_dropping_it() {
    let mut process = Process::spawn(Spec {
        stdin: Stdin::Pipe,
        ..script("cat; echo end")
    })
    .await
    .unwrap();
    let mut input = process.take_input().unwrap();
    assert!(process.take_input().is_none());
    input.write(b"hello\n").await.unwrap();
    drop(input);
    assert_eq!(rest(&mut process).await, "hello\nend\n");
}

#[tokio::test]
async fn many_children_start_at_once() {
    let starts = (0..100).map(|n| tokio::spawn(Process::spawn(script(&format!("exit {n}")))));
    let starts: Vec<_> = starts.collect();
    for (n, start) in (0..).zip(starts) {
        assert_eq!(
            start.await.unwrap().unwrap().finish().await.exit,
            Exit::Code(n)
        );
    }
}

#[track_caller]
fn check(spec: Spec, expected: impl Fn(&SpawnError) -> bool) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let error = runtime.block_on(Process::spawn(spec)).unwrap_err();
    assert!(expected(&error), "{error:?}");
}

#[test]
fn a_child_that_cannot_start_says_why() {
    let missing = |error: &SpawnError| matches!(error, SpawnError::ProgramMissing { .. });
    check(program("no-such-program-anywhere", &[]), missing);
    check(program("/no/such/program", &[]), missing);
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap();
    check(program(path, &[]), |error| {
        matches!(error, SpawnError::NotExecutable { .. })
    });
    let bad_cwd = |error: &SpawnError| matches!(error, SpawnError::Cwd { .. });
    check(
        Spec {
            cwd: Some("/no/such/folder".into()),
            ..program("true", &[])
        },
        bad_cwd,
    );
    check(
        Spec {
            cwd: Some(path.into()),
            ..program("true", &[])
        },
        bad_cwd,
    );
    let arguments = |error: &SpawnError| matches!(error, SpawnError::Arguments { .. });
    check(program("true", &["a\0b"]), arguments);
    check(program("true", &[&"a".repeat(8 * 1024 * 1024)]), arguments);
}

#[test]
fn a_program_is_looked_for_in_the_path_that_the_child_gets() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = program("sh", &["-c", "true"]);
    spec.env = vec![("PATH".into(), folder.path().into())];
    check(spec, |error| {
        matches!(error, SpawnError::ProgramMissing { .. })
    });
}

#[test]
fn the_bounds_fit_together() {
    const { assert!(limits::LINE_HEAD_BYTES < limits::LINE_BYTES) };
}
