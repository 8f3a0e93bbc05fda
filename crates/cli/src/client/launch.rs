//! Starts a server in the background for a client that found none.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Instant;

use super::announce::Announcement;
use super::limits;
use crate::config::Config;

/// The name of the server's log in the data directory.
const LOG: &str = "server.log";
/// Bytes of its end that are shown when the server does not come up.
const LOG_END_BYTES: u64 = 2_000;

/// A server could not be started.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LaunchError {
    /// Before it ran.
    #[error("failed to start a server: {0}")]
    Start(#[from] io::Error),
    /// It ended at once.
    #[error("the server ended before it was ready; the end of {}:\n{end}", log.display())]
    Ended {
        /// Its log.
        log: PathBuf,
        /// What it said last.
        end: String,
    },
    /// It is not ready in time.
    #[error("the server was not ready within {} s; see {}", limits::READY.as_secs(), log.display())]
    Slow {
        /// Its log.
        log: PathBuf,
    },
}

/// Starts a server that outlives this process, and waits until it answers. `true` when it is ours and not one that
/// somebody else started meanwhile.
pub(crate) async fn launch(config: &Config) -> Result<(Announcement, bool), LaunchError> {
    make_directory(config.data_directory())?;
    let log = config.data_directory().join(LOG);
    let (file, begins_at) = open_log(&log)?;
    let mut child = spawn(config, file)?;
    let since = Instant::now();
    let mut ended_at = None;
    loop {
        if let Some(said) = Announcement::find(&config.store, None).await {
            let ours = said.pid == child.id();
            if !ours && ended_at.is_none() {
                // Another one was quicker; ours finds the store taken and ends by itself.
                let _ = child.try_wait();
            }
            return Ok((said, ours));
        }
        if ended_at.is_none() && child.try_wait()?.is_some() {
            ended_at = Some(Instant::now());
        }
        // Somebody else may have the store and not yet say where it is.
        if ended_at.is_some_and(|at| at.elapsed() > limits::ANNOUNCE) {
            let end = end_of(&log, begins_at).unwrap_or_default();
            return Err(LaunchError::Ended { log, end });
        }
        if since.elapsed() > limits::READY {
            return Err(LaunchError::Slow { log });
        }
        tokio::time::sleep(limits::LOOK).await;
    }
}

/// Makes a directory that only its owner can read.
pub(crate) fn make_directory(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(path)
}

fn spawn(config: &Config, log: File) -> io::Result<Child> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the server must outlive this process, so nobody may own it"
    )]
    let mut command = std::process::Command::new(std::env::current_exe()?);
    command.arg("serve").arg("--background");
    if let Some(file) = &config.file {
        command.arg("--config").arg(file);
    }
    if config.listen_was_chosen {
        command
            .arg("--listen")
            .arg(config.server.listen.to_string());
    }
    command
        .arg("--store")
        .arg(&config.store)
        // When a run's command calls us, the sweep at the end of that run must not find the server.
        .env_remove(agent::MARK)
        .env_remove(agent::RUN_ID)
        .env_remove("OUTLIVE_URL")
        .env_remove(wire::CHILD_TOKEN_VAR)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
}

/// Opens the log for more, and says where that begins.
fn open_log(path: &Path) -> io::Result<(File, u64)> {
    use std::os::unix::fs::OpenOptionsExt;
    let bytes = std::fs::metadata(path).map_or(0, |it| it.len());
    if bytes > limits::LOG_BYTES {
        std::fs::rename(path, path.with_extension("log.1"))?;
    }
    let mut options = OpenOptions::new();
    let file = options.create(true).append(true).mode(0o600).open(path)?;
    let bytes = file.metadata()?.len();
    Ok((file, bytes))
}

fn end_of(path: &Path, begins_at: u64) -> io::Result<String> {
    let mut file = File::open(path)?;
    let bytes = file.metadata()?.len();
    let from = begins_at.max(bytes.saturating_sub(LOG_END_BYTES));
    file.seek(SeekFrom::Start(from))?;
    let mut end = Vec::new();
    file.read_to_end(&mut end)?;
    Ok(String::from_utf8_lossy(&end).trim().to_owned())
}
