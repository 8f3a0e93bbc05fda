//! What an operation can do inside a commit.

use std::sync::Arc;

use bytes::Bytes;
use run::{
    AppendNo, Command, Event, Fence, MAX_EVENT_BYTES, Refused, Run, RunId, Seq, Status, Timestamp,
    WorkerId, frame,
};
use rusqlite::{Connection, OptionalExtension, params};

use super::core::{JournalRow, Shared, State};
use super::fault::Fault;
use super::head::{Head, LastAppend};
use super::journal::{Group, Row};
use super::load::head_of;
use super::op::erase_credentials;
use super::rows;
use crate::{APPEND_BYTES, Change, Options};

/// A transaction under way, and what will be visible when it is durable.
pub struct Txn<'c> {
    pub(crate) connection: &'c Connection,
    pub(crate) state: &'c mut State,
    pub(crate) shared: &'c Shared,
    pub(crate) options: &'c Options,
    pub(crate) now: Timestamp,
    now_text: String,
    row: &'c mut Row,
    published: Published,
    /// Runs whose heads moved, so that rows are written at the end; in order of first touch.
    moved: Vec<RunId>,
    folds_by_age: bool,
}

/// What becomes visible with a commit.
#[derive(Default)]
pub(crate) struct Published {
    pub(crate) groups: Vec<PublishedGroup>,
    /// Runs to be looked at again although no event was written.
    pub(crate) touched: Vec<RunId>,
    pub(crate) folded: Vec<RunId>,
    /// Runs that can be read back from their rows.
    pub(crate) idle: Vec<RunId>,
    pub(crate) changes: Vec<Change>,
    pub(crate) is_due: bool,
}

/// Events of one run.
pub(crate) struct PublishedGroup {
    pub(crate) run: RunId,
    pub(crate) first: Seq,
    pub(crate) last: Seq,
    pub(crate) bytes: Bytes,
}

/// What is larger than it may be.
#[derive(Debug)]
pub(crate) enum TooLarge {
    /// One event.
    Event { kind: String, bytes: usize },
    /// All events of an append together.
    Append { bytes: usize },
}

/// How large events may be.
#[derive(Clone, Copy)]
enum Bound {
    /// What the run's own rules have made.
    None,
    /// What a worker writes.
    Worker,
}

impl<'c> Txn<'c> {
    pub(crate) fn new(
        connection: &'c Connection,
        state: &'c mut State,
        shared: &'c Shared,
        options: &'c Options,
        row: &'c mut Row,
        now: Timestamp,
    ) -> Self {
        let published = Published::default();
        Self {
            connection,
            state,
            shared,
            options,
            now,
            now_text: now.to_string(),
            row,
            published,
            moved: Vec::new(),
            folds_by_age: true,
        }
    }

    /// Leaves out what can wait, because commits fail: on a full disk what is asked for may be what makes room.
    pub(crate) fn only_what_is_asked(&mut self) {
        self.folds_by_age = false;
    }

    /// Does also what could wait.
    pub(crate) fn all_that_waits(&mut self) {
        self.folds_by_age = true;
    }

    /// A measure of what was changed so far, to see whether an operation changed anything. Loading is no change.
    pub(crate) fn mark(&self) -> (u64, usize, usize) {
        (
            self.connection.total_changes(),
            self.published.groups.len(),
            self.published.changes.len(),
        )
    }

    /// Bytes that this commit has written to the journal so far.
    pub(crate) fn written_bytes(&self) -> usize {
        self.row.bytes().len()
    }

    /// Loads a run into memory. `false` when there is none.
    pub(crate) fn load(&mut self, run: RunId) -> Result<bool, Fault> {
        if self.state.heads.contains_key(&run) {
            return Ok(true);
        }
        let Some(stored) = rows::by_id(self.connection, run)? else {
            return Ok(false);
        };
        let head = head_of(stored, self.connection, self.shared)?;
        self.state.heads.insert(run, head);
        // Whoever loads may only look; then the head goes again when its commit ends.
        self.moved.push(run);
        Ok(true)
    }

    /// The head of a loaded run.
    pub(crate) fn head(&self, run: RunId) -> &Head {
        self.state.heads.get(&run).expect("the run was loaded")
    }

    pub(crate) fn head_mut(&mut self, run: RunId) -> &mut Head {
        self.state.heads.get_mut(&run).expect("the run was loaded")
    }

    /// Decides a command and writes what it causes. The run must be loaded.
    pub(crate) fn decide(
        &mut self,
        run: RunId,
        command: Command,
    ) -> Result<Result<Vec<Event>, Refused>, Fault> {
        let head = self.head(run);
        let events = match head
            .control_now()
            .decide(command, &head.origin.policy, self.now)
        {
            Ok(events) => events,
            Err(refused) => return Ok(Err(refused)),
        };
        self.write(run, &events)?;
        Ok(Ok(events))
    }

    /// Writes events that the run's own rules have made; they are never too large.
    pub(crate) fn write(&mut self, run: RunId, events: &[Event]) -> Result<(), Fault> {
        if events.is_empty() {
            return Ok(());
        }
        match self.print(run, events, Fence(0), AppendNo(0), Bound::None) {
            Ok(()) => self.settle(run, events),
            Err(too_large) => unreachable!("no bound was given: {too_large:?}"),
        }
    }

    /// Writes a worker's events, which the caller has had decided.
    pub(crate) fn append(
        &mut self,
        run: RunId,
        events: &[Event],
        fence: Fence,
        no: AppendNo,
    ) -> Result<Result<(), TooLarge>, Fault> {
        if let Err(too_large) = self.print(run, events, fence, no, Bound::Worker) {
            return Ok(Err(too_large));
        }
        self.settle(run, events)?;
        Ok(Ok(()))
    }

    /// Numbers and prints events into the journal row, and moves the head on.
    fn print(
        &mut self,
        run: RunId,
        events: &[Event],
        fence: Fence,
        append_no: AppendNo,
        bound: Bound,
    ) -> Result<(), TooLarge> {
        let head = self.state.heads.get_mut(&run).expect("the run was loaded");
        let first = head.last.next();
        // A first attempt stands in its own `attempt.started`.
        let mut attempt = head.control.attempt;
        let mark = self.row.begin();
        let began = self.row.out().len();
        let mut seq = head.last;
        for event in events {
            seq = seq.next();
            if matches!(event, Event::AttemptStarted(_)) {
                attempt += 1;
            }
            let before = self.row.out().len();
            frame::print(self.row.out(), seq, &self.now_text, attempt, event);
            let bytes = self.row.out().len() - before;
            let all = self.row.out().len() - began;
            let too_large = match bound {
                Bound::Worker if bytes > MAX_EVENT_BYTES => TooLarge::Event {
                    kind: event.kind().to_owned(),
                    bytes,
                },
                Bound::Worker if all > APPEND_BYTES => TooLarge::Append { bytes: all },
                Bound::Worker | Bound::None => continue,
            };
            self.row.undo(mark);
            return Err(too_large);
        }
        let n = u32::try_from(events.len()).expect("a commit holds few events");
        let group = Group {
            key: head.origin.key,
            first,
            n,
            fence,
            append_no,
            frames: &[],
        };
        let bytes = Bytes::copy_from_slice(self.row.end(mark, group));

        if events.iter().any(Event::changes_control) {
            head.is_moved = true;
            let control: &mut Run = Arc::make_mut(&mut head.control);
            let mut seq = head.last;
            for event in events {
                seq = seq.next();
                control.take(seq, self.now, event);
            }
        }
        head.last = seq;
        head.updated_at = self.now;
        if append_no.0 > 0 {
            head.append = LastAppend {
                fence,
                no: append_no,
                first,
                last: seq,
            };
        }
        head.waiting_bytes += bytes.len();
        head.waiting.push(bytes.clone());
        if head.first_off.is_none() {
            head.first_off = Some(self.state.next_off);
            self.state.unfolded.insert((self.state.next_off, run));
        }
        self.published.groups.push(PublishedGroup {
            run,
            first,
            last: seq,
            bytes,
        });
        self.moved.push(run);
        Ok(())
    }

    /// What follows from events that were just written: who holds the run, what it left behind, who is next in line.
    fn settle(&mut self, run: RunId, events: &[Event]) -> Result<(), Fault> {
        let mut finished = None;
        for event in events {
            match event {
                Event::AttemptEnded(_) => self.head_mut(run).worker = None,
                Event::RunFinished(event) => {
                    let head = self.head_mut(run);
                    head.worker = None;
                    head.output.clone_from(&event.output);
                    finished = Some(event);
                }
                Event::StopRequested(_) => self.stop_children(run, "the run above is stopped")?,
                Event::ApprovalResolved(resolved) => {
                    if let Some(tool) = &resolved.grants {
                        self.grant(run, tool)?;
                    }
                }
                _ => {}
            }
        }
        let head = self.head(run);
        if head.control.status() != head.saved.status {
            self.changed(run);
            let (thread_key, now) = (self.head(run).origin.thread_key, self.now);
            self.connection
                .prepare_cached("UPDATE thread SET updated_at = ?2 WHERE key = ?1")?
                .execute(params![thread_key, now.as_ms()])?;
        }
        if let Some(finished) = finished {
            self.move_card(run, finished.status)?;
            erase_credentials(self.connection, self.head(run).origin.key)?;
            self.leave_line(run)?;
            self.stop_children(run, "the run above has ended")?;
            self.tell_parent(run, finished)?;
        }
        Ok(())
    }

    /// The run has ended: the next of its thread takes its place, in this transaction.
    fn leave_line(&mut self, run: RunId) -> Result<(), Fault> {
        let head = self.head_mut(run);
        let was_current = head.is_current;
        head.is_current = false;
        head.line = None;
        let thread_key = head.origin.thread_key;
        // At once, because the index allows one current run and the next row is about to claim that place.
        self.save(run)?;
        if !was_current {
            return Ok(());
        }
        while let Some(next) = self.first_in_line(thread_key)? {
            if self.load_or_set_aside(next)? {
                let head = self.head_mut(next);
                head.is_current = true;
                head.line = None;
                self.save(next)?;
                self.published.is_due = true;
                break;
            }
        }
        Ok(())
    }

    fn first_in_line(&self, thread_key: i64) -> Result<Option<RunId>, Fault> {
        let next: Option<[u8; 16]> = self
            .connection
            .prepare_cached(
                "SELECT id FROM run WHERE thread = ?1 AND line IS NOT NULL ORDER BY line LIMIT 1",
            )?
            .query_row([thread_key], |row| row.get(0))
            .optional()?;
        Ok(next.map(RunId::from_bytes))
    }

    /// Loads a run that was found by its columns. `false` when its row cannot be read: then it is set aside, so that
    /// it is not found again, and everybody else goes on.
    pub(crate) fn load_or_set_aside(&mut self, run: RunId) -> Result<bool, Fault> {
        match self.load(run) {
            Err(fault) if fault.is_undecodable() => {
                tracing::error!(run.id = %run, "a run cannot be read and is set aside: {}", fault.0);
                if let Some((tenant, agent)) = rows::set_aside(self.connection, run)?
                    && let Some(n) = self.state.held.get_mut(&(tenant, agent))
                {
                    *n = n.saturating_sub(1);
                }
                Ok(false)
            }
            loaded => loaded,
        }
    }

    /// Gives a run to a worker.
    pub(crate) fn hold(&mut self, run: RunId, worker: &WorkerId) {
        let head = self.head_mut(run);
        head.worker = Some(worker.clone());
        head.is_moved = true;
        self.moved.push(run);
    }

    /// Tells workers to look.
    pub(crate) fn is_due(&mut self) {
        self.published.is_due = true;
    }

    /// Lets boards know.
    fn changed(&mut self, run: RunId) {
        let head = self.head(run);
        let change = Change {
            tenant: head.origin.tenant.clone(),
            created_by: head.origin.created_by.clone(),
            thread: head.origin.thread.clone(),
            run: Some((run, head.control.status())),
            ephemeral: head.origin.spec.ephemeral,
        };
        self.published.changes.push(change);
    }

    /// Lets boards know of a thread.
    pub(crate) fn thread_changed(&mut self, change: Change) {
        self.published.changes.push(change);
    }

    /// Forgets a run that has been deleted.
    pub(crate) fn forget(&mut self, run: RunId) {
        if let Some(head) = self.state.heads.remove(&run)
            && let Some(off) = head.first_off
        {
            self.state.unfolded.remove(&(off, run));
        }
        self.shared.tails.evict(run);
        self.moved.retain(|moved| *moved != run);
    }

    /// Writes the row of a run now.
    pub(crate) fn save(&mut self, run: RunId) -> Result<(), Fault> {
        let head = self.state.heads.get_mut(&run).expect("the run was loaded");
        let before = head.saved.clone();
        rows::save(self.connection, head)?;
        let after = &head.saved;
        let origin = &head.origin;
        if (before.status == Status::Queued) != (after.status == Status::Queued) {
            let n = self.state.queued.entry(origin.tenant.clone()).or_default();
            *n = if after.status == Status::Queued {
                *n + 1
            } else {
                n.saturating_sub(1)
            };
        }
        if before.worker.is_some() != after.worker.is_some() {
            let n = self
                .state
                .held
                .entry((origin.tenant.clone(), origin.agent.clone()))
                .or_default();
            *n = if after.worker.is_some() {
                *n + 1
            } else {
                n.saturating_sub(1)
            };
            // A place of its agent is free.
            self.published.is_due |= after.worker.is_none();
        }
        let moved_due = before.due_at != after.due_at && after.due_at.is_some();
        let moved_next = before.next_at != after.next_at && after.next_at.is_some();
        self.published.is_due |= moved_due || moved_next;
        Ok(())
    }

    /// Writes rows, chunks and the journal row.
    pub(crate) fn finish(mut self) -> Result<Published, Fault> {
        let mut moved = std::mem::take(&mut self.moved);
        moved.sort_unstable();
        moved.dedup();
        for run in &moved {
            self.fold_if_full(*run)?;
        }
        if self.folds_by_age {
            self.fold_by_age()?;
        }
        for run in &moved {
            let Some(head) = self.state.heads.get_mut(run) else {
                continue;
            };
            if std::mem::take(&mut head.is_moved) && head.columns() != head.saved {
                self.save(*run)?;
            }
        }
        if !self.row.bytes().is_empty() {
            self.write_journal()?;
        }
        self.trim_journal()?;
        let state = &self.state;
        let idle = moved
            .iter()
            .filter(|run| state.heads.get(run).is_some_and(Head::is_idle));
        self.published.idle.extend(idle);
        self.published.touched = moved;
        Ok(self.published)
    }

    fn write_journal(&mut self) -> Result<(), Fault> {
        let off = self.state.next_off;
        let bytes = self.row.bytes().len() as u64;
        let (stored, packed) = self.row.stored();
        self.connection
            .prepare_cached("INSERT INTO journal (off, packed, bytes) VALUES (?1, ?2, ?3)")?
            .execute(params![off, packed, stored])?;
        self.state.journal.push_back(JournalRow {
            off,
            at: self.now,
            bytes,
        });
        self.state.journal_bytes += bytes;
        self.state.next_off += 1;
        Ok(())
    }

    pub(crate) fn folded(&mut self, run: RunId) {
        self.published.folded.push(run);
    }
}
