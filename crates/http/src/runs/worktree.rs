//! Commands on the worktree of a run that has ended. Each is a run of the server's own driver on the same thread, so that it is
//! performed where the files are, has a log, and keeps agents and other commands out meanwhile.

use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use run::{Input, RunId, Snapshot, WorktreeCommand, WorktreeTask};
use serde::Deserialize;
use store::{ReadError, Right, RunRecord, Start, StartError, Started};
use wire::{Code, OnWorktree, WorktreeBody};

use super::start::{answer, idempotency};
use crate::App;
use crate::auth::Caller;
use crate::body::{Body, printed};
use crate::error::Error;
use crate::limits::TASK_WAIT;
use crate::query::{Query, RunPath, Wait};
use crate::{fresh, sse};

/// The agent's name of such runs.
const AGENT: &str = "worktree";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WorktreeQuery {
    wait: Option<Wait>,
}

/// `POST /v1/runs/{run}/worktree`
pub(crate) async fn worktree(
    State(app): State<App>,
    caller: Caller,
    RunPath(id): RunPath,
    Query(query): Query<WorktreeQuery>,
    headers: HeaderMap,
    Body(OnWorktree(command)): Body<OnWorktree>,
) -> Result<Response, Error> {
    caller.may(Right::Manage)?;
    let mut asked = id.as_bytes().to_vec();
    asked.extend(printed(&app, &command)?);
    let idempotency = idempotency(&headers, "worktree", &asked)?;
    let source = app.store.run(&caller.scope, id).await?;
    if !caller.reaches(&source) {
        return Err(Error::not_found());
    }
    let snapshot = app.store.snapshot(&caller.scope, id).await?;
    let place = place_of(&app, &caller, &source, &snapshot).await?;
    let place = place.filter(|place| place.is_own);
    let Some(place) = place else {
        let detail =
            "the run has no worktree of its own: there is nothing to merge, restore or remove";
        return Err(Error::new(Code::WorktreeMissing, detail));
    };
    ensure_fits(&command, id, &place)?;
    let task = WorktreeTask {
        owner: place.owner,
        command: command.clone(),
    };
    let spec = source.spec.on_worktree(task);
    let start = Start {
        idempotency,
        ..Start::new(
            fresh::new_run_id()?,
            caller.scope.clone(),
            source.thread.clone(),
            AGENT.to_owned(),
            spec,
            Input::text(command.as_str()),
        )
    };
    let Started { run, fate } = app.store.start(start).await.map_err(in_use)?;
    let wait = query.wait.map_or(TASK_WAIT, |Wait(wait)| wait);
    let run = if sse::wants_stream(&headers) {
        run
    } else {
        finished(&app, &caller, run, wait).await?
    };
    answer(&app, &caller, &headers, run, fate).await
}

/// Somebody is at work in the worktree: an agent, or another command.
fn in_use(error: StartError) -> Error {
    match error {
        StartError::AlreadyActive { run, .. } => {
            let detail =
                format!("run {run} is at work on this thread; wait for its end, or stop it");
            Error::new(Code::WorktreeInUse, detail).with_run(run)
        }
        error => error.into(),
    }
}

/// The run once it has ended, or as it is when the time is over.
async fn finished(
    app: &App,
    caller: &Caller,
    mut run: RunRecord,
    wait: Duration,
) -> Result<RunRecord, Error> {
    let until = tokio::time::Instant::now() + wait;
    let id = run.id;
    let mut follower = app
        .store
        .follow(&caller.scope, id, run.control.last_seq)
        .await?;
    while !run.control.is_final() {
        tokio::select! {
            moved = follower.next() => drop(moved?),
            () = tokio::time::sleep_until(until) => return Ok(run),
            () = app.closing.cancelled() => return Ok(run),
        }
        run = app.store.run(&caller.scope, id).await?;
    }
    Ok(run)
}

fn ensure_fits(command: &WorktreeCommand, run: RunId, place: &PlaceOf) -> Result<(), Error> {
    let needs_files = match command {
        // The branch may be there without the worktree.
        WorktreeCommand::CheckMerge { .. } | WorktreeCommand::Merge { .. } => false,
        WorktreeCommand::Commit { .. }
        | WorktreeCommand::Checkpoint {}
        | WorktreeCommand::Restore { .. }
        | WorktreeCommand::Remove { .. } => true,
    };
    if needs_files && place.is_gone {
        let detail = "the run's worktree was removed";
        return Err(Error::new(Code::WorktreeGone, detail));
    }
    if matches!(command, WorktreeCommand::Remove { .. }) && place.owner != run {
        let owner = place.owner;
        let detail = format!("run {owner} made the worktree; remove it by that run");
        return Err(Error::new(Code::WorktreeNotOwned, detail).with_run(owner));
    }
    Ok(())
}

/// Where a coding agent's run has worked.
pub(super) struct PlaceOf {
    /// The run that made it.
    pub(super) owner: RunId,
    /// It is a worktree, and not the repository as it is checked out.
    is_own: bool,
    /// It was removed.
    pub(super) is_gone: bool,
}

/// Where a run has worked, and whether that is there still, as far as the store knows.
pub(super) async fn place_of(
    app: &App,
    caller: &Caller,
    run: &RunRecord,
    snapshot: &Snapshot,
) -> Result<Option<PlaceOf>, Error> {
    let Some(worktree) = &snapshot.worktree else {
        return Ok(None);
    };
    let owner = worktree.owner.unwrap_or(run.id);
    let is_gone = if owner == run.id {
        run.worktree_removed_at.is_some()
    } else {
        match app.store.run(&caller.scope, owner).await {
            Ok(made) => made.worktree_removed_at.is_some(),
            // Its worktree went with it.
            Err(ReadError::Unknown) => true,
            Err(error @ ReadError::Unavailable(_)) => return Err(error.into()),
        }
    };
    Ok(Some(PlaceOf {
        owner,
        is_own: worktree.branch.is_some(),
        is_gone,
    }))
}

/// A run's worktree as clients see it.
pub(super) fn worktree_body(snapshot: &Snapshot, place: &PlaceOf) -> Option<WorktreeBody> {
    let worktree = snapshot.worktree.as_ref()?;
    let settled = worktree.settled.as_ref();
    Some(WorktreeBody {
        path: worktree.path.clone(),
        branch: worktree.branch.clone(),
        base: Some(worktree.base.clone()).filter(|base| !base.is_empty()),
        owner_run: place.owner,
        head: settled.map(|settled| settled.head.clone()),
        dirty: settled.map(|settled| settled.dirty),
        present: !place.is_gone,
    })
}
