//! Sessions, stored like real ones: with the first answer, not before.

use std::path::{Path, PathBuf};

/// Where a session is stored.
pub(crate) fn file(id: &str) -> PathBuf {
    let home = std::env::var_os("FAKE_HOME").map_or_else(std::env::temp_dir, PathBuf::from);
    home.join(format!("{id}.session"))
}

/// A new id.
pub(crate) fn new_id() -> String {
    format!("fake-{}", std::process::id())
}

/// How many turns it has finished; none if it was never stored.
pub(crate) fn n_turns(file: &Path) -> Option<usize> {
    std::fs::read_to_string(file).ok()?.parse().ok()
}

/// Stores it, whole or not at all: it may be killed here. A directory that is not there is a test's way to have it lost.
pub(crate) fn store(file: &Path, n_turns: usize) {
    let new = file.with_extension("new");
    let _ = std::fs::write(&new, n_turns.to_string()).and_then(|()| std::fs::rename(&new, file));
}
