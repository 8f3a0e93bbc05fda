//! The doctor: reads a file that no server has open, rebuilds both folds of every run from its log, and compares.

use std::path::Path;

use run::{Run, RunId, Seq, Snapshot, frame};
use rusqlite::Connection;

use super::core::Core;
use super::{chunks, read, rows};
use crate::{OpenError, Options, Unavailable};

/// What the doctor looked at and found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Runs looked at.
    pub n_runs: u64,
    /// Events read.
    pub n_events: u64,
    /// What is not as it should be.
    pub findings: Vec<Finding>,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The run, unless it is about the whole file.
    pub run: Option<RunId>,
    /// What, as a sentence.
    pub what: String,
}

/// Examines the store at `path`, which nobody else may have open.
pub fn doctor(path: &Path) -> Result<Report, OpenError> {
    let options = Options {
        wal_bytes: 0,
        holder: "doctor".to_owned(),
        ..Options::default()
    };
    // A look must not make what it looks for.
    if !path.exists() {
        return Err(OpenError::Unusable {
            path: path.to_owned(),
            message: "there is no such file".to_owned(),
        });
    }
    let mut core = Core::open(path, options)?;
    let unusable = |why: Unavailable| OpenError::Unusable {
        path: path.to_owned(),
        message: why.to_string(),
    };
    // All events into chunks first, so that one way of reading finds them all.
    core.fold_all().map_err(unusable)?;
    examine(&core.connection).map_err(|error| OpenError::Unusable {
        path: path.to_owned(),
        message: error.to_string(),
    })
}

fn examine(connection: &Connection) -> rusqlite::Result<Report> {
    let mut report = Report::default();
    let integrity: String =
        connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if integrity != "ok" {
        report.findings.push(Finding {
            run: None,
            what: format!("the database file is damaged: {integrity}"),
        });
    }
    let ids: Vec<[u8; 16]> = connection
        .prepare("SELECT id FROM run WHERE log_expired = 0 ORDER BY key")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for run in ids.into_iter().map(RunId::from_bytes) {
        report.n_runs += 1;
        let mut find = |what: String| {
            report.findings.push(Finding {
                run: Some(run),
                what,
            });
        };
        match examine_run(connection, run, &mut find) {
            Ok(n_events) => report.n_events += n_events,
            Err(error) => find(format!("the log cannot be read: {error}")),
        }
    }
    Ok(report)
}

fn examine_run(
    connection: &Connection,
    run: RunId,
    find: &mut impl FnMut(String),
) -> rusqlite::Result<u64> {
    let Some(stored) = rows::by_id(connection, run)? else {
        return Ok(0);
    };
    let (mut control, mut snapshot) = (Run::new(), Snapshot::default());
    let mut next = Seq(1);
    let mut final_at = None;
    while let Some((frames, last)) = chunks::read(connection, run, next)? {
        for bytes in frame::split(&frames) {
            let Some(envelope) = frame::parse(bytes) else {
                find(format!("event {next} cannot be read"));
                next = next.next();
                continue;
            };
            if envelope.seq != next {
                find(format!(
                    "event {next} is missing: the log goes on with {}",
                    envelope.seq
                ));
            }
            if let Some(final_at) = final_at {
                find(format!(
                    "event {} stands behind the final event {final_at}",
                    envelope.seq
                ));
            }
            if envelope.event.is_final() {
                final_at = Some(envelope.seq);
            }
            next = envelope.seq.next();
            control.apply(&envelope);
            snapshot.apply(&envelope);
        }
        if next <= last {
            find(format!("the events {next} to {last} cannot be read"));
            next = last.next();
        }
    }
    // The row may lag behind by deltas, which move nothing but its number and time.
    let mut kept = stored.control;
    if kept.last_seq > control.last_seq {
        find(format!(
            "the row knows of event {}, the log ends at {}",
            kept.last_seq, control.last_seq
        ));
    }
    kept.last_seq = control.last_seq;
    kept.updated_at = control.updated_at;
    if control != kept {
        find(format!(
            "the control state differs from what the log folds to, which has status {}",
            control.status()
        ));
    }
    if control.is_final() && !control.is_closed() {
        find("the run has ended and something is still open in it".to_owned());
    }
    let kept = read::snapshot::stored(connection, run)?;
    if kept.last_seq == snapshot.last_seq && kept != snapshot && kept.last_seq > Seq::ZERO {
        find("the stored snapshot differs from what the log folds to".to_owned());
    }
    Ok(next.0 - 1)
}
