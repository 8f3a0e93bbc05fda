//! Programs that a task runs: at the root of the repository, with the terminal they inherit.

use std::ffi::{OsStr, OsString};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use crate::root;

/// A program and its arguments.
pub(crate) struct Program(Command);

/// The cargo that runs us, so that the pinned toolchain stays the only one.
pub(crate) fn cargo<const N: usize>(args: [&str; N]) -> Program {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    program(&cargo, args)
}

/// Any other program.
pub(crate) fn program<const N: usize>(name: impl AsRef<OsStr>, args: [&str; N]) -> Program {
    let mut command = Command::new(name);
    command.args(args).current_dir(root());
    Program(command)
}

impl Program {
    /// Adds arguments.
    pub(crate) fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.0.args(args);
        self
    }

    /// Sets a variable of its environment.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.0.env(name, value);
        self
    }

    /// Runs it to its end; any exit code but zero is an error.
    pub(crate) fn run(mut self) -> anyhow::Result<()> {
        let status = self
            .0
            .status()
            .with_context(|| format!("failed to start {}", self.line()))?;
        if !status.success() {
            bail!("{} failed: {status}", self.line());
        }
        Ok(())
    }

    /// Whether it is there and succeeds; it prints nothing.
    pub(crate) fn answers(mut self) -> bool {
        let quiet = self
            .0
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        quiet.status().is_ok_and(|status| status.success())
    }

    /// Runs it to its end and returns what it printed.
    pub(crate) fn output(mut self) -> anyhow::Result<Vec<u8>> {
        let output = self.0.stderr(Stdio::inherit()).output();
        let output = output.with_context(|| format!("failed to start {}", self.line()))?;
        if !output.status.success() {
            bail!("{} failed: {}", self.line(), output.status);
        }
        Ok(output.stdout)
    }

    /// The command line, without the folder of the program.
    fn line(&self) -> String {
        let name = std::path::Path::new(self.0.get_program())
            .file_name()
            .unwrap_or_default();
        let words = std::iter::once(name).chain(self.0.get_args());
        words
            .map(OsStr::to_string_lossy)
            .collect::<Vec<_>>()
            .join(" ")
    }
}
