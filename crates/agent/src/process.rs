//! A child process of a run.

use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use tokio::io::AsyncWriteExt as _;
use tokio::process::{ChildStdin, Command};
use tokio::sync::watch;

use crate::detach::detach;
use crate::exit::Exit;
use crate::keeper::{Progress, Wishes, keep};
use crate::marker::Marker;
use crate::pid::Pid;
use crate::pipes::{Output, Pipes};
use crate::spawner::{self, Born, Failed, Order};
use crate::spec::{Spec, Stdin};
use crate::stop::StopSteps;
use crate::sweep::Swept;

/// A running child and all it starts. Read it with [`Process::next_output`] until that gives none, then call
/// [`Process::finish`].
///
/// Dropping it kills the child and all it started, at once and in the background.
#[derive(Debug)]
pub struct Process {
    pid: Pid,
    marker: Marker,
    input: Option<Input>,
    pipes: Pipes,
    stopper: Stopper,
    progress: watch::Receiver<Progress>,
}

/// Why a child was not started.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// There is no such program, or its interpreter is missing.
    #[error("there is no program {}", program.display())]
    ProgramMissing {
        /// As asked for.
        program: PathBuf,
    },
    /// The file is there and cannot be run.
    #[error("{} cannot be executed", program.display())]
    NotExecutable {
        /// As asked for.
        program: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The directory is missing, is none or may not be entered.
    #[error("cannot work in {}", cwd.display())]
    Cwd {
        /// As asked for.
        cwd: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The system takes no such arguments or environment: together too long, or with a zero byte.
    #[error("the arguments or the environment cannot be passed on")]
    Arguments {
        /// What the system says.
        source: io::Error,
    },
    /// The machine cannot start anything just now: out of processes, descriptors or memory. Try again later.
    #[error("the machine cannot start a process now")]
    Unavailable {
        /// What the system says.
        source: io::Error,
    },
}

/// How a child and all it started ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// The child itself.
    pub exit: Exit,
    /// What it had left behind.
    pub swept: Swept,
}

/// Stops a [`Process`] from elsewhere. It keeps nothing alive.
#[derive(Debug, Clone)]
pub struct Stopper(Arc<watch::Sender<Wishes>>);

/// What a child reads, with [`Stdin::Pipe`]. Dropping it is the end of its input, at which agents end.
#[derive(Debug)]
pub struct Input(ChildStdin);

impl Process {
    /// Starts a child. Its environment is `spec.env` and the marker, nothing else; it leads a session and a group of
    /// its own; no descriptor of this server is open in it. Must be called on a runtime with IO and time.
    pub async fn spawn(spec: Spec) -> Result<Self, SpawnError> {
        let mut command = Command::new(&spec.program);
        let marker = &spec.marker;
        command
            .args(&spec.args)
            .env_clear()
            .envs(spec.env)
            .envs(marker.variables())
            .stdin(if matches!(spec.stdin, Stdin::Null) {
                Stdio::null()
            } else {
                Stdio::piped()
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        detach(&mut command);
        let order = Order {
            command,
            cwd: spec.cwd.clone(),
            marker: spec.marker.clone(),
        };
        let Born { mut child, leash } =
            spawner::start(order).await.map_err(|failed| match failed {
                Failed::Cwd(source) => SpawnError::Cwd {
                    cwd: spec.cwd.unwrap_or_default(),
                    source,
                },
                Failed::Start(source) => SpawnError::of(spec.program.into(), source),
            })?;
        let pid = leash.child().pid;
        let pipes = Pipes::new(child.stdout.take(), child.stderr.take());
        let mut input = child.stdin.take().map(Input);
        let (wishes, keeper) = watch::channel(Wishes::default());
        let (report, progress) = watch::channel(Progress::default());
        if let Stdin::Bytes(bytes) = spec.stdin
            && let Some(input) = input.take()
        {
            tokio::spawn(feed(input, bytes, progress.clone()));
        }
        tokio::spawn(keep(child, leash, keeper, report));
        let stopper = Stopper(Arc::new(wishes));
        Ok(Self {
            pid,
            marker: spec.marker,
            input,
            pipes,
            stopper,
            progress,
        })
    }

    /// Its number, which is also that of its group and its session.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Whose it is.
    pub fn marker(&self) -> &Marker {
        &self.marker
    }

    /// What it reads, once, and only with [`Stdin::Pipe`].
    pub fn take_input(&mut self) -> Option<Input> {
        self.input.take()
    }

    /// What it says next. None when it will say no more: both its streams have ended, or it has ended itself, all it
    /// wrote was given, and what it left behind had [`DRAIN`](crate::limits::DRAIN) to say more.
    ///
    /// Nothing is read ahead: as long as this is not called, the child waits once its pipes are full. Cancel safe.
    pub async fn next_output(&mut self) -> Option<Output> {
        self.pipes.next(&mut self.progress).await
    }

    /// Waits for the end of the child itself, which does not come while it waits for its output to be read. Cancel
    /// safe.
    pub async fn exited(&mut self) -> Exit {
        let exit = self
            .progress
            .wait_for(|progress| progress.exit.is_some())
            .await;
        exit.ok()
            .and_then(|progress| progress.exit)
            .unwrap_or(Exit::Unknown)
    }

    /// Begins to stop it and returns at once; what is left behind is swept at the end. Go on with
    /// [`Process::next_output`] and [`Process::finish`]. Another call while it is being stopped begins again with the
    /// new steps.
    pub fn stop(&self, steps: StopSteps) {
        self.stopper.stop(steps);
    }

    /// A way to stop it for somebody else, such as who watches over the one that reads.
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Waits for the child's end and kills all that it left behind. Output that was not read yet is read and thrown
    /// away, and its input ends.
    pub async fn finish(mut self) -> Ended {
        self.input = None;
        while self.next_output().await.is_some() {}
        self.stopper.0.send_modify(Wishes::finish);
        let progress = self
            .progress
            .wait_for(|progress| progress.swept.is_some())
            .await;
        let progress = progress
            .map(|progress| progress.clone())
            .unwrap_or_default();
        Ended {
            exit: progress.exit.unwrap_or(Exit::Unknown),
            swept: progress.swept.unwrap_or_default(),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.progress.borrow().swept.is_none() {
            self.stop(StopSteps::NOW);
        }
    }
}

impl Stopper {
    /// See [`Process::stop`]. Nothing happens if it has ended and was swept.
    pub fn stop(&self, steps: StopSteps) {
        self.0.send_modify(|wishes| wishes.stop(steps));
    }
}

impl Input {
    /// Writes all of it; waits while the child does not read. Fails when the child has closed its input or has ended.
    /// Not cancel safe: part may have been written.
    pub async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes).await
    }
}

impl SpawnError {
    fn of(program: PathBuf, source: io::Error) -> Self {
        match source.raw_os_error() {
            Some(libc::ENOENT | libc::ENOTDIR | libc::ELOOP) => Self::ProgramMissing { program },
            Some(libc::EACCES | libc::EPERM | libc::ENOEXEC | libc::EISDIR) => {
                Self::NotExecutable { program, source }
            }
            Some(libc::E2BIG) => Self::Arguments { source },
            None if source.kind() == io::ErrorKind::InvalidInput => Self::Arguments { source },
            _ => Self::Unavailable { source },
        }
    }
}

/// Writes a child's whole input. A child that does not want all of it is not an error: it may have read enough.
async fn feed(mut input: Input, bytes: Vec<u8>, mut progress: watch::Receiver<Progress>) {
    tokio::select! {
        _ = input.write(&bytes) => {}
        // What it left behind may hold the pipe open without reading.
        _ = progress.wait_for(|progress| progress.exit.is_some()) => {}
    }
}
