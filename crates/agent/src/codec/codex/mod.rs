//! `codex app-server`: JSON-RPC in lines, without the `jsonrpc` field.
//!
//! What has to be known about it: a session is a *thread*, whose file is written in the middle of its first turn; a steer
//! names the turn it is meant for and fails when that is over; an interrupt leaves the items of the turn open; a request
//! for a file change does not say the change, the item before it does; after a lost stream an item begins again under
//! the same id; `error` with `willRetry` is no end, only `turn/completed` is; threads of its own agents speak on the same
//! line.

mod item;
mod launch;
mod notified;
mod reading;
mod requested;
mod speaking;
mod tool;

pub(crate) use self::speaking::Codex;
