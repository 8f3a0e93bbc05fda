//! What a run waits for from its client.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{By, CallId, RequestId, Timestamp};

/// The agent asks whether it may.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApprovalRequested {
    /// Its id.
    pub request: RequestId,
    /// What kind of thing is to be approved, for example `command`.
    pub kind: String,
    /// A line for people.
    pub title: String,
    /// All that is to be approved; never cut.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub detail: Value,
    /// The decisions that may be given.
    pub options: Vec<Decision>,
    /// The call it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<CallId>,
    /// What `allow_for_thread` allows from then on: the name of a tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grants: Option<String>,
    /// When nobody needs to answer any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// An answer to an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// This once.
    Allow,
    /// This and its like, for the rest of the thread.
    AllowForThread,
    /// No.
    Deny,
    /// No, and end the turn.
    Cancel,
}

impl Decision {
    /// Every decision.
    pub const ALL: [Self; 4] = [Self::Allow, Self::AllowForThread, Self::Deny, Self::Cancel];
}

/// An approval was answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ApprovalResolved {
    /// The request.
    pub request: RequestId,
    /// The answer.
    pub decision: Decision,
    /// A word to the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The tool that is allowed for the thread from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grants: Option<String>,
    /// Who.
    pub by: By,
}

/// One question to a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// The key of its answer.
    pub id: String,
    /// The question.
    pub text: String,
    /// Answers to choose from; none for a free answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// Whether several may be chosen.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub multiple: bool,
}

/// The agent asks something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QuestionAsked {
    /// Its id.
    pub request: RequestId,
    /// What it asks.
    pub questions: Vec<Question>,
    /// The call it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<CallId>,
    /// When nobody needs to answer any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// A question was answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QuestionAnswered {
    /// The request.
    pub request: RequestId,
    /// The answers, by the ids of the questions.
    pub answers: Value,
    /// Who.
    pub by: By,
}

/// The client is to run a tool. The call itself was announced by `tool.started` and `tool.called`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClientToolCalled {
    /// The request.
    pub request: RequestId,
    /// The call.
    pub call: CallId,
    /// When nobody needs to answer any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// The client ran its tool.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClientToolAnswered {
    /// The request.
    pub request: RequestId,
    /// What came out.
    pub result: Value,
    /// Who.
    pub by: By,
}

/// A request will not be answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestExpired {
    /// The request.
    pub request: RequestId,
    /// Why.
    pub why: String,
}
