//! The same run again.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use run::Setting;
use store::{OnConflict, Right, Start};
use wire::{Code, Settings};

use super::start::{idempotency, may_start, perform};
use crate::App;
use crate::auth::Caller;
use crate::error::Error;
use crate::fresh;
use crate::query::RunPath;

/// `POST /v1/runs/{run}/retry`
pub(crate) async fn retry(
    State(app): State<App>,
    caller: Caller,
    RunPath(id): RunPath,
    headers: HeaderMap,
) -> Result<Response, Error> {
    caller.may(Right::Start)?;
    let old = app.store.run(&caller.scope, id).await?;
    if !caller.reaches(&old) {
        return Err(Error::not_found());
    }
    if !old.control.is_final() {
        let error = Error::new(Code::RunOpen, "the run has not ended; stop it first");
        return Err(error.with_run(id));
    }
    let idempotency = idempotency(&headers, "retry", id.as_bytes())?;
    may_start(&caller, &old.agent)?;
    // The agent as it is configured now, because a wrong configuration may be why the first run failed; what the run
    // itself had chosen stays.
    let chosen = |setting| old.spec.overridable.contains(&setting);
    let settings = Settings {
        model: old.spec.model.clone().filter(|_| chosen(Setting::Model)),
        temperature: old
            .spec
            .temperature
            .filter(|_| chosen(Setting::Temperature)),
        max_output_tokens: old
            .spec
            .max_output_tokens
            .filter(|_| chosen(Setting::MaxOutputTokens)),
    };
    let spec = app
        .catalogue
        .resolve(&old.agent, &settings, Some(&old.spec.budget), |agent| {
            caller.may_start(agent)
        })?;
    let start = Start {
        run: fresh::new_run_id()?,
        scope: caller.scope.clone(),
        thread: old.thread,
        agent: old.agent,
        spec,
        input: old.input.as_ref().clone(),
        on_conflict: OnConflict::Reject,
        trigger: old.trigger,
        refines: None,
        client: serde_json::Map::new(),
        metadata: old.metadata,
        idempotency,
        credentials: None,
    };
    perform(&app, &caller, &headers, start).await
}
