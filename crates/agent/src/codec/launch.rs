//! What to start for an agent.

use std::ffi::OsString;

/// What to start for an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Launch {
    /// A path, or a name for the `PATH`.
    pub program: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// What it needs in its environment besides what the configuration names.
    pub env: Vec<(OsString, OsString)>,
    /// The variable that names the directory where the agent keeps its sessions; under `HOME` if none. It has to be the
    /// same for a process that reopens a session.
    pub home: Option<&'static str>,
}

impl Launch {
    pub(crate) fn new(program: Option<&OsString>, usual: &str, first: &[OsString]) -> Self {
        Self {
            program: program.cloned().unwrap_or_else(|| usual.into()),
            args: first.to_vec(),
            env: Vec::new(),
            home: None,
        }
    }

    pub(crate) fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// An option and its value, if there is one.
    pub(crate) fn option(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.arg(name).arg(value),
            None => self,
        }
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }
}
