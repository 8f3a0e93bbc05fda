//! `outlive apply`: remembers that the result of a run was used.

use wire::ApplyRun;

use crate::args::Apply;
use crate::client::find;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

pub(super) async fn run(session: &Session, args: Apply) -> Result<Exit, Failure> {
    let client = session.client().await?;
    let run = find(&client, &args.run.run).await?;
    let body = ApplyRun {
        by: args.by,
        reference: args.reference,
    };
    let applied = client.apply(run, &body).await?;
    let by = applied.applied_by.unwrap_or_default();
    let at = applied
        .applied_at
        .map_or(String::new(), |at| at.to_string());
    let reference = applied
        .applied_ref
        .map_or(String::new(), |reference| format!(" ({reference})"));
    session.tell(&format!("{run} was applied by {by} at {at}{reference}"));
    Ok(Exit::Succeeded)
}
