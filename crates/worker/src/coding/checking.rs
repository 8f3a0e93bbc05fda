//! Whether a coding agent could work, found out before a run needs it. Nothing is started.

use std::env;
use std::path::Path;

use agent::codec::Settings;
use run::{AgentSpec, WorktreeUse};
use worktree::{Base, Repository};

use super::wire;

/// Looks for the agent's program and its repository. The error is for people. Agents of other drivers have nothing to look for.
pub async fn check_coding(spec: &AgentSpec) -> Result<(), String> {
    let Some(wire) = wire(spec.driver) else {
        return Ok(());
    };
    let mut settings = Settings::new("/");
    settings.program = spec.program.as_ref().map(Into::into);
    let program = wire.launch(&settings).program;
    let program = Path::new(&program);
    // One with a slash that is not absolute is looked for where the agent works.
    let is_name = program.components().count() == 1;
    let is_there = if is_name {
        let path = env::var_os("PATH").unwrap_or_default();
        env::split_paths(&path).any(|folder| folder.join(program).is_file())
    } else {
        program.is_relative() || program.is_file()
    };
    if !is_there {
        return Err(format!(
            "there is no program {}; install it, or name it by program = \"path\"",
            program.display()
        ));
    }
    let Some(repository) = &spec.repository else {
        return Ok(());
    };
    let looked = async {
        let repository = Repository::open(Path::new(repository)).await?;
        if spec.worktree_use() == WorktreeUse::PerRun {
            let base = spec.base.clone().map_or(Base::Head, Base::Named);
            repository.resolve(&base).await?;
        }
        Ok(())
    };
    looked
        .await
        .map_err(|error: worktree::Error| error.to_string())
}
