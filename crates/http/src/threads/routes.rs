//! The addresses of threads.

use axum::http::Method;
use axum::routing::{delete, get, patch, post};
use wire::{
    Code, CreateThread, PatchThread, StopAnswer, StopRun, ThreadBody, ThreadList, ThreadRun,
};

use crate::reference::{Doc, Group};
use crate::routes::{BELOW, CURSOR, LIMIT, Route, route};
use crate::threads;

/// All of them.
pub(crate) fn routes() -> Vec<Route> {
    let create = Doc::new(Group::Threads, "Makes a thread")
        .text("Not needed before a run: a start on an unknown thread makes it.")
        .right("start")
        .body::<CreateThread>()
        .json::<ThreadBody>(201, "the thread")
        .codes(&[
            Code::InvalidJson,
            Code::InvalidRequest,
            Code::UnsupportedMediaType,
            Code::ThreadExists,
            Code::ParentUnknown,
            Code::NotFound,
        ]);
    let list = Doc::new(Group::Threads, "Lists threads, the last changed first")
        .right("read")
        .query("label", "with this label")
        .query("column", "in this column of the board")
        .query("parent_id", BELOW)
        .query("archived", "`true` also lists those that were put away")
        .query("cursor", CURSOR)
        .query("limit", LIMIT)
        .json::<ThreadList>(200, "the threads")
        .codes(&[Code::InvalidQuery, Code::CursorUnknown]);
    let show = Doc::new(Group::Threads, "One thread")
        .right("read")
        .json::<ThreadBody>(200, "the thread")
        .codes(&[Code::InvalidId, Code::NotFound]);
    let change = Doc::new(Group::Threads, "Changes a thread")
        .text("A missing member stays, `null` clears. An agent's process may change the card of its own run with its token.")
        .right("manage")
        .body::<PatchThread>()
        .json::<ThreadBody>(200, "the thread")
        .codes(&[
            Code::InvalidId,
            Code::InvalidJson,
            Code::InvalidRequest,
            Code::UnsupportedMediaType,
            Code::NotFound,
        ]);
    let remove = Doc::new(
        Group::Threads,
        "Deletes a thread and its runs, all of which must have ended",
    )
    .right("manage")
    .empty(204, "it is gone")
    .codes(&[Code::InvalidId, Code::NotFound, Code::RunOpen]);
    let stop = Doc::new(Group::Threads, "Stops the thread's current run")
        .right("stop")
        .optional_body::<StopRun>()
        .json::<StopAnswer>(
            200,
            "`stopped` is false and `run` null when nothing is current",
        )
        .codes(&[
            Code::InvalidId,
            Code::InvalidJson,
            Code::InvalidRequest,
            Code::NotFound,
        ]);
    let run = Doc::new(Group::Threads, "The thread's latest run and its message")
        .text("What a page needs that opens a thread: the current run, else the last one.")
        .right("read")
        .json::<ThreadRun>(200, "both are null for a thread without runs")
        .codes(&[Code::InvalidId, Code::NotFound]);
    vec![
        route(Method::POST, "/v1/threads", post(threads::create), create),
        route(Method::GET, "/v1/threads", get(threads::list), list),
        route(
            Method::GET,
            "/v1/threads/{thread}",
            get(threads::show),
            show,
        ),
        route(
            Method::PATCH,
            "/v1/threads/{thread}",
            patch(threads::patch),
            change,
        ),
        route(
            Method::DELETE,
            "/v1/threads/{thread}",
            delete(threads::delete),
            remove,
        ),
        route(
            Method::POST,
            "/v1/threads/{thread}/stop",
            post(threads::stop),
            stop,
        ),
        route(
            Method::GET,
            "/v1/threads/{thread}/run",
            get(threads::latest_run),
            run,
        ),
    ]
}
