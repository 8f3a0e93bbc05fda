//! What can be asked of a run, and why it may be refused.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event::{AttemptEnd, Decision, InputMode, NoticeLevel, ToolStatus};
use crate::{
    By, CallId, DriverKind, Event, Fence, InputId, Outcome, Part, RequestId, RunId, Status,
    Timestamp, TurnId, Usage,
};

/// Whether a worker keeps a waiting run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitMode {
    /// An agent's process is alive and its worker keeps it.
    Held,
    /// No worker, no task, no connection.
    Parked,
}

/// An answer to a request.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// To an approval.
    Decision {
        /// The decision.
        decision: Decision,
        /// A word to the agent.
        note: Option<String>,
    },
    /// To a question, by the ids of its questions.
    Answers(Value),
    /// To a client-side tool call.
    Result(Value),
}

/// Something that is asked of a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// End it. A queued or parked run ends at once, another one is told to.
    Stop {
        /// Who asks.
        by: By,
        /// Why.
        why: Option<String>,
        /// The run that takes its place.
        superseded_by: Option<RunId>,
    },
    /// Hear this.
    Input {
        /// When.
        mode: InputMode,
        /// What.
        parts: Vec<Part>,
        /// From whom.
        by: By,
    },
    /// Forget an input that waits.
    TakeBack {
        /// Which.
        input: InputId,
    },
    /// Here is what a request asked for.
    Answer {
        /// The request.
        request: RequestId,
        /// The answer.
        answer: Answer,
        /// From whom.
        by: By,
    },
    /// A worker takes it up.
    Claim {
        /// How the worker performs it.
        driver: DriverKind,
    },
    /// Its worker is gone.
    Lose {
        /// Why that is known.
        why: String,
    },
    /// The run that performs one of its calls for it has ended.
    ChildEnded {
        /// The call.
        call: CallId,
        /// The run that has ended.
        run: RunId,
        /// How the call ended by that.
        status: ToolStatus,
        /// What came out.
        result: Value,
        /// What that run consumed, its own children included.
        usage: Usage,
    },
    /// Something for people to know, from outside.
    Notify {
        /// How much it matters.
        level: NoticeLevel,
        /// The text.
        text: String,
        /// From whom.
        by: By,
    },
    /// Nobody needs to answer this any more.
    Expire {
        /// The request.
        request: RequestId,
        /// Why.
        why: String,
    },
    /// End it without its worker: its time is over, nobody watches, or it does not stop by itself.
    Conclude(Outcome),
    /// A worker writes.
    Work(Fence, Work),
}

/// What a worker writes, under its fence.
#[derive(Debug, Clone, PartialEq)]
pub enum Work {
    /// What happened.
    Append(Vec<Event>),
    /// An input has reached the agent.
    Consume {
        /// The input.
        input: InputId,
        /// The turn that hears it.
        turn: TurnId,
    },
    /// Wait for all open requests and runs of other agents, or for a time. Without any of them there is nothing to wait for, and nothing happens:
    /// the answer came first. A worker that keeps the run watches the time itself, so `due_at` goes with
    /// [`WaitMode::Parked`].
    Wait {
        /// Whether the worker keeps the run.
        mode: WaitMode,
        /// When to go on at the latest.
        due_at: Option<Timestamp>,
    },
    /// The run is done. Refused when an input came first that could still be heard.
    Finish(Outcome),
    /// The run is done and hears nothing any more: what it worked in is gone. Inputs that came are returned.
    Close(Outcome),
    /// The attempt is over and the run is not.
    End {
        /// [`AttemptEnd::HandedOver`] or [`AttemptEnd::Lost`].
        end: AttemptEnd,
        /// Why.
        why: String,
    },
}

/// Why a command was not accepted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refused {
    /// The run has ended.
    #[error("the run has ended ({0})")]
    Final(Status),
    /// A write under an old fence.
    #[error("the writer was replaced: its fence is {given}, the run's is {current}")]
    Fenced {
        /// The writer's.
        given: Fence,
        /// The run's.
        current: Fence,
    },
    /// The run cannot be claimed now.
    #[error("the run is not due for an attempt")]
    NotDue,
    /// The driver cannot hear such an input.
    #[error(
        "agents with driver {driver} take no {mode} inputs; start a run with on_conflict enqueue or supersede instead"
    )]
    InputNotAccepted {
        /// The driver.
        driver: DriverKind,
        /// `steer` or `follow_up`.
        mode: &'static str,
    },
    /// Too many inputs wait.
    #[error("{max} inputs wait already; send more when the agent has heard some")]
    TooManyInputs {
        /// The bound.
        max: usize,
    },
    /// The run has too many notices from outside.
    #[error("the run has {max} notices from outside already, and takes no more")]
    TooManyNotices {
        /// The bound.
        max: u32,
    },
    /// No such input waits.
    #[error("no input {0} waits in this run: it is unknown, was heard or was returned")]
    InputNotPending(InputId),
    /// Inputs wait that the run has to hear before it may end.
    #[error("inputs wait to be heard")]
    InputsPending(Vec<InputId>),
    /// No such request was ever made.
    #[error("the run has no request {0}")]
    RequestUnknown(RequestId),
    /// Somebody else was first.
    #[error("request {0} has been answered")]
    RequestAnswered(RequestId),
    /// It is too late.
    #[error("request {0} has expired")]
    RequestExpired(RequestId),
    /// The answer is of the wrong kind, or not among the options.
    #[error("{0}")]
    AnswerUnfit(String),
    /// A writer's event does not fit the run's state.
    #[error("{0}")]
    Unfit(String),
}
