//! `outlive attach`: watches a run from its first event, or from behind a cursor.

use run::{RunId, Seq};

use crate::args::Attach;
use crate::client::{Connection, find};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::follow::{Followed, Watch};
use crate::interrupt::Interrupts;
use crate::render::{Format, Output};
use crate::session::Session;

pub(super) async fn run(session: &Session, args: Attach) -> Result<Exit, Failure> {
    let mut interrupts = Interrupts::listen();
    let mut connection = session.connect().await?;
    let run = find(&connection.client, &args.run.run).await?;
    let format = match (args.json, args.wait) {
        (true, _) => Format::Json,
        (false, true) => Format::Silent,
        (false, false) => Format::ForPeople(session.global.color),
    };
    watch(
        session,
        &mut connection,
        run,
        Seq(args.after),
        format,
        &mut interrupts,
    )
    .await
}

/// Watches a run and ends as it does.
pub(super) async fn watch(
    session: &Session,
    connection: &mut Connection,
    run: RunId,
    after: Seq,
    format: Format,
    interrupts: &mut Interrupts,
) -> Result<Exit, Failure> {
    let mut output = Output::new(format, &run.to_string());
    if after > Seq::ZERO && output.is_live() {
        output.created(connection.client.run(run).await?.created_at);
    }
    let watch = Watch {
        connection: &mut *connection,
        run,
        cursor: after,
        output: &mut output,
        interrupts,
    };
    match watch.follow().await? {
        Followed::Ended(end) => Ok(Exit::of_run(end.status)),
        Followed::Over => {
            let status = connection.client.run(run).await?.status;
            session.tell(&format!("{run} had {status} before event {after}"));
            Ok(Exit::of_run(status))
        }
        Followed::Detached => {
            session.tell(&format!("detached; the run goes on: outlive attach {run}"));
            Ok(Exit::Detached)
        }
    }
}
