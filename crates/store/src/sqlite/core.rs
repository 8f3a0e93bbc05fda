//! The commit core: synchronous, with the clock as an option. The writer thread drives it, and so does a simulation.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use run::{RunId, Tenant, Timestamp};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use tokio::sync::{broadcast, watch};

use super::fault::{Fault, internal, unavailable};
use super::head::Head;
use super::journal::Row;
use super::lock::FileLock;
use super::txn::{Published, Txn};
use super::{schema, wal};
use crate::follow::Reading;
use crate::tail::Tails;
use crate::{
    COMMIT_BYTES, Change, DataSecret, FEED_HINTS, Health, OpenError, Options, Unavailable,
};

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
    /// What is in memory may be ahead of the file, because a commit failed.
    stale: bool,
    /// Whether the last commit failed.
    is_failing: bool,
    instance: String,
    secret: DataSecret,
    _lock: FileLock,
}

impl Core {
    /// Opens or makes the file, under its lock.
    pub fn open(path: &Path, options: Options) -> Result<Self, OpenError> {
        // By whatever way the file is reached, its lock and its log lie beside the file itself.
        let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let lock = FileLock::take(path, &options.holder)?;
        let unusable = |message: String| OpenError::Unusable {
            path: path.to_owned(),
            message,
        };
        let mut connection =
            connect(path, &options).map_err(|error| unusable(error.to_string()))?;
        let found = schema::version(&connection).map_err(|error| unusable(error.to_string()))?;
        if found > schema::VERSION {
            return Err(OpenError::Newer {
                path: path.to_owned(),
                found,
                known: schema::VERSION,
            });
        }
        let prepare = |connection: &mut Connection| -> Result<(String, DataSecret), Fault> {
            let mode: String =
                connection
                    .pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
            if mode != "wal" {
                return Err(rusqlite::Error::InvalidParameterName(format!(
                    "a write-ahead log is not possible here, only journal mode {mode}"
                ))
                .into());
            }
            schema::migrate(connection)?;
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
            connection.pragma_update(None, "foreign_keys", true)?;
            if let Some(max_bytes) = options.max_bytes {
                let page_bytes: u64 =
                    connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
                let max_pages = (max_bytes / page_bytes).clamp(1, u64::from(u32::MAX - 2));
                connection.pragma_update_and_check(
                    None,
                    "max_page_count",
                    i64::try_from(max_pages).unwrap_or(i64::MAX),
                    |_| Ok(()),
                )?;
            }
            // We are the only process with this file, so no worker of an earlier boot is alive.
            connection.execute("DELETE FROM worker", [])?;
            // Data of an earlier program has none yet.
            connection.execute(
                "INSERT OR IGNORE INTO meta VALUES ('secret', lower(hex(randomblob(32))))",
                [],
            )?;
            let of = |key: &str| {
                let value = "SELECT value FROM meta WHERE key = ?1";
                connection.query_row(value, [key], |row| row.get::<_, String>(0))
            };
            Ok((of("instance")?, DataSecret::of(&of("secret")?)))
        };
        let (instance, secret) =
            prepare(&mut connection).map_err(|fault| unusable(fault.0.to_string()))?;
        let signals: Arc<wal::Signals> = Arc::default();
        let has_room = options.wal_bytes > 0
            && wal::grow(path, options.wal_bytes)
                .inspect_err(|error| {
                    tracing::warn!(%error, "no room for a large write-ahead log; commits are slower");
                })
                .is_ok();
        let start = || {
            if has_room {
                connection.pragma_update(None, "wal_autocheckpoint", 0)?;
                return wal::Checkpointer::start(path, &signals).map(Some);
            }
            // A short one, copied by the commits themselves, cannot fill a small disk by itself.
            connection.pragma_update(None, "wal_autocheckpoint", wal::SHORT_PAGES)?;
            Ok(None)
        };
        let checkpointer = start().map_err(|error: rusqlite::Error| unusable(error.to_string()))?;
        let mut core = Self {
            _checkpointer: checkpointer,
            connection,
            state: State::default(),
            shared: Arc::new(Shared::new()),
            options,
            signals,
            row: Row::default(),
            stale: false,
            is_failing: false,
            instance,
            secret,
            _lock: lock,
        };
        core.load().map_err(|fault| unusable(fault.0.to_string()))?;
        Ok(core)
    }

    /// The id of this data.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// What only servers on this data know.
    pub(crate) fn secret(&self) -> &DataSecret {
        &self.secret
    }

    /// Performs one operation in a commit of its own.
    pub fn perform<O: Operation>(&mut self, operation: O) -> Result<O::Output, Unavailable> {
        let (send, mut receive) = tokio::sync::oneshot::channel();
        let rest = self.commit(vec![Box::new(super::writer::Pending::new(operation, send))]);
        assert!(rest.is_empty(), "the first job is always performed");
        receive.try_recv().expect("a commit answers every job")
    }

    pub(crate) fn commit_all(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        while !jobs.is_empty() {
            jobs = self.commit(jobs);
        }
    }

    /// Performs jobs in one commit and answers them, whatever happens. Gives back those that would have made the commit
    /// very large.
    pub(crate) fn commit(&mut self, mut jobs: Vec<Box<dyn Job>>) -> Vec<Box<dyn Job>> {
        // A bug in one operation must not end the thread that everybody needs. What it left in memory is thrown away
        // with the commit.
        let tried = catch_unwind(AssertUnwindSafe(|| self.try_commit(&mut jobs)));
        let why = match tried {
            Ok(Ok((published, n))) => {
                let rest = jobs.split_off(n);
                self.publish(published);
                self.works();
                for job in jobs {
                    job.answer(None);
                }
                self.signals.after_commit(&self.connection);
                return rest;
            }
            Ok(Err(fault)) => unavailable(&fault.0),
            Err(_) => internal(),
        };
        self.fails(&why);
        if why.code == "disk_full" {
            wal::reclaim(&self.connection);
        }
        for job in jobs {
            job.answer(Some(&why));
        }
        Vec::new()
    }

    fn works(&mut self) {
        if std::mem::take(&mut self.is_failing) {
            tracing::info!("the store works again");
            self.shared.health.send_replace(Health::Ok);
        }
    }

    fn fails(&mut self, why: &Unavailable) {
        self.is_failing = true;
        metrics::counter!("outlive_store_failed_commits_total", "code" => why.code).increment(1);
        let was = self
            .shared
            .health
            .send_replace(Health::Failing(why.clone()));
        // Once for each cause: while it lasts, every commit fails alike.
        if matches!(&was, Health::Failing(before) if before.code == why.code) {
            tracing::debug!(code = why.code, "a commit failed again: {}", why.message);
        } else {
            tracing::error!(
                code = why.code,
                "a commit failed and was undone: {}",
                why.message
            );
        }
    }

    /// Whether time alone makes work: events wait for their chunk, runs wait to be forgotten, or nobody may be asking
    /// for anything because commits fail.
    pub(crate) fn needs_rest(&self) -> bool {
        self.has_unfolded() || !self.state.idle.is_empty() || self.is_failing
    }

    /// What the writer does when nobody asks for anything.
    pub(crate) fn rest_quietly(&mut self) {
        if self.is_failing {
            // Something is written, so that a full disk is seen to be full still.
            let _ = self.perform(super::op::Probe);
        } else if self.has_unfolded() {
            let _ = self.perform(super::op::Tick);
        }
    }

    fn try_commit(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(Published, usize), Fault> {
        if self.stale {
            self.load()?;
            self.stale = false;
        }
        let now = (self.options.clock)();
        // Begun before the work, so that what is read here is what the commit builds on.
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Until the end is known, what is in memory may be ahead of the file.
        self.stale = true;
        self.row.clear();
        let mut txn = Txn::new(
            &transaction,
            &mut self.state,
            &self.shared,
            &self.options,
            &mut self.row,
            now,
        );
        if self.is_failing {
            txn.only_what_is_asked();
        }
        let mut n = 0;
        for job in jobs {
            job.perform(&mut txn)?;
            n += 1;
            if txn.written_bytes() >= COMMIT_BYTES {
                break;
            }
        }
        let published = txn.finish()?;
        transaction.commit()?;
        self.stale = false;
        Ok((published, n))
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
                head.tail
                    .settle(&head.control, head.updated_at, head.append);
            }
        }
        for run in folded {
            if let Some(head) = self.state.heads.get(&run) {
                head.tail.fold(head.folded);
                // Folded by age, it may not have been touched for long.
                if head.is_idle() {
                    self.state.idle.insert(run);
                }
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
}

/// A connection that writes.
fn connect(path: &Path, options: &Options) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(std::time::Duration::from_millis(options.locked_wait_ms))?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}
