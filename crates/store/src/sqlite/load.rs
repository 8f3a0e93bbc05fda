//! Building what the writer has in memory from the file: after opening it, and after a commit that failed.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use run::{RunId, Seq, Tenant, Timestamp};
use rusqlite::{Connection, params};

use super::chunks;
use super::core::{Core, JournalRow, Shared, State};
use super::fault::{Fault, is_undecodable};
use super::head::{Columns, Head, LastAppend};
use super::journal;
use super::rows::{self, Stored};
use crate::tail::Tail;

impl Core {
    /// Builds what is in memory from the file: open runs with events in the journal, and counts.
    pub(super) fn load(&mut self) -> Result<(), Fault> {
        self.state = State::default();
        let now = (self.options.clock)();
        load_journal(&self.connection, &mut self.state, &self.shared, now)?;
        self.load_followed()?;
        for head in self.state.heads.values() {
            head.tail
                .settle(&head.control, head.updated_at, head.append);
        }
        self.state.idle = self
            .state
            .heads
            .values()
            .filter(|head| head.is_idle())
            .map(|head| head.origin.id)
            .collect();
        self.count()
    }

    /// Every tail has a head, or nobody would ever drop it: after a failed commit there may be tails of runs that were
    /// never made, and of runs that only wait for their followers to leave.
    fn load_followed(&mut self) -> Result<(), Fault> {
        for run in self.shared.tails.runs() {
            if self.state.heads.contains_key(&run) {
                continue;
            }
            let stored = rows::by_id(&self.connection, run);
            let found = stored.and_then(|found| {
                found
                    .map(|stored| head_of(stored, &self.connection, &self.shared))
                    .transpose()
            });
            match found {
                Err(error) if is_undecodable(&error) => {}
                Err(error) => return Err(error.into()),
                Ok(Some(head)) => {
                    self.state.heads.insert(run, head);
                }
                Ok(None) => {
                    self.shared.tails.evict(run);
                }
            }
        }
        Ok(())
    }

    fn count(&mut self) -> Result<(), Fault> {
        let mut held = self
            .connection
            .prepare(
                "SELECT tenant, agent, count(*) FROM run INDEXED BY run_held WHERE worker IS NOT NULL GROUP BY tenant, agent",
            )?;
        let mut rows = held.query([])?;
        while let Some(row) = rows.next()? {
            let tenant = rows::name(row, 0, Tenant::parse)?.expect("the column is NOT NULL");
            self.state.held.insert((tenant, row.get(1)?), row.get(2)?);
        }
        let mut queued = self.connection.prepare(
            "SELECT tenant, count(*) FROM run WHERE finished_at IS NULL AND status = 'queued' GROUP BY tenant",
        )?;
        let mut rows = queued.query([])?;
        while let Some(row) = rows.next()? {
            let tenant = rows::name(row, 0, Tenant::parse)?.expect("the column is NOT NULL");
            self.state.queued.insert(tenant, row.get(1)?);
        }
        Ok(())
    }
}

/// Takes the whole journal into memory, and the runs that workers had: their rows may lag behind their chunks.
fn load_journal(
    connection: &Connection,
    state: &mut State,
    shared: &Shared,
    now: Timestamp,
) -> Result<(), Fault> {
    let mut by_key: HashMap<i64, Option<RunId>> = HashMap::new();
    let mut of_workers = connection.prepare("SELECT key FROM run WHERE worker IS NOT NULL")?;
    for key in of_workers.query_map([], |row| row.get(0))? {
        load_key(key?, &mut by_key, connection, state, shared)?;
    }
    let mut statement =
        connection.prepare("SELECT off, bytes, packed FROM journal ORDER BY off")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let off: i64 = row.get(0)?;
        let stored = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        let bytes = &journal::unpack(stored, row.get(2)?)?;
        state.journal.push_back(JournalRow {
            off,
            at: now,
            bytes: bytes.len() as u64,
        });
        state.journal_bytes += bytes.len() as u64;
        state.next_off = off + 1;
        for group in journal::groups(bytes) {
            match load_key(group.key, &mut by_key, connection, state, shared)? {
                Some(run) => {
                    let head = state.heads.get_mut(&run).expect("loaded above");
                    take_in(head, off, group, &mut state.unfolded);
                }
                // Deleted after this was written, or odd.
                None => keep(connection, &group)?,
            }
        }
    }
    Ok(())
}

fn load_key(
    key: i64,
    by_key: &mut HashMap<i64, Option<RunId>>,
    connection: &Connection,
    state: &mut State,
    shared: &Shared,
) -> Result<Option<RunId>, Fault> {
    if let Some(known) = by_key.get(&key) {
        return Ok(*known);
    }
    let stored = rows::by_key(connection, key);
    let found = stored.and_then(|found| {
        found
            .map(|stored| head_of(stored, connection, shared))
            .transpose()
    });
    let run = match found {
        Ok(None) => None,
        // One odd row must not stop the start.
        Err(error) if is_undecodable(&error) => {
            tracing::error!(run.key = key, "a run cannot be read: {error}");
            None
        }
        Err(error) => return Err(error.into()),
        Ok(Some(head)) => {
            let run = head.origin.id;
            state.heads.insert(run, head);
            Some(run)
        }
    };
    by_key.insert(key, run);
    Ok(run)
}

/// Keeps the frames of a run whose row cannot be read: a later version may read it, and the journal forgets.
fn keep(connection: &Connection, group: &journal::Group<'_>) -> rusqlite::Result<()> {
    let exists = connection
        .prepare_cached("SELECT 1 FROM run WHERE key = ?1")?
        .exists([group.key])?;
    if exists && group.last() > chunks::last(connection, group.key)? {
        connection
            .prepare_cached(
                "INSERT OR IGNORE INTO chunk (run, first, n, packed, bytes) VALUES (?1, ?2, ?3, 0, ?4)",
            )?
            .execute(params![
                group.key,
                group.first.0,
                group.n,
                group.frames
            ])?;
    }
    Ok(())
}

/// A head from its row and its last chunk. The row knows everything but the deltas at the end.
pub(crate) fn head_of(
    stored: Stored,
    connection: &Connection,
    shared: &Shared,
) -> rusqlite::Result<Head> {
    let Stored {
        origin,
        mut control,
        is_current,
        line,
        worker,
        mut append,
        output,
        applied,
        worktree_removed_at,
        log_expired,
    } = stored;
    let folded = match chunks::end(connection, origin.key)? {
        Some(end) => {
            if end.last > control.last_seq {
                control.last_seq = end.last;
                control.updated_at = end.at;
            }
            append = append.or_newer(end.append);
            end.last
        }
        // A log that was deleted by age was in chunks before; else all events are still in the journal.
        None if log_expired => control.last_seq,
        None => Seq::ZERO,
    };
    let control = Arc::new(control);
    let tail = shared
        .tails
        .get_or_insert(origin.id, || Tail::new(Arc::clone(&control), folded));
    let mut head = Head {
        last: control.last_seq,
        updated_at: control.updated_at,
        is_moved: true,
        saved: Columns::none(),
        saved_control: Arc::clone(&control),
        origin: Arc::new(origin),
        control,
        is_current,
        line,
        worker,
        output,
        applied,
        worktree_removed_at,
        log_expired,
        append: append.or_newer(tail.append()),
        folded,
        waiting: Vec::new(),
        waiting_bytes: 0,
        first_off: None,
        tail,
    };
    head.saved = head.columns();
    Ok(head)
}

/// Takes a group of the journal into a head: its frames wait for a chunk, and its events move the state on if the row
/// lags behind them.
fn take_in(
    head: &mut Head,
    off: i64,
    group: journal::Group<'_>,
    unfolded: &mut BTreeSet<(i64, RunId)>,
) {
    if group.append_no.0 > 0 {
        head.append = head.append.or_newer(LastAppend {
            fence: group.fence,
            no: group.append_no,
            first: group.first,
            last: group.last(),
        });
    }
    if group.last() <= head.folded {
        return;
    }
    let bytes = bytes::Bytes::copy_from_slice(group.frames);
    if head.first_off.is_none() {
        head.first_off = Some(off);
        unfolded.insert((off, head.origin.id));
    }
    head.waiting_bytes += bytes.len();
    head.waiting.push(bytes.clone());
    let mut control = Arc::clone(&head.control);
    for frame in run::frame::split(group.frames) {
        let Some(envelope) = run::frame::parse(frame) else {
            tracing::error!(run.id = %head.origin.id, "a journal row holds a frame that cannot be read");
            continue;
        };
        if envelope.seq > control.last_seq {
            Arc::make_mut(&mut control).apply(&envelope);
            head.updated_at = envelope.at;
        }
    }
    head.control = control;
    head.last = head.last.max(group.last());
    head.tail.push(group.first, group.last(), bytes);
}
