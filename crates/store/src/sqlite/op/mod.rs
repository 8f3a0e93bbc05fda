//! What the writer does: one operation per file.

mod access;
mod append;
mod apply;
mod blob;
mod claim;
mod command;
mod conclude;
mod delete;
mod lease;
mod pack;
mod secret;
mod segment;
mod start;
mod sweep;
mod thread;
mod tick;
mod watch;
mod work;

pub(crate) use access::{CreateKey, CreateToken, RevokeKey};
pub use append::AppendOp;
pub(crate) use apply::Apply;
pub(crate) use blob::PutBlob;
pub use claim::ClaimOp;
pub use command::CommandOp;
pub(crate) use conclude::Conclude;
pub(crate) use delete::{DeleteRun, DeleteThread};
pub use lease::{Register, Release, Renew};
pub(crate) use pack::{Expire, Forget, LeaveAsIs, Pack, PackedChunk, SaveSnapshot, StoredSnapshot};
pub(crate) use secret::{DeleteSecret, PutSecret, erase_credentials};
pub(crate) use segment::NameSegment;
pub use start::StartOp;
pub use sweep::SweepOp;
pub(crate) use thread::{CreateThread, PatchThread};
pub(crate) use tick::{Probe, Tick};
pub(crate) use watch::Watch;
pub use work::WorkOp;
