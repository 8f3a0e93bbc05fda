//! `outlive worktree`: what can be done with the files of a coding agent's run once it has ended.

use std::fmt::Write as _;

use run::{Status, WorktreeCommand};
use serde_json::Value;
use wire::{OnWorktree, RunBody};

use super::start::once;
use crate::args::WorktreeVerb;
use crate::client::find;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::counted;
use crate::session::{Session, print_line};

pub(super) async fn run(session: &Session, verb: WorktreeVerb) -> Result<Exit, Failure> {
    let connection = session.connect().await?;
    let client = &connection.client;
    let (run, command) = verb.command();
    let run = find(client, &run).await?;
    let body = OnWorktree(command);
    let mut done = once(async |key| client.worktree(run, &body, key).await).await?;
    while !done.status.is_final() {
        done = client.moved(done.id).await?;
    }
    if let Some(error) = &done.error {
        session.warn(&format!("{} ({})", error.message, error.code));
    }
    if done.status == Status::Succeeded {
        print_line(&told(&body.0, &done))?;
        let output = done.output.as_ref();
        if output.is_some_and(|output| output["outcome"] == "conflicts") {
            return Ok(Exit::Conflict);
        }
    }
    Ok(Exit::of_run(done.status))
}

/// What came of it, for people.
fn told(command: &WorktreeCommand, done: &RunBody) -> String {
    let output = done.output.clone().unwrap_or_default();
    let text = |name: &str| output[name].as_str().unwrap_or_default().to_owned();
    let short = |name: &str| text(name).chars().take(12).collect::<String>();
    match command {
        WorktreeCommand::CheckMerge { .. } => merge("would be ", &output),
        WorktreeCommand::Merge { .. } => merge("is ", &output),
        WorktreeCommand::Commit { .. } => match output["commit"].as_str() {
            Some(_) => format!("committed as {}", short("commit")),
            None => "there was nothing to commit".to_owned(),
        },
        WorktreeCommand::Checkpoint {} => format!("kept as {}", text("checkpoint")),
        WorktreeCommand::Restore { .. } => format!(
            "restored {}; what was there before is kept as {}",
            text("restored"),
            text("before")
        ),
        WorktreeCommand::Remove { .. } => match output["saved"]["reference"].as_str() {
            Some(reference) => {
                format!("removed; what was in no branch is saved as {reference}")
            }
            None => "removed; there was nothing to save".to_owned(),
        },
    }
}

fn merge(tense: &str, output: &Value) -> String {
    let into = output["into"].as_str().unwrap_or_default();
    let mut said = match output["outcome"].as_str() {
        Some("up_to_date") => format!("{into} has all of it already"),
        Some("fast_forward") => format!("{into} {tense}moved forward to it"),
        Some("joined") => format!("{into} {tense}joined with it"),
        _ => {
            let none = Vec::new();
            let conflicts = output["conflicts"].as_array().unwrap_or(&none);
            let mut said = format!("it does not fit {into}; nothing is changed");
            for conflict in conflicts {
                let word = |name: &str| conflict[name].as_str().unwrap_or_default().to_owned();
                let _ = write!(
                    said,
                    "\n  {} ({})",
                    word("path"),
                    word("kind").replace('_', " ")
                );
            }
            if let Some(more) = output["more"].as_u64().filter(|more| *more > 0) {
                let _ = write!(said, "\n  and {more} more");
            }
            said
        }
    };
    if let Some(n) = output["uncommitted"].as_u64().filter(|n| *n > 0) {
        let _ = write!(
            said,
            "\n{} not committed would stay behind; merge with --commit to take it along",
            counted(n, "file")
        );
    }
    said
}
