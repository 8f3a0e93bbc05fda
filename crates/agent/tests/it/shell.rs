//! Shell scripts as the children of these tests.

use std::ffi::OsString;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use agent::{Mark, Marker, Output, Process, Spec, Stdin, Stream, alive, inherited};

/// How long anything here may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A marker of no other test.
pub(crate) fn marker() -> Marker {
    static N: AtomicU32 = AtomicU32::new(0);
    let n = N.fetch_add(1, Ordering::Relaxed);
    let mark = format!("test-{}-{n}", std::process::id());
    Mark::new(&mark).unwrap().run("r1").unwrap()
}

pub(crate) fn program(program: &str, args: &[&str]) -> Spec {
    Spec {
        program: program.into(),
        args: args.iter().map(OsString::from).collect(),
        cwd: None,
        env: inherited(),
        marker: marker(),
        stdin: Stdin::Null,
    }
}

pub(crate) fn script(text: &str) -> Spec {
    program("sh", &["-c", text])
}

pub(crate) async fn start(text: &str) -> Process {
    Process::spawn(script(text)).await.unwrap()
}

/// The next piece of its output. What a shell says about the end of its children is of no interest.
async fn next(process: &mut Process) -> Option<Vec<u8>> {
    loop {
        let Output { stream, bytes } = process.next_output().await?;
        if stream == Stream::Stdout {
            return Some(bytes);
        }
    }
}

/// All that it says until it will say no more.
pub(crate) async fn rest(process: &mut Process) -> String {
    let mut text = Vec::new();
    while let Some(bytes) = next(process).await {
        text.extend(bytes);
    }
    String::from_utf8(text).unwrap()
}

/// Reads whole lines until it has said `n`.
pub(crate) async fn lines(process: &mut Process, n: usize) -> Vec<String> {
    let mut text = String::new();
    while text.matches('\n').count() < n {
        let bytes = next(process).await.expect("more output");
        text.push_str(std::str::from_utf8(&bytes).unwrap());
    }
    text.lines().map(str::to_owned).collect()
}

/// Looks again and again until it is so.
#[track_caller]
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

#[track_caller]
pub(crate) fn until_alive(marker: &Marker, n: usize) {
    until(&format!("{n} alive"), || alive(marker).len() == n);
}

pub(crate) fn exists(pid: &str) -> bool {
    Path::new("/proc").join(pid.trim()).exists()
}
