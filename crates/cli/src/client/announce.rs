//! `server.json`: where the server of a data directory is. It is a hint, so whoever reads it asks the server itself.

use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
use serde::{Deserialize, Serialize};

use super::calls::Client;

/// Its name in the data directory.
const FILE: &str = "server.json";

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Announcement {
    /// Where clients of this machine reach it.
    pub(crate) url: String,
    /// Its process.
    pub(crate) pid: u32,
    /// The store that it serves.
    pub(crate) store: PathBuf,
    /// Its configuration.
    #[serde(default)]
    pub(crate) config: Option<PathBuf>,
    /// Its version.
    pub(crate) version: String,
}

impl Announcement {
    /// What the server of a store says, if there is one that answers.
    pub(crate) async fn find(store: &Path, key: Option<&str>) -> Option<Self> {
        let said = Self::read(store)?;
        if !said.is_alive() {
            // By now another server may have the address, of other data.
            return None;
        }
        let client = Client::new(&said.url, key.map(str::to_owned)).ok()?;
        client.is_healthy().await.then_some(said)
    }

    /// What the last server of a store said.
    pub(crate) fn read(store: &Path) -> Option<Self> {
        let text = std::fs::read(file(store)).ok()?;
        let said: Self = serde_json::from_slice(&text).ok()?;
        (said.store == store).then_some(said)
    }

    fn is_alive(&self) -> bool {
        let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
        // A process of somebody else is one too, though it takes no signals from us.
        pid.is_some_and(|pid| test_kill_process(pid) != Err(Errno::SRCH))
    }

    /// Says it. Readers see the whole file or the one before.
    pub(crate) fn write(&self) -> io::Result<()> {
        let path = file(&self.store);
        let new = path.with_extension(format!("json.{}", self.pid));
        std::fs::write(&new, serde_json::to_vec_pretty(self)?)?;
        std::fs::rename(&new, &path)
    }

    /// Takes it back, unless another server has spoken since.
    pub(crate) fn remove(&self) {
        if Self::read(&self.store).is_some_and(|said| said.pid == self.pid) {
            // When it stays, readers find that nobody answers.
            let _ = std::fs::remove_file(file(&self.store));
        }
    }
}

fn file(store: &Path) -> PathBuf {
    store.with_file_name(FILE)
}
