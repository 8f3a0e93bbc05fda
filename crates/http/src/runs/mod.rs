//! Runs: starting, reading, following, steering, ending.

mod apply;
mod blob;
mod coding;
mod delete;
mod events;
mod inputs;
mod list;
mod notices;
mod previews;
mod refine;
mod requests;
mod retry;
mod routes;
mod show;
mod start;
mod stop;
mod worktree;

pub(crate) use apply::apply;
pub(crate) use blob::blob;
pub(crate) use coding::diff;
pub(crate) use delete::delete;
pub(crate) use events::{events, events_of_several};
pub(crate) use inputs::{list as list_inputs, send as send_input, take_back};
pub(crate) use list::list;
pub(crate) use notices::notify;
pub(crate) use previews::{start_preview, stop_preview};
pub(crate) use refine::refine;
pub(crate) use requests::answer;
pub(crate) use retry::retry;
pub(crate) use routes::routes;
pub(crate) use show::{last_message, show};
pub(crate) use start::{
    RUN_ID, bounded_metadata, idempotency, may_start, on_conflict, start, thread_for,
};
pub(crate) use stop::{bounded_why, stop, stop_run};
pub(crate) use worktree::worktree;
