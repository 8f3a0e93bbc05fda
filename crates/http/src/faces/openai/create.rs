//! Creating a response: a new run, or the next stretch of one that waits.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use store::Right;
use wire::Code;
use wire::faces::openai::{CreateResponse, Given, ResponseId};

use super::answer::go_on;
use super::log::known;
use super::named::{Named, unknown};
use super::start::{idempotency, start};
use super::stream::streamed;
use super::wait::waited;
use crate::App;
use crate::auth::Caller;
use crate::body::{Body, printed};
use crate::error::Error;
use crate::runs::RUN_ID;

/// `POST /openai/v1/responses`
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Body(body): Body<CreateResponse>,
) -> Result<Response, Error> {
    caller.may(Right::Start)?;
    // What would refuse the answer refuses the start: nobody wants a run whose answer was an error.
    caller.may(Right::Read)?;
    drop(caller.open_stream(&app)?);
    let printed = printed(&app, &body)?;
    body.check()?;
    let given = Given::read(body.input.as_ref().unwrap_or(&Value::Null))?;
    let previous = match &body.previous_response_id {
        Some(id) => Some(previous(&app, &caller, id).await?),
        None => None,
    };
    let waiting = asks(&app, &caller, previous.as_ref(), &given).await?;
    let named = if let Some(waiting) = waiting {
        let previous = previous.map(|named| named.id);
        let id = go_on(&app, &caller, &waiting, previous, &given).await?;
        Named::of(&app, &caller, id).await?
    } else {
        let key = idempotency(&headers, &printed)?;
        start(&app, &caller, key, &body, previous.as_ref(), given).await?
    };
    let run = named.id.run;
    let mut response = answered(&app, &caller, named, &body).await?;
    if let Ok(run) = HeaderValue::try_from(run.to_string()) {
        response.headers_mut().insert(RUN_ID, run);
    }
    Ok(response)
}

/// The response in the way that was asked for.
async fn answered(
    app: &App,
    caller: &Caller,
    named: Named,
    body: &CreateResponse,
) -> Result<Response, Error> {
    if body.stream == Some(true) {
        return streamed(app, caller, named, None).await;
    }
    if body.background == Some(true) {
        let (translation, _) = known(app, caller, &named).await?;
        return Ok(Json(translation.response()).into_response());
    }
    waited(app, caller, &named).await
}

async fn previous(app: &App, caller: &Caller, id: &str) -> Result<Named, Error> {
    let at = |error: Error| error.with_path("previous_response_id");
    let id = ResponseId::parse(id).ok_or_else(unknown).map_err(at)?;
    Named::of(app, caller, id).await.map_err(at)
}

/// The run that the answers are for. Without `previous_response_id` a client sends the whole conversation, in which the
/// calls name it.
async fn asks(
    app: &App,
    caller: &Caller,
    previous: Option<&Named>,
    given: &Given,
) -> Result<Option<Named>, Error> {
    if let Some(previous) = previous {
        let waits = !previous.run.control.requests.is_empty();
        return Ok((waits || !given.replies.is_empty()).then(|| previous.clone()));
    }
    let Some(reply) = given.replies.first() else {
        return Ok(None);
    };
    match Named::of(app, caller, ResponseId::beginning(reply.to.run())).await {
        Ok(named) => Ok(Some(named)),
        // Then the model is told in words what came of its calls.
        Err(error) if error.is(Code::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}
