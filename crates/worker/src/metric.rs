//! The names of what is counted here.

use run::{Outcome, Run, State};

/// Attempts that began, by driver.
const ATTEMPTS: &str = "outlive_attempts_total";
/// Runs that ended, by status and reason.
const FINISHED: &str = "outlive_runs_finished_total";
/// Writes that are tried again because the store was unavailable.
const RETRIES: &str = "outlive_append_retries_total";
/// Runs whose end could not be written.
const LEFT_NON_FINAL: &str = "outlive_left_non_final_total";

/// Attempts under way in this process.
const RUNNING: &str = "outlive_attempts_running";

pub(crate) fn running(n_attempts: usize) {
    let n = u32::try_from(n_attempts).unwrap_or(u32::MAX);
    metrics::gauge!(RUNNING).set(n);
}

pub(crate) fn attempt(driver: run::DriverKind) {
    metrics::counter!(ATTEMPTS, "driver" => driver.as_str()).increment(1);
}

/// Counts a run's end, if it has ended.
pub(crate) fn finished(run: &Run) {
    if let State::Final(Outcome { status, reason, .. }) = &run.state {
        metrics::counter!(FINISHED, "status" => status.as_str(), "reason" => reason.as_str())
            .increment(1);
    }
}

pub(crate) fn retry() {
    metrics::counter!(RETRIES).increment(1);
}

pub(crate) fn left_non_final() {
    metrics::counter!(LEFT_NON_FINAL).increment(1);
}
