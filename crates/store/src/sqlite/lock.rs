//! One process per file. SQLite's own locks are for many processes; ours is held from the first look to the end, and
//! the second process hears who has it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::OpenError;

/// The lock, held until dropped. The operating system lets go of it when the process dies, however it dies.
pub(crate) struct FileLock {
    _file: File,
}

impl FileLock {
    /// Takes the lock beside the database file, and writes into it who has it.
    pub(crate) fn take(database: &Path, holder: &str) -> Result<Self, OpenError> {
        let path = beside(database, "-lock");
        let unusable = |error: std::io::Error| OpenError::Unusable {
            path: database.to_owned(),
            message: error.to_string(),
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // The holder may be writing its name right now; a missing name is no reason to fail differently.
                let _ = file.take(4096).read_to_string(&mut holder);
                return Err(OpenError::Held {
                    path: database.to_owned(),
                    holder: holder.trim().to_owned(),
                });
            }
            Err(TryLockError::Error(error)) => return Err(unusable(error)),
        }
        let text = format!(
            "process {}{}{holder}\n",
            std::process::id(),
            if holder.is_empty() { "" } else { ", " }
        );
        file.set_len(0).map_err(unusable)?;
        file.seek(SeekFrom::Start(0)).map_err(unusable)?;
        file.write_all(text.as_bytes()).map_err(unusable)?;
        Ok(Self { _file: file })
    }
}

/// A file beside the database, as SQLite names its own.
pub(crate) fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}
