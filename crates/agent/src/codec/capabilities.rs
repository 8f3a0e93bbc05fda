//! What an agent can do. Policy reads this, never the agent's name.

use crate::codec::Approval;

/// What an agent can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// How it takes a steer.
    pub steer: Steer,
    /// Where follow-ups wait.
    pub follow_up: FollowUp,
    /// The policies it can keep. A run with another one must not be started.
    pub approvals: &'static [Approval],
    /// Whether it can ask a person.
    pub questions: Can,
    /// Whether a session can be reopened.
    pub resume: Can,
    /// Whether it says what it consumes.
    pub usage: Can,
    /// Whether it says its plan.
    pub plans: Can,
    /// Whether it takes images.
    pub images: Can,
    /// Whether it answers [`Command::Ask`](crate::codec::Command::Ask).
    pub ask: Can,
}

/// Whether an agent can do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Can {
    /// It does.
    Yes,
    /// It does not.
    No,
}

/// How an agent takes a steer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Steer {
    /// Within the turn under way.
    InTurn,
    /// Not at all: what is to be heard waits for the next turn.
    No,
}

/// Where follow-ups wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FollowUp {
    /// The agent has a queue of its own.
    InAgent,
    /// With the caller, who prompts when the turn has ended.
    InCaller,
}

impl Capabilities {
    /// Whether it can keep this policy.
    pub fn keeps(&self, approval: Approval) -> bool {
        self.approvals.contains(&approval)
    }
}

impl From<bool> for Can {
    fn from(can: bool) -> Self {
        if can { Self::Yes } else { Self::No }
    }
}
