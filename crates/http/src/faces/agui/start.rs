//! Starting a run.

use run::{AgentSpec, DriverKind, Input, Seq, ThreadId, Trigger};
use serde_json::Map;
use store::{Fate, OnConflict, Right, Segment, SegmentName, Start};
use wire::faces::agui::{RunAgentInput, Said, Told, tell};
use wire::{ConflictRule, Settings};

use super::past;
use crate::App;
use crate::auth::Caller;
use crate::body::printed;
use crate::catalogue::Wanted;
use crate::error::Error;
use crate::{fresh, runs};

/// Starts a run under its client's name for it; gives the stretch that the client is to read.
pub(super) async fn start(
    app: &App,
    caller: &Caller,
    agent: String,
    name: SegmentName,
    body: &RunAgentInput,
    said: &[Said],
) -> Result<Segment, Error> {
    caller.may(Right::Start)?;
    let options = body
        .options()
        .map_err(|message| Error::invalid("forwardedProps.outlive", message))?;
    let thread = ThreadId::parse(body.thread_id.as_str())?;
    let thread = runs::thread_for(caller, Some(thread))?;
    runs::bounded_metadata(&options.metadata)?;
    runs::may_start(caller, &agent)?;
    let wanted = Wanted {
        settings: &Settings::default(),
        budget: None,
        output_schema: None,
    };
    let spec = app
        .catalogue
        .resolve(&agent, &wanted, |agent| caller.may_start(agent))?;
    let told = tell(said, &past::of(app, caller, &thread).await?);
    let client = Map::from_iter(told.kept());
    let mut input = Input {
        variables: body.variables(),
        tools: body.client_tools(),
        ..Input::default()
    };
    match told {
        Told::New { parts, .. } => input.parts = parts,
        Told::Conversation(messages) => input.messages = Some(messages),
    }
    if !body.is_shallow() {
        return Err(Error::invalid("", "the body nests too deep"));
    }
    printed(app, &input)?;
    let start = Start {
        on_conflict: on_conflict(options.on_conflict, options.supersedes)?,
        trigger: Trigger::User,
        segment: Some(name.clone()),
        client,
        metadata: options.metadata,
        ..Start::new(
            fresh::new_run_id()?,
            caller.scope.clone(),
            thread,
            agent,
            fitted(spec, &input),
            input,
        )
    };
    let started = app.store.start(start).await?;
    let run = started.run.id;
    tracing::Span::current().record("run.id", tracing::field::display(run));
    let first_seq = match started.fate {
        Fate::Created => Seq(1),
        // In the same moment, by another request of the same name.
        Fate::Repeated => {
            let known = app.store.segment(&caller.scope, &name).await?;
            known.map_or(Seq(1), |segment| segment.first_seq)
        }
        // The client reads on from what it has said.
        Fate::Steered(_) => {
            let segment = Segment {
                run,
                first_seq: started.run.control.last_seq,
            };
            let named = app.store.name_segment(&caller.scope, name, segment).await?;
            return Ok(named);
        }
    };
    Ok(Segment { run, first_seq })
}

fn on_conflict(
    rule: Option<ConflictRule>,
    supersedes: Option<run::RunId>,
) -> Result<OnConflict, Error> {
    runs::on_conflict(rule, supersedes).map_err(|error| error.with_path("forwardedProps.outlive"))
}

/// The agent with what tools of the client add to it: a model with tools is a loop, which goes on with what they give.
/// Agents that call no tools pass them by, because clients send all that they have.
fn fitted(mut spec: AgentSpec, input: &Input) -> AgentSpec {
    if !input.tools.is_empty() {
        spec.driver = match spec.driver {
            DriverKind::Model | DriverKind::Loop => DriverKind::Loop,
            driver @ (DriverKind::Command
            | DriverKind::Agui
            | DriverKind::Pi
            | DriverKind::Codex
            | DriverKind::Claude
            | DriverKind::Acp
            | DriverKind::Worktree
            | DriverKind::Scripted) => driver,
        };
    }
    spec
}
