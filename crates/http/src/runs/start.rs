//! Starting a run, and following it in the same call.

use axum::Json;
use axum::extract::State;
use axum::http::header::{HeaderName, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use run::{RunId, Seq, ThreadId};
use sha2::{Digest, Sha256};
use store::{Fate, Idempotency, OnConflict, ReadError, Right, RunRecord, Start, Started, Target};
use wire::{Code, ConflictRule, IDEMPOTENCY_KEY_BYTES, InputAnswer, METADATA_BYTES, StartRun};
use zeroize::Zeroizing;

use super::coding::ensure_resumable;
use super::events::stream_run;
use crate::App;
use crate::auth::Caller;
use crate::body::{Body, printed};
use crate::catalogue::Wanted;
use crate::error::Error;
use crate::secrets::seal_credentials;
use crate::{fresh, shown, sse};

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
pub(crate) const RUN_ID: HeaderName = HeaderName::from_static("x-run-id");

/// `POST /v1/runs`
pub(crate) async fn start(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Body(mut body): Body<StartRun>,
) -> Result<Response, Error> {
    caller.may(Right::Start)?;
    if let Some(Target::Thread(own)) = caller.target() {
        // Part of the request from here on, so that a key is not repeated from one thread to another.
        body.thread_id.get_or_insert_with(|| own.clone());
    }
    let printed = Zeroizing::new(printed(&app, &body)?);
    let idempotency = idempotency(&headers, "start", &printed)?;
    let on_conflict = on_conflict(body.on_conflict, body.supersedes)?;
    if let Some(source) = body.refines {
        let source = refined(&app, &caller, source, body.thread_id.as_ref()).await?;
        body.thread_id.get_or_insert(source);
    }
    let thread = thread_for(&caller, body.thread_id)?;
    bounded_metadata(&body.metadata)?;
    let agent = match body.agent {
        Some(agent) => agent,
        None => agent_of(&app, &caller, &thread).await?,
    };
    may_start(&caller, &agent)?;
    let wanted = Wanted {
        settings: &body.settings,
        budget: body.budget.as_ref(),
        output_schema: body.output_schema.as_ref(),
    };
    let spec = app
        .catalogue
        .resolve(&agent, &wanted, |agent| caller.may_start(agent))?;
    let run = fresh::new_run_id()?;
    let credentials = body.credentials.as_ref();
    let credentials = seal_credentials(&app, &caller.scope, run, credentials)?;
    let start = Start {
        on_conflict,
        trigger: body.trigger.unwrap_or_default(),
        refines: body.refines,
        metadata: body.metadata,
        idempotency,
        credentials,
        ..Start::new(run, caller.scope.clone(), thread, agent, spec, body.input)
    };
    perform(&app, &caller, &headers, start).await
}

/// Starts the run and answers with it, or with its stream.
pub(super) async fn perform(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    start: Start,
) -> Result<Response, Error> {
    let streams = sse::wants_stream(headers);
    if streams {
        // What would refuse the stream refuses the start: nobody wants a run whose answer was an error.
        caller.may(Right::Read)?;
        drop(caller.open_stream(app)?);
    }
    let Started { run, fate } = app.store.start(start).await?;
    answer(app, caller, headers, run, fate).await
}

/// The answer to a start: the run, or its stream.
pub(super) async fn answer(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    run: RunRecord,
    fate: Fate,
) -> Result<Response, Error> {
    let streams = sse::wants_stream(headers);
    tracing::Span::current().record("run.id", tracing::field::display(run.id));
    let id = run.id;
    let status = match fate {
        Fate::Created => StatusCode::CREATED,
        Fate::Repeated => StatusCode::OK,
        Fate::Steered(_) => StatusCode::ACCEPTED,
    };
    let mut response = if streams {
        let after = match fate {
            Fate::Created | Fate::Repeated => Seq::ZERO,
            // Only what follows: the client that steers has seen the beginning elsewhere.
            Fate::Steered(_) => Seq(run.control.last_seq.0.saturating_sub(1)),
        };
        stream_run(app, caller, id, after, status).await?
    } else {
        match fate {
            Fate::Created | Fate::Repeated => (status, Json(shown::run_body(run))).into_response(),
            Fate::Steered(input) => {
                let run = shown::run_body(run);
                (status, Json(InputAnswer { input, run })).into_response()
            }
        }
    };
    let location = HeaderValue::try_from(format!("/v1/runs/{id}"));
    if let (Ok(location), Ok(id)) = (location, HeaderValue::try_from(id.to_string())) {
        response.headers_mut().insert(LOCATION, location);
        response.headers_mut().insert(RUN_ID, id);
    }
    Ok(response)
}

/// The key of a request, with a hash of all that it asks for.
pub(crate) fn idempotency(
    headers: &HeaderMap,
    call: &str,
    body: &[u8],
) -> Result<Option<Idempotency>, Error> {
    let Some(key) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    let key = key.to_str().unwrap_or_default();
    if key.is_empty() || key.len() > IDEMPOTENCY_KEY_BYTES {
        return Err(Error::new(
            Code::InvalidHeader,
            format!(
                "Idempotency-Key must have from 1 to {IDEMPOTENCY_KEY_BYTES} visible ASCII characters"
            ),
        ));
    }
    let mut hash = Sha256::new();
    hash.update(call.as_bytes());
    hash.update([0]);
    hash.update(body);
    Ok(Some(Idempotency {
        key: key.to_owned(),
        body_hash: hash.finalize().into(),
    }))
}

pub(crate) fn may_start(caller: &Caller, agent: &str) -> Result<(), Error> {
    if caller.may_start(agent) {
        return Ok(());
    }
    Err(Error::new(
        Code::AgentNotAllowed,
        "the credential may start other agents only",
    ))
}

pub(crate) fn on_conflict(
    rule: Option<ConflictRule>,
    supersedes: Option<RunId>,
) -> Result<OnConflict, Error> {
    match (rule, supersedes) {
        (None | Some(ConflictRule::Supersede), Some(run)) => Ok(OnConflict::Supersede(run)),
        (Some(ConflictRule::Supersede), None) => Err(Error::invalid(
            "supersedes",
            "on_conflict supersede needs the id of the run that is replaced",
        )),
        (Some(_), Some(_)) => Err(Error::invalid(
            "supersedes",
            "goes with on_conflict supersede",
        )),
        (None | Some(ConflictRule::Reject), None) => Ok(OnConflict::Reject),
        (Some(ConflictRule::Enqueue), None) => Ok(OnConflict::Enqueue),
        (Some(ConflictRule::Steer), None) => Ok(OnConflict::Steer),
    }
}

/// The thread of a run that a new one refines. Said in codes of its own, because the new run is what was asked for.
async fn refined(
    app: &App,
    caller: &Caller,
    source: RunId,
    thread: Option<&ThreadId>,
) -> Result<ThreadId, Error> {
    let unknown = || {
        let error = Error::new(Code::RefinesUnknown, "there is no such run to refine");
        error.with_path("refines")
    };
    let source = match app.store.run(&caller.scope, source).await {
        Ok(source) if caller.reaches(&source) => source,
        Ok(_) | Err(ReadError::Unknown) => return Err(unknown()),
        Err(error @ ReadError::Unavailable(_)) => return Err(error.into()),
    };
    if thread.is_some_and(|thread| *thread != source.thread) {
        let error = Error::new(
            Code::RefinesOtherThread,
            "the run to refine is on another thread",
        );
        return Err(error.with_path("refines"));
    }
    if !source.control.is_final() {
        return Err(Error::run_open(source.id));
    }
    if source.spec.driver.is_coding() {
        ensure_resumable(app, caller, &source).await?;
    }
    Ok(source.thread)
}

/// The agent that a thread has for runs that name none.
async fn agent_of(app: &App, caller: &Caller, thread: &ThreadId) -> Result<String, Error> {
    let thread = match app.store.thread(&caller.scope, thread).await {
        Ok(thread) => Some(thread),
        Err(ReadError::Unknown) => None,
        Err(error @ ReadError::Unavailable(_)) => return Err(error.into()),
    };
    thread.and_then(|thread| thread.agent).ok_or_else(|| {
        Error::invalid(
            "agent",
            "is missing: name one, or start on a thread that has an agent",
        )
    })
}

/// A token of one thread starts runs there and nowhere else.
pub(crate) fn thread_for(caller: &Caller, asked: Option<ThreadId>) -> Result<ThreadId, Error> {
    match (caller.target(), asked) {
        (None, Some(thread)) => Ok(thread),
        (Some(Target::Thread(own)), Some(asked)) if *own == asked => Ok(asked),
        (None, None) => fresh::new_thread_id(),
        (Some(Target::Thread(_)), _) => Err(Error::not_found()),
        (Some(Target::Run(_)), _) => Err(Error::not_allowed(Right::Start)),
    }
}

pub(crate) fn bounded_metadata(
    metadata: &serde_json::Map<String, serde_json::Value>,
) -> Result<(), Error> {
    let n_bytes = serde_json::to_vec(metadata).map_or(0, |json| json.len());
    if n_bytes <= METADATA_BYTES {
        return Ok(());
    }
    Err(Error::invalid(
        "metadata",
        format!("has {n_bytes} bytes as JSON, at most {METADATA_BYTES} fit"),
    ))
}
