//! Making a thread.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use store::{NewThread, Right};
use wire::{BODY_BYTES, CreateThread, LABEL_BYTES, LABELS, TITLE_BYTES, ThreadBody};

use crate::App;
use crate::auth::Caller;
use crate::body::Body;
use crate::error::Error;
use crate::runs::bounded_metadata;
use crate::{fresh, shown};

/// `POST /v1/threads`
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    Body(body): Body<CreateThread>,
) -> Result<(StatusCode, Json<ThreadBody>), Error> {
    caller.may(Right::Start)?;
    let id = match body.id {
        Some(id) => id,
        None => fresh::new_thread_id()?,
    };
    caller.reach_thread(&id)?;
    bounded("title", body.title.as_deref(), TITLE_BYTES)?;
    bounded("body", body.body.as_deref(), BODY_BYTES)?;
    bounded("column", body.column.as_deref(), LABEL_BYTES)?;
    bounded("agent", body.agent.as_deref(), LABEL_BYTES)?;
    bounded_labels(&body.labels)?;
    bounded_metadata(&body.metadata)?;
    let new = NewThread {
        title: body.title,
        body: body.body,
        labels: body.labels,
        metadata: body.metadata,
        column: body.column,
        position: body.position,
        agent: body.agent,
        parent: body.parent_id,
    };
    let thread = app.store.create_thread(&caller.scope, id, new).await?;
    Ok((StatusCode::CREATED, Json(shown::thread_body(thread))))
}

pub(super) fn bounded(path: &str, text: Option<&str>, max_bytes: usize) -> Result<(), Error> {
    match text {
        Some(text) if text.len() > max_bytes => Err(Error::invalid(
            path,
            format!("has {} bytes, at most {max_bytes} fit", text.len()),
        )),
        _ => Ok(()),
    }
}

pub(super) fn bounded_labels(labels: &[String]) -> Result<(), Error> {
    if labels.len() > LABELS {
        return Err(Error::invalid("labels", format!("are at most {LABELS}")));
    }
    labels
        .iter()
        .try_for_each(|label| bounded("labels", Some(label), LABEL_BYTES))
}
