//! A run whose attempts are lost again and again does not go on for ever.

use run::event::AttemptEnd;
use run::{AgentSpec, Event};

use super::Log;
use crate::Violation;
use crate::violation::ensure;

const BOUNDED: &str = "attempts that are lost in a row without a word end the run";

/// Counts the attempts in a row that wrote nothing at all and were lost.
pub fn losses(spec: &AgentSpec, log: &Log) -> Result<(), Violation> {
    let mut n_in_a_row = 0;
    let mut is_silent = false;
    for envelope in log.envelopes() {
        match &envelope.event {
            Event::AttemptStarted(_) => {
                ensure(n_in_a_row < spec.max_lost_attempts, BOUNDED, || {
                    format!("{n_in_a_row} were lost before {}", envelope.seq)
                })?;
                is_silent = true;
            }
            Event::AttemptEnded(ended) if ended.end == AttemptEnd::Lost && is_silent => {
                n_in_a_row += 1;
            }
            Event::AttemptEnded(_) => n_in_a_row = 0,
            // What others write is no sign of the attempt.
            Event::StopRequested(_) | Event::InputReceived(_) | Event::InputReturned(_) => {}
            _ => {
                is_silent = false;
                n_in_a_row = 0;
            }
        }
    }
    Ok(())
}
