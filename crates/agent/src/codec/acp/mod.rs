//! The Agent Client Protocol, version 1: JSON-RPC in lines.
//!
//! What has to be known about it: the answer to a prompt is the end of its turn, and there is no stop reason for a
//! failure, only an error or nothing; steering is an extension that an agent has to announce, since some cancel the turn
//! for a second prompt; options of a permission are chosen by their kind, never by their place; a session that is
//! *loaded* is said again from its beginning, one that is *resumed* is not; messages have no end and may have no id.
//!
//! This client has no files and no terminals of its own and says so: agents then work on the disk themselves, where the
//! worktree is. Who calls such a method all the same is refused.

mod asked;
mod launch;
mod reading;
mod session;
mod speaking;
mod updates;

pub(crate) use self::speaking::Acp;
