//! The commit core: synchronous, with the clock as an option. The writer thread drives it, and so does a simulation.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::path::Path;
use std::sync::Arc;

use run::{RunId, Seq, Tenant, Timestamp};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use tokio::sync::{broadcast, watch};

use super::chunks;
use super::fault::{Fault, unavailable};
use super::head::{Columns, Head, LastAppend};
use super::journal::{self, Row};
use super::lock::FileLock;
use super::rows::{self, Stored};
use super::txn::{Published, Txn};
use super::{schema, wal};
use crate::follow::Reading;
use crate::tail::{Tail, Tails};
use crate::{Change, FEED_HINTS, Health, LOCKED_WAIT_MS, OpenError, Options, Unavailable};

/// Pages that the writer keeps, KiB: enough for the leaves that a thousand busy runs write to.
const CACHE_KIB: i64 = 8 * 1024;

/// Something that the writer does inside a transaction. What a caller may be refused is part of its output; a fault
/// undoes the whole commit and everything in it.
pub trait Operation: Send + 'static {
    /// What its caller gets.
    type Output: Send + 'static;

    /// Does it.
    fn perform(self, txn: &mut Txn<'_>) -> Result<Self::Output, Fault>;
}

/// An operation and whoever waits for it.
pub(crate) trait Job: Send {
    fn perform(&mut self, txn: &mut Txn<'_>) -> Result<(), Fault>;
    /// Called once, after the commit or its failure.
    fn answer(self: Box<Self>, failure: Option<&Unavailable>);
}

/// What the writer shows to everybody else.
pub(crate) struct Shared {
    pub(crate) tails: Tails,
    pub(crate) readers: Arc<Reading>,
    pub(crate) health: watch::Sender<Health>,
    pub(crate) due: watch::Sender<u64>,
    pub(crate) changes: broadcast::Sender<Change>,
}

impl Shared {
    fn new() -> Self {
        Self {
            tails: Tails::default(),
            readers: Arc::default(),
            health: watch::Sender::new(Health::Ok),
            due: watch::Sender::new(0),
            changes: broadcast::Sender::new(FEED_HINTS),
        }
    }
}

/// What the writer knows beside the database.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) heads: HashMap<RunId, Head>,
    /// Runs with events that are in no chunk yet, by the journal row of the oldest.
    pub(crate) unfolded: BTreeSet<(i64, RunId)>,
    /// The journal's rows, oldest first.
    pub(crate) journal: VecDeque<JournalRow>,
    pub(crate) journal_bytes: u64,
    pub(crate) next_off: i64,
    /// Runs that may be forgotten.
    pub(crate) idle: BTreeSet<RunId>,
    /// Runs that workers have, per tenant and agent.
    pub(crate) held: HashMap<(Tenant, String), u32>,
    /// Queued runs per tenant.
    pub(crate) queued: HashMap<Tenant, u32>,
}

/// What is known of one row of the journal.
pub(crate) struct JournalRow {
    pub(crate) off: i64,
    pub(crate) at: Timestamp,
    pub(crate) bytes: u64,
}

/// The writer's half of the store.
pub struct Core {
    /// Before the connection, so that it is dropped first: the last connection to close clears the log away.
    _checkpointer: Option<wal::Checkpointer>,
    pub(crate) connection: Connection,
    pub(crate) state: State,
    pub(crate) shared: Arc<Shared>,
    pub(crate) options: Options,
    signals: Arc<wal::Signals>,
    row: Row,
    /// Set by a failed commit: what is in memory may be ahead of the file.
    stale: bool,
    instance: String,
    _lock: FileLock,
}

impl Core {
    /// Opens or makes the file, under its lock.
    pub fn open(path: &Path, options: Options) -> Result<Self, OpenError> {
        let lock = FileLock::take(path, &options.holder)?;
        let unusable = |message: String| OpenError::Unusable {
            path: path.to_owned(),
            message,
        };
        if options.wal_bytes > 0 {
            wal::grow(path, options.wal_bytes).map_err(|error| unusable(error.to_string()))?;
        }
        let mut connection = connect(path).map_err(|error| unusable(error.to_string()))?;
        let found = schema::version(&connection).map_err(|error| unusable(error.to_string()))?;
        if found > schema::VERSION {
            return Err(OpenError::Newer {
                path: path.to_owned(),
                found,
                known: schema::VERSION,
            });
        }
        let prepare = |connection: &mut Connection| -> Result<String, Fault> {
            connection.pragma_update(None, "journal_mode", "WAL")?;
            schema::migrate(connection)?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
            connection.pragma_update(None, "foreign_keys", true)?;
            // We are the only process with this file, so no worker of an earlier boot is alive.
            connection.execute("DELETE FROM worker", [])?;
            Ok(connection.query_row(
                "SELECT value FROM meta WHERE key = 'instance'",
                [],
                |row| row.get(0),
            )?)
        };
        let instance = prepare(&mut connection).map_err(|fault| unusable(fault.0.to_string()))?;
        let signals: Arc<wal::Signals> = Arc::default();
        let checkpointer = if options.wal_bytes > 0 {
            let start = || {
                connection.pragma_update(None, "wal_autocheckpoint", 0)?;
                wal::Checkpointer::start(path, &signals)
            };
            Some(start().map_err(|error| unusable(error.to_string()))?)
        } else {
            None
        };
        let mut core = Self {
            _checkpointer: checkpointer,
            connection,
            state: State::default(),
            shared: Arc::new(Shared::new()),
            options,
            signals,
            row: Row::default(),
            stale: false,
            instance,
            _lock: lock,
        };
        core.load().map_err(|fault| unusable(fault.0.to_string()))?;
        Ok(core)
    }

    /// The id of this data.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// Performs one operation in a commit of its own.
    pub fn perform<O: Operation>(&mut self, operation: O) -> Result<O::Output, Unavailable> {
        let (send, mut receive) = tokio::sync::oneshot::channel();
        self.commit(vec![Box::new(super::writer::Pending::new(operation, send))]);
        receive.try_recv().expect("a commit answers every job")
    }

    /// Performs operations in one commit, in order.
    pub fn perform_all<O: Operation>(
        &mut self,
        operations: Vec<O>,
    ) -> Vec<Result<O::Output, Unavailable>> {
        let (jobs, answers): (Vec<Box<dyn Job>>, Vec<_>) = operations
            .into_iter()
            .map(|operation| {
                let (send, receive) = tokio::sync::oneshot::channel();
                let job: Box<dyn Job> = Box::new(super::writer::Pending::new(operation, send));
                (job, receive)
            })
            .unzip();
        self.commit(jobs);
        answers
            .into_iter()
            .map(|mut answer| answer.try_recv().expect("a commit answers every job"))
            .collect()
    }

    /// Performs jobs in one commit and answers them. All are answered, whatever happens.
    pub(crate) fn commit(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        match self.try_commit(&mut jobs) {
            Ok(published) => {
                self.publish(published);
                if matches!(*self.shared.health.borrow(), Health::Failing(_)) {
                    tracing::info!("the store works again");
                    self.shared.health.send_replace(Health::Ok);
                }
                for job in jobs {
                    job.answer(None);
                }
                self.signals.after_commit(&self.connection);
            }
            Err(fault) => {
                let why = unavailable(&fault.0);
                self.stale = true;
                metrics::counter!("outlive_store_failed_commits_total", "code" => why.code)
                    .increment(1);
                tracing::error!(
                    code = why.code,
                    "a commit failed and was undone: {}",
                    why.message
                );
                self.shared
                    .health
                    .send_replace(Health::Failing(why.clone()));
                for job in jobs {
                    job.answer(Some(&why));
                }
            }
        }
    }

    fn try_commit(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<Published, Fault> {
        if self.stale {
            self.load()?;
            self.stale = false;
        }
        let now = (self.options.clock)();
        // Begun before the work, so that what is read here is what the commit builds on.
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        self.row.clear();
        let mut txn = Txn::new(
            &transaction,
            &mut self.state,
            &self.shared,
            &self.options,
            &mut self.row,
            now,
        );
        for job in jobs {
            job.perform(&mut txn)?;
        }
        let published = txn.finish()?;
        transaction.commit()?;
        Ok(published)
    }

    /// Makes visible what is durable now.
    fn publish(&mut self, published: Published) {
        let Published {
            groups,
            touched,
            folded,
            idle,
            changes,
            is_due,
        } = published;
        for group in groups {
            if let Some(head) = self.state.heads.get(&group.run) {
                head.tail.push(group.first, group.last, group.bytes);
            }
        }
        for run in touched {
            if let Some(head) = self.state.heads.get(&run) {
                head.tail.settle(&head.control, head.updated_at);
            }
        }
        for run in folded {
            if let Some(head) = self.state.heads.get(&run) {
                head.tail.fold(head.folded);
            }
        }
        self.state.idle.extend(idle);
        for change in changes {
            // Nobody listening is no error.
            let _ = self.shared.changes.send(change);
        }
        if is_due {
            self.shared.due.send_modify(|n| *n += 1);
        }
    }

    /// Forgets runs that can be read back from their rows and that nobody follows. Not at each commit, because a run
    /// that was touched is likely to be touched again.
    pub(crate) fn forget_idle(&mut self) {
        let state = &mut self.state;
        state.idle.retain(|run| match state.heads.get(run) {
            Some(head) if head.is_idle() && self.shared.tails.evict(*run) => {
                state.heads.remove(run);
                false
            }
            // Looked at again at its next idle moment, or once its followers are gone.
            Some(head) => head.is_idle(),
            None => false,
        });
    }

    /// Moves all events into chunks.
    pub(crate) fn fold_all(&mut self) -> Result<(), Unavailable> {
        while self.has_unfolded() {
            self.options.fold_age_ms = 0;
            self.perform(super::op::Tick)?;
        }
        Ok(())
    }

    /// Whether events wait for their chunk, so that time alone makes work.
    pub(crate) fn has_unfolded(&self) -> bool {
        !self.state.unfolded.is_empty()
    }

    /// Builds what is in memory from the file: open runs with events in the journal, and counts.
    fn load(&mut self) -> Result<(), Fault> {
        self.state = State::default();
        let now = (self.options.clock)();
        load_journal(&self.connection, &mut self.state, &self.shared, now)?;
        for head in self.state.heads.values() {
            head.tail.settle(&head.control, head.updated_at);
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

    fn count(&mut self) -> Result<(), Fault> {
        let mut held = self
            .connection
            .prepare("SELECT tenant, agent, count(*) FROM run WHERE worker IS NOT NULL GROUP BY tenant, agent")?;
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

/// A connection that writes.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(std::time::Duration::from_millis(LOCKED_WAIT_MS))?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}

/// Takes the whole journal into memory, and the runs that workers had: their rows may lag behind their chunks.
fn load_journal(
    connection: &Connection,
    state: &mut State,
    shared: &Shared,
    now: Timestamp,
) -> Result<(), Fault> {
    let mut by_key: HashMap<i64, Option<RunId>> = HashMap::new();
    let mut held = connection.prepare("SELECT key FROM run WHERE worker IS NOT NULL")?;
    for key in held.query_map([], |row| row.get(0))? {
        load_key(key?, &mut by_key, connection, state, shared)?;
    }
    let mut statement = connection.prepare("SELECT off, bytes FROM journal ORDER BY off")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let off: i64 = row.get(0)?;
        let bytes = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        state.journal.push_back(JournalRow {
            off,
            at: now,
            bytes: bytes.len() as u64,
        });
        state.journal_bytes += bytes.len() as u64;
        state.next_off = off + 1;
        for group in journal::groups(bytes) {
            // Without a row the run was deleted after this was written.
            if let Some(run) = load_key(group.key, &mut by_key, connection, state, shared)? {
                let head = state.heads.get_mut(&run).expect("loaded above");
                take_in(head, off, group, &mut state.unfolded);
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
    let run = match rows::by_key(connection, key)? {
        None => None,
        Some(stored) => {
            let head = head_of(stored, connection, shared)?;
            let run = head.origin.id;
            state.heads.insert(run, head);
            Some(run)
        }
    };
    by_key.insert(key, run);
    Ok(run)
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
        append,
        output,
        applied,
        log_expired,
    } = stored;
    let folded = match chunks::end(connection, origin.key)? {
        Some((folded, at)) => {
            if folded > control.last_seq {
                control.last_seq = folded;
                control.updated_at = at;
            }
            folded
        }
        // A log that was deleted by age was in chunks before; else all events are still in the journal.
        None if log_expired => control.last_seq,
        None => Seq::ZERO,
    };
    let control = Arc::new(control);
    let tail = shared
        .tails
        .get_or_insert(origin.id, || Tail::new(Arc::clone(&control)));
    let mut head = Head {
        last: control.last_seq,
        updated_at: control.updated_at,
        saved: Columns::none(),
        saved_control: Arc::clone(&control),
        origin: Arc::new(origin),
        control,
        is_current,
        line,
        worker,
        output,
        applied,
        log_expired,
        append,
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
        head.append = LastAppend {
            fence: group.fence,
            no: group.append_no,
            first: group.first,
            last: group.last(),
        };
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
