//! The HTTP face: routes, streams, access.
//!
//! The one rule of this crate: it knows no worker. A command is decided in the store, and a stream copies what the
//! store made visible, so that one process and ten replicas are the same program.

mod limits;
mod settings;

mod app;
mod catalogue;
mod router;
mod routes;
mod serve;

mod access_log;
mod auth;
mod bell;
mod body;
mod error;
mod fresh;
mod query;
mod shown;
mod socket;
mod sse;

mod agents;
mod faces;
mod feed;
mod operations;
mod runs;
mod secrets;
mod threads;

mod reference;

pub use app::{App, Parts, RenderMetrics};
pub use auth::{NoRandomness, Secret};
pub use catalogue::Catalogue;
pub use limits::*;
pub use reference::api_markdown;
pub use router::router;
pub use serve::{ServeError, serve};
pub use settings::{Limits, Mode, Settings};
