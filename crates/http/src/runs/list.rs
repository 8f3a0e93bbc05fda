//! Lists of runs.

use axum::Json;
use axum::extract::State;
use run::{RunId, Status, ThreadId};
use serde::Deserialize;
use store::{Cursor, Right, RunFilter, Target};
use wire::RunList;

use crate::App;
use crate::auth::Caller;
use crate::error::Error;
use crate::query::{Entries, Query};
use crate::shown;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    thread_id: Option<String>,
    agent: Option<String>,
    status: Option<String>,
    parent: Option<RunId>,
    #[serde(default)]
    ephemeral: bool,
    cursor: Option<String>,
    #[serde(default)]
    limit: Entries,
}

/// `GET /v1/runs`
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<RunList>, Error> {
    caller.may(Right::Read)?;
    let asked = query
        .thread_id
        .map(ThreadId::parse)
        .transpose()
        .map_err(|error| Error::query("thread_id", error.problem))?;
    let thread = match caller.target() {
        None => asked,
        Some(Target::Thread(own)) => {
            if asked.is_some_and(|asked| asked != *own) {
                return Err(Error::not_found());
            }
            Some(own.clone())
        }
        Some(Target::Run(_)) => {
            caller.is_general()?;
            None
        }
    };
    let filter = RunFilter {
        thread,
        agent: query.agent,
        statuses: statuses(query.status.as_deref())?,
        with_ephemeral: query.ephemeral,
        parent: query.parent,
    };
    let after = query.cursor.as_deref().map(Cursor::parse).transpose()?;
    let page = app
        .store
        .runs(&caller.scope, filter, after, query.limit.0)
        .await?;
    Ok(Json(RunList {
        runs: page.entries.into_iter().map(shown::run_body).collect(),
        next: page.next.map(|next| next.to_string()),
    }))
}

/// `queued,running`, or `open` for all that have not ended.
fn statuses(text: Option<&str>) -> Result<Vec<Status>, Error> {
    let mut statuses = Vec::new();
    for word in text.into_iter().flat_map(|text| text.split(',')) {
        match Status::parse(word) {
            Some(status) => statuses.push(status),
            None if word == "open" => {
                statuses.extend(Status::ALL.into_iter().filter(|status| !status.is_final()));
            }
            None => {
                let words: Vec<&str> = Status::ALL.iter().map(|status| status.as_str()).collect();
                return Err(Error::query(
                    "status",
                    format!("{word:?} is not one of open, {}", words.join(", ")),
                ));
            }
        }
    }
    Ok(statuses)
}
