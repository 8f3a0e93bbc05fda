//! The same run again.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use run::AgentSpec;
use store::{Right, RunRecord, Start};
use wire::Settings;

use super::start::{idempotency, may_start, perform};
use crate::App;
use crate::auth::Caller;
use crate::catalogue::Wanted;
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
        return Err(Error::run_open(id));
    }
    let idempotency = idempotency(&headers, "retry", id.as_bytes())?;
    may_start(&caller, &old.agent)?;
    let spec = again(&app, &caller, &old)?;
    let start = Start {
        trigger: old.trigger,
        refines: old.refines,
        retries: Some(old.id),
        metadata: old.metadata,
        idempotency,
        ..Start::new(
            fresh::new_run_id()?,
            caller.scope.clone(),
            old.thread,
            old.agent,
            spec,
            old.input.as_ref().clone(),
        )
    };
    perform(&app, &caller, &headers, start).await
}

/// The agent as it is configured now, because a wrong configuration may be why the first run failed; what the run itself
/// had chosen, and the form of its output, stays.
pub(super) fn again(app: &App, caller: &Caller, old: &RunRecord) -> Result<AgentSpec, Error> {
    let settings = Settings::of(&old.spec);
    let wanted = Wanted {
        settings: &settings,
        budget: Some(&old.spec.budget),
        output_schema: old.spec.output_schema.as_ref(),
    };
    app.catalogue
        .resolve(&old.agent, &wanted, |agent| caller.may_start(agent))
}
