//! What to start.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use crate::marker::Marker;

/// A child to start.
#[derive(Debug, Clone)]
pub struct Spec {
    /// A path, or a name that is looked for in the `PATH` of `env`. Prefer the agent's own binary to a launcher: some
    /// launchers swallow signals.
    pub program: OsString,
    /// Its arguments, without its own name.
    pub args: Vec<OsString>,
    /// Where it runs; the server's own directory if none.
    pub cwd: Option<PathBuf>,
    /// All that it gets; nothing of the server's own environment is passed on. See [`inherited`].
    pub env: Vec<(OsString, OsString)>,
    /// Whose it is; added to `env`.
    pub marker: Marker,
    /// What it reads.
    pub stdin: Stdin,
}

/// What a child reads.
#[derive(Debug, Clone)]
pub enum Stdin {
    /// Nothing.
    Null,
    /// These bytes, then the end. They are written while its output is read, so any amount is safe.
    Bytes(Vec<u8>),
    /// What is written to its [`Input`](crate::Input).
    Pipe,
}

/// Names in the server's environment that say how to behave and hold no secret.
pub const HARMLESS: &[&str] = &[
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "TMPDIR", "TZ", "LANG", "LANGUAGE",
];

/// Beginnings of further such names.
pub const HARMLESS_PREFIXES: &[&str] = &["LC_"];

/// What of the server's own environment may be passed on to a child: see [`HARMLESS`].
pub fn inherited() -> Vec<(OsString, OsString)> {
    std::env::vars_os()
        .filter(|(name, _)| is_harmless(name))
        .collect()
}

fn is_harmless(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| {
        HARMLESS.contains(&name)
            || HARMLESS_PREFIXES
                .iter()
                .any(|prefix| name.starts_with(prefix))
    })
}

#[cfg(test)]
mod tests {
    use super::is_harmless;

    #[test]
    fn only_names_without_secrets_are_passed_on() {
        for name in ["PATH", "LC_ALL", "LC_TIME", "TZ"] {
            assert!(is_harmless(name.as_ref()), "{name}");
        }
        for name in [
            "ANTHROPIC_API_KEY",
            "PATHS",
            "LC",
            "LD_PRELOAD",
            "OUTLIVE_MARK",
            "",
        ] {
            assert!(!is_harmless(name.as_ref()), "{name}");
        }
    }
}
