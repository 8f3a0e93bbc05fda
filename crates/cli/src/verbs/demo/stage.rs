//! The server of the demo: a child of ours on a free port, its data in a directory that goes with it.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::client::{Announcement, Client, limits};
use crate::config::FILE;
use crate::failure::Failure;

/// For a server to end in good order.
const GOODBYE: Duration = Duration::from_secs(10);

/// The directory with everything in it.
pub(super) struct Stage {
    directory: tempfile::TempDir,
}

/// A running server. Dropping it kills it.
pub(super) struct Server {
    child: Child,
    pub(super) client: Client,
}

impl Stage {
    pub(super) fn build() -> Result<Self, Failure> {
        let directory = tempfile::Builder::new()
            .prefix("outlive-demo-")
            .tempdir()
            .map_err(Failure::io("failed to make a directory"))?;
        // A configuration of its own keeps the one of the current directory out.
        std::fs::write(directory.path().join(FILE), "")
            .map_err(Failure::io("failed to write a configuration"))?;
        Ok(Self { directory })
    }

    pub(super) fn store(&self) -> PathBuf {
        self.directory.path().join("demo.db")
    }

    /// Starts a server on the data and waits until it answers.
    pub(super) async fn serve(&self) -> Result<Server, Failure> {
        let mut child = self
            .spawn()
            .map_err(Failure::io("failed to start a server"))?;
        let since = Instant::now();
        let client = loop {
            let said = Announcement::find(&self.store(), None).await;
            if let Some(said) = said.filter(|said| said.pid == child.id()) {
                break Client::new(&said.url, None)?;
            }
            let ended = child.try_wait().ok().flatten();
            if ended.is_some() || since.elapsed() > limits::READY {
                let _ = child.kill();
                let _ = child.wait();
                return Err(Failure::Unavailable(format!(
                    "the server did not come up; it said:\n{}",
                    self.log()
                )));
            }
            tokio::time::sleep(limits::LOOK).await;
        };
        Ok(Server { child, client })
    }

    /// What the servers logged.
    fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.directory.path().join("server.log")
    }

    fn spawn(&self) -> std::io::Result<Child> {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_path())?;
        #[expect(
            clippy::disallowed_methods,
            reason = "its owner is `Server`, and a demo that dies is heard by the child as the end of its input"
        )]
        let mut command = std::process::Command::new(std::env::current_exe()?);
        for (name, _) in std::env::vars_os() {
            if Path::new(&name).to_string_lossy().starts_with("OUTLIVE_") {
                command.env_remove(name);
            }
        }
        command
            .args([
                "serve",
                "--with-parent",
                "--listen",
                "127.0.0.1:0",
                "--config",
            ])
            .arg(self.directory.path().join(FILE))
            .arg("--store")
            .arg(self.store())
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
    }
}

impl Server {
    /// Its process.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL: no handler runs, nothing is flushed.
    pub(super) fn kill(&mut self) -> Result<(), Failure> {
        self.child
            .kill()
            .and_then(|()| self.child.wait())
            .map(drop)
            .map_err(Failure::io("failed to kill the server"))
    }

    /// SIGTERM, and time to end in good order.
    pub(super) async fn end(mut self) -> Result<(), Failure> {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let since = Instant::now();
        while since.elapsed() < GOODBYE {
            match self.child.try_wait() {
                Ok(Some(status)) if status.success() => return Ok(()),
                Ok(Some(status)) => {
                    return Err(Failure::Failed(format!("the server ended badly: {status}")));
                }
                Ok(None) => tokio::time::sleep(limits::LOOK).await,
                Err(error) => return Err(Failure::io("failed to wait for the server")(error)),
            }
        }
        Err(Failure::Failed(
            "the server did not end when it was told to".to_owned(),
        ))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
