//! The drivers of coding agents: `pi`, `codex`, `claude`, `acp`. One agent process at a time, in the run's own worktree.
//!
//! **Where it goes on follows from the log**: the session is reopened under the reference that the log has, and told to go on
//! if its turn was cut off; a session that is gone is followed by a new one, which is told what happened. **Inputs are the
//! log's**: one is consumed when the agent has taken it, so that it is never lost with a process; after a crash the agent may
//! hear it again. **No process outlives the attempt**: the agent and all it started are gone before the run's last word.

mod checking;
mod checkpoints;
mod child;
mod conversation;
mod files;
mod from_agent;
mod handover;
mod housekeeping;
mod kept;
mod previews;
mod prompt;
mod script;
mod session;
mod task;

use std::path::PathBuf;
use std::time::Duration;

use agent::codec::Wire;
use run::event::{Notice, NoticeLevel, RequestExpired, TurnCompleted, TurnStatus};
use run::snapshot::Snapshot;
use run::{DriverKind, ErrorInfo, Event, Outcome, Reason, WaitMode};
use store::Scope;

pub use self::checking::check_coding;
use self::conversation::{Conversation, End};
use self::files::{Files, Leaving, Left, NoPlace, owner};
use self::from_agent::FromAgent;
pub use self::housekeeping::Housekeeper;
use self::kept::Kept;
use self::session::Start;
use crate::command::Commands;
use crate::context::{Context, Over, Waited};
use crate::driver::{Driver, Ending};
use crate::limits::AGENT_PROCESSES;

/// Performs runs of coding agents.
#[derive(Debug, Clone)]
pub struct CodingAgents {
    /// What their children are given.
    pub commands: Commands,
    /// Where worktrees are kept.
    pub data: PathBuf,
}

impl Driver for CodingAgents {
    async fn perform(&self, mut context: Context) -> Ending {
        match self.attempt(&mut context).await {
            Ok(ending) => ending,
            Err(over) => over.into(),
        }
    }
}

impl CodingAgents {
    async fn attempt(&self, context: &mut Context) -> Result<Ending, Over> {
        let Some(wire) = wire(context.kind()) else {
            return Ok(failed("driver", "this is no coding agent"));
        };
        let approval = session::approval(context.run().spec.approval());
        if !wire.capabilities().keeps(approval) {
            let message = format!(
                "an agent with driver {} cannot keep this approval policy; it runs everything without asking",
                context.kind()
            );
            return Ok(failed("approval_unsupported", message));
        }
        let snapshot = context.snapshot().await?;
        let prompt = match prompt::prompt(context, &snapshot).await? {
            Ok(prompt) => prompt,
            Err(error) => return Ok(Ending::Finished(Outcome::failed(Reason::Error, error))),
        };
        let owner = owner(context).await?;
        let prepared = Files::prepare(context, &self.data, &snapshot, owner).await;
        let (files, events) = match prepared {
            Ok(prepared) => prepared,
            Err(NoPlace::Failed(error)) => {
                return Ok(Ending::Finished(Outcome::failed(Reason::Error, error)));
            }
            Err(NoPlace::Later(error)) => return Ok(Ending::Lost { why: error.message }),
        };
        context.emit(events).await?;
        let resume = self.reference(context).await?;
        let control = context.control();
        // The others were parked with one whose answer ended the turn.
        let unheard = control.requests.keys().map(|request| {
            let why = "the agent was started again and does not wait for it any more".to_owned();
            let request = request.clone();
            RequestExpired { request, why }.into()
        });
        context.emit(unheard.collect()).await?;
        let translator = FromAgent::new(
            &control,
            context.run().spec.approval(),
            snapshot.tasks.len(),
            last_plan(&snapshot),
            resume.as_deref(),
        );
        let mut work = Work {
            n_deaths: 0,
            deaths_turn: 0,
            agents: self,
            wire,
            kept: Kept::of(wire, &snapshot, control.turn.as_ref()),
            outcome: Outcome::completed(),
            files,
            translator,
            snapshot,
            prompt,
        };
        let ending = work.perform(context, resume).await;
        let ending = ending.unwrap_or(Ending::Cancelled);
        Ok(work.leave(context, ending).await)
    }

    /// What reopens the agent's session: this run's, or that of the run it refines.
    async fn reference(&self, context: &Context) -> Result<Option<String>, Over> {
        let text = |control: &run::Run| {
            let reference = control.resume_ref.as_ref()?;
            reference.as_str().map(str::to_owned)
        };
        let own = text(&context.control());
        let Some(source) = context.run().refines.filter(|_| own.is_none()) else {
            return Ok(own);
        };
        let scope = Scope::tenant(context.run().tenant.clone());
        let read = || context.store.run(&scope, source);
        let source = context.asked("read the refined run", read).await?;
        // A session is of one kind of agent.
        let same = source
            .ok()
            .filter(|source| source.spec.driver == context.kind());
        Ok(same.and_then(|source| text(&source.control)))
    }
}

fn wire(driver: DriverKind) -> Option<Wire> {
    match driver {
        DriverKind::Pi => Some(Wire::Pi),
        DriverKind::Codex => Some(Wire::Codex),
        DriverKind::Claude => Some(Wire::Claude),
        DriverKind::Acp => Some(Wire::Acp),
        DriverKind::Model
        | DriverKind::Loop
        | DriverKind::Command
        | DriverKind::Agui
        | DriverKind::Worktree
        | DriverKind::Scripted => None,
    }
}

/// The number of the last proposed plan.
fn last_plan(snapshot: &Snapshot) -> u32 {
    let proposed = snapshot
        .plan
        .as_ref()
        .and_then(|plan| plan.proposed.as_ref());
    let number = proposed.and_then(|plan| plan.plan.as_str().get(1..)?.parse().ok());
    number.unwrap_or_default()
}

fn failed(code: &str, message: impl Into<String>) -> Ending {
    let error = ErrorInfo::new(code, message);
    Ending::Finished(Outcome::failed(Reason::Error, error))
}

/// An attempt that has a place to work.
struct Work<'a> {
    agents: &'a CodingAgents,
    wire: Wire,
    files: Files,
    translator: FromAgent,
    snapshot: Snapshot,
    prompt: String,
    /// Answers that the next process is to get.
    kept: Kept,
    /// How the run ends when there is nothing to say to the agent.
    outcome: Outcome,
    /// Processes that broke off in this turn.
    n_deaths: u32,
    deaths_turn: u32,
}

impl Work<'_> {
    async fn perform(
        &mut self,
        context: &mut Context,
        mut resume: Option<String>,
    ) -> Result<Ending, Over> {
        let commands = &self.agents.commands;
        if let (true, Some(setup)) = (self.files.is_new, &context.run().spec.setup)
            && !script::was_done(&self.snapshot, "setup")
        {
            let call = self.translator.own_call();
            let done = script::run(context, commands, "setup", setup, self.files.path(), call);
            if let Err(ending) = done.await? {
                return Ok(ending);
            }
        }
        let mut start = self.begin(context, resume.is_some()).await?;
        loop {
            let end = self.converse(context, start, resume.take()).await?;
            match end {
                End::Idle(outcome) => {
                    if let Some(ending) = self.finish(context, outcome).await? {
                        return Ok(ending);
                    }
                    // An input came in the last moment.
                    let problem = self.files.keep().await;
                    context.emit(problem.into_iter().collect()).await?;
                    resume = self.agents.reference(context).await?;
                    start = Start::Rest;
                    self.next_process(context, resume.as_deref());
                }
                End::Gone(why) => {
                    let text = format!(
                        "the agent's session could not be reopened, a new one begins and is told what happened: {why}"
                    );
                    let notice = Notice::new(NoticeLevel::Warning, "session_gone", text);
                    context.emit(vec![notice.into()]).await?;
                    start = self.begin_again(context, None).await?;
                }
                End::Lost(why) => {
                    if let Some(outcome) = self.mourn(context, &why).await? {
                        return Ok(Ending::Finished(outcome));
                    }
                    resume = self.agents.reference(context).await?;
                    start = self.begin_again(context, resume.as_deref()).await?;
                }
                End::Parked => {
                    if context.wait(WaitMode::Parked).await? == Waited::Parked {
                        return Ok(Ending::Settled);
                    }
                    if context.is_cancelled() {
                        return Ok(Ending::Cancelled);
                    }
                    // All was answered while the process ended.
                    resume = self.agents.reference(context).await?;
                    start = self.begin_again(context, resume.as_deref()).await?;
                }
                End::Failed(outcome) => return Ok(Ending::Finished(outcome)),
                End::Cancelled => return Ok(Ending::Cancelled),
            }
        }
    }

    /// A process broke off: another one goes on, unless that has happened too often in this turn. What an agent said and did
    /// before it broke off is no reason to let it break off for ever, so this is not counted by progress.
    async fn mourn(&mut self, context: &Context, why: &str) -> Result<Option<Outcome>, Over> {
        let n_turns = context.control().n_turns;
        if n_turns != self.deaths_turn {
            (self.n_deaths, self.deaths_turn) = (0, n_turns);
        }
        self.n_deaths += 1;
        if self.n_deaths >= AGENT_PROCESSES {
            let message = format!(
                "{AGENT_PROCESSES} processes of the agent broke off in one turn; the last: {why}"
            );
            let error = ErrorInfo::new("agent_ended", message);
            return Ok(Some(Outcome::failed(Reason::Lost, error)));
        }
        let text = format!("the agent broke off and is started again: {why}");
        let notice = Notice::new(NoticeLevel::Warning, "agent_restarted", text);
        // Durable, with what the dead process said: its successor is told of it.
        context.emit_durable(vec![notice.into()]).await?;
        let delay_ms = context.run().spec.backoff.delay_ms(self.n_deaths, None);
        context.rest(Duration::from_millis(delay_ms)).await?;
        Ok(None)
    }

    fn next_process(&mut self, context: &Context, resume: Option<&str>) {
        self.translator
            .next_process(context.control().usage, resume);
    }

    /// What the next process is told first, after one that is gone.
    async fn begin_again(
        &mut self,
        context: &mut Context,
        resume: Option<&str>,
    ) -> Result<Start, Over> {
        self.snapshot = context.snapshot_again().await?;
        self.kept = Kept::of(self.wire, &self.snapshot, context.control().turn.as_ref());
        let start = self.begin(context, resume.is_some()).await?;
        self.next_process(context, resume);
        Ok(start)
    }

    /// What the agent is told first.
    async fn begin(&mut self, context: &Context, is_reopened: bool) -> Result<Start, Over> {
        if self.kept.is_cancelled() {
            self.cancel_turn(context).await?;
        }
        let control = context.control();
        let is_in_turn = control.turn.is_some();
        let answers = self.kept.words();
        let hand_over = || handover::hand_over(&self.prompt, &self.snapshot, answers.as_deref());
        Ok(match (control.n_turns, is_reopened) {
            (0, _) => Start::Prompt(self.prompt.clone()),
            (_, true) if is_in_turn => Start::Prompt(handover::go_on(
                &self.prompt,
                &self.snapshot,
                answers.as_deref(),
            )),
            (_, false) if is_in_turn => Start::Prompt(hand_over()),
            // Its last turn was over: there is nothing to say before the next input.
            (_, true) => Start::Rest,
            (_, false) => Start::RestAnew(hand_over()),
        })
    }

    /// An answer ended the turn when there was no process that could do so.
    async fn cancel_turn(&mut self, context: &Context) -> Result<(), Over> {
        self.kept.clear();
        let Some(turn) = context.control().turn.clone() else {
            return Ok(());
        };
        let mut events = self.files.capture(context).await?;
        let status = TurnStatus::Cancelled;
        let error = None;
        events.push(
            TurnCompleted {
                turn,
                status,
                error,
            }
            .into(),
        );
        context.emit_durable(events).await?;
        self.outcome.finish_reason = Some("cancelled".to_owned());
        Ok(())
    }

    async fn converse(
        &mut self,
        context: &mut Context,
        start: Start,
        resume: Option<String>,
    ) -> Result<End, Over> {
        let is_resumed = resume.is_some();
        let session = session::Session {
            commands: &self.agents.commands,
            wire: self.wire,
            cwd: self.files.path(),
            resume,
        };
        // Nothing to say and nothing to hear: no process is needed to find that out.
        if matches!(start, Start::Rest | Start::RestAnew(_)) && context.control().inputs.is_empty()
        {
            return Ok(End::Idle(self.outcome.clone()));
        }
        let child = match session.start(context).await? {
            Ok(child) => child,
            Err(end) => return Ok(end),
        };
        let conversation = Conversation {
            child,
            translator: &mut self.translator,
            files: &mut self.files,
            kept: &mut self.kept,
            start,
            is_resumed,
        };
        conversation.hold(context).await
    }

    /// Ends the run in good order; nothing when an input came first.
    async fn finish(
        &mut self,
        context: &mut Context,
        outcome: Outcome,
    ) -> Result<Option<Ending>, Over> {
        if context.is_cancelled() {
            return Ok(Some(Ending::Cancelled));
        }
        if !context.control().inputs.is_empty() {
            return Ok(None);
        }
        if let Some(teardown) = context.run().spec.teardown.clone()
            && !script::was_done(&self.snapshot, "teardown")
        {
            let commands = &self.agents.commands;
            let call = self.translator.own_call();
            let path = self.files.path();
            let done = script::run(context, commands, "teardown", &teardown, path, call);
            if let Err(ending) = done.await? {
                return Ok(Some(ending));
            }
        }
        // The last moment in which an input finds the files.
        if !context.control().inputs.is_empty() {
            return Ok(None);
        }
        let (events, left) = self
            .files
            .settle(context, &self.agents.data, Leaving::Done)
            .await;
        context.emit(events).await?;
        if left == Left::Removed {
            context.close(outcome).await?;
            return Ok(Some(Ending::Settled));
        }
        Ok(context.finish(outcome).await?.then_some(Ending::Settled))
    }

    /// The run ends otherwise: says how it leaves its files, if it is this attempt that ends it.
    async fn leave(&mut self, context: &Context, ending: Ending) -> Ending {
        let is_meant = match &ending {
            Ending::Finished(_) => true,
            Ending::Cancelled => context.control().stop.is_some(),
            Ending::Settled | Ending::Lost { .. } => false,
        };
        if is_meant {
            // A turn that came to its end was kept there.
            let mut events: Vec<Event> = if context.control().turn.is_some() {
                self.files.capture(context).await.unwrap_or_default()
            } else {
                Vec::new()
            };
            let (settled, _) = self
                .files
                .settle(context, &self.agents.data, Leaving::Undone)
                .await;
            events.extend(settled);
            // Whoever ended the attempt meanwhile has no use for it.
            let _ = context.emit(events).await;
        }
        ending
    }
}
