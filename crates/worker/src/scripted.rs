//! The `scripted` driver: plays the agent's script against the clock.

use std::time::Duration;

use tokio::time::Instant;

use crate::context::{Context, Over, Waited};
use crate::driver::{Driver, Ending};
use crate::player::{Action, Player};

/// Performs scripts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Scripted;

impl Driver for Scripted {
    async fn perform(&self, mut context: Context) -> Ending {
        match play(&mut context).await {
            Ok(ending) => ending,
            Err(over) => over.into(),
        }
    }
}

async fn play(context: &mut Context) -> Result<Ending, Over> {
    let snapshot = context.snapshot().await?;
    let spec = context.run().spec.clone();
    let mut player = Player::resume(&spec, &context.run().control.clone(), &snapshot);
    drop(snapshot);
    let mut pace_began = Instant::now();
    loop {
        if context.is_draining() && player.is_between_units() {
            return Ok(Ending::Cancelled);
        }
        let action = player.next(&context.control(), context.now());
        if context.is_cancelled() && !matches!(action, Action::Finish(_)) {
            return Ok(Ending::Cancelled);
        }
        match action {
            Action::Write(events) => context.emit(events).await?,
            Action::Pace {
                events,
                n,
                per_second,
            } => {
                if n == 0 {
                    pace_began = Instant::now();
                }
                let offset = Duration::try_from_secs_f64(f64::from(n) / per_second);
                let at = pace_began.checked_add(offset.unwrap_or(Duration::MAX));
                match at {
                    Some(at) => context.sleep_until(at).await?,
                    None => context.cancelled().await,
                }
                context.emit(events).await?;
            }
            Action::Announce(events) => context.emit_durable(events).await?,
            Action::Sleep { ms } => context.sleep(Duration::from_millis(ms)).await?,
            Action::Ask {
                events,
                request,
                mode,
            } => {
                context.emit(events).await?;
                if context.wait(mode).await? == Waited::Parked {
                    return Ok(Ending::Settled);
                }
                let resolution = context.answer(&request).await?;
                player.answered(&resolution);
            }
            Action::Consume { input, turn } => match context.consume(&input, turn).await? {
                Some(parts) => player.heard(&parts),
                None => player.missed(),
            },
            // When an input came first, the next action is to hear it.
            Action::Finish(outcome) => {
                if context.finish(outcome).await? {
                    return Ok(Ending::Settled);
                }
            }
            Action::Die => {
                return Ok(Ending::Lost {
                    why: "the script ends the attempt".to_owned(),
                });
            }
        }
    }
}
