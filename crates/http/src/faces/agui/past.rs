//! What a thread has, to compare with what a client sends.

use run::{Event, RunId, Seq, ThreadId, frame};
use store::ReadError;
use wire::faces::agui::PastRun;

use crate::App;
use crate::auth::Caller;
use crate::error::Error;
use crate::limits::PAST_RUNS;

/// The finished runs of a thread, oldest first; of more than [`PAST_RUNS`] the newest. An open one is none of them: it
/// refuses the start, or the new run stands behind it.
pub(super) async fn of(
    app: &App,
    caller: &Caller,
    thread: &ThreadId,
) -> Result<Vec<PastRun>, Error> {
    let latest = match app.store.thread_run(&caller.scope, thread).await {
        Ok(Some(latest)) => latest,
        Ok(None) | Err(ReadError::Unknown) => return Ok(Vec::new()),
        Err(error @ ReadError::Unavailable(_)) => return Err(error.into()),
    };
    let page = app
        .store
        .history(&caller.scope, latest.id, None, PAST_RUNS)
        .await?;
    let earlier = page.entries.into_iter().map(|run| run.id);
    let newest = latest.control.is_final().then_some(latest.id);
    let mut past = Vec::new();
    for run in newest.into_iter().chain(earlier).take(PAST_RUNS) {
        past.extend(read(app, caller, run).await?);
    }
    past.reverse();
    Ok(past)
}

/// One run. Nothing of one whose log is gone: the worker will not tell of it either.
async fn read(app: &App, caller: &Caller, run: RunId) -> Result<Option<PastRun>, Error> {
    let Ok(page) = app.store.events(&caller.scope, run, Seq::ZERO, 1).await else {
        return Ok(None);
    };
    let first = frame::split(&page.frames).find_map(frame::parse);
    let Some(Event::RunCreated(created)) = first.map(|envelope| envelope.event) else {
        return Ok(None);
    };
    let snapshot = app.store.snapshot(&caller.scope, run).await?;
    Ok(Some(PastRun::of(run, &created, &snapshot)))
}
