//! What a child says, and when it will say no more.

use std::time::Duration;

use agent::{Exit, Line, Lines, Process, Spec, Stdin, Stream, Utf8Decoder, limits};

use crate::shell::{lines, program, rest, script, start, until};

#[tokio::test]
async fn both_streams_are_read() {
    let mut process = start("echo out; echo err >&2").await;
    let mut found = Vec::new();
    while let Some(output) = process.next_output().await {
        found.push((output.stream, String::from_utf8(output.bytes).unwrap()));
    }
    found.sort_by_key(|(stream, _)| *stream == Stream::Stderr);
    assert_eq!(
        found,
        [
            (Stream::Stdout, "out\n".to_owned()),
            (Stream::Stderr, "err\n".to_owned())
        ]
    );
}

#[tokio::test]
async fn the_last_line_needs_no_newline() {
    let mut process = start("printf 'one\\ntwo'").await;
    let mut lines = Lines::new(limits::LINE_BYTES);
    let mut found = Vec::new();
    while let Some(output) = process.next_output().await {
        found.extend(lines.push(&output.bytes));
    }
    found.extend(lines.finish());
    assert_eq!(
        found,
        [Line::Whole(b"one".to_vec()), Line::Whole(b"two".to_vec())]
    );
}

#[tokio::test]
async fn a_character_written_in_two_halves_is_one() {
    let spec = Spec {
        stdin: Stdin::Pipe,
        ..script("printf 'a\\342\\202'; read go; printf '\\254b'")
    };
    let mut process = Process::spawn(spec).await.unwrap();
    let mut input = process.take_input().unwrap();
    let mut text = Utf8Decoder::default();
    let first = process.next_output().await.unwrap();
    assert_eq!(text.push(&first.bytes), "a");
    input.write(b"\n").await.unwrap();
    let second = process.next_output().await.unwrap();
    assert_eq!(text.push(&second.bytes), "€b");
    assert_eq!(text.finish(), "");
}

#[tokio::test]
async fn what_holds_the_pipe_open_does_not_delay_the_end() {
    let mut process = start("sleep 1000 & echo done; exit 4").await;
    assert_eq!(rest(&mut process).await, "done\n");
    let ended = process.finish().await;
    assert_eq!((ended.exit, ended.swept.killed), (Exit::Code(4), 1));
}

#[tokio::test]
async fn what_the_child_wrote_is_given_however_late_it_is_read() {
    let mut process = start("sleep 1000 & head -c 60000 /dev/zero").await;
    assert_eq!(process.exited().await, Exit::Code(0));
    let first = process.next_output().await.unwrap();
    tokio::time::pause();
    tokio::time::advance(limits::DRAIN * 10).await;
    tokio::time::resume();
    assert_eq!(first.bytes.len() + rest(&mut process).await.len(), 60000);
}

#[tokio::test]
async fn a_slow_reader_makes_the_child_wait() {
    const ALL: usize = 64 * 1024 * 1024;
    let mut process = Process::spawn(program("head", &["-c", &ALL.to_string(), "/dev/zero"]))
        .await
        .unwrap();
    let pid = process.pid();
    let written = || {
        let io = std::fs::read_to_string(format!("/proc/{pid}/io")).unwrap();
        let line = io
            .lines()
            .find_map(|line| line.strip_prefix("wchar: "))
            .unwrap();
        line.parse::<usize>().unwrap()
    };
    let is_waiting = || {
        std::fs::read_to_string(format!("/proc/{pid}/wchan"))
            .unwrap()
            .contains("pipe_write")
    };
    let mut length = 0;
    for _ in 0..3 {
        let output = process.next_output().await.unwrap();
        assert!((1..=limits::READ_BYTES).contains(&output.bytes.len()));
        length += output.bytes.len();
        until("the child waits", is_waiting);
        // The pipe's own size, and the write that is under way.
        assert!(
            written() <= length + 128 * 1024,
            "{} written, {length} read",
            written()
        );
    }
    while let Some(output) = process.next_output().await {
        length += output.bytes.len();
    }
    assert_eq!(length, ALL);
    assert_eq!(process.finish().await.exit, Exit::Code(0));
}

#[tokio::test]
async fn waiting_for_output_can_be_given_up_at_any_time() {
    let mut process = start("for i in 1 2 3 4 5 6 7 8 9; do echo $i; sleep 0.01; done").await;
    let mut text = String::new();
    loop {
        match tokio::time::timeout(Duration::from_millis(1), process.next_output()).await {
            Ok(Some(output)) => text.push_str(&String::from_utf8(output.bytes).unwrap()),
            Ok(None) => break,
            Err(_) => {}
        }
    }
    assert_eq!(text, "1\n2\n3\n4\n5\n6\n7\n8\n9\n");
}

#[tokio::test]
async fn a_child_that_closed_its_streams_is_waited_for() {
    let spec = Spec {
        stdin: Stdin::Pipe,
        ..script("echo up; exec >&- 2>&-; read go; exit 5")
    };
    let mut process = Process::spawn(spec).await.unwrap();
    let mut input = process.take_input().unwrap();
    assert_eq!(lines(&mut process, 1).await, ["up"]);
    assert!(process.next_output().await.is_none());
    input.write(b"\n").await.unwrap();
    assert_eq!(process.finish().await.exit, Exit::Code(5));
}
