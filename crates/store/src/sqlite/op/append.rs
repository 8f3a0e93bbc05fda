//! A worker's events.

use std::sync::Arc;

use run::{Command, MAX_EVENT_BYTES, Refused, Work};

use super::super::core::Operation;
use super::super::fault::Fault;
use super::super::txn::{TooLarge, Txn};
use crate::{APPEND_BYTES, Append, Appended, WorkError};

/// Appends a worker's events, once per number.
pub struct AppendOp(pub Append);

impl Operation for AppendOp {
    type Output = Result<Appended, WorkError>;

    fn perform(self, txn: &mut Txn<'_>) -> Result<Self::Output, Fault> {
        let Append {
            run,
            fence,
            append_no,
            events,
        } = self.0;
        if !txn.load(run)? {
            return Ok(Err(WorkError::Unknown));
        }
        let head = txn.head(run);
        // The first commit of this number succeeded and its answer was lost: its result, not a second copy.
        if head.append.fence == fence && head.append.no == append_no {
            let (first, last) = (head.append.first, head.append.last);
            return Ok(Ok(Appended {
                first,
                last,
                control: Arc::clone(&head.control),
            }));
        }
        if append_no <= head.append.no && head.append.fence == fence {
            let why = format!("append {append_no} comes after append {}", head.append.no);
            return Ok(Err(Refused::Unfit(why).into()));
        }
        if events.is_empty() {
            return Ok(Err(Refused::Unfit(
                "an append needs at least one event".to_owned(),
            )
            .into()));
        }
        let first = head.last.next();
        let command = Command::Work(fence, Work::Append(events));
        let events = match head.control.decide(command, &head.origin.policy, txn.now) {
            Ok(events) => events,
            Err(refused) => return Ok(Err(refused.into())),
        };
        if let Err(too_large) = txn.append(run, &events, fence, append_no)? {
            return Ok(Err(match too_large {
                TooLarge::Event { kind, bytes } => WorkError::TooLarge {
                    kind,
                    bytes,
                    max: MAX_EVENT_BYTES,
                },
                TooLarge::Append { bytes } => Refused::Unfit(format!(
                    "an append has at most {APPEND_BYTES} bytes, this one at least {bytes}"
                ))
                .into(),
            }));
        }
        let head = txn.head(run);
        Ok(Ok(Appended {
            first,
            last: head.last,
            control: Arc::clone(&head.control),
        }))
    }
}
