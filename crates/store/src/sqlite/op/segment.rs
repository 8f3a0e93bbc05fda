//! Naming segments of runs.

use run::{Seq, User};
use rusqlite::params;

use super::super::core::Operation;
use super::super::fault::Fault;
use super::super::read::segment;
use super::super::txn::Txn;
use super::command::visible;
use crate::{CommandError, SEGMENT_NAME_BYTES, Scope, Segment, SegmentName};

/// Names a stretch of a run, once: a name that is there keeps its meaning, which is given back.
pub(crate) struct NameSegment {
    pub(crate) scope: Scope,
    pub(crate) name: SegmentName,
    pub(crate) segment: Segment,
}

impl Operation for NameSegment {
    type Output = Result<Segment, CommandError>;

    fn perform(self, txn: &mut Txn<'_>) -> Result<Self::Output, Fault> {
        let Self {
            scope,
            name,
            segment,
        } = self;
        if !visible(txn, &scope, segment.run)? {
            return Ok(Err(CommandError::Unknown));
        }
        insert(txn, &scope, &name, &segment)?;
        let known = segment::by_name(txn.connection, &scope, &name)?;
        Ok(Ok(known.unwrap_or(segment)))
    }
}

/// Writes a name down unless it is taken. A longer one is not kept: it can be asked for, and is unknown.
pub(super) fn insert(
    txn: &Txn<'_>,
    scope: &Scope,
    name: &SegmentName,
    segment: &Segment,
) -> Result<(), Fault> {
    if name.id.len() > SEGMENT_NAME_BYTES {
        return Ok(());
    }
    txn.connection
        .prepare_cached(
            "INSERT OR IGNORE INTO segment (tenant, owner, face, id, run, first_seq) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            scope.tenant.as_str(),
            scope.user.as_ref().map_or("", User::as_str),
            name.face,
            name.id,
            segment.run.as_bytes(),
            i64::try_from(segment.first_seq.0).unwrap_or(i64::MAX),
        ])?;
    Ok(())
}

/// The segment of a whole run's beginning.
pub(super) fn beginning(run: run::RunId) -> Segment {
    Segment {
        run,
        first_seq: Seq(1),
    }
}
