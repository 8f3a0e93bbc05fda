//! Tools: clients of MCP servers, the definitions of what is built in, who may use which, and how much of a result is
//! kept.
//!
//! The one rule a reader must know: **nothing here decides and nothing here retries**. A [`Policy`] answers whether a
//! call may be made; the caller asks it, asks a person, announces the call in its log, and only then makes it. A call
//! gives a [`ToolOutput`] or an error within its time; what dies is the call, never the process.
//!
//! * [`Guard`]: where requests may go. Every client that takes an address from a model or a configuration is built on
//!   [`Guard::client`].
//! * [`mcp`]: servers over a child's pipes ([`mcp::Server::over_io`]; the caller starts the child) and over streamable
//!   HTTP ([`mcp::Server::over_http`]).
//! * [`builtin`]: `http_fetch`, and the definitions of `shell`, `ask_user` and sub-agents, which the caller performs.
//! * [`Policy`], [`Gather`] and [`cut`]: terms of a call, and bounds of its output.

pub mod builtin;
pub mod guard;
pub mod limits;
pub mod mcp;

mod definition;
mod output;
mod policy;
mod secret;

pub use definition::{BadArgs, Definition};
pub use guard::{BadRule, Guard, GuardedClient, Refused};
pub use output::{Cut, Gather, Media, ToolOutput, cut};
pub use policy::{BadPolicy, Hints, Permission, Policy, PolicyConfig, Rule, Terms};
pub use secret::{Redactor, Secret};
