//! All drivers of a server.

use run::DriverKind;

use crate::agui::AguiAgents;
use crate::asking::Models;
use crate::coding::CodingAgents;
use crate::command::Commands;
use crate::context::Context;
use crate::driver::{Driver, Ending};
use crate::looping::Loops;
use crate::scripted::Scripted;

/// All drivers of a server: each attempt goes to the one of its agent.
#[derive(Debug, Clone)]
pub struct Drivers {
    /// For `model` agents.
    pub models: Models,
    /// For `loop` agents.
    pub loops: Loops,
    /// For `command` agents.
    pub commands: Commands,
    /// For `agui` agents.
    pub agui: AguiAgents,
    /// For `pi`, `codex`, `claude` and `acp` agents, and for commands on their worktrees.
    pub coding: CodingAgents,
}

impl Driver for Drivers {
    async fn perform(&self, context: Context) -> Ending {
        match context.kind() {
            DriverKind::Model => self.models.perform(context).await,
            DriverKind::Loop => self.loops.perform(context).await,
            DriverKind::Command => self.commands.perform(context).await,
            DriverKind::Agui => self.agui.perform(context).await,
            DriverKind::Pi | DriverKind::Codex | DriverKind::Claude | DriverKind::Acp => {
                Box::pin(self.coding.perform(context)).await
            }
            DriverKind::Worktree => Box::pin(self.coding.on_worktree(context)).await,
            DriverKind::Scripted => Scripted.perform(context).await,
        }
    }
}
