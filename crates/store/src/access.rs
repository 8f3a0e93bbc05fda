//! Keys and short-lived tokens. Only their hashes are kept.

use run::{RunId, Tenant, ThreadId, Timestamp, User};
use serde::{Deserialize, Serialize};

/// What a credential allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Right {
    /// Start runs.
    Start,
    /// Read runs and threads.
    Read,
    /// Stop runs.
    Stop,
    /// Send inputs.
    Input,
    /// Answer requests.
    Answer,
    /// Change and delete threads and runs, make tokens.
    Manage,
}

impl Right {
    /// Every right.
    pub const ALL: [Self; 6] = [
        Self::Start,
        Self::Read,
        Self::Stop,
        Self::Input,
        Self::Answer,
        Self::Manage,
    ];
}

/// A key to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// Its public name, unique in the tenant.
    pub name: String,
    /// The hash of the secret.
    pub hash: [u8; 32],
    /// Whose it is.
    pub tenant: Tenant,
    /// The one user it acts as.
    pub user: Option<User>,
    /// What it allows.
    pub rights: Vec<Right>,
    /// The agents it may start; all if missing.
    pub agents: Option<Vec<String>>,
}

/// A key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its public name.
    pub name: String,
    /// Whose it is.
    pub tenant: Tenant,
    /// The one user it acts as.
    pub user: Option<User>,
    /// What it allows.
    pub rights: Vec<Right>,
    /// The agents it may start; all if missing.
    pub agents: Option<Vec<String>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// What a token is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// One run.
    Run(RunId),
    /// One thread and its runs.
    Thread(ThreadId),
}

/// A token to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewToken {
    /// The name of the key that made it; it ends with the key. None on a server without keys.
    pub key: Option<String>,
    /// The hash of the secret.
    pub hash: [u8; 32],
    /// Whose it is.
    pub tenant: Tenant,
    /// The one user it acts as.
    pub user: Option<User>,
    /// What it is for.
    pub target: Target,
    /// What it allows.
    pub rights: Vec<Right>,
    /// The agents it may start; all if missing.
    pub agents: Option<Vec<String>>,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What a secret turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// The name of the key, or of the key that made the token.
    pub key: Option<String>,
    /// Whose it is.
    pub tenant: Tenant,
    /// The one user it acts as.
    pub user: Option<User>,
    /// What it allows.
    pub rights: Vec<Right>,
    /// The agents it may start; all if missing.
    pub agents: Option<Vec<String>>,
    /// What it is for; everything of its tenant or user if missing.
    pub target: Option<Target>,
    /// When it ends, if it does.
    pub expires_at: Option<Timestamp>,
}
