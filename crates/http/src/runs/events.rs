//! A run's log: as a stream or in pages.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use run::{RunId, Seq, frame};
use serde::{Deserialize, Deserializer, de};
use serde_json::Value;
use store::{EventPage, Ready, Right};
use wire::STREAM_RUNS;

use crate::App;
use crate::auth::{Caller, StreamCaller};
use crate::error::Error;
use crate::limits::PAGE_EVENTS;
use crate::query::{Passed, Query, RunPath, Wait};
use crate::sse::{self, After, Cursors};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventsQuery {
    after: Option<After>,
    wait: Option<Wait>,
    /// Of a stream: also previews of the output.
    preview: Option<bool>,
    #[serde(default)]
    limit: Events,
    #[serde(rename = "token")]
    _token: Option<Passed>,
}

/// Events of a page.
struct Events(usize);

impl Default for Events {
    fn default() -> Self {
        Self(PAGE_EVENTS)
    }
}

impl<'de> Deserialize<'de> for Events {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let n = usize::deserialize(deserializer)?;
        if (1..=PAGE_EVENTS).contains(&n) {
            Ok(Self(n))
        } else {
            Err(de::Error::custom(format!(
                "must be from 1 to {PAGE_EVENTS}"
            )))
        }
    }
}

/// `GET /v1/runs/{run}/events`
pub(crate) async fn events(
    State(app): State<App>,
    StreamCaller(caller): StreamCaller,
    RunPath(run): RunPath,
    Query(query): Query<EventsQuery>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    caller.may(Right::Read)?;
    caller.reach(&app, run).await?;
    let after = After::of(&headers, query.after)?;
    if sse::wants_stream(&headers) {
        let schema = match query.preview {
            Some(true) => schema(&app, &caller, run).await?,
            Some(false) | None => None,
        };
        match schema {
            Some(schema) => stream_previewed(&app, &caller, run, after, &schema).await,
            None => stream_run(&app, &caller, run, after, StatusCode::OK).await,
        }
    } else {
        page(&app, &caller, run, after, &query).await
    }
}

/// Streams a run's log from behind a cursor to its end; 204 when the cursor has seen the end, which is the one answer
/// that stops a browser's `EventSource`.
pub(super) async fn stream_run(
    app: &App,
    caller: &Caller,
    run: RunId,
    after: Seq,
    status: StatusCode,
) -> Result<Response, Error> {
    let opening = caller.open_stream(app)?;
    match followed(app, caller, run, after).await? {
        Some(source) => Ok(sse::stream(app, status, source, opening)),
        None => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}

/// The same with previews of the output.
async fn stream_previewed(
    app: &App,
    caller: &Caller,
    run: RunId,
    after: Seq,
    schema: &Value,
) -> Result<Response, Error> {
    let opening = caller.open_stream(app)?;
    let Some(source) = followed(app, caller, run, after).await? else {
        return Ok(StatusCode::NO_CONTENT.into_response());
    };
    let snapshot = app.store.snapshot(&caller.scope, run).await?;
    let source = sse::previewed(source, schema, &snapshot, after);
    Ok(sse::stream(app, StatusCode::OK, source, opening))
}

/// The frames behind a cursor; nothing when the cursor has seen the end.
async fn followed(
    app: &App,
    caller: &Caller,
    run: RunId,
    after: Seq,
) -> Result<Option<sse::OneRun>, Error> {
    let mut follower = app.store.follow(&caller.scope, run, after).await?;
    let first = match follower.ready().await? {
        Ready::Frames(frames) => frames,
        Ready::Nothing => Bytes::new(),
        Ready::Ended => return Ok(None),
    };
    Ok(Some(sse::one_run(first, follower)))
}

/// The schema of a run's output, if it has one.
async fn schema(app: &App, caller: &Caller, run: RunId) -> Result<Option<Value>, Error> {
    let record = app.store.run(&caller.scope, run).await?;
    Ok(record.spec.output_schema.clone())
}

async fn page(
    app: &App,
    caller: &Caller,
    run: RunId,
    after: Seq,
    query: &EventsQuery,
) -> Result<Response, Error> {
    let read = || app.store.events(&caller.scope, run, after, query.limit.0);
    let mut page = read().await?;
    if let Some(Wait(wait)) = query.wait
        && page.frames.is_empty()
        && !page.is_final
    {
        let mut follower = app.store.follow(&caller.scope, run, after).await?;
        tokio::select! {
            moved = tokio::time::timeout(wait, follower.next()) => if let Ok(moved) = moved {
                moved?;
                page = read().await?;
            },
            () = app.closing.cancelled() => {}
        }
    }
    let mut response = Response::new(Body::from(print(&page)));
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// A page as JSON. The envelopes are copied as they were stored.
fn print(page: &EventPage) -> Vec<u8> {
    let mut out = Vec::with_capacity(page.frames.len() + 64);
    out.extend_from_slice(b"{\"events\":[");
    for (n, envelope) in frame::split(&page.frames)
        .filter_map(frame::envelope)
        .enumerate()
    {
        if n > 0 {
            out.push(b',');
        }
        out.extend_from_slice(envelope);
    }
    out.extend_from_slice(
        format!("],\"next\":{},\"final\":{}}}", page.next, page.is_final).as_bytes(),
    );
    out
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SeveralQuery {
    runs: String,
    after: Option<String>,
    #[serde(rename = "token")]
    _token: Option<Passed>,
}

/// `GET /v1/events?runs=a,b`
pub(crate) async fn events_of_several(
    State(app): State<App>,
    StreamCaller(caller): StreamCaller,
    Query(query): Query<SeveralQuery>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    caller.may(Right::Read)?;
    let runs = runs_of(&query.runs)?;
    let cursors = match (sse::last_event_id(&headers)?, query.after.as_deref()) {
        (Some(id), _) | (None, Some(id)) => Cursors::parse(id, runs.len())?.0,
        (None, None) => vec![Seq::ZERO; runs.len()],
    };
    let opening = caller.open_stream(&app)?;
    let mut followers = Vec::with_capacity(runs.len());
    for (n, (run, after)) in runs.iter().zip(&cursors).enumerate() {
        let at_run = |error: Error| error.with_run(*run);
        caller.reach(&app, *run).await.map_err(at_run)?;
        let follower = app.store.follow(&caller.scope, *run, *after).await;
        let mut follower = follower.map_err(|error| at_run(error.into()))?;
        match follower
            .ready()
            .await
            .map_err(|error| at_run(error.into()))?
        {
            Ready::Frames(frames) => followers.push((n, frames, follower)),
            Ready::Nothing => followers.push((n, Bytes::new(), follower)),
            Ready::Ended => {}
        }
    }
    if followers.is_empty() {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let source = sse::several_runs(runs, cursors, followers);
    Ok(sse::stream(&app, StatusCode::OK, source, opening))
}

fn runs_of(text: &str) -> Result<Vec<RunId>, Error> {
    let mut runs = Vec::new();
    for id in text.split(',') {
        let run = RunId::parse(id.trim()).map_err(|error| Error::query("runs", error.problem))?;
        if runs.contains(&run) {
            return Err(Error::query("runs", "names a run twice"));
        }
        runs.push(run);
    }
    if runs.len() > STREAM_RUNS {
        return Err(Error::query(
            "runs",
            format!("may name at most {STREAM_RUNS} runs"),
        ));
    }
    Ok(runs)
}
