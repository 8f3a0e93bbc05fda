//! How an agent is to work, whichever it is.

use std::ffi::OsString;

/// How an agent is to work.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The agent's own binary; its usual name if none. Prefer the native binary to a launcher, which may swallow signals.
    pub program: Option<OsString>,
    /// Arguments before all others. What makes an agent of the last wire speak its protocol (`acp`, `--acp`) is here.
    pub args: Vec<OsString>,
    /// Where it works: an absolute path.
    pub cwd: String,
    /// What it may do without asking.
    pub approval: Approval,
    /// The model; the agent's own choice if none.
    pub model: Option<String>,
    /// How much it thinks, in the agent's word.
    pub effort: Option<String>,
    /// A mode of the session, in the agent's word.
    pub mode: Option<String>,
    /// A session to reopen: what an earlier process gave as
    /// [`Event::SessionResumable`](crate::codec::Event::SessionResumable).
    pub resume: Option<String>,
    /// What becomes of frames that have no place in [`Event`](crate::codec::Event).
    pub raw: Raw,
    /// Another number for every process. Ids that an agent remembers across processes are made of it.
    pub nonce: u32,
    /// The version of the program that drives it, which it is told.
    pub version: String,
}

/// What an agent may do without asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Approval {
    /// Nothing that acts.
    Ask,
    /// Change files where it works.
    AutoEdits,
    /// Everything.
    Full,
}

/// What becomes of frames that have no other place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Raw {
    /// Nothing; an unknown kind is named once.
    Drop,
    /// They are events, whole.
    Keep,
}

impl Settings {
    /// An agent that asks, in this directory, with everything else as it comes.
    pub fn new(cwd: impl Into<String>) -> Self {
        Self {
            program: None,
            args: Vec::new(),
            cwd: cwd.into(),
            approval: Approval::Ask,
            model: None,
            effort: None,
            mode: None,
            resume: None,
            raw: Raw::Drop,
            nonce: 0,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}
