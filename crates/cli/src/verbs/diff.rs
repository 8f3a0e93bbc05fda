//! `outlive diff`: what a run has changed in its repository.

use std::fmt::Write as _;

use wire::DiffBody;

use crate::args::Diff;
use crate::client::find;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::{Session, print_line};

pub(super) async fn run(session: &Session, args: Diff) -> Result<Exit, Failure> {
    let client = session.client().await?;
    let run = find(&client, &args.run.run).await?;
    let diff = client.diff(run, args.checkpoint.as_deref()).await?;
    if args.stat {
        print_line(&stat(&diff))?;
        return Ok(Exit::Succeeded);
    }
    let text = diff.text.trim_end_matches('\n');
    if !text.is_empty() {
        print_line(text)?;
    }
    if diff.truncated {
        session.warn("the diff is longer than what is kept of it; look at it in the worktree");
    }
    Ok(Exit::Succeeded)
}

/// A line for each file, and their sum.
fn stat(diff: &DiffBody) -> String {
    let width = diff
        .files
        .iter()
        .map(|file| file.path.chars().count())
        .max();
    let width = width.unwrap_or_default();
    let mut text = String::new();
    for file in &diff.files {
        let _ = writeln!(
            text,
            "{:<width$}  +{} -{}  {}",
            file.path, file.additions, file.deletions, file.change
        );
    }
    let (n, additions, deletions) = (diff.n_files, diff.additions, diff.deletions);
    let _ = write!(text, "{n} files, +{additions} -{deletions}");
    text
}
