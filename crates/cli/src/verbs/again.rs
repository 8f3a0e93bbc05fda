//! `outlive refine` and `outlive retry`: a new run from an earlier one.

use std::path::Path;

use run::{RunId, Seq, Trigger};
use serde_json::Value;
use wire::{RefineRun, RunBody};

use super::attach::watch;
use super::start::once;
use crate::args::{Refine, Retry, Watching};
use crate::client::{Connection, find};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt::Interrupts;
use crate::render::Format;
use crate::session::{Session, print_line, text_of};

pub(super) async fn refine(session: &Session, args: Refine) -> Result<Exit, Failure> {
    let body = RefineRun {
        instruction: if args.instruction.is_empty() {
            String::new()
        } else {
            text_of(&args.instruction)?
        },
        output: args.output.as_deref().map(json_of).transpose()?,
        trigger: Some(Trigger::User),
    };
    let connection = session.connect().await?;
    let earlier = find(&connection.client, &args.run.run).await?;
    let client = &connection.client;
    let run = once(async |key| client.refine(earlier, &body, key).await).await?;
    go_on(session, connection, run, args.watching).await
}

pub(super) async fn retry(session: &Session, args: Retry) -> Result<Exit, Failure> {
    let connection = session.connect().await?;
    let earlier: RunId = find(&connection.client, &args.run.run).await?;
    let client = &connection.client;
    let run = once(async |key| client.retry(earlier, key).await).await?;
    go_on(session, connection, run, args.watching).await
}

/// Watches the new run, or says its id.
pub(super) async fn go_on(
    session: &Session,
    mut connection: Connection,
    run: RunBody,
    watching: Watching,
) -> Result<Exit, Failure> {
    if watching.detach {
        print_line(&run.id.to_string())?;
        return Ok(Exit::Succeeded);
    }
    let format = match (watching.json, watching.wait) {
        (true, _) => Format::Json,
        (false, true) => Format::Silent,
        (false, false) => Format::ForPeople(session.global.color),
    };
    let mut interrupts = Interrupts::listen();
    watch(
        session,
        &mut connection,
        run.id,
        Seq::ZERO,
        format,
        &mut interrupts,
    )
    .await
}

/// A file of JSON, or standard input for `-`.
pub(super) fn json_of(path: &Path) -> Result<Value, Failure> {
    let text = if path == Path::new("-") {
        text_of(&["-".to_owned()])?
    } else {
        std::fs::read_to_string(path)
            .map_err(Failure::io(format!("failed to read {}", path.display())))?
    };
    serde_json::from_str(&text)
        .map_err(|error| Failure::Usage(format!("{} is not JSON: {error}", path.display())))
}
