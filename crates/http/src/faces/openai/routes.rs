//! The addresses of this face.

use axum::http::Method;
use axum::routing::{delete, get, post};
use wire::Code;
use wire::faces::openai::{CreateResponse, Model, ModelList};

use crate::reference::{Doc, Group};
use crate::routes::{IDEMPOTENCY_KEY, Route, TOKEN, route};

/// What OpenAI's clients ask for, with `base_url` `…/openai/v1`.
pub(crate) fn routes() -> Vec<Route> {
    const CREATE: &str = "/openai/v1/responses";
    const ONE: &str = "/openai/v1/responses/{response}";
    let create = Doc::new(Group::OpenAi, "Creates a response: starts a run, or answers one that waits")
        .text("Without `background` and `stream` the answer comes when the response has ended, with spaces before the JSON meanwhile; after 9 minutes it is the response as it stands. Closing the connection ends nothing. The input of a response that follows one with calls or approvals has an answer to each of them; the same run goes on, in a new response.")
        .right("start")
        .header("Idempotency-Key", IDEMPOTENCY_KEY)
        .body::<CreateResponse>()
        .plain(200, "application/json", "the response")
        .stream("with `stream`: its events, to its end")
        .codes(&[
            Code::InvalidJson, Code::InvalidRequest, Code::InvalidHeader, Code::InvalidId, Code::BodyTooLarge, Code::UnsupportedMediaType, Code::NotFound,
            Code::AgentUnknown, Code::AgentNotAllowed, Code::SettingNotOverridable, Code::SchemaInvalid, Code::InputNotAccepted, Code::RunAlreadyActive,
            Code::RequestUnknown, Code::RequestAnswered, Code::RequestExpired, Code::AnswerUnfit, Code::TooManyInputs, Code::RunFinal, Code::LogExpired,
            Code::IdempotencyKeyReused, Code::QueueFull, Code::TooManyStreams,
        ]);
    let retrieve = Doc::new(Group::OpenAi, "A response as it stands, or its stream")
        .right("read")
        .query(
            "stream",
            "`true` for its events from the beginning, to its end",
        )
        .query(
            "starting_after",
            "of a stream: the `sequence_number` of the last event that the client has",
        )
        .query("token", TOKEN)
        .plain(200, "application/json", "the response")
        .stream("with `stream`: its events")
        .codes(&[
            Code::InvalidQuery,
            Code::CursorUnknown,
            Code::NotFound,
            Code::LogExpired,
            Code::TooManyStreams,
        ]);
    let cancel = Doc::new(Group::OpenAi, "Stops the run of a response")
        .text("Waits up to 20 s for its end. Safe to repeat; a response that has ended is left as it is.")
        .right("stop")
        .plain(200, "application/json", "the response")
        .codes(&[Code::NotFound, Code::LogExpired]);
    let remove = Doc::new(
        Group::OpenAi,
        "Deletes the run of a response, with all its responses",
    )
    .right("manage")
    .plain(200, "application/json", "it is gone")
    .codes(&[Code::NotFound, Code::RunOpen]);
    let items = Doc::new(Group::OpenAi, "What the response was given")
        .right("read")
        .query("order", "`asc` or `desc`, which is meant if missing")
        .query("after", "the `last_id` of the page before")
        .query("limit", "from 1 to 100; 20 if missing")
        .plain(200, "application/json", "a list of items")
        .codes(&[
            Code::InvalidQuery,
            Code::CursorUnknown,
            Code::NotFound,
            Code::LogExpired,
        ]);
    let models = Doc::new(Group::OpenAi, "Lists the agents that the caller may start")
        .right("read")
        .json::<ModelList>(200, "the agents, as models");
    let model = Doc::new(Group::OpenAi, "One agent")
        .right("read")
        .json::<Model>(200, "the agent, as a model")
        .codes(&[Code::NotFound]);
    vec![
        route(Method::POST, CREATE, post(super::create::create), create),
        route(Method::GET, ONE, get(super::retrieve::retrieve), retrieve),
        route(Method::DELETE, ONE, delete(super::delete::delete), remove),
        route(
            Method::POST,
            "/openai/v1/responses/{response}/cancel",
            post(super::cancel::cancel),
            cancel,
        ),
        route(
            Method::GET,
            "/openai/v1/responses/{response}/input_items",
            get(super::input_items::input_items),
            items,
        ),
        route(
            Method::GET,
            "/openai/v1/models",
            get(super::models::list),
            models,
        ),
        route(
            Method::GET,
            "/openai/v1/models/{model}",
            get(super::models::show),
            model,
        ),
    ]
}
