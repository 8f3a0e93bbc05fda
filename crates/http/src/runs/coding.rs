//! What is asked of runs of coding agents alone: their sessions, their worktrees and their diffs.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use run::{CheckpointId, Input};
use serde::Deserialize;
use store::{Right, RunRecord};
use wire::{Code, DiffBody};

use super::worktree::place_of;
use crate::App;
use crate::auth::Caller;
use crate::error::Error;
use crate::fresh;
use crate::query::{Query, RunPath};

/// What a coding agent is told when nobody says what is to be different.
const REVIEW: &str = "Review what you did on this task, and improve it where it can be better.";

/// Whether a run that refines this one finds the agent's session and its files.
pub(super) async fn ensure_resumable(
    app: &App,
    caller: &Caller,
    source: &RunRecord,
) -> Result<(), Error> {
    if source.control.resume_ref.is_none() {
        return Err(Error::new(
            Code::SessionGone,
            "the run left no session of its agent; start a new run",
        ));
    }
    let snapshot = app.store.snapshot(&caller.scope, source.id).await?;
    let place = place_of(app, caller, source, &snapshot).await?;
    if place.is_some_and(|place| place.is_gone) {
        return Err(Error::new(
            Code::WorktreeGone,
            "the run's worktree was removed; start a new run",
        ));
    }
    Ok(())
}

/// What a coding agent is asked in the session that it has already.
pub(super) fn instruction(text: String) -> Input {
    if text.trim().is_empty() {
        Input::text(REVIEW)
    } else {
        Input::text(text)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DiffQuery {
    checkpoint: Option<CheckpointId>,
}

/// `GET /v1/runs/{run}/diff`
pub(crate) async fn diff(
    State(app): State<App>,
    caller: Caller,
    RunPath(id): RunPath,
    Query(query): Query<DiffQuery>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    caller.may(Right::Read)?;
    let run = app.store.run(&caller.scope, id).await?;
    if !caller.reaches(&run) {
        return Err(Error::not_found());
    }
    let snapshot = app.store.snapshot(&caller.scope, id).await?;
    let missing = || match &query.checkpoint {
        Some(checkpoint) => {
            let detail = format!("the run has no diff of a checkpoint {checkpoint}");
            Error::new(Code::DiffMissing, detail)
        }
        None => Error::new(Code::DiffMissing, "the run has no diff"),
    };
    let diff = match &query.checkpoint {
        Some(asked) => {
            let mut kept = snapshot.checkpoints.into_iter();
            let kept = kept.find(|kept| kept.checkpoint == *asked);
            kept.and_then(|kept| kept.diff)
        }
        None => snapshot.diff,
    };
    let diff = diff.ok_or_else(missing)?;
    let hash = diff.blob.as_deref().and_then(fresh::unhex);
    let (media_type, bytes) = app.store.blob(id, hash.ok_or_else(missing)?).await?;
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    if accept.is_some_and(|accept| accept.contains("text/")) {
        return Ok(([(CONTENT_TYPE, media_type)], bytes).into_response());
    }
    let body = DiffBody {
        n_files: diff.n_files.unwrap_or(diff.files.len() as u64),
        files: diff.files,
        additions: diff.additions,
        deletions: diff.deletions,
        text: String::from_utf8_lossy(&bytes).into_owned(),
        truncated: diff.truncated,
    };
    Ok(Json(body).into_response())
}
