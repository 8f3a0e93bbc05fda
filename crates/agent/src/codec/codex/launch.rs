//! How codex is started.

use super::Codex;
use crate::codec::{Approval, Can, Capabilities, FollowUp, Launch, Settings, Steer};

impl Codex {
    pub(crate) const CAPABILITIES: Capabilities = Capabilities {
        steer: Steer::InTurn,
        follow_up: FollowUp::InCaller,
        approvals: &[Approval::Ask, Approval::AutoEdits, Approval::Full],
        questions: Can::Yes,
        resume: Can::Yes,
        usage: Can::Yes,
        plans: Can::Yes,
        images: Can::Yes,
        ask: Can::Yes,
    };

    pub(crate) fn launch(settings: &Settings) -> Launch {
        let mut launch =
            Launch::new(settings.program.as_ref(), "codex", &settings.args).arg("app-server");
        launch.home = Some("CODEX_HOME");
        launch
    }

    /// Its names for a policy: when it asks, and what it may touch without asking.
    pub(super) fn policy(approval: Approval) -> (&'static str, &'static str) {
        match approval {
            Approval::Ask => ("untrusted", "workspace-write"),
            Approval::AutoEdits => ("on-request", "workspace-write"),
            Approval::Full => ("never", "danger-full-access"),
        }
    }
}
