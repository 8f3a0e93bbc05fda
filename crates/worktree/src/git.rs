//! One `git` command: a clean environment, no prompt, no hook, a bound on its time and on its answer.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::statvfs;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use crate::child::Leader;
use crate::error::Error;
use crate::limits::{
    ANSWER_BYTES, COMPLAINT_BYTES, DRAIN, GIT_VERSION, LOCK_PAUSE, LOCK_TRIES, NEARLY_FULL_BYTES,
    PLUMBING,
};
use crate::lock::Held;

/// Variables of ours that git gets. All others, `GIT_*` above all, stay here.
const INHERITED: &[&str] = &[
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "TZ",
    "XDG_CONFIG_HOME",
    "XDG_CACHE_HOME",
];

/// Settings that hold for each command, over those of the user: nothing of theirs is run, nothing runs on behind us.
const SETTINGS: &[&str] = &[
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.quotePath=off",
    "core.splitIndex=false",
    "core.safecrlf=false",
    // One flush for all objects of a command instead of one for each.
    "core.fsyncMethod=batch",
    "gc.auto=0",
    "maintenance.auto=false",
    "submodule.recurse=false",
    "advice.addEmbeddedRepo=false",
];

/// The git program.
#[derive(Debug, Clone)]
pub struct Git {
    program: PathBuf,
}

/// A command to be run.
#[derive(Debug)]
pub(crate) struct Call {
    program: PathBuf,
    dir: PathBuf,
    args: Vec<OsString>,
    env: Vec<(&'static str, OsString)>,
    input: Vec<u8>,
    lock: Option<Arc<File>>,
    time: Duration,
    bytes: usize,
}

/// A command that has ended.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<u8>,
    /// There was more, and the command was ended for it.
    pub(crate) cut: bool,
    complaint: String,
    command: String,
    dir: PathBuf,
}

impl Git {
    /// The `git` of the search path, if it is new enough.
    pub async fn find() -> Result<Self, Error> {
        Self::at("git").await
    }

    /// The git at this path, if it is new enough.
    pub async fn at(program: impl Into<PathBuf>) -> Result<Self, Error> {
        let git = Self {
            program: program.into(),
        };
        let answer = git
            .call(&std::env::temp_dir())
            .arg("version")
            .bytes(COMPLAINT_BYTES)
            .text()
            .await?;
        match version(&answer) {
            Some(found) if found >= GIT_VERSION => Ok(git),
            _ => Err(Error::GitTooOld {
                found: answer.trim_start_matches("git version ").to_owned(),
            }),
        }
    }

    /// A command in this directory.
    pub(crate) fn call(&self, dir: &Path) -> Call {
        Call {
            program: self.program.clone(),
            dir: dir.to_owned(),
            args: Vec::new(),
            env: Vec::new(),
            input: Vec::new(),
            lock: None,
            time: PLUMBING,
            bytes: ANSWER_BYTES,
        }
    }
}

impl Call {
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    pub(crate) fn args<A: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args
            .extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    pub(crate) fn env(mut self, name: &'static str, value: impl AsRef<OsStr>) -> Self {
        self.env.push((name, value.as_ref().to_owned()));
        self
    }

    pub(crate) fn input(mut self, input: Vec<u8>) -> Self {
        self.input = input;
        self
    }

    /// Makes the command hold this lock too: should this process die, the lock is free only when the command has ended.
    pub(crate) fn under(mut self, held: &Held) -> Self {
        self.lock = Some(held.file());
        self
    }

    pub(crate) fn time(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }

    pub(crate) fn bytes(mut self, bytes: usize) -> Self {
        self.bytes = bytes;
        self
    }

    /// Its answer as text without the last line break; an answer that is too long is an error, as is a failure.
    pub(crate) async fn text(self) -> Result<String, Error> {
        let answer = self.stdout().await?;
        let mut text = String::from_utf8_lossy(&answer).into_owned();
        if text.ends_with('\n') {
            text.pop();
        }
        Ok(text)
    }

    /// The same, for who needs only that it worked.
    pub(crate) async fn done(self) -> Result<(), Error> {
        self.stdout().await.map(|_| ())
    }

    /// The same, as bytes.
    pub(crate) async fn stdout(self) -> Result<Vec<u8>, Error> {
        let bytes = self.bytes;
        let answer = self.run().await?;
        if answer.cut {
            return Err(Error::GitTooMuch {
                command: answer.command,
                bytes,
            });
        }
        if answer.code == Some(0) {
            Ok(answer.stdout)
        } else {
            Err(answer.error())
        }
    }

    /// Runs it again while another git command's lock is in the way. For commands that change nothing when they fail.
    pub(crate) async fn patiently(self) -> Result<(), Error> {
        let mut pause = LOCK_PAUSE;
        for _ in 1..LOCK_TRIES {
            match self.again().done().await {
                Err(error) if error.is_race() => {}
                other => return other,
            }
            sleep(pause).await;
            pause *= 2;
        }
        self.done().await
    }

    pub(crate) fn again(&self) -> Self {
        Self {
            program: self.program.clone(),
            dir: self.dir.clone(),
            args: self.args.clone(),
            env: self.env.clone(),
            input: self.input.clone(),
            lock: self.lock.clone(),
            time: self.time,
            bytes: self.bytes,
        }
    }

    /// What it reads. A lock is handed on as an empty file that it does not read.
    fn stdin(&self) -> Result<Stdio, Error> {
        match &self.lock {
            Some(file) => Ok(file.try_clone().map_err(Error::at(&self.dir))?.into()),
            None if self.input.is_empty() => Ok(Stdio::null()),
            None => Ok(Stdio::piped()),
        }
    }

    /// Runs it to its end, whatever that is. Dropping the future kills it and all it started.
    pub(crate) async fn run(self) -> Result<Answer, Error> {
        let name = self.name();
        let mut command = self.command();
        command.stdin(self.stdin()?);
        let child = command.spawn().map_err(|source| {
            if !self.dir.is_dir() {
                Error::PathMissing {
                    path: self.dir.clone(),
                }
            } else if source.kind() == std::io::ErrorKind::NotFound {
                Error::GitMissing {
                    program: self.program.clone(),
                }
            } else {
                Error::at(&self.program)(source)
            }
        })?;
        let mut leader = Leader::new(child);
        let child = &mut leader.child;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());

        let (mut answer, mut complaint) = (Vec::new(), Vec::new());
        let mut cut = false;
        let input = self.input;
        let work = async {
            let talk = async {
                let feed = async {
                    if let Some(mut stdin) = stdin {
                        // A command that wants no more of it has its reasons, which its code tells.
                        let _ = stdin.write_all(&input).await;
                    }
                    Ok(())
                };
                let complain = async {
                    let _ = read(stderr, &mut complaint, COMPLAINT_BYTES, Beyond::Drop).await;
                    Ok(())
                };
                let listen = read(stdout, &mut answer, self.bytes, Beyond::Stop);
                tokio::try_join!(feed, complain, listen)
            };
            tokio::pin!(talk);
            tokio::select! {
                said = &mut talk => {
                    if said.is_err() {
                        cut = true;
                        leader.stop();
                    }
                    leader.ended().await
                }
                ended = leader.ended() => {
                    cut = matches!(timeout(DRAIN, &mut talk).await, Ok(Err(TooMuch)));
                    ended
                }
            }
        };
        let ended = timeout(self.time, work).await;
        let status = ended.map_err(|_| Error::GitTimeout {
            command: name.clone(),
            after: self.time,
        })?;
        let status = status.map_err(Error::at(&self.dir))?;
        Ok(Answer {
            code: status.code(),
            stdout: answer,
            cut,
            complaint: String::from_utf8_lossy(&complaint).into_owned(),
            command: name,
            dir: self.dir,
        })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env_clear();
        for name in INHERITED {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command
            .envs([
                ("LC_ALL", "C"),
                ("GIT_TERMINAL_PROMPT", "0"),
                ("GIT_OPTIONAL_LOCKS", "0"),
                ("GIT_NO_LAZY_FETCH", "1"),
                ("GIT_LITERAL_PATHSPECS", "1"),
            ])
            .envs(self.env.iter().map(|(name, value)| (name, value)));
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command
            .args(&self.args)
            .current_dir(&self.dir)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true);
        command
    }

    /// The command without its arguments, which may be anything.
    fn name(&self) -> String {
        let words = self.args.iter().map(|arg| arg.to_string_lossy());
        let mut words = words.skip_while(|word| word.starts_with('-') || word.contains('='));
        let first = words.next().unwrap_or_default().into_owned();
        match words.next() {
            Some(second) if first == "worktree" => format!("{first} {second}"),
            _ => first,
        }
    }
}

impl Answer {
    /// What its failure means.
    pub(crate) fn error(&self) -> Error {
        let error = Error::of_git(&self.command, self.code, &self.complaint, &self.dir);
        match &error {
            // Of a file in a working tree git says that it was not written, not why.
            Error::GitFailed { complaint, .. }
                if complaint.contains("unable to write") && is_nearly_full(&self.dir) =>
            {
                Error::DiskFull
            }
            _ => error,
        }
    }

    pub(crate) fn says(&self, text: &str) -> bool {
        self.complaint.contains(text)
    }

    pub(crate) fn complaint(&self) -> &str {
        self.complaint.trim()
    }
}

fn is_nearly_full(dir: &Path) -> bool {
    statvfs(dir).is_ok_and(|disk| {
        // Some file systems do not count files.
        let no_file = disk.f_files > 0 && disk.f_favail == 0;
        no_file || disk.f_bavail.saturating_mul(disk.f_frsize) < NEARLY_FULL_BYTES
    })
}

struct TooMuch;

/// What happens to bytes beyond the bound.
#[derive(Clone, Copy)]
enum Beyond {
    Stop,
    Drop,
}

async fn read(
    from: Option<impl AsyncRead + Unpin>,
    into: &mut Vec<u8>,
    most: usize,
    beyond: Beyond,
) -> Result<(), TooMuch> {
    let Some(mut from) = from else { return Ok(()) };
    let mut buffer = vec![0; 32 * 1024];
    // An error of a pipe is its end.
    while let Ok(n) = from.read(&mut buffer).await {
        if n == 0 {
            break;
        }
        let room = most - into.len();
        into.extend_from_slice(&buffer[..n.min(room)]);
        if n > room && matches!(beyond, Beyond::Stop) {
            return Err(TooMuch);
        }
    }
    Ok(())
}

/// The numbers of `git version 2.47.3`.
fn version(answer: &str) -> Option<(u32, u32)> {
    let mut numbers = answer.strip_prefix("git version ")?.split('.');
    let mut number = || numbers.next()?.parse().ok();
    Some((number()?, number()?))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::PathBuf;
    use std::time::Duration;

    use super::{Git, version};
    use crate::lock::{lock, lock_within};

    /// A program that stands for git and does this.
    fn program(dir: &tempfile::TempDir, script: &str) -> Git {
        let program = dir.path().join("git");
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        Git { program }
    }

    /// Whether the process whose number is in this file runs.
    fn runs(file: &PathBuf) -> bool {
        let pid = std::fs::read_to_string(file).unwrap();
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        stat.is_ok_and(|stat| !stat.contains(") Z"))
    }

    #[tokio::test]
    async fn a_command_that_takes_too_long_ends_with_all_it_started() {
        let dir = tempfile::tempdir().unwrap();
        let git = program(&dir, "sleep 1000 & echo $! > child; wait");
        let call = git.call(dir.path()).arg("fetch");
        let error = call
            .time(Duration::from_millis(300))
            .done()
            .await
            .unwrap_err();
        assert_eq!(error.code(), "git_timeout");
        assert!(
            error.to_string().starts_with("`git fetch` took longer"),
            "{error}"
        );
        assert!(!runs(&dir.path().join("child")));
    }

    #[tokio::test]
    async fn a_command_that_nobody_waits_for_ends_with_all_it_started() {
        let dir = tempfile::tempdir().unwrap();
        let child = dir.path().join("child");
        // It ignores the first request to end.
        let git = program(
            &dir,
            "trap '' TERM; sleep 1000 & echo $! > new; mv new child; wait",
        );
        tokio::select! {
            _ = git.call(dir.path()).run() => panic!("it ended"),
            () = async { while !child.exists() { tokio::task::yield_now().await; } } => {}
        }
        while runs(&child) {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn a_command_that_says_too_much_is_cut_or_refused() {
        let dir = tempfile::tempdir().unwrap();
        let git = program(&dir, "yes line");
        let answer = git.call(dir.path()).bytes(1_000).run().await.unwrap();
        assert_eq!((answer.stdout.len(), answer.cut), (1_000, true));
        let error = git.call(dir.path()).bytes(1_000).done().await.unwrap_err();
        assert_eq!(error.code(), "git_too_much");
    }

    #[tokio::test]
    async fn a_command_gets_no_variable_that_was_not_named() {
        let dir = tempfile::tempdir().unwrap();
        let git = program(&dir, "env");
        let told = git.call(dir.path()).text().await.unwrap();
        assert!(std::env::vars().any(|(name, _)| name.starts_with("CARGO")));
        assert!(!told.contains("CARGO"), "{told}");
        assert!(told.contains("GIT_TERMINAL_PROMPT=0"), "{told}");
    }

    #[tokio::test]
    async fn a_command_keeps_the_lock_it_works_under() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = lock(&path).await.unwrap();
        let git = program(&dir, "touch begun; until test -e go; do sleep 0.01; done");
        let call = git.call(dir.path()).under(&held);
        // As if the process died and left the command behind.
        let command = tokio::spawn(call.done());
        while !dir.path().join("begun").exists() {
            tokio::task::yield_now().await;
        }
        drop(held);
        let late = lock_within(&path, Duration::from_millis(20)).await;
        assert_eq!(late.unwrap_err().code(), "repository_busy");
        std::fs::write(dir.path().join("go"), "").unwrap();
        command.await.unwrap().unwrap();
        lock(&path).await.unwrap();
    }

    #[test]
    fn a_version_is_its_first_two_numbers() {
        for (answer, expected) in [
            ("git version 2.47.3", Some((2, 47))),
            ("git version 2.39.5 (Apple Git-154)", Some((2, 39))),
            ("git version 3.0.rc1", Some((3, 0))),
            ("fossil 2.1", None),
        ] {
            assert_eq!(version(answer), expected, "{answer}");
        }
    }
}
