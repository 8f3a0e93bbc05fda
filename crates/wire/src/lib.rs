//! What goes over the wire: the native bodies, the error codes and the reading of server-sent events.
//!
//! The one rule of this crate: it is pure. It performs no IO and reads no clock, so that server, command line and
//! console agree on every byte by construction.

mod limits;

mod code;
mod problem;
mod read;
mod suggest;

mod agents;
mod answer;
mod apply;
mod child_token;
mod diff;
mod events;
mod feed;
mod inputs;
mod notices;
mod refine;
mod run_body;
mod seal;
mod secrets;
mod settings;
mod start;
mod stop;
mod threads;
mod tokens;

pub mod faces;
mod schema;
pub mod sse;
pub mod structured;
mod worktree;

pub use agents::{AgentBody, AgentList};
pub use answer::RequestAnswer;
pub use apply::ApplyRun;
pub use child_token::{CHILD_TOKEN_VAR, ChildKey, ChildToken};
pub use code::Code;
pub use diff::DiffBody;
pub use events::{EventsPage, StoreNotice};
pub use feed::FeedChange;
pub use inputs::{InputAnswer, InputList, SendInput};
pub use limits::*;
pub use notices::SendNotice;
pub use problem::{PROBLEM_MEDIA_TYPE, Problem};
pub use read::{Unreadable, read, suggestion};
pub use refine::RefineRun;
pub use run_body::{ParentBody, RunBody, RunList};
pub use seal::{
    BadSealKey, Belongs, NONCE_BYTES, SECRET_KEY_VAR, SealKeys, SealedValue, Unsealable,
};
pub use secrets::{Credentials, Hidden, PutSecret, SecretBody, SecretList, secret_name_problem};
pub use settings::Settings;
pub use start::{ConflictRule, StartRun};
pub use stop::{StopAnswer, StopRun};
pub use suggest::closest;
pub use threads::{CreateThread, PatchThread, ThreadBody, ThreadList, ThreadRun};
pub use tokens::{CreateToken, TokenBody, TokenRight};
pub use worktree::{OnWorktree, PreviewBody, WorktreeBody};
