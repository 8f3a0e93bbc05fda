//! `outlive rm`: deletes runs that have ended.

use crate::args::Remove;
use crate::client::find;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

pub(super) async fn run(session: &Session, args: Remove) -> Result<Exit, Failure> {
    let client = session.client().await?;
    // All names are looked up first: `last` is another run once one is gone.
    let mut runs = Vec::new();
    for name in &args.runs {
        let run = find(&client, name).await?;
        if !runs.contains(&run) {
            runs.push(run);
        }
    }
    for run in runs {
        client.delete(run).await?;
        session.tell(&format!("{run} is deleted"));
    }
    Ok(Exit::Succeeded)
}
