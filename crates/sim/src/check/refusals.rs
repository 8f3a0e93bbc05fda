//! A refusal says something about the runs, and it has to be true.

use run::{Command, Refused, RunId, Status};
use store::{CommandError, OnConflict, RunRecord, Start, StartError};

use crate::Violation;
use crate::violation::ensure;

const TRUE: &str = "a refusal is true";

/// Checks a refused start against all runs as they stand behind it.
pub fn start_refused(
    start: &Start,
    error: &StartError,
    max_queued: u32,
    records: &[RunRecord],
) -> Result<(), Violation> {
    let current = records
        .iter()
        .find(|record| record.thread == start.thread && record.is_current);
    let is_true = match error {
        StartError::AlreadyActive { run, .. } => {
            start.on_conflict == OnConflict::Reject
                && current.is_some_and(|current| current.id == *run)
        }
        StartError::SupersedeMismatch { current: said } => {
            let latest = records.iter().rfind(|it| it.thread == start.thread);
            let named = match start.on_conflict {
                OnConflict::Supersede(named) => Some(named),
                OnConflict::Reject | OnConflict::Enqueue | OnConflict::Steer => None,
            };
            let is = current.or(latest).map(|record| record.id);
            *said == is && is != named
        }
        StartError::Refused(_) => start.on_conflict == OnConflict::Steer && current.is_some(),
        StartError::QueueFull { max } => {
            let n_queued = records
                .iter()
                .filter(|record| record.control.status() == Status::Queued)
                .count();
            *max == max_queued && n_queued >= max_queued as usize
        }
        StartError::Unknown | StartError::KeyReused { .. } | StartError::Unavailable(_) => false,
    };
    ensure(is_true, TRUE, || format!("{}: {error:?}", start.run))
}

/// Checks a refused command against its run as it stands behind it.
pub fn command_refused(
    command: &Command,
    error: &CommandError,
    record: &RunRecord,
) -> Result<(), Violation> {
    let CommandError::Refused(refused) = error else {
        return Err(Violation::new(TRUE, format!("{}: {error:?}", record.id)));
    };
    let control = &record.control;
    let closed = |request: &run::RequestId| {
        let mut closed = control.closed_requests.iter();
        closed
            .find(|closed| closed.request == *request)
            .map(|closed| closed.answered)
    };
    let is_true = match refused {
        Refused::Final(status) => control.is_final() && control.status() == *status,
        Refused::InputNotAccepted { .. } => !record.spec.policy().takes_inputs,
        Refused::TooManyNotices { max } => control.n_told >= *max,
        Refused::TooManyInputs { max } => control.inputs.len() >= *max,
        Refused::InputNotPending(input) => {
            control.inputs.iter().all(|pending| pending.input != *input)
        }
        Refused::RequestAnswered(request) => closed(request) == Some(true),
        Refused::RequestExpired(request) => closed(request) == Some(false),
        Refused::RequestUnknown(request) => {
            closed(request).is_none() && !control.requests.contains_key(request)
        }
        Refused::AnswerUnfit(_) => matches!(command, Command::Answer { .. }),
        Refused::Fenced { .. }
        | Refused::NotDue
        | Refused::InputsPending(_)
        | Refused::Unfit(_) => false,
    };
    ensure(is_true, TRUE, || {
        format!("{}: {command:?} {refused:?}; {control:?}", record.id)
    })
}

const WITHIN: &str = "no more runs of an agent are performed at once than it allows";

/// Checks how many runs of each agent workers have.
pub fn concurrency(records: &[RunRecord]) -> Result<(), Violation> {
    let held = |agent: &str| -> Vec<RunId> {
        records
            .iter()
            .filter(|record| record.agent == agent && record.control.is_held())
            .map(|record| record.id)
            .collect()
    };
    for record in records.iter().filter(|record| record.control.is_held()) {
        if let Some(max) = record.spec.concurrency {
            let held = held(&record.agent);
            ensure(held.len() <= max as usize, WITHIN, || {
                format!("{}: {held:?}, at most {max}", record.agent)
            })?;
        }
    }
    Ok(())
}
