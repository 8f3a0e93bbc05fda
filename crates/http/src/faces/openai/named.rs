//! The response that a path or a request names.

use std::sync::Arc;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use store::{ReadError, RunRecord};
use wire::faces::openai::{About, INSTRUCTIONS, ResponseId};
use wire::structured::Schema;

use crate::App;
use crate::auth::Caller;
use crate::error::Error;

/// A response with the run that it is a segment of.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) id: ResponseId,
    pub(super) run: Arc<RunRecord>,
}

/// The id in a path.
pub(crate) struct ResponsePath(pub(super) ResponseId);

impl FromRequestParts<App> for ResponsePath {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let params = RawPathParams::from_request_parts(parts, app).await;
        let id = params.ok().and_then(|params| {
            let mut params = params.iter();
            let (_, text) = params.find(|(name, _)| *name == "response")?;
            ResponseId::parse(text)
        });
        id.map(Self).ok_or_else(unknown)
    }
}

/// There is no such response. What exists for others reads exactly the same.
pub(super) fn unknown() -> Error {
    Error::new(
        wire::Code::NotFound,
        "there is no such response, or not for this caller",
    )
}

impl Named {
    /// The response of an id, if its run is the caller's. Whether the run has such a segment is seen in its log.
    pub(super) async fn of(app: &App, caller: &Caller, id: ResponseId) -> Result<Self, Error> {
        match app.store.run(&caller.scope, id.run).await {
            Ok(run) if caller.reaches(&run) => Ok(Self {
                id,
                run: Arc::new(run),
            }),
            Ok(_) | Err(ReadError::Unknown) => Err(unknown()),
            Err(error @ ReadError::Unavailable(_)) => Err(error.into()),
        }
    }

    /// What is known of the run beside its log.
    pub(super) fn about(&self) -> About {
        let run = &self.run;
        let instructions = run.input.variables.get(INSTRUCTIONS);
        let output_schema = run.spec.output_schema.clone();
        About {
            run: run.id,
            agent: run.agent.clone(),
            thread: run.thread.to_string(),
            metadata: run.metadata.clone(),
            tools: run.input.tools.clone(),
            instructions: instructions.and_then(|it| Some(it.as_str()?.to_owned())),
            temperature: run.spec.temperature,
            max_output_tokens: run.spec.max_output_tokens,
            schema: output_schema.as_ref().and_then(|it| Schema::new(it).ok()),
            output_schema,
            discarded: run.control.discarded.iter().cloned().collect(),
        }
    }
}
