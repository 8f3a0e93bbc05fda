//! The conversation with one agent process, from its first word to its end.

mod parking;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use agent::codec::{Can, Command, Event as Heard, Failure, FailureCode, Said, Steer, Waiting};
use run::event::{InputMode, Notice, NoticeLevel, TurnCompleted, TurnStarted, TurnStatus};
use run::snapshot::Resolution;
use run::{
    ErrorInfo, Event, InputId, MAX_WHY_BYTES, Outcome, Reason, RequestId, TurnId, WaitMode,
    bounded_text, text_of,
};
use serde_json::Value;
use tokio::time::{Instant, timeout};

use super::child::{Child, steps};
use super::files::Files;
use super::from_agent::{FromAgent, decided};
use super::kept::{Kept, words};
use super::session::Start;
use crate::context::{Context, Over};
use crate::limits::{AGENT_GOODBYE, APPROVAL_BYTES};
use crate::pause::at;

/// How the conversation with a process ended.
#[derive(Debug)]
pub(super) enum End {
    /// The agent has nothing to do. This is how the run ends, unless an input comes.
    Idle(Outcome),
    /// The session that was to be reopened is not there.
    Gone(String),
    /// The run ends like this.
    Failed(Outcome),
    /// The process broke off.
    Lost(String),
    /// The run is to wait without a process.
    Parked,
    /// The attempt is to end.
    Cancelled,
}

/// A conversation with one process.
pub(super) struct Conversation<'a> {
    pub(super) child: Child,
    pub(super) translator: &'a mut FromAgent,
    pub(super) files: &'a mut Files,
    pub(super) kept: &'a mut Kept,
    pub(super) start: Start,
    pub(super) is_resumed: bool,
}

/// What a conversation remembers.
struct Talk<'a> {
    child: Child,
    translator: &'a mut FromAgent,
    files: &'a mut Files,
    kept: &'a mut Kept,
    /// Stands before the next prompt.
    preface: Option<String>,
    /// Is said before any input.
    first: Option<String>,
    is_resumed: bool,
    stage: Stage,
    turn: Option<TurnId>,
    n_turns: u32,
    n_said: u64,
    /// Inputs that were given to the agent, by their number in the codec.
    given: BTreeMap<u64, InputId>,
    /// Those among them that it did not take in this turn.
    refused: BTreeSet<InputId>,
    /// How the run ends when nothing more comes.
    outcome: Outcome,
    heard_at: Instant,
    is_asked: bool,
}

impl Conversation<'_> {
    /// Talks until there is nothing more to say, and ends the process.
    pub(super) async fn hold(self, context: &mut Context) -> Result<End, Over> {
        let control = context.control();
        let (preface, first) = match self.start {
            Start::Prompt(text) => (None, Some(text)),
            Start::Rest => (None, None),
            Start::RestAnew(text) => (Some(text), None),
        };
        let mut talk = Talk {
            child: self.child,
            translator: self.translator,
            files: self.files,
            kept: self.kept,
            preface,
            first,
            is_resumed: self.is_resumed,
            stage: Stage::Setup,
            turn: control.turn.clone(),
            n_turns: control.n_turns,
            n_said: 0,
            given: BTreeMap::new(),
            refused: BTreeSet::new(),
            outcome: Outcome::completed(),
            heard_at: Instant::now(),
            is_asked: false,
        };
        let end = match talk.go_on(context).await {
            Ok(end) => end,
            Err(Over) => End::Cancelled,
        };
        talk.part(context, &end).await?;
        Ok(end)
    }
}

impl Talk<'_> {
    async fn go_on(&mut self, context: &mut Context) -> Result<End, Over> {
        let mut control = context.control.clone();
        loop {
            if let Some(end) = self.say(context).await? {
                return Ok(end);
            }
            let waits = matches!(self.child.waiting(), Waiting::Answer | Waiting::Idle);
            let quiet_at = self.quiet_at(context);
            let parks_at = self.parks_at(context);
            let heard = tokio::select! {
                biased;
                () = context.cancelled() => return Ok(End::Cancelled),
                // Nothing is half done while it waits: there is no better place to stop.
                () = context.drain.cancelled(), if waits => {
                    if parks_at.is_some() {
                        return self.park(context).await;
                    }
                    return Ok(End::Cancelled);
                }
                changed = control.changed() => {
                    changed.map_err(|_| Over)?;
                    self.answer(context).await?;
                    continue;
                }
                heard = self.child.next() => heard,
                () = at(quiet_at) => {
                    self.is_asked = true;
                    self.child.tell(Command::Ask);
                    continue;
                }
                () = at(parks_at) => return self.park(context).await,
            };
            let Some(heard) = heard else {
                return Ok(End::Lost(self.broke_off("the agent's process ended")));
            };
            if let Some(end) = self.hear(context, heard).await? {
                return Ok(end);
            }
        }
    }

    /// When it is to be asked whether it is alive: halfway to the end of everybody's patience, and once.
    fn quiet_at(&self, context: &Context) -> Option<Instant> {
        let runs_tool = !context.control().calls.is_empty();
        let can = self.child.codec().capabilities().ask == Can::Yes;
        let is_due = self.child.waiting() == Waiting::Turn && can && !runs_tool && !self.is_asked;
        let half = Duration::from_millis(context.run().spec.silence_ms / 2);
        is_due.then(|| self.heard_at + half)
    }

    /// Tells the agent what is to be told now.
    async fn say(&mut self, context: &mut Context) -> Result<Option<End>, Over> {
        match self.stage {
            Stage::Setup => return Ok(None),
            Stage::Turn => {
                self.steer(context).await?;
                return Ok(None);
            }
            Stage::Rest => {}
        }
        if context.is_draining() {
            return Ok(Some(End::Cancelled));
        }
        if let Some(text) = self.first.take() {
            self.prompt(context, text, None).await?;
            return Ok(None);
        }
        while let Some(pending) = context.next_input(InputMode::FollowUp) {
            let Some(parts) = context.read_input(&pending.input).await? else {
                // It was taken back in this moment.
                continue;
            };
            let mut text = text_of(&parts);
            if let Some(preface) = self.preface.take() {
                text = format!("{preface}\n\n{text}");
            }
            self.prompt(context, text, Some(pending.input)).await?;
            return Ok(None);
        }
        Ok(Some(End::Idle(self.outcome.clone())))
    }

    async fn prompt(
        &mut self,
        context: &Context,
        text: String,
        input: Option<InputId>,
    ) -> Result<(), Over> {
        if self.turn.is_none() {
            self.begin_turn(context, input.clone()).await?;
        }
        self.stage = Stage::Turn;
        let said = self.said(text, input);
        self.child.tell(Command::Prompt(said));
        Ok(())
    }

    async fn begin_turn(&mut self, context: &Context, input: Option<InputId>) -> Result<(), Over> {
        self.n_turns += 1;
        let turn = TurnId::nth(self.n_turns);
        self.turn = Some(turn.clone());
        let started = TurnStarted {
            turn,
            input,
            model: None,
        };
        // Durable before the agent hears of it: then the next attempt knows that it was asked.
        context.emit_durable(vec![started.into()]).await
    }

    fn said(&mut self, text: String, input: Option<InputId>) -> Said {
        self.n_said += 1;
        if let Some(input) = input {
            self.given.insert(self.n_said, input);
        }
        Said::text(self.n_said, text)
    }

    /// Passes on steers within the turn, each once.
    async fn steer(&mut self, context: &mut Context) -> Result<(), Over> {
        let capabilities = self.child.codec().capabilities();
        if capabilities.steer == Steer::No || self.child.waiting() != Waiting::Turn {
            return Ok(());
        }
        let control = context.control();
        for pending in &control.inputs {
            let input = &pending.input;
            let is_given = self.given.values().any(|given| given == input);
            if pending.mode != InputMode::Steer || is_given || self.refused.contains(input) {
                continue;
            }
            if let Some(parts) = context.read_input(input).await? {
                let said = self.said(text_of(&parts), Some(input.clone()));
                self.child.tell(Command::Steer(said));
            }
        }
        Ok(())
    }

    /// Passes on answers to the agent's requests.
    async fn answer(&mut self, context: &mut Context) -> Result<(), Over> {
        let control = context.control();
        let open = self.translator.requests();
        let closed: Vec<RequestId> = open
            .filter(|request| {
                let mut closed = control.closed_requests.iter();
                closed.any(|closed| closed.request == **request)
            })
            .cloned()
            .collect();
        for request in closed {
            let resolution = context.answer(&request).await?;
            if let Some(theirs) = self.translator.answered(&request) {
                self.child.tell(command(theirs, resolution));
                self.heard_at = Instant::now();
            }
        }
        Ok(())
    }

    /// Takes in what the agent says.
    async fn hear(&mut self, context: &mut Context, heard: Heard) -> Result<Option<End>, Over> {
        if !matches!(heard, Heard::Alive { .. }) {
            self.heard_at = Instant::now();
            self.is_asked = false;
        }
        match heard {
            Heard::Ready => self.stage = Stage::Rest,
            Heard::SessionGone { why } => {
                return Ok(Some(End::Gone(bounded_text(why, MAX_WHY_BYTES))));
            }
            Heard::SetupFailed { failure } => return Ok(Some(self.not_set_up(failure))),
            Heard::TurnStarted => {
                self.stage = Stage::Turn;
                if self.turn.is_none() {
                    self.begin_turn(context, None).await?;
                }
            }
            Heard::TurnEnded { status, failure } => {
                return self.end_turn(context, status, failure).await;
            }
            Heard::InputTaken { input } => {
                if let (Some(input), Some(turn)) = (self.given.remove(&input.0), self.turn.clone())
                    && context.consume(&input, turn).await?.is_none()
                {
                    let text =
                        format!("input {input} was taken back when the agent had it already");
                    let notice = Notice::new(NoticeLevel::Warning, "input_taken_back_late", text);
                    context.emit(vec![notice.into()]).await?;
                }
            }
            Heard::InputReturned { input, why } => {
                tracing::debug!(run.id = %context.run().id, "an agent returned an input: {why}");
                if let Some(input) = self.given.remove(&input.0) {
                    self.refused.insert(input);
                }
            }
            Heard::Alive { state } => {
                let text = format!("the agent is quiet; asked, it says that it is {state}");
                let notice = Notice::new(NoticeLevel::Info, "agent_quiet", text);
                context.emit(vec![notice.into()]).await?;
            }
            Heard::ApprovalRequested {
                request, detail, ..
            } if detail.to_string().len() > APPROVAL_BYTES => {
                // What a person is asked to approve is never cut, and this fits nowhere.
                let text = format!(
                    "the agent asked for an approval that is longer than {APPROVAL_BYTES} bytes; it was denied, because nobody could be shown all of it"
                );
                let notice = Notice::new(NoticeLevel::Warning, "approval_too_large", text);
                context.emit(vec![notice.into()]).await?;
                self.child.tell(Command::Approve {
                    request,
                    decision: agent::codec::Decision::Deny,
                    note: Some("too long to be shown to a person".to_owned()),
                });
            }
            asks @ (Heard::ApprovalRequested { .. } | Heard::QuestionAsked { .. }) => {
                if let Some(answer) = self.kept.take(&asks) {
                    self.give(context, asks, answer).await?;
                    return Ok(None);
                }
                let events = self.translator.take(asks);
                context.emit(events).await?;
                context.wait(WaitMode::Held).await?;
                // It may have been answered in the same moment.
                self.answer(context).await?;
            }
            heard => context.emit(self.translator.take(heard)).await?,
        }
        Ok(None)
    }

    async fn end_turn(
        &mut self,
        context: &mut Context,
        status: agent::codec::TurnStatus,
        failure: Option<Failure>,
    ) -> Result<Option<End>, Over> {
        self.stage = Stage::Rest;
        self.given.clear();
        self.refused.clear();
        let broke_off = status == agent::codec::TurnStatus::Interrupted
            || failure
                .as_ref()
                .is_some_and(|failure| failure.code == FailureCode::AgentEnded);
        if broke_off {
            // The turn goes on in the next attempt.
            let why = failure.map(|failure| failure.message);
            let why = why.unwrap_or_else(|| "the agent's process ended in its turn".to_owned());
            return Ok(Some(End::Lost(self.broke_off(&why))));
        }
        self.kept.clear();
        let error = failure.as_ref().map(error_of);
        let captured = self.files.capture(context).await?;
        context.emit(captured).await?;
        let status = match status {
            agent::codec::TurnStatus::Completed => TurnStatus::Completed,
            agent::codec::TurnStatus::Failed => TurnStatus::Failed,
            agent::codec::TurnStatus::Cancelled | agent::codec::TurnStatus::Interrupted => {
                TurnStatus::Cancelled
            }
        };
        if let Some(turn) = self.turn.take() {
            let error = error.clone();
            let completed = TurnCompleted {
                turn,
                status,
                error,
            };
            context.emit_durable(vec![completed.into()]).await?;
        }
        self.outcome = match status {
            TurnStatus::Completed | TurnStatus::Interrupted => Outcome::completed(),
            TurnStatus::Cancelled => Outcome {
                finish_reason: Some("cancelled".to_owned()),
                ..Outcome::completed()
            },
            TurnStatus::Failed => {
                let refused = failure
                    .as_ref()
                    .is_some_and(|failure| failure.code == FailureCode::AgentRefused);
                let reason = if refused {
                    Reason::Rejected
                } else {
                    Reason::Error
                };
                let error = error.unwrap_or_else(|| {
                    ErrorInfo::new("agent_failed", "the agent failed without a word")
                });
                return Ok(Some(End::Failed(Outcome::failed(reason, error))));
            }
        };
        Ok(None)
    }

    fn not_set_up(&self, failure: Failure) -> End {
        let words = self.child.last_words();
        let mut message = failure.message;
        if !words.is_empty() {
            message = format!("{message}; it said: {words}");
        }
        let message = bounded_text(message, MAX_WHY_BYTES);
        // The session may be held by a process that is about to be gone.
        if self.is_resumed {
            return End::Lost(message);
        }
        End::Failed(Outcome::failed(
            Reason::Error,
            ErrorInfo::new("setup_failed", message),
        ))
    }

    fn broke_off(&self, why: &str) -> String {
        let words = self.child.last_words();
        let why = if words.is_empty() {
            why.to_owned()
        } else {
            format!("{why}; it said: {words}")
        };
        bounded_text(why, MAX_WHY_BYTES)
    }

    /// Ends the process and all that it started: by the protocol, by the end of its input, by signals. What it still says
    /// is heard.
    async fn part(mut self, context: &Context, end: &End) -> Result<(), Over> {
        let goodbye =
            Duration::from_millis(context.run().spec.stop_timeout_ms / 5).min(AGENT_GOODBYE);
        let is_polite = matches!(
            end,
            End::Idle(_) | End::Parked | End::Cancelled | End::Failed(_)
        );
        if is_polite && self.stage == Stage::Turn {
            self.child.tell(Command::Interrupt);
            let _ = timeout(goodbye, self.listen(context, Until::TurnEnd)).await;
        }
        if is_polite {
            self.child.close();
            let _ = timeout(goodbye, self.listen(context, Until::Exit)).await;
        }
        self.child.leave(steps(context.run().spec.stop_timeout_ms));
        self.listen(context, Until::Exit).await;
        let ended = self.child.finish().await;
        if !ended.swept.survivors.is_empty() {
            let run = context.run().id;
            let n = ended.swept.survivors.len();
            tracing::error!(run.id = %run, "{n} processes of run {run} could not be killed");
            let text = format!("{n} processes that the agent started could not be killed");
            let notice = Notice::new(NoticeLevel::Error, "survivors", text);
            context.emit(vec![notice.into()]).await?;
        }
        Ok(())
    }

    /// Passes on the last words. The turn is closed by whatever ends the attempt.
    async fn listen(&mut self, context: &Context, until: Until) {
        while let Some(heard) = self.child.next().await {
            let is_end = matches!(heard, Heard::TurnEnded { .. });
            let events: Vec<Event> = match heard {
                // Nobody would hear an answer.
                Heard::ApprovalRequested { .. } | Heard::QuestionAsked { .. } => Vec::new(),
                heard => self.translator.take(heard),
            };
            if context.emit(events).await.is_err() || (is_end && until == Until::TurnEnd) {
                return;
            }
        }
    }
}

/// Where the agent is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It has not answered its first questions.
    Setup,
    /// Between turns.
    Rest,
    /// In a turn.
    Turn,
}

/// How long the last words are listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    TurnEnd,
    Exit,
}

fn error_of(failure: &Failure) -> ErrorInfo {
    let code = serde_json::to_value(failure.code).ok();
    let code = code.as_ref().and_then(Value::as_str);
    let message = bounded_text(failure.message.clone(), MAX_WHY_BYTES);
    ErrorInfo::new(code.unwrap_or("agent_failed"), message)
}

/// An answer in the codec's words.
fn command(request: String, resolution: Resolution) -> Command {
    match resolution {
        Resolution::Decided { decision, note, .. } => Command::Approve {
            request,
            decision: decided(decision),
            note,
        },
        Resolution::Answered { value, .. } => {
            let answers = value.as_object().into_iter().flatten();
            let answers = answers.map(|(id, answer)| (id.clone(), words(answer)));
            Command::Answer {
                request,
                answers: answers.collect(),
            }
        }
        Resolution::Expired { why } => Command::Approve {
            request,
            decision: agent::codec::Decision::Deny,
            note: Some(why),
        },
    }
}
