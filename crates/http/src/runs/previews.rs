//! Previews: named commands that try the work of a coding agent's run, in its worktree. Each is a `command` run on a thread of its
//! own below the run's, so it does not keep agents out of the worktree, and is there once at most.

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use run::{AgentSpec, Input, RunId, Snapshot, ThreadId, Trigger, preview_thread};
use store::{
    NewThread, ReadError, Right, RunRecord, Scope, Start, StartError, Started, ThreadError,
};
use wire::{Code, PreviewBody, StopAnswer};

use super::start::{answer, idempotency, may_start};
use super::stop::stop_run;
use super::worktree::place_of;
use crate::App;
use crate::auth::Caller;
use crate::error::Error;
use crate::fresh;
use crate::query::PreviewPath;

/// The agent's name of such runs.
const AGENT: &str = "preview";

/// A preview that is asked for, and the run whose work it tries.
struct Asked {
    source: RunRecord,
    snapshot: Snapshot,
    name: String,
}

/// `POST /v1/runs/{run}/previews/{preview}`
pub(crate) async fn start_preview(
    State(app): State<App>,
    caller: Caller,
    PreviewPath(run, name): PreviewPath,
    headers: HeaderMap,
) -> Result<Response, Error> {
    caller.may(Right::Start)?;
    let asked = asked(&app, &caller, run, name).await?;
    may_start(&caller, &asked.source.agent)?;
    let spec = asked.spec(&app, &caller).await?;
    let (scope, thread) = (owner_scope(&asked.source), asked.thread());
    let mut body = asked.source.id.as_bytes().to_vec();
    body.extend_from_slice(asked.name.as_bytes());
    let idempotency = idempotency(&headers, "preview", &body)?;
    let above = NewThread {
        title: Some(format!("Preview {}", asked.name)),
        parent: Some(asked.source.thread.clone()),
        ..NewThread::default()
    };
    let made = app.store.create_thread(&scope, thread.clone(), above);
    match made.await {
        Ok(_) | Err(ThreadError::Exists(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let start = Start {
        trigger: Trigger::User,
        idempotency,
        ..Start::new(
            fresh::new_run_id()?,
            scope,
            thread,
            AGENT.to_owned(),
            spec,
            Input::text(asked.name),
        )
    };
    let Started { run, fate } = app.store.start(start).await.map_err(running)?;
    answer(&app, &caller, &headers, run, fate).await
}

/// `DELETE /v1/runs/{run}/previews/{preview}`
pub(crate) async fn stop_preview(
    State(app): State<App>,
    caller: Caller,
    PreviewPath(run, name): PreviewPath,
) -> Result<Json<StopAnswer>, Error> {
    caller.may(Right::Stop)?;
    let asked = asked(&app, &caller, run, name).await?;
    match latest(&app, &asked.source, &asked.thread()).await? {
        Some(run) => stop_run(&app, &caller, run.id, None).await.map(Json),
        None => Ok(Json(StopAnswer {
            stopped: false,
            run: None,
        })),
    }
}

fn running(error: StartError) -> Error {
    match error {
        StartError::AlreadyActive { run, .. } => {
            let detail = format!("the preview is running already, as run {run}");
            Error::new(Code::PreviewRunning, detail).with_run(run)
        }
        error => error.into(),
    }
}

async fn asked(app: &App, caller: &Caller, run: RunId, name: String) -> Result<Asked, Error> {
    let source = app.store.run(&caller.scope, run).await?;
    if !caller.reaches(&source) {
        return Err(Error::not_found());
    }
    if !source.spec.previews.contains_key(&name) {
        let known = source.spec.previews.keys().map(String::as_str);
        let close = wire::closest(&name, known.clone());
        let known: Vec<&str> = known.collect();
        let detail = if known.is_empty() {
            "the run's repository has no previews in the configuration".to_owned()
        } else {
            format!(
                "there is no preview `{name}`; there are {}",
                known.join(", ")
            )
        };
        return Err(Error::preview_unknown(detail, close));
    }
    let snapshot = app.store.snapshot(&caller.scope, source.id).await?;
    Ok(Asked {
        source,
        snapshot,
        name,
    })
}

impl Asked {
    /// What performs it, in the worktree that has to be there.
    async fn spec(&self, app: &App, caller: &Caller) -> Result<AgentSpec, Error> {
        let place = place_of(app, caller, &self.source, &self.snapshot).await?;
        let (Some(place), Some(worktree)) = (place, &self.snapshot.worktree) else {
            let detail = "the run has not begun to work, so there is nothing to try yet";
            return Err(Error::new(Code::WorktreeMissing, detail));
        };
        if place.is_gone {
            let detail = "the run's worktree was removed";
            return Err(Error::new(Code::WorktreeGone, detail));
        }
        let spec = self.source.spec.preview(&self.name, worktree.path.clone());
        spec.ok_or_else(Error::internal)
    }

    fn thread(&self) -> ThreadId {
        preview_thread(owner(&self.source, &self.snapshot), &self.name)
    }
}

/// Previews belong to whom the run belongs to, whoever starts them.
fn owner_scope(source: &RunRecord) -> Scope {
    Scope {
        tenant: source.tenant.clone(),
        user: source.created_by.clone(),
    }
}

async fn latest(
    app: &App,
    source: &RunRecord,
    thread: &ThreadId,
) -> Result<Option<RunRecord>, Error> {
    match app.store.thread_run(&owner_scope(source), thread).await {
        Ok(run) => Ok(run),
        Err(ReadError::Unknown) => Ok(None),
        Err(error @ ReadError::Unavailable(_)) => Err(error.into()),
    }
}

/// The previews of a run and how they are.
pub(super) async fn previews_of(
    app: &App,
    run: &RunRecord,
    snapshot: &Snapshot,
) -> Result<Vec<PreviewBody>, Error> {
    let mut previews = Vec::new();
    if run.spec.previews.is_empty() {
        return Ok(previews);
    }
    let owner = owner(run, snapshot);
    for (name, command) in &run.spec.previews {
        let last = latest(app, run, &preview_thread(owner, name)).await?;
        previews.push(PreviewBody {
            name: name.clone(),
            command: command.clone(),
            run_id: last.as_ref().map(|run| run.id),
            status: last.map(|run| run.control.status()),
        });
    }
    Ok(previews)
}

fn owner(run: &RunRecord, snapshot: &Snapshot) -> RunId {
    let worktree = snapshot.worktree.as_ref();
    worktree
        .and_then(|worktree| worktree.owner)
        .unwrap_or(run.id)
}
