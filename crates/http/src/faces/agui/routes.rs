//! The addresses of this face.

use axum::http::Method;
use axum::routing::{get, post};
use wire::faces::agui::RunAgentInput;
use wire::{Code, StopAnswer, StopRun};

use crate::reference::{Doc, Group};
use crate::routes::{Route, TOKEN, route};

/// What AG-UI's clients ask for.
pub(crate) fn routes() -> Vec<Route> {
    const CLIENT_TOOLS: &str = "`interrupt` tells a wait for the client's tools alone as an interrupt; else it is a success with `pendingToolCallIds`";
    const AFTER: &str = "the `id` of the last event that the client has; wins over `after`";
    let run = Doc::new(Group::AgUi, "Runs an agent as `@ag-ui/client` does, or goes on reading")
        .text("The first request with a `runId` starts a run on the thread; one with answers (`resume`, or messages with the results of the client's tools) goes on with the run that waits, and what follows has the new `runId`; a repeat attaches. What the client has of the run is told again and taken back before, or told on from `Last-Event-ID`. The thread's history is the server's: what the client says behind our last message is new, and a conversation that differs takes its place. `x-run-id` names the run. Errors are problem details as `application/json`.")
        .right("start")
        .header("Last-Event-ID", AFTER)
        .query("client_tools", CLIENT_TOOLS)
        .body::<RunAgentInput>()
        .stream("AG-UI events, to `RUN_FINISHED` or `RUN_ERROR`; a stream without them was cut: send the request again")
        .empty(204, "the cursor has seen the end")
        .codes(&[
            Code::InvalidJson, Code::InvalidRequest, Code::InvalidQuery, Code::InvalidId, Code::BodyTooLarge, Code::UnsupportedMediaType, Code::NotFound,
            Code::AgentUnknown, Code::AgentNotAllowed, Code::RunAlreadyActive, Code::SupersedeMismatch, Code::InputNotAccepted, Code::TooManyInputs,
            Code::RequestUnknown, Code::AnswerUnfit, Code::CursorUnknown, Code::LogExpired, Code::QueueFull, Code::TooManyStreams,
        ]);
    let follow = Doc::new(Group::AgUi, "Follows a run of the protocol")
        .text("By the client's `runId`; or by the id of any run, whatever started it: then all of it, to its present wait or its end.")
        .right("read")
        .header("Last-Event-ID", AFTER)
        .query("after", "the same in the query")
        .query("client_tools", CLIENT_TOOLS)
        .query("token", TOKEN)
        .stream("AG-UI events")
        .empty(204, "the cursor has seen the end")
        .codes(&[
            Code::InvalidRequest,
            Code::InvalidQuery,
            Code::CursorUnknown,
            Code::NotFound,
            Code::LogExpired,
            Code::TooManyStreams,
        ]);
    let stop = Doc::new(Group::AgUi, "Stops the run of a run of the protocol")
        .text("The protocol has no call for it, and hanging up ends nothing. Safe to repeat.")
        .right("stop")
        .optional_body::<StopRun>()
        .json::<StopAnswer>(200, "`stopped` is false for a run that had ended")
        .codes(&[Code::InvalidJson, Code::InvalidRequest, Code::NotFound]);
    vec![
        route(Method::POST, "/agui/{agent}", post(super::post), run),
        route(
            Method::GET,
            "/agui/runs/{agui_run}",
            get(super::follow),
            follow,
        ),
        route(
            Method::POST,
            "/agui/runs/{agui_run}/stop",
            post(super::stop),
            stop,
        ),
    ]
}
