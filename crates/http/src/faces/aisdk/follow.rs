//! Coming back to a run under way.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use run::ThreadId;
use serde::Deserialize;
use store::{ReadError, Right};
use wire::faces::aisdk::{Begin, Discarded};

use super::name::Stretch;
use super::stream::{Asked, Ui, streamed};
use crate::App;
use crate::auth::StreamCaller;
use crate::error::Error;
use crate::query::{ChatPath, Passed, Query};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FollowQuery {
    #[serde(rename = "startIndex")]
    start_index: Option<i64>,
    #[serde(default)]
    ui: Ui,
    #[serde(rename = "token")]
    _token: Option<Passed>,
}

/// `GET /aisdk/{agent}/{chat}/stream`
pub(crate) async fn follow(
    State(app): State<App>,
    StreamCaller(caller): StreamCaller,
    ChatPath(chat): ChatPath,
    Query(query): Query<FollowQuery>,
) -> Result<Response, Error> {
    caller.may(Right::Read)?;
    let (run, begin) = if let Some(Stretch { run, begin }) = Stretch::parse(&chat) {
        let run = app.store.run(&caller.scope, run).await?;
        if !caller.reaches(&run) {
            return Err(Error::not_found());
        }
        (run, begin)
    } else {
        let thread = ThreadId::parse(chat)?;
        caller.reach_thread(&thread)?;
        // A page asks before its chat has a first message, so an unknown one is no error.
        let current = match app.store.thread_run(&caller.scope, &thread).await {
            Ok(run) => run.filter(|run| !run.control.is_final()),
            Err(ReadError::Unknown) => None,
            Err(error @ ReadError::Unavailable(_)) => return Err(error.into()),
        };
        match current {
            Some(run) => (run, Begin::Run),
            None => return Ok(StatusCode::NO_CONTENT.into_response()),
        }
    };
    if begin.first_seq() > run.control.last_seq {
        return Err(Error::not_found());
    }
    let asked = Asked {
        begin,
        // A client that counts chunks counts the same ones each time.
        discarded: match query.start_index {
            Some(_) => Discarded::Blank,
            None => Discarded::LeftOut,
        },
        ui: query.ui,
        start_index: query.start_index.unwrap_or(0),
    };
    streamed(&app, &caller, &run, asked).await
}
