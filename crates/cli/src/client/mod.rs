//! The client: calls over HTTP, streams that come back by themselves, and the server of the data directory.

mod error;
pub(crate) mod limits;

mod calls;
mod stream;

mod announce;
mod launch;
mod run_id;

mod connect;

pub(crate) use announce::Announcement;
pub(crate) use calls::{Client, RunQuery, Started};
pub(crate) use connect::{Connection, NoServer, key};
pub(crate) use error::ClientError;
pub(crate) use launch::{LaunchError, launch, make_directory};
pub(crate) use run_id::{RunNameError, find};
pub(crate) use stream::{Events, Opened, StreamEnd};
