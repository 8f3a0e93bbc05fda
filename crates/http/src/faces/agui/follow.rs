//! `GET /agui/runs/{agui_run}`: follows what a client has named, or any run by its own id.

use std::collections::BTreeSet;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use run::RunId;
use serde::Deserialize;
use store::{Right, RunRecord, Segment};
use wire::faces::agui::Extent;

use super::attach::{Attached, attach, cursor};
use super::post::{Tools, name_of};
use crate::App;
use crate::auth::{Caller, StreamCaller};
use crate::error::Error;
use crate::query::{AguiRunPath, Passed, Query};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FollowQuery {
    after: Option<String>,
    #[serde(default)]
    client_tools: Tools,
    #[serde(rename = "token")]
    _token: Option<Passed>,
}

pub(crate) async fn follow(
    State(app): State<App>,
    StreamCaller(caller): StreamCaller,
    AguiRunPath(id): AguiRunPath,
    Query(query): Query<FollowQuery>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    caller.may(Right::Read)?;
    let (run, extent) = named(&app, &caller, &id).await?;
    let attached = Attached {
        run_id: id,
        extent,
        cursor: cursor(&headers, query.after.as_deref())?,
        client_tools: query.client_tools.into(),
        answered: BTreeSet::new(),
        messages: Vec::new(),
    };
    attach(&app, &caller, run, attached).await
}

/// What a client's name or our id stands for.
pub(super) async fn named(
    app: &App,
    caller: &Caller,
    id: &str,
) -> Result<(RunRecord, Extent), Error> {
    let known = app.store.segment(&caller.scope, &name_of(id)?).await?;
    let run = match (&known, RunId::parse(id)) {
        (Some(segment), _) => segment.run,
        (None, Ok(run)) => run,
        (None, Err(_)) => return Err(Error::not_found()),
    };
    let run = app.store.run(&caller.scope, run).await?;
    if !caller.reaches(&run) {
        return Err(Error::not_found());
    }
    let extent = match known {
        Some(Segment { first_seq, .. }) => Extent::Segment { first_seq },
        None => Extent::Run {
            open: run.control.requests.keys().cloned().collect(),
            as_of: run.control.last_seq,
        },
    };
    Ok((run, extent))
}
