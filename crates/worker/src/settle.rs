//! The last write of an attempt. It is tried again until the store answers, and never replaced by another.

use std::sync::Arc;

use run::event::AttemptEnd;
use run::{Fence, Refused, Run, Work};
use store::{RunRecord, Store, Unavailable, WorkError};
use tokio_util::sync::CancellationToken;

use crate::metric;
use crate::pause::Pause;
use crate::performance::is_over;

/// Writes the end of an attempt, as long as the attempt's fence holds and `give_up` is not cancelled.
pub(crate) async fn settle(
    store: &Store,
    run: &RunRecord,
    fence: Fence,
    mut work: Work,
    give_up: &CancellationToken,
) {
    let mut pause = Pause::new();
    loop {
        let written = tokio::select! {
            written = store.work(run.id, fence, work.clone()) => written,
            () = give_up.cancelled() => return left(run, &work, "the store did not answer"),
        };
        match written {
            Ok(worked) => return settled(run, &worked.control),
            Err(WorkError::Refused(Refused::InputsPending(_))) => {
                // The driver did not ask whether an input had come. The next attempt hears it.
                work = Work::End {
                    end: AttemptEnd::HandedOver,
                    why: "an input came in the last moment".to_owned(),
                };
            }
            Err(WorkError::Refused(refused)) if is_over(&refused) => return,
            Err(WorkError::Unknown) => return,
            Err(error @ (WorkError::Refused(_) | WorkError::TooLarge { .. })) => {
                return left(run, &work, &error.to_string());
            }
            Err(WorkError::Unavailable(error)) => {
                warn(run, &error);
                tokio::select! {
                    () = tokio::time::sleep(pause.next()) => {}
                    () = give_up.cancelled() => return left(run, &work, &error.to_string()),
                }
            }
        }
    }
}

fn settled(run: &RunRecord, control: &Arc<Run>) {
    metric::finished(control);
    tracing::debug!(run.id = %run.id, status = %control.status(), "the attempt of run {} has ended", run.id);
}

fn warn(run: &RunRecord, error: &Unavailable) {
    metric::retry();
    tracing::warn!(
        run.id = %run.id,
        thread = %run.thread,
        code = error.code,
        "failed to write the end of an attempt of run {}, trying again: {error}",
        run.id
    );
}

/// Gives up. The next holder settles the run; its outcome is not known to it.
pub(crate) fn left(run: &RunRecord, work: &Work, cause: &str) {
    if let Work::Finish(outcome) = work {
        metric::left_non_final();
        tracing::error!(
            run.id = %run.id,
            thread = %run.thread,
            outcome.status = %outcome.status,
            outcome.reason = %outcome.reason,
            cause,
            "left non-final: run {} on thread {} had ended as {} ({}) and this could not be written: {cause}",
            run.id, run.thread, outcome.status, outcome.reason
        );
    } else {
        tracing::warn!(
            run.id = %run.id,
            thread = %run.thread,
            cause,
            "an attempt of run {} ends unsaid, another worker will find it lost: {cause}",
            run.id
        );
    }
}
