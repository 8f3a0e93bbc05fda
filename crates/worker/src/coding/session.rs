//! Starting an agent's process for a session, new or old.

use std::path::Path;

use agent::codec::{Approval, Raw, Settings, Wire};
use agent::{Spec, Stdin};
use run::event::{Notice, NoticeLevel};
use run::{ErrorInfo, Outcome, Reason};
use wire::CHILD_TOKEN_VAR;

use super::child::Child;
use super::conversation::End;
use crate::command::Commands;
use crate::context::{Context, Over};
use crate::fault::source_chain;

/// What a process is told first.
#[derive(Debug)]
pub(super) enum Start {
    /// This, in the turn that is under way or a new one.
    Prompt(String),
    /// The next input.
    Rest,
    /// The next input, behind this.
    RestAnew(String),
}

/// A session that is to be had.
pub(super) struct Session<'a> {
    pub(super) commands: &'a Commands,
    pub(super) wire: Wire,
    pub(super) cwd: &'a Path,
    pub(super) resume: Option<String>,
}

impl Session<'_> {
    pub(super) async fn start(self, context: &Context) -> Result<Result<Child, End>, Over> {
        let spec = &context.run().spec;
        let mut settings = Settings::new(self.cwd.display().to_string());
        settings.program = spec.program.as_ref().map(Into::into);
        settings.args = spec.args.iter().map(Into::into).collect();
        settings.approval = approval(spec.approval());
        settings.model.clone_from(&spec.model);
        settings.effort.clone_from(&spec.effort);
        settings.mode.clone_from(&spec.mode);
        settings.resume = self.resume;
        settings.raw = if spec.raw { Raw::Keep } else { Raw::Drop };
        // Another number for every process of a session, which outlives runs.
        settings.nonce =
            u32::try_from(context.now().as_ms() & i64::from(u32::MAX)).unwrap_or_default();
        env!("CARGO_PKG_VERSION").clone_into(&mut settings.version);
        let launch = self.wire.launch(&settings);
        let (mut env, missing) = self.commands.environment_of(context);
        for name in missing {
            let text = format!("the server has no variable {name} to pass on");
            let notice = Notice::new(NoticeLevel::Warning, "env_missing", text);
            context.emit(vec![notice.into()]).await?;
        }
        // Where the agent keeps its sessions, so that the next process finds them.
        let home = launch.home.and_then(|home| {
            let mut known = self.commands.environment.iter();
            known.find(|(name, _)| name == home).cloned()
        });
        env.extend(home);
        let token = context.child_token();
        env.push((CHILD_TOKEN_VAR.into(), token.reveal().into()));
        env.extend(launch.env);
        let spec = Spec {
            program: launch.program,
            args: launch.args,
            cwd: Some(self.cwd.to_owned()),
            env,
            marker: context.marker().clone(),
            stdin: Stdin::Pipe,
        };
        let started = Child::start(spec, self.wire.codec(settings), token).await;
        Ok(started.map_err(|error| {
            let mut message = source_chain(&error);
            if matches!(error, agent::SpawnError::ProgramMissing { .. }) {
                message.push_str("; install it, or name it by program = \"path\" of the agent");
            }
            match error {
                agent::SpawnError::Unavailable { .. } => End::Lost(message),
                agent::SpawnError::ProgramMissing { .. }
                | agent::SpawnError::NotExecutable { .. }
                | agent::SpawnError::Cwd { .. }
                | agent::SpawnError::Arguments { .. } => End::Failed(Outcome::failed(
                    Reason::Error,
                    ErrorInfo::new("spawn", message),
                )),
            }
        }))
    }
}

/// A policy in the codecs' words.
pub(super) fn approval(approval: run::Approval) -> Approval {
    match approval {
        run::Approval::Ask => Approval::Ask,
        run::Approval::AutoEdits => Approval::AutoEdits,
        run::Approval::Full => Approval::Full,
    }
}
