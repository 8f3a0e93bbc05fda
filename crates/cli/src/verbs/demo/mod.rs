//! `outlive demo`: a run that survives a cut connection and a killed server, with proof.

mod act;
mod checks;
mod offer;
mod seen;
mod stage;

use std::time::Duration;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::interrupt::Interrupts;
use crate::session::{Session, print_line};

/// The whole takes about ten seconds.
const PATIENCE: Duration = Duration::from_secs(90);

pub(super) async fn run(session: &Session) -> Result<Exit, Failure> {
    let mut interrupts = Interrupts::listen();
    let checks = tokio::select! {
        played = tokio::time::timeout(PATIENCE, act::play(session)) => {
            let late = |_| {
                let s = PATIENCE.as_secs();
                Failure::Failed(format!("the demo did not come to its end within {s} s"))
            };
            played.map_err(late)??
        }
        () = interrupts.heard() => return Ok(Exit::Detached),
    };
    checks.print(session)?;
    if !checks.all_hold() {
        return Ok(Exit::Failed);
    }
    if let Some(command) = offer::real_model(&session.surroundings).await {
        print_line(&format!("\nThe same with a real model:\n  {command}"))?;
    }
    Ok(Exit::Succeeded)
}
