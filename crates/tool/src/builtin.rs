//! The tools that come with the house. `http_fetch` is performed here; the others are only described and their
//! arguments read, because a shell needs a worktree and a process, and a question or a sub-agent needs the run.

mod ask_user;
mod charset;
mod entity;
mod html;
mod http_fetch;
mod shell;
mod sub_agent;

pub use ask_user::{AskUser, AskedQuestion};
pub use http_fetch::{FetchError, HttpFetch, HttpFetchArgs, Method};
pub use shell::ShellArgs;
pub use sub_agent::SubAgentArgs;
