//! `outlive preview`: trying the work of a coding agent's run.

use wire::PreviewBody;

use super::again::go_on;
use super::start::once;
use crate::args::Preview;
use crate::client::find;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::{Session, print_line};

pub(super) async fn run(session: &Session, args: Preview) -> Result<Exit, Failure> {
    let connection = session.connect().await?;
    let client = &connection.client;
    let run = find(client, &args.run.run).await?;
    let Some(name) = args.name else {
        let previews = client.run(run).await?.previews;
        if previews.is_empty() {
            session.warn("there are none: [repositories.NAME.previews.PREVIEW] in the configuration makes one");
        }
        for preview in &previews {
            print_line(&line(preview))?;
        }
        return Ok(Exit::Succeeded);
    };
    if args.stop {
        let answer = client.stop_preview(run, &name).await?;
        if !answer.stopped {
            session.warn(&format!("preview {name} is not running"));
        }
        return Ok(Exit::Succeeded);
    }
    let preview = once(async |key| client.preview(run, &name, key).await).await?;
    go_on(session, connection, preview, args.watching).await
}

fn line(preview: &PreviewBody) -> String {
    let state = match (preview.status, preview.run_id) {
        (Some(status), Some(run)) => format!("{status}, run {run}"),
        _ => "not started yet".to_owned(),
    };
    format!("{}  {}  ({state})", preview.name, preview.command)
}
