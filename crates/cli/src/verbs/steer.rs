//! `outlive steer`: says something to a run that is under way.

use run::Part;
use run::event::InputMode;
use wire::SendInput;

use crate::args::Steer;
use crate::client::find;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::{Session, text_of};

pub(super) async fn run(session: &Session, args: Steer) -> Result<Exit, Failure> {
    let text = text_of(&args.text)?;
    let client = session.client().await?;
    let run = find(&client, &args.run.run).await?;
    let mode = if args.follow_up {
        InputMode::FollowUp
    } else {
        InputMode::Steer
    };
    let body = SendInput {
        mode,
        parts: vec![Part::text(text)],
    };
    let answer = client.input(run, &body).await?;
    session.tell(&format!("accepted as {}", answer.input));
    Ok(Exit::Succeeded)
}
