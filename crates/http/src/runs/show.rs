//! One run with what its log folds to.

use axum::Json;
use axum::extract::State;
use run::snapshot::{Message, Progress};
use run::{Role, Snapshot};
use serde::Deserialize;
use store::Right;
use wire::RunBody;
use wire::structured::preview_of;

use super::previews::previews_of;
use super::worktree::{place_of, worktree_body};
use crate::App;
use crate::auth::Caller;
use crate::error::Error;
use crate::query::{Query, RunPath, Wait};
use crate::shown;
use crate::sse::After;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShowQuery {
    wait: Option<Wait>,
    after: Option<After>,
}

/// `GET /v1/runs/{run}`
pub(crate) async fn show(
    State(app): State<App>,
    caller: Caller,
    RunPath(id): RunPath,
    Query(query): Query<ShowQuery>,
) -> Result<Json<RunBody>, Error> {
    caller.may(Right::Read)?;
    let mut run = app.store.run(&caller.scope, id).await?;
    if !caller.reaches(&run) {
        return Err(Error::not_found());
    }
    if let Some(Wait(wait)) = query.wait
        && !run.control.is_final()
    {
        let after = query.after.map_or(run.control.last_seq, |after| after.0);
        let mut follower = app.store.follow(&caller.scope, id, after).await?;
        tokio::select! {
            moved = tokio::time::timeout(wait, follower.next()) => if let Ok(moved) = moved {
                moved?;
            },
            () = app.closing.cancelled() => {}
        }
        run = app.store.run(&caller.scope, id).await?;
    }
    // Read after the run, so that it is never behind it.
    let mut snapshot = app.store.snapshot(&caller.scope, id).await?;
    if let Some(schema) = &run.spec.output_schema {
        let preview = match &run.output {
            Some(output) => output.clone(),
            None => preview_of(schema, &snapshot),
        };
        snapshot.output_preview = Some(preview);
    }
    let place = place_of(&app, &caller, &run, &snapshot).await?;
    let previews = previews_of(&app, &run, &snapshot).await?;
    let mut body = shown::run_body(run);
    body.previews = previews;
    if let Some(place) = &place {
        body.can_refine &= !place.is_gone;
        body.worktree = worktree_body(&snapshot, place);
    }
    body.session.clone_from(&snapshot.session);
    body.snapshot = Some(Box::new(snapshot));
    Ok(Json(body))
}

/// The agent's last message, as far as it is written.
pub(crate) fn last_message(snapshot: Snapshot) -> Option<Message> {
    snapshot
        .messages
        .into_iter()
        .rev()
        .find(|message| message.role == Role::Assistant && message.progress != Progress::Discarded)
}
