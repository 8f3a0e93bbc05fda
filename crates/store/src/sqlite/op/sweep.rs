//! Settling what time has made due.

use run::{Command, Holder, RunId, Step, Timestamp};
use rusqlite::params;

use super::super::core::Operation;
use super::super::fault::Fault;
use super::super::txn::Txn;
use crate::{SWEEP_RUNS, Swept};

/// Settles attempts of dead workers, expired requests, deadlines and stops that hang: whatever each run's own state
/// says is next.
pub struct SweepOp;

impl Operation for SweepOp {
    type Output = Swept;

    fn perform(self, txn: &mut Txn<'_>) -> Result<Swept, Fault> {
        let now = txn.now.as_ms();
        let mut swept = Swept::default();
        txn.connection
            .prepare_cached("DELETE FROM worker WHERE until <= ?1")?
            .execute([now])?;
        let orphans = ids(
            txn,
            "SELECT id FROM run WHERE worker IS NOT NULL AND worker NOT IN (SELECT id FROM worker WHERE until > ?1)
             LIMIT ?2",
            now,
        )?;
        let timed = ids(
            txn,
            "SELECT id FROM run WHERE next_at <= ?1 ORDER BY next_at LIMIT ?2",
            now,
        )?;
        swept.more = orphans.len() == SWEEP_RUNS || timed.len() == SWEEP_RUNS;
        for run in orphans {
            settle(txn, run, Holder::Gone, &mut swept)?;
        }
        for run in timed {
            settle(txn, run, Holder::Alive, &mut swept)?;
        }
        swept.next_at = next_at(txn, now)?;
        Ok(swept)
    }
}

fn ids(txn: &Txn<'_>, sql: &str, now: i64) -> Result<Vec<RunId>, Fault> {
    let ids: Vec<[u8; 16]> = txn
        .connection
        .prepare_cached(sql)?
        .query_map(params![now, SWEEP_RUNS], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(ids.into_iter().map(RunId::from_bytes).collect())
}

/// Does what is next for a run until nothing is due.
fn settle(
    txn: &mut Txn<'_>,
    run: RunId,
    mut holder: Holder,
    swept: &mut Swept,
) -> Result<(), Fault> {
    if !txn.load_or_set_aside(run)? {
        return Ok(());
    }
    loop {
        let head = txn.head(run);
        let command = match head.control.next_step(&head.origin.policy, txn.now, holder) {
            Step::Lose => Command::Lose {
                why: "its worker is gone".to_owned(),
            },
            Step::Expire(request) => Command::Expire {
                request,
                why: "nobody answered in time".to_owned(),
            },
            Step::Conclude(outcome) => Command::Conclude(outcome),
            Step::Nothing | Step::Claim | Step::SleepUntil(_) | Step::Wait => return Ok(()),
        };
        let is_loss = matches!(command, Command::Lose { .. });
        match &command {
            Command::Expire { .. } => swept.n_expired += 1,
            Command::Conclude(_) => swept.concluded.push(run),
            _ => {}
        }
        // Derived from this very state, so it is not refused; if it ever were, going on would loop.
        if txn.decide(run, command)?.is_err() {
            return Ok(());
        }
        // At once, so that the time of the next sweep is known below.
        txn.save(run)?;
        if is_loss {
            holder = Holder::Alive;
            swept.lost.push((run, txn.head(run).control.status()));
        }
    }
}

/// The earliest time at which something is due.
fn next_at(txn: &Txn<'_>, now: i64) -> Result<Option<Timestamp>, Fault> {
    let next: Option<i64> = txn
        .connection
        .prepare_cached(
            "SELECT min(at) FROM (
                SELECT min(next_at) AS at FROM run WHERE next_at > ?1
                UNION ALL SELECT min(due_at) FROM run WHERE due_at > ?1
                UNION ALL SELECT min(until) FROM worker)",
        )?
        .query_row([now], |row| row.get(0))?;
    Ok(next.map(Timestamp::from_ms))
}
