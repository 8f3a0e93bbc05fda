//! What an agent is told, whichever protocol it speaks.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Names an input within one codec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InputId(pub u64);

/// Something to tell an agent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Shake hands and open the session, new or old as the settings say. Once, before anything else.
    Start,
    /// Begin a turn. Only between [`Event::Ready`](crate::codec::Event::Ready) and a turn, or between two turns.
    Prompt(Said),
    /// Hear this within the turn under way. What the agent cannot hear comes back as
    /// [`Event::InputReturned`](crate::codec::Event::InputReturned).
    Steer(Said),
    /// Hear this after the turn under way, as a turn of its own.
    FollowUp(Said),
    /// End the turn under way.
    Interrupt,
    /// Answer an approval.
    Approve {
        /// The request.
        request: String,
        /// The decision, one of those that were offered.
        decision: Decision,
        /// A word to the agent, where its protocol has a place for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// Answer questions.
    Answer {
        /// The request.
        request: String,
        /// By the question's id.
        answers: BTreeMap<String, Vec<String>>,
    },
    /// Say that you are alive, and what you do. Nothing is sent where the protocol has no such question, see
    /// [`Capabilities::ask`](crate::codec::Capabilities::ask).
    Ask,
    /// Say goodbye in the agent's protocol. The end of its input, which all agents take for a goodbye, is the
    /// caller's.
    Shutdown,
}

/// What is said to an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// Names it in the events about it.
    pub input: InputId,
    /// The text.
    pub text: String,
    /// Images after the text.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Image>,
}

/// An image for the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// For example `image/png`.
    pub mime: String,
    /// Its bytes in base64.
    pub base64: String,
}

/// An answer to an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// This once.
    Allow,
    /// This and its like, for the rest of the session.
    AllowForThread,
    /// No.
    Deny,
    /// No, and end the turn.
    Cancel,
}

impl Said {
    /// Text alone.
    pub fn text(input: u64, text: impl Into<String>) -> Self {
        Self {
            input: InputId(input),
            text: text.into(),
            images: Vec::new(),
        }
    }
}
