//! Where things are: the configuration file, the data directory, the store.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The name of the configuration file.
pub(crate) const FILE: &str = "outlive.toml";
/// The name of the store's file in the data directory.
pub(crate) const STORE_FILE: &str = "outlive.db";

/// What of the process decides about places. Given, so that tests vary it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Surroundings {
    /// The current directory.
    pub(crate) directory: PathBuf,
    /// The environment; variables that are no text are left out.
    pub(crate) env: BTreeMap<String, String>,
}

impl Surroundings {
    /// Those of this process.
    pub(crate) fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self {
            directory: std::env::current_dir().unwrap_or_else(|_| PathBuf::from(".")),
            env: std::env::vars_os().filter_map(text).collect(),
        }
    }

    /// A variable that is set and not empty.
    pub(crate) fn var(&self, name: &str) -> Option<&str> {
        self.env
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// The directory of the variable, if it is absolute as the XDG base directory specification wants, else the place
    /// below the user's home.
    fn user_directory(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        let named = self.var(variable).map(PathBuf::from);
        let base = named.filter(|path| path.is_absolute()).or_else(|| {
            self.var("HOME")
                .map(|home| Path::new(home).join(below_home))
        })?;
        Some(base.join("outlive"))
    }

    /// Where data is kept unless a setting says otherwise.
    pub(crate) fn data_directory(&self) -> PathBuf {
        self.var("OUTLIVE_DATA_DIR")
            .map(|path| self.directory.join(path))
            .or_else(|| self.user_directory("XDG_DATA_HOME", ".local/share"))
            .unwrap_or_else(|| self.directory.join(".outlive"))
    }

    /// The configuration file: the one that is named, else that of the current directory, else the user's.
    pub(crate) fn config_file(&self, named: Option<&Path>) -> Option<PathBuf> {
        if let Some(path) = named {
            return Some(self.directory.join(path));
        }
        if let Some(path) = self.var("OUTLIVE_CONFIG") {
            return Some(self.directory.join(path));
        }
        let users = self
            .user_directory("XDG_CONFIG_HOME", ".config")
            .map(|directory| directory.join(FILE));
        [Some(self.directory.join(FILE)), users]
            .into_iter()
            .flatten()
            .find(|path| path.is_file())
    }
}
