//! How pi is started.

use super::Pi;
use crate::codec::{Approval, Can, Capabilities, FollowUp, Launch, Settings, Steer};

impl Pi {
    /// It has no permissions: whatever it is told, it does.
    pub(crate) const CAPABILITIES: Capabilities = Capabilities {
        steer: Steer::InTurn,
        follow_up: FollowUp::InAgent,
        approvals: &[Approval::Full],
        questions: Can::Yes,
        resume: Can::Yes,
        usage: Can::Yes,
        plans: Can::No,
        images: Can::Yes,
        ask: Can::Yes,
    };

    pub(crate) fn launch(settings: &Settings) -> Launch {
        let (provider, model) = match settings.model.as_deref() {
            Some(model) => model
                .split_once('/')
                .map_or((None, Some(model)), |(provider, model)| {
                    (Some(provider), Some(model))
                }),
            None => (None, None),
        };
        let mut launch = Launch::new(settings.program.as_ref(), "pi", &settings.args)
            .arg("--mode")
            .arg("rpc")
            .option("--provider", provider)
            .option("--model", model)
            .option("--thinking", settings.effort.as_deref())
            .option("--session", settings.resume.as_deref())
            // It looks for newer versions of itself otherwise.
            .env("PI_OFFLINE", "1");
        launch.home = Some("PI_CODING_AGENT_DIR");
        launch
    }
}
