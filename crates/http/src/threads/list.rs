//! Lists of threads.

use axum::Json;
use axum::extract::State;
use run::ThreadId;
use serde::Deserialize;
use store::{Cursor, Right, ThreadFilter};
use wire::ThreadList;

use crate::App;
use crate::auth::Caller;
use crate::error::Error;
use crate::query::{Entries, Query};
use crate::shown;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListQuery {
    label: Option<String>,
    column: Option<String>,
    parent_id: Option<String>,
    #[serde(default)]
    archived: bool,
    cursor: Option<String>,
    #[serde(default)]
    limit: Entries,
}

/// `GET /v1/threads`
pub(crate) async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<ThreadList>, Error> {
    caller.may(Right::Read)?;
    caller.is_general()?;
    let parent = query
        .parent_id
        .map(ThreadId::parse)
        .transpose()
        .map_err(|error| Error::query("parent_id", error.problem))?;
    let filter = ThreadFilter {
        label: query.label,
        column: query.column,
        parent,
        with_archived: query.archived,
    };
    let after = query.cursor.as_deref().map(Cursor::parse).transpose()?;
    let page = app
        .store
        .threads(&caller.scope, filter, after, query.limit.0)
        .await?;
    Ok(Json(ThreadList {
        threads: page.entries.into_iter().map(shown::thread_body).collect(),
        next: page.next.map(|next| next.to_string()),
    }))
}
