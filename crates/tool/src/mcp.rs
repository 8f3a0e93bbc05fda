//! Clients of MCP servers.
//!
//! The official SDK (`rmcp`) speaks the protocol and keeps HTTP sessions. Around it, this module bounds what a server
//! may send and how long it may take, and turns every way in which a server dies into the error of the calls that wait
//! for it. Pipes have a transport of their own, because the SDK's drops a message that is too long or
//! broken, and its call would wait in vain.

mod calls;
mod error;
mod http;
mod lines;
mod names;
mod result;
mod server;
mod tap;
mod tools;

pub use error::Error;
pub use names::{Names, Origin};
pub use server::{Call, Server};
pub use tools::{ToolInfo, Tools};
