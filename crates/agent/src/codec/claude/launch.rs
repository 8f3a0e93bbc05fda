//! How claude is started.

use super::Claude;
use crate::codec::{Approval, Can, Capabilities, FollowUp, Launch, Settings, Steer};

impl Claude {
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
        let by_policy = match settings.approval {
            Approval::Ask => "default",
            Approval::AutoEdits => "acceptEdits",
            Approval::Full => "bypassPermissions",
        };
        let mode = settings.mode.as_deref().unwrap_or(by_policy);
        let mut launch = Launch::new(settings.program.as_ref(), "claude", &settings.args)
            .arg("-p")
            .option("--input-format", Some("stream-json"))
            .option("--output-format", Some("stream-json"))
            .arg("--verbose")
            .arg("--include-partial-messages")
            // An echo says when an input is heard.
            .arg("--replay-user-messages")
            .option("--permission-prompt-tool", Some("stdio"))
            .option("--permission-mode", Some(mode))
            .option("--model", settings.model.as_deref())
            .option("--effort", settings.effort.as_deref())
            .option("--resume", settings.resume.as_deref())
            .env("DISABLE_AUTOUPDATER", "1")
            .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1");
        if settings.approval == Approval::Full {
            // It refuses that mode to root otherwise.
            launch = launch.env("IS_SANDBOX", "1");
        }
        launch.home = Some("CLAUDE_CONFIG_DIR");
        launch
    }
}
