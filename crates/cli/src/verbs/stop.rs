//! `outlive stop`: asks for the end of a run.

use run::Seq;
use wire::StopRun;

use super::attach::watch;
use crate::args::Stop;
use crate::client::find;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt::Interrupts;
use crate::render::Format;
use crate::session::Session;

pub(super) async fn run(session: &Session, args: Stop) -> Result<Exit, Failure> {
    let mut connection = session.connect().await?;
    let run = find(&connection.client, &args.run.run).await?;
    let answer = connection
        .client
        .stop(run, &StopRun { why: args.why })
        .await?;
    let status = answer.run.as_ref().map(|run| run.status);
    match (answer.stopped, status) {
        (false, Some(status)) => session.tell(&format!("{run} had ended: {status}")),
        (false, None) => session.tell(&format!("{run} had ended")),
        (true, Some(status)) if status.is_final() => session.tell(&format!("{run} is {status}")),
        (true, _) if args.wait => {
            let mut interrupts = Interrupts::listen();
            // It ended as it was asked to, however that is called.
            let ended = watch(
                session,
                &mut connection,
                run,
                Seq::ZERO,
                Format::Silent,
                &mut interrupts,
            )
            .await?;
            if ended == Exit::Detached {
                return Ok(Exit::Detached);
            }
            session.tell(&format!("{run} has ended"));
        }
        (true, _) => session.tell(&format!("{run} is told to stop")),
    }
    Ok(Exit::Succeeded)
}
