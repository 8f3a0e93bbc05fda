//! Starting the run of a response.

use axum::http::HeaderMap;
use run::{AgentSpec, ChatMessage, DriverKind, Input, Setting, ThreadId};
use serde_json::Map;
use store::{Idempotency, Right, RunRecord, Start, Target};
use wire::faces::openai::{CreateResponse, FACE, Given, ResponseId, Unfit, instructed};
use wire::{Code, Settings};

use super::branch::conversation_until;
use super::named::Named;
use crate::App;
use crate::auth::Caller;
use crate::catalogue::Wanted;
use crate::error::Error;
use crate::{fresh, runs};

/// The agent that exists without configuration and lets its runs choose the model.
const CHAT: &str = "chat";

impl From<Unfit> for Error {
    fn from(unfit: Unfit) -> Self {
        Self::invalid(&unfit.param, &unfit.message)
    }
}

/// Starts a run; gives the response that it begins with.
pub(super) async fn start(
    app: &App,
    caller: &Caller,
    idempotency: Option<Idempotency>,
    body: &CreateResponse,
    previous: Option<&Named>,
    given: Given,
) -> Result<Named, Error> {
    let thread = match (previous, body.thread()?) {
        (Some(previous), _) => Some(previous.run.thread.clone()),
        (None, Some(id)) => Some(ThreadId::parse(id)?),
        (None, None) => match caller.target() {
            Some(Target::Thread(own)) => Some(own.clone()),
            Some(Target::Run(_)) | None => None,
        },
    };
    let thread = runs::thread_for(caller, thread)?;
    let metadata = body.metadata.clone().unwrap_or_default();
    runs::bounded_metadata(&metadata)?;
    let (agent, model) = agent(app, caller, body.model.as_deref(), previous)?;
    runs::may_start(caller, &agent)?;
    let settings = Settings {
        model,
        temperature: body.temperature,
        max_output_tokens: body.max_output_tokens,
        ..Settings::default()
    };
    let schema = body.format()?.map(|(_, schema)| schema);
    let wanted = Wanted {
        settings: &settings,
        budget: None,
        output_schema: schema.as_ref(),
    };
    let spec = app
        .catalogue
        .resolve(&agent, &wanted, |agent| caller.may_start(agent))?;
    let mut input = input(app, caller, previous, given).await?;
    input.tools = body.client_tools()?;
    body.instruct(&mut input);
    let spec = fitted(spec, &input, body)?;
    let mut client = Map::new();
    let echo = serde_json::to_value(body.echo()).unwrap_or_default();
    client.insert(FACE.to_owned(), echo);
    let start = Start {
        client,
        metadata,
        idempotency,
        ..Start::new(
            fresh::new_run_id()?,
            caller.scope.clone(),
            thread,
            agent,
            spec,
            input,
        )
    };
    let started = app.store.start(start).await?;
    tracing::Span::current().record("run.id", tracing::field::display(started.run.id));
    Ok(Named {
        id: ResponseId::beginning(started.run.id),
        run: started.run.into(),
    })
}

/// The key of the request.
pub(super) fn idempotency(
    headers: &HeaderMap,
    printed: &[u8],
) -> Result<Option<Idempotency>, Error> {
    runs::idempotency(headers, "openai.responses", printed)
}

/// The agent that a model's name stands for, and the model that its run is to have.
fn agent(
    app: &App,
    caller: &Caller,
    model: Option<&str>,
    previous: Option<&Named>,
) -> Result<(String, Option<String>), Error> {
    let Some(model) = model else {
        // The same agent goes on.
        let agent = previous.map(|named| (named.run.agent.clone(), None));
        return agent.ok_or_else(|| Error::invalid("model", "is missing: name an agent"));
    };
    let is_agent = app.catalogue.agents().any(|(name, _)| name == model);
    if is_agent || !model.contains('/') {
        // An unknown one is refused with a suggestion.
        return Ok((model.to_owned(), None));
    }
    let choosers = app.catalogue.agents().filter(|(name, spec)| {
        spec.overridable.contains(&Setting::Model) && caller.may_start(name)
    });
    let choosers: Vec<&str> = choosers.map(|(name, _)| name).collect();
    let chosen = match choosers[..] {
        [only] => Some(only),
        _ => choosers.into_iter().find(|name| *name == CHAT),
    };
    match chosen {
        Some(agent) => Ok((agent.to_owned(), Some(model.to_owned()))),
        None => Err(Error::agent_unknown(model, None)),
    }
}

/// The run's input: alone where the thread has what came before, else with all of the conversation.
async fn input(
    app: &App,
    caller: &Caller,
    previous: Option<&Named>,
    given: Given,
) -> Result<Input, Error> {
    let Some(previous) = previous else {
        return Ok(given.into_input());
    };
    if let Some(parts) = given.user_parts()
        && is_last(app, caller, &previous.run).await?
    {
        return Ok(Input {
            parts,
            ..Input::default()
        });
    }
    caller.may(Right::Read)?;
    let mut messages: Vec<ChatMessage> = conversation_until(app, caller, &previous.run).await?;
    messages.extend(given.into_messages());
    Ok(Input {
        messages: Some(messages),
        ..Input::default()
    })
}

/// Whether a run is the last of its thread. An open one is: then the start is refused, because it is current.
async fn is_last(app: &App, caller: &Caller, run: &RunRecord) -> Result<bool, Error> {
    let last = app.store.thread_run(&caller.scope, &run.thread).await?;
    Ok(last.is_none_or(|last| last.id == run.id))
}

/// The agent with what a request of this protocol adds to it.
fn fitted(mut spec: AgentSpec, input: &Input, body: &CreateResponse) -> Result<AgentSpec, Error> {
    if !input.tools.is_empty() {
        spec.driver = match spec.driver {
            // A model with functions is a loop: it goes on with what they give.
            DriverKind::Model | DriverKind::Loop => DriverKind::Loop,
            DriverKind::Agui => DriverKind::Agui,
            driver @ (DriverKind::Command
            | DriverKind::Pi
            | DriverKind::Codex
            | DriverKind::Claude
            | DriverKind::Acp
            | DriverKind::Worktree
            | DriverKind::Scripted) => {
                let text = format!("agents with driver {driver} call no functions");
                return Err(Error::new(Code::InputNotAccepted, text).with_path("tools"));
            }
        };
    }
    let has_system = matches!(spec.driver, DriverKind::Model | DriverKind::Loop);
    if body.instructions.is_some() && has_system {
        spec.system = Some(instructed(spec.system.as_deref()));
    }
    spec.ephemeral |= body.store == Some(false);
    Ok(spec)
}
