//! What an agent says, whichever protocol it speaks.
//!
//! Ids of messages are the codec's own (`m1`, `m2`, …) and unique within one codec; ids of calls, tasks and requests
//! are the agent's, which may use one again once what it named has ended. Deltas belong to a message or call that has
//! begun and not ended; the completed message is the truth.

use serde::Serialize;
use serde_json::Value;

use crate::Exit;
use crate::codec::{Decision, InputId};

/// Something that an agent did.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The agent has answered its first questions: it takes a prompt now.
    Ready,
    /// The agent's session is there.
    SessionStarted {
        /// The agent's id of it.
        native_id: String,
        /// The model it uses, where the agent says so.
        model: Option<String>,
    },
    /// From now on the session can be reopened: its agent has really stored it, which is later than it has an id.
    SessionResumable {
        /// What [`Settings::resume`](crate::codec::Settings::resume) takes later.
        reference: String,
    },
    /// What was to be reopened is not there. The process is of no use: start another one without a reference.
    SessionGone {
        /// In the agent's words.
        why: String,
    },
    /// The agent could not be set up. The process is of no use: end it.
    SetupFailed {
        /// What went wrong.
        failure: Failure,
    },
    /// The process has ended and said its last word.
    SessionExited {
        /// How it ended.
        exit: Exit,
        /// Whether its session can be reopened.
        recoverable: bool,
    },
    /// A turn begins: with a prompt, or by the agent itself.
    TurnStarted,
    /// The turn is over, and all that it had open was closed before. Never said twice for one turn.
    TurnEnded {
        /// How.
        status: TurnStatus,
        /// What went wrong.
        failure: Option<Failure>,
    },
    /// The agent has taken an input: a prompt, a steer or a follow-up is part of its conversation now.
    InputTaken {
        /// Which.
        input: InputId,
    },
    /// The agent will not hear an input; it can be given again, later or otherwise.
    InputReturned {
        /// Which.
        input: InputId,
        /// Why.
        why: String,
    },
    /// A call of the model begins.
    StepStarted {
        /// The model.
        model: Option<String>,
    },
    /// A call of the model is done.
    StepEnded {
        /// What it consumed.
        usage: Option<Usage>,
        /// The vendor's word for its end.
        finish_reason: Option<String>,
    },
    /// A message of the agent begins.
    MessageStarted {
        /// Its id.
        message: String,
    },
    /// More text.
    TextDelta {
        /// The message.
        message: String,
        /// The part within it.
        part: u32,
        /// What to add.
        text: String,
    },
    /// More reasoning.
    ReasoningDelta {
        /// The message.
        message: String,
        /// The part within it.
        part: u32,
        /// What to add.
        text: String,
    },
    /// A message is done.
    MessageCompleted {
        /// The message.
        message: String,
        /// All of it. None where it was cut short: then what the deltas said is all there is.
        parts: Option<Vec<Part>>,
    },
    /// A message is to be forgotten: the agent says it again.
    MessageDiscarded {
        /// The message.
        message: String,
        /// Why.
        why: String,
    },
    /// A call of a tool appears.
    ToolStarted {
        /// The call.
        call: String,
        /// The tool's name.
        name: String,
        /// What kind of thing it does.
        kind: ToolKind,
        /// A line for people.
        title: Option<String>,
    },
    /// More of the arguments' JSON text.
    ToolArgsDelta {
        /// The call.
        call: String,
        /// What to add.
        text: String,
    },
    /// The arguments are complete.
    ToolCalled {
        /// The call.
        call: String,
        /// The arguments.
        args: Value,
    },
    /// The tool is at work.
    ToolRunning {
        /// The call.
        call: String,
    },
    /// More output of a running tool.
    ToolOutput {
        /// The call.
        call: String,
        /// What to add.
        text: String,
    },
    /// Something about a call changed.
    ToolUpdated {
        /// The call.
        call: String,
        /// A new line for people.
        title: Option<String>,
        /// Anything else.
        detail: Option<Value>,
    },
    /// A call has ended.
    ToolCompleted {
        /// The call.
        call: String,
        /// How.
        status: ToolStatus,
        /// What came out.
        result: Value,
    },
    /// The agent asks whether it may.
    ApprovalRequested {
        /// Names the request in [`Command::Approve`](crate::codec::Command::Approve).
        request: String,
        /// What kind of thing is to be approved.
        kind: ToolKind,
        /// A line for people.
        title: String,
        /// All that is to be approved, never cut.
        detail: Value,
        /// The decisions that may be given.
        options: Vec<Decision>,
        /// The call it is about.
        call: Option<String>,
    },
    /// The agent asks a person.
    QuestionAsked {
        /// Names the request in [`Command::Answer`](crate::codec::Command::Answer).
        request: String,
        /// What.
        questions: Vec<Question>,
        /// The call by which it asks, where asking is a tool of its own.
        call: Option<String>,
    },
    /// An open request needs no answer any more.
    RequestClosed {
        /// The request.
        request: String,
        /// Why.
        why: String,
    },
    /// An answer came too late, or names a request that there never was.
    AnswerRefused {
        /// The request.
        request: String,
        /// Why.
        why: String,
    },
    /// The plan as it is now; replaces the earlier one.
    PlanUpdated {
        /// Its steps.
        steps: Vec<PlanStep>,
        /// Why it changed.
        explanation: Option<String>,
    },
    /// A plan for a person to accept.
    PlanProposed {
        /// Its text.
        markdown: String,
    },
    /// A task in the background, or an agent of the agent's own, begins.
    TaskStarted {
        /// Its id.
        task: String,
        /// What kind it is, in the agent's word.
        kind: String,
        /// A line for people.
        title: String,
    },
    /// It goes on.
    TaskProgress {
        /// Its id.
        task: String,
        /// What it did so far.
        summary: Option<String>,
    },
    /// It has ended.
    TaskCompleted {
        /// Its id.
        task: String,
        /// How.
        status: TaskStatus,
        /// What it did.
        summary: Option<String>,
    },
    /// Consumption.
    UsageUpdated {
        /// Tokens in the model's context now.
        context_tokens: Option<u64>,
        /// How many the context can hold.
        window_tokens: Option<u64>,
        /// All that this process consumed so far.
        totals: Usage,
    },
    /// Older history was summarised to fit the context.
    Compacted {
        /// Tokens before, where the agent says so.
        before_tokens: Option<u64>,
        /// Tokens after.
        after_tokens: Option<u64>,
        /// What stands for what was left out.
        summary: Option<String>,
    },
    /// A call of the model failed and is made again.
    Retry {
        /// After how long, where the agent says so.
        delay_ms: Option<u64>,
        /// Why, in the agent's words.
        why: String,
    },
    /// The answer to [`Command::Ask`](crate::codec::Command::Ask): it is alive, and in this state.
    Alive {
        /// In the agent's word.
        state: String,
    },
    /// Something for people to know.
    Notice {
        /// How much it matters.
        level: Level,
        /// A stable word for programs.
        code: &'static str,
        /// The text.
        text: String,
    },
    /// A frame that has no other place, whole; only if asked for.
    Raw {
        /// The frame as it came.
        frame: String,
    },
}

/// How a turn ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TurnStatus {
    /// Well.
    Completed,
    /// With an error.
    Failed,
    /// By an interrupt that was asked for.
    Cancelled,
    /// Its process ended before it did.
    Interrupted,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// A stable word for programs.
    pub code: FailureCode,
    /// In the agent's words.
    pub message: String,
}

/// Kinds of failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureCode {
    /// The agent ended the turn with an error.
    AgentFailed,
    /// The agent or its vendor refused, or a limit of theirs was reached.
    AgentRefused,
    /// The agent did not take the prompt.
    PromptRejected,
    /// The process ended in the middle of the turn.
    AgentEnded,
    /// The agent rests without ever having said that the turn was over.
    EndMissed,
    /// The agent could not be set up.
    SetupFailed,
}

/// Tokens and cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Usage {
    /// Tokens sent to the model, cached ones included.
    pub input_tokens: u64,
    /// Tokens written by the model, reasoning included.
    pub output_tokens: u64,
    /// Of the output, tokens spent on reasoning.
    pub reasoning_tokens: u64,
    /// Of the input, tokens read from the vendor's cache.
    pub cached_input_tokens: u64,
    /// Cost in US dollars, where the agent knows it.
    pub cost_usd: Option<f64>,
}

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// What is said.
    Text(String),
    /// What was thought before.
    Reasoning(String),
}

/// What kind of thing a tool does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolKind {
    /// Runs a command.
    Command,
    /// Changes files.
    FileChange,
    /// Reads files.
    FileRead,
    /// Searches.
    Search,
    /// Reads the web.
    Web,
    /// A tool of an MCP server.
    Mcp,
    /// Another agent.
    Subagent,
    /// Makes or reads an image.
    Image,
    /// Anything else.
    Other,
}

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolStatus {
    /// Well.
    Ok,
    /// With an error.
    Failed,
    /// It was not allowed.
    Denied,
    /// Its turn ended before it did.
    Interrupted,
}

/// One question to a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Question {
    /// The key of its answer.
    pub id: String,
    /// The question.
    pub text: String,
    /// Answers to choose from; none for a free answer.
    pub options: Vec<String>,
    /// Whether several may be chosen.
    pub multiple: bool,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlanStep {
    /// What is to be done.
    pub text: String,
    /// Where it is.
    pub status: PlanStepStatus,
}

/// Where a step of a plan is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PlanStepStatus {
    /// Not begun.
    Pending,
    /// Under way.
    InProgress,
    /// Done.
    Completed,
}

/// How a task ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// Done.
    Completed,
    /// Failed.
    Failed,
    /// Its turn ended before it did, or somebody stopped it.
    Interrupted,
}

/// How much a notice matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Good to know.
    Info,
    /// Something is not as it should be.
    Warning,
    /// Something failed and the turn goes on.
    Error,
}

impl Usage {
    /// The sum of two usages.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            reasoning_tokens: self.reasoning_tokens.saturating_add(other.reasoning_tokens),
            cached_input_tokens: self
                .cached_input_tokens
                .saturating_add(other.cached_input_tokens),
            cost_usd: match (self.cost_usd, other.cost_usd) {
                (None, None) => None,
                (a, b) => Some(a.unwrap_or(0.0) + b.unwrap_or(0.0)),
            },
        }
    }
}

impl Failure {
    /// A failure in the agent's words.
    pub fn new(code: FailureCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}
