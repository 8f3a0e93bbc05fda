//! Changing a thread.

use axum::Json;
use axum::extract::State;
use store::{Right, ThreadPatch};
use wire::{BODY_BYTES, LABEL_BYTES, PatchThread, TITLE_BYTES, ThreadBody};

use super::create::{bounded, bounded_labels};
use crate::App;
use crate::auth::Caller;
use crate::body::Body;
use crate::error::Error;
use crate::query::ThreadPath;
use crate::runs::bounded_metadata;
use crate::shown;

/// `PATCH /v1/threads/{thread}`
pub(crate) async fn patch(
    State(app): State<App>,
    caller: Caller,
    ThreadPath(id): ThreadPath,
    Body(body): Body<PatchThread>,
) -> Result<Json<ThreadBody>, Error> {
    caller.may_or_is_child(Right::Manage)?;
    caller.reach_thread(&id)?;
    bounded(
        "title",
        body.title.iter().flatten().next().map(String::as_str),
        TITLE_BYTES,
    )?;
    bounded(
        "body",
        body.body.iter().flatten().next().map(String::as_str),
        BODY_BYTES,
    )?;
    bounded(
        "column",
        body.column.iter().flatten().next().map(String::as_str),
        LABEL_BYTES,
    )?;
    bounded(
        "agent",
        body.agent.iter().flatten().next().map(String::as_str),
        LABEL_BYTES,
    )?;
    if body.agent.is_some() {
        // Which agent works on it is not for an agent to say.
        caller.may(Right::Manage)?;
    }
    bounded_labels(body.labels.as_deref().unwrap_or_default())?;
    if let Some(metadata) = &body.metadata {
        bounded_metadata(metadata)?;
    }
    let patch = ThreadPatch {
        title: body.title,
        body: body.body,
        labels: body.labels,
        metadata: body.metadata,
        column: body.column,
        position: body.position,
        agent: body.agent,
        archived: body.archived,
    };
    let thread = app.store.patch_thread(&caller.scope, &id, patch).await?;
    Ok(Json(shown::thread_body(thread)))
}
