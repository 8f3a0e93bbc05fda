//! The addresses of this face.

use axum::http::Method;
use axum::routing::{get, post};
use wire::faces::aisdk::{ChatBody, StopChat};
use wire::{Code, StopAnswer};

use crate::reference::{Doc, Group};
use crate::routes::{Route, TOKEN, route};

/// What `useChat` and its transports ask for, with `api` `…/aisdk/{agent}`.
pub(crate) fn routes() -> Vec<Route> {
    const UI: &str = "the version of the client's package, `6` or `7`; 6 if missing. Version 7 is told of discarded text and of decisions in chunks that 6 would fail on";
    let chat = Doc::new(Group::AiSdk, "Sends a message of a chat, or answers to its run, and streams what comes")
        .text("A last message of the user's starts a run on the thread that has the chat's id; the same message again attaches to it. An edited message or a wish for another answer replaces what came after it. A last message of the assistant's answers what its run waits for, by approvals and by outputs of its tools, and the same run goes on. Errors are plain text with the code at the end.")
        .right("start")
        .query("ui", UI)
        .body::<ChatBody>()
        .stream("the UI message stream, to the end of the run or to where it waits for the client; then `data: [DONE]`")
        .codes(&[
            Code::InvalidJson, Code::InvalidRequest, Code::InvalidQuery, Code::InvalidId, Code::BodyTooLarge, Code::AgentUnknown, Code::AgentNotAllowed,
            Code::SettingNotOverridable, Code::SchemaInvalid, Code::RunAlreadyActive, Code::SupersedeMismatch, Code::InputNotAccepted, Code::TooManyInputs,
            Code::RequestUnknown, Code::RequestAnswered, Code::RequestExpired, Code::AnswerUnfit, Code::RunFinal, Code::QueueFull, Code::TooManyStreams,
            Code::NotFound,
        ]);
    let follow = Doc::new(Group::AiSdk, "Comes back to the run of a chat")
        .text("From its beginning, without what was discarded. `{chat}` may also be the `x-workflow-run-id` of an earlier answer, which names a stream whether it has ended or not.")
        .right("read")
        .query(
            "startIndex",
            "chunks of the same stream that the client has; negative for the last so many",
        )
        .query("ui", UI)
        .query("token", TOKEN)
        .stream("the UI message stream")
        .empty(204, "no run of the chat is under way")
        .codes(&[
            Code::InvalidId,
            Code::InvalidQuery,
            Code::CursorUnknown,
            Code::NotFound,
            Code::LogExpired,
            Code::TooManyStreams,
        ]);
    let messages = Doc::new(Group::AiSdk, "The messages of a chat, for a page that loads it")
        .text("What was discarded is left out, what was interrupted is there. The answer of a run under way is there as far as it came; the stream begins it anew under the same id.")
        .right("read")
        .query("cursor", "the `next` of the page before, for older messages")
        .json::<super::ChatMessages>(200, "the last messages, of at most 50 runs")
        .codes(&[
            Code::InvalidId,
            Code::InvalidQuery,
            Code::CursorUnknown,
            Code::LogExpired,
            Code::NotFound,
        ]);
    let stop = Doc::new(Group::AiSdk, "Stops the run of a chat")
        .text("The client's own `stop()` closes its connection and nothing else.")
        .right("stop")
        .optional_body::<StopChat>()
        .json::<StopAnswer>(200, "`stopped` is false when there is nothing to stop")
        .codes(&[
            Code::InvalidId,
            Code::InvalidJson,
            Code::InvalidRequest,
            Code::NotFound,
        ]);
    vec![
        route(Method::POST, "/aisdk/{agent}", post(super::chat), chat),
        route(
            Method::GET,
            "/aisdk/{agent}/{chat}/stream",
            get(super::follow),
            follow,
        ),
        route(
            Method::GET,
            "/aisdk/{agent}/{chat}/messages",
            get(super::messages),
            messages,
        ),
        route(
            Method::POST,
            "/aisdk/{agent}/{chat}/stop",
            post(super::stop),
            stop,
        ),
    ]
}
