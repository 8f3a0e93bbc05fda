//! How an agent of the Agent Client Protocol is started.

use super::Acp;
use crate::codec::{Approval, Can, Capabilities, FollowUp, Launch, Settings, Steer};

impl Acp {
    /// What every one of them can do. The policy is kept by this side: it answers the permissions that need no person.
    pub(crate) const CAPABILITIES: Capabilities = Capabilities {
        steer: Steer::No,
        follow_up: FollowUp::InCaller,
        approvals: &[Approval::Ask, Approval::AutoEdits, Approval::Full],
        questions: Can::No,
        resume: Can::No,
        usage: Can::Yes,
        plans: Can::Yes,
        images: Can::No,
        ask: Can::No,
    };

    /// All of it is in the settings: there is no usual name.
    pub(crate) fn launch(settings: &Settings) -> Launch {
        Launch::new(settings.program.as_ref(), "agent", &settings.args)
    }
}
