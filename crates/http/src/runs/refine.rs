//! A new run from the result of an earlier one and a word about it.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use run::{AgentSpec, ChatMessage, Input, Part, Role, RunId, Status, text_of};
use serde_json::Value;
use store::{Right, RunRecord, Start};
use wire::structured::Schema;
use wire::{Code, RefineRun};

use super::coding::{self, ensure_resumable};
use super::retry::again;
use super::show::last_message;
use super::start::{idempotency, may_start, perform};
use crate::App;
use crate::auth::Caller;
use crate::body::{Body, printed};
use crate::error::Error;
use crate::fresh;
use crate::query::RunPath;

/// `POST /v1/runs/{run}/refine`
pub(crate) async fn refine(
    State(app): State<App>,
    caller: Caller,
    RunPath(id): RunPath,
    headers: HeaderMap,
    Body(body): Body<RefineRun>,
) -> Result<Response, Error> {
    caller.may(Right::Start)?;
    let mut asked = id.as_bytes().to_vec();
    asked.extend(printed(&app, &body)?);
    let idempotency = idempotency(&headers, "refine", &asked)?;
    let source = app.store.run(&caller.scope, id).await?;
    if !caller.reaches(&source) {
        return Err(Error::not_found());
    }
    if !source.control.is_final() {
        return Err(Error::run_open(id));
    }
    may_start(&caller, &source.agent)?;
    if !source.spec.driver.can_refine() {
        let driver = source.spec.driver;
        let detail = format!(
            "an agent with driver {driver} holds no conversation, so there is nothing to refine"
        );
        return Err(Error::new(Code::InputNotAccepted, detail));
    }
    let is_coding = source.spec.driver.is_coding();
    if !is_coding && body.instruction.trim().is_empty() {
        return Err(Error::invalid("instruction", "says nothing"));
    }
    let spec = again(&app, &caller, &source)?;
    let input = if is_coding {
        if body.output.is_some() {
            let problem = "a coding agent's result is in its files: change them, and say what is to be different";
            return Err(Error::invalid("output", problem));
        }
        ensure_resumable(&app, &caller, &source).await?;
        coding::instruction(body.instruction)
    } else {
        let output = match body.output {
            Some(edited) => edited_output(&edited, spec.output_schema.as_ref())?,
            None => own_output(&app, &caller, &source).await?,
        };
        seeded(&source.input, output, body.instruction)
    };
    printed(&app, &input)?;
    let start = refining(&caller, source, spec, input)?;
    let start = Start {
        trigger: body.trigger.unwrap_or_default(),
        idempotency,
        ..start
    };
    perform(&app, &caller, &headers, start).await
}

/// The start of a run that refines another one.
fn refining(
    caller: &Caller,
    source: RunRecord,
    spec: AgentSpec,
    input: Input,
) -> Result<Start, Error> {
    Ok(Start {
        refines: Some(source.id),
        metadata: source.metadata,
        ..Start::new(
            fresh::new_run_id()?,
            caller.scope.clone(),
            source.thread,
            source.agent,
            spec,
            input,
        )
    })
}

/// The result of the run itself: its structured output, else the text of its last message.
async fn own_output(app: &App, caller: &Caller, source: &RunRecord) -> Result<String, Error> {
    let status = source.control.status();
    if status != Status::Succeeded {
        let detail = "the run did not succeed; give the output that is to be refined";
        return Err(Error::not_succeeded(status, detail));
    }
    if let Some(output) = &source.output {
        return Ok(output.to_string());
    }
    text_of_last(app, caller, source.id).await
}

async fn text_of_last(app: &App, caller: &Caller, run: RunId) -> Result<String, Error> {
    let snapshot = app.store.snapshot(&caller.scope, run).await?;
    let text = last_message(snapshot).map(|message| text_of(&message.parts));
    text.filter(|text| !text.trim().is_empty())
        .ok_or_else(|| Error::invalid("output", "is needed: the run has no output of its own"))
}

/// An edited output, which has to fit the run's schema.
fn edited_output(edited: &Value, schema: Option<&Value>) -> Result<String, Error> {
    if let Some(schema) = schema {
        let schema = Schema::new(schema).map_err(|problem| Error::schema_invalid(&problem))?;
        let violations = schema.check(edited);
        if !violations.is_empty() {
            return Err(Error::output_invalid(&violations));
        }
    }
    Ok(said(edited, schema))
}

/// An edited output as the model would have said it: text is plain text where no schema asks for JSON.
fn said(output: &Value, schema: Option<&Value>) -> String {
    match output {
        Value::String(text) if schema.is_none() => text.clone(),
        output => output.to_string(),
    }
}

/// The conversation so far, the output as the assistant's last word, the instruction as the user's next one. It is
/// stored with the run, so anybody can see what the model was told.
fn seeded(earlier: &Input, output: String, instruction: String) -> Input {
    let mut messages = earlier.messages.clone().unwrap_or_default();
    let message = |role, parts| ChatMessage {
        id: None,
        role,
        parts,
    };
    if !earlier.parts.is_empty() || messages.is_empty() {
        messages.push(message(Role::User, earlier.parts.clone()));
    }
    messages.push(message(Role::Assistant, vec![Part::text(output)]));
    messages.push(message(Role::User, vec![Part::text(instruction)]));
    Input {
        parts: Vec::new(),
        variables: earlier.variables.clone(),
        messages: Some(messages),
        tools: earlier.tools.clone(),
    }
}
