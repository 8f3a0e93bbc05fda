//! The embedded store as the rest of the house sees it: the writer, the readers, and what they share.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use bytes::{Bytes, BytesMut};
use run::{
    Command, ErrorInfo, Fence, NodeId, Outcome, Reason, RunId, Seq, Snapshot, Tenant, ThreadId,
    Work, WorkerId, frame,
};
use sha2::{Digest, Sha256};
use tokio::sync::{broadcast, watch};

use super::chunks::Chunks;
use super::core::{Core, Operation, Shared};
use super::fault::unavailable;
use super::op::{
    AppendOp, Apply, ClaimOp, CommandOp, CreateKey, CreateThread, CreateToken, DeleteRun,
    DeleteThread, PatchThread, PutBlob, Register, Release, Renew, RevokeKey, SaveSnapshot, StartOp,
    SweepOp, Watch, WorkOp,
};
use super::read::run::OfThread;
use super::readers::{self, Readers};
use super::rows::Stored;
use super::upkeep::Upkeep;
use super::writer::{self, Writer};
use super::{read, rows};
use crate::follow::Source;
use crate::{
    Append, Appended, Applied, Change, Claim, Claimed, CommandError, Commanded, Counts, Credential,
    Cursor, DeleteError, EventPage, FollowError, Follower, Health, Key, NewKey, NewThread,
    NewToken, OpenError, Options, Page, ReadError, Ready, RunFilter, RunRecord, RunWatch,
    SNAPSHOT_EVERY, Scope, Start, StartError, Started, Swept, ThreadError, ThreadFilter,
    ThreadPatch, ThreadRecord, Unavailable, WorkError, Worked,
};

/// The embedded store. Cheap to clone.
#[derive(Clone)]
pub struct Sqlite {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    chunks: Chunks,
    options: Options,
    instance: String,
    path: PathBuf,
    /// Taken by `close`.
    running: Mutex<Option<Running>>,
    writer: Mutex<Option<Writer>>,
}

/// The threads, and what makes them end.
struct Running {
    writer: JoinHandle<()>,
    upkeep: JoinHandle<()>,
    stop_upkeep: mpsc::Sender<()>,
}

impl Sqlite {
    /// Opens or makes the file.
    pub async fn open(path: &Path, options: Options) -> Result<Self, OpenError> {
        let path = path.to_owned();
        let opened = tokio::task::spawn_blocking(move || Self::open_blocking(path, options));
        opened.await.expect("opening does not panic")
    }

    fn open_blocking(path: PathBuf, options: Options) -> Result<Self, OpenError> {
        let core = Core::open(&path, options.clone())?;
        let unusable = |error: rusqlite::Error| OpenError::Unusable {
            path: path.clone(),
            message: error.to_string(),
        };
        let (shared, instance) = (Arc::clone(&core.shared), core.instance().to_owned());
        let (readers, _threads) = Readers::start(&path).map_err(unusable)?;
        let for_upkeep = readers::connect(&path).map_err(unusable)?;

        let (writer, thread) = writer::channel(core);
        let runtime = tokio::runtime::Handle::current();
        let (stop_upkeep, stopped) = mpsc::channel();
        let upkeep = Upkeep {
            connection: for_upkeep,
            writer: writer.clone(),
            shared: Arc::clone(&shared),
            options: options.clone(),
        };
        let running = Running {
            writer: spawn("writer", move || thread.run(&runtime)),
            upkeep: spawn("upkeep", move || upkeep.run(&stopped)),
            stop_upkeep,
        };
        let inner = Inner {
            shared,
            chunks: Chunks { readers },
            options,
            instance,
            path,
            running: Mutex::new(Some(running)),
            writer: Mutex::new(Some(writer)),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    fn readers(&self) -> &Readers {
        &self.inner.chunks.readers
    }

    async fn submit<O: Operation>(&self, operation: O) -> Result<O::Output, Unavailable> {
        let writer = self
            .inner
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        match writer {
            Some(writer) => writer.submit(operation).await,
            None => Err(super::fault::closed()),
        }
    }

    /// Finishes what was accepted, and lets go of the file.
    pub async fn close(&self) {
        let writer = self
            .inner
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let running = self
            .inner
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(running) = running else { return };
        drop(writer);
        let joined = tokio::task::spawn_blocking(move || {
            drop(running.stop_upkeep);
            // A thread that panicked has said so; the file is let go of all the same.
            let _ = running.upkeep.join();
            let _ = running.writer.join();
        });
        let _ = joined.await;
    }

    /// Starts a run.
    pub async fn start(&self, start: Start) -> Result<Started, StartError> {
        self.submit(StartOp(start)).await?
    }

    /// Carries out a client's command.
    pub async fn command(
        &self,
        scope: &Scope,
        run: RunId,
        command: Command,
    ) -> Result<Commanded, CommandError> {
        self.submit(CommandOp {
            scope: scope.clone(),
            run,
            command,
        })
        .await?
    }

    /// Remembers that a result was applied.
    pub async fn apply(
        &self,
        scope: &Scope,
        run: RunId,
        applied: Applied,
    ) -> Result<RunRecord, CommandError> {
        self.submit(Apply {
            scope: scope.clone(),
            run,
            applied,
        })
        .await?
    }

    /// Deletes a finished run.
    pub async fn delete_run(&self, scope: &Scope, run: RunId) -> Result<(), DeleteError> {
        self.submit(DeleteRun {
            scope: scope.clone(),
            run,
        })
        .await?
    }

    /// A run.
    pub async fn run(&self, scope: &Scope, run: RunId) -> Result<RunRecord, ReadError> {
        // Memory before the row, so that the row is at least as new in all that only it knows.
        let now = self.inner.shared.tails.get(run).map(|tail| tail.now());
        let stored = self
            .readers()
            .read(move |connection| rows::by_id(connection, run))
            .await?;
        let mut record = stored.ok_or(ReadError::Unknown)?.into_record();
        if !scope.sees(&record.tenant, record.created_by.as_ref()) {
            return Err(ReadError::Unknown);
        }
        if let Some(now) = now {
            bring_up(&mut record, now);
        }
        Ok(record)
    }

    /// Runs, newest first.
    pub async fn runs(
        &self,
        scope: &Scope,
        filter: RunFilter,
        after: Option<Cursor>,
        max: usize,
    ) -> Result<Page<RunRecord>, ReadError> {
        let scope = scope.clone();
        let (stored, next) = self
            .readers()
            .read(move |connection| {
                read::run::list(
                    connection,
                    &scope,
                    &filter,
                    after,
                    max.min(crate::PAGE_ENTRIES),
                )
            })
            .await?;
        let entries = stored.into_iter().map(|stored| self.live(stored)).collect();
        Ok(Page { entries, next })
    }

    /// A row's run with what is only in memory. A run that ended after its row was read is shown as it was then.
    fn live(&self, stored: Stored) -> RunRecord {
        let mut record = stored.into_record();
        if let Some(tail) = self.inner.shared.tails.get(record.id) {
            let now = tail.now();
            if !now.2.is_final() {
                bring_up(&mut record, now);
            }
        }
        record
    }

    /// What a run's log folds to.
    pub async fn snapshot(&self, scope: &Scope, run: RunId) -> Result<Snapshot, ReadError> {
        self.run(scope, run).await?;
        let mut snapshot = self
            .readers()
            .read(move |connection| read::snapshot::stored(connection, run))
            .await?;
        let from = snapshot.last_seq;
        let mut follower = match self.follow(scope, run, from).await {
            Ok(follower) => follower,
            Err(FollowError::Unavailable(why)) => return Err(why.into()),
            Err(FollowError::LogExpired) => return Ok(snapshot),
            Err(FollowError::Unknown | FollowError::CursorUnknown { .. }) => {
                return Err(ReadError::Unknown);
            }
        };
        loop {
            match follower.ready().await {
                Ok(Ready::Frames(frames)) => {
                    for envelope in frame::split(&frames).filter_map(frame::parse) {
                        snapshot.apply(&envelope);
                    }
                }
                Err(FollowError::Unavailable(why)) => return Err(why.into()),
                // An end, or a log that was deleted meanwhile: what was folded so far is what there is.
                Ok(Ready::Nothing | Ready::Ended) | Err(_) => break,
            }
        }
        if snapshot.last_seq.0 - from.0 >= SNAPSHOT_EVERY
            && let Ok(stored) = read::snapshot::to_stored(&snapshot)
        {
            // Only a saving for the next reader: this one has its answer whether or not it is kept.
            let _ = self
                .submit(SaveSnapshot {
                    run,
                    snapshot: stored,
                })
                .await;
        }
        Ok(snapshot)
    }

    /// Events behind a cursor.
    pub async fn events(
        &self,
        scope: &Scope,
        run: RunId,
        after: Seq,
        max: usize,
    ) -> Result<EventPage, FollowError> {
        let mut follower = self.follow(scope, run, after).await?;
        let mut page = BytesMut::new();
        let mut n = 0;
        let mut next = after;
        let mut is_final = false;
        while n < max && page.len() < crate::READ_BYTES {
            match follower.ready().await? {
                Ready::Nothing => break,
                Ready::Ended => {
                    is_final = true;
                    break;
                }
                Ready::Frames(frames) => {
                    for frame in frame::split(&frames).take(max - n) {
                        page.extend_from_slice(frame);
                        next = frame::seq(frame).unwrap_or(next);
                        n += 1;
                    }
                }
            }
        }
        // The last events may just have filled the page.
        if n > 0 && !is_final && follower.cursor() == next {
            is_final = matches!(follower.ready().await?, Ready::Ended);
        }
        Ok(EventPage {
            frames: page.freeze(),
            next,
            is_final,
        })
    }

    /// Follows a log.
    pub async fn follow(
        &self,
        scope: &Scope,
        run: RunId,
        after: Seq,
    ) -> Result<Follower, FollowError> {
        let reading = self.inner.shared.readers.read(run);
        let record = match self.run(scope, run).await {
            Ok(record) => record,
            Err(ReadError::Unknown) => return Err(FollowError::Unknown),
            Err(ReadError::Unavailable(why)) => return Err(why.into()),
        };
        let last = record.control.last_seq;
        let source = if record.control.is_final() {
            Source::Stored { last }
        } else {
            let tail = match self.inner.shared.tails.get(run) {
                Some(tail) => tail,
                // Idle: nobody has it and nobody follows. The writer makes its tail, so none can be made twice.
                None => self.submit(Watch(run)).await?.ok_or(FollowError::Unknown)?,
            };
            let head = tail.subscribe();
            Source::Live {
                following: tail.follow(),
                head,
            }
        };
        let last = match &source {
            Source::Stored { last } => *last,
            Source::Live { following, .. } => following.tail.now().0.max(last),
        };
        if after > last {
            return Err(FollowError::CursorUnknown { after, last });
        }
        if record.log_expired && after < last {
            return Err(FollowError::LogExpired);
        }
        Ok(Follower {
            run,
            next: after.next(),
            source,
            chunks: self.inner.chunks.clone(),
            _reading: reading,
        })
    }

    /// Makes a thread.
    pub async fn create_thread(
        &self,
        scope: &Scope,
        thread: ThreadId,
        new: NewThread,
    ) -> Result<ThreadRecord, ThreadError> {
        self.submit(CreateThread {
            scope: scope.clone(),
            thread,
            new,
        })
        .await?
    }

    /// A thread.
    pub async fn thread(
        &self,
        scope: &Scope,
        thread: &ThreadId,
    ) -> Result<ThreadRecord, ReadError> {
        let (scope, thread) = (scope.clone(), thread.clone());
        let found = self
            .readers()
            .read(move |connection| read::thread::by_id(connection, &scope, &thread))
            .await?;
        found.ok_or(ReadError::Unknown)
    }

    /// Threads.
    pub async fn threads(
        &self,
        scope: &Scope,
        filter: ThreadFilter,
        after: Option<Cursor>,
        max: usize,
    ) -> Result<Page<ThreadRecord>, ReadError> {
        let scope = scope.clone();
        let max = max.min(crate::PAGE_ENTRIES);
        let (entries, next) = self
            .readers()
            .read(move |connection| read::thread::list(connection, &scope, &filter, after, max))
            .await?;
        Ok(Page { entries, next })
    }

    /// Changes a thread.
    pub async fn patch_thread(
        &self,
        scope: &Scope,
        thread: &ThreadId,
        patch: ThreadPatch,
    ) -> Result<ThreadRecord, ThreadError> {
        self.submit(PatchThread {
            scope: scope.clone(),
            thread: thread.clone(),
            patch,
        })
        .await?
    }

    /// Deletes a thread.
    pub async fn delete_thread(&self, scope: &Scope, thread: &ThreadId) -> Result<(), DeleteError> {
        self.submit(DeleteThread {
            scope: scope.clone(),
            thread: thread.clone(),
        })
        .await?
    }

    /// A thread's latest run.
    pub async fn thread_run(
        &self,
        scope: &Scope,
        thread: &ThreadId,
    ) -> Result<Option<RunRecord>, ReadError> {
        let (of, thread) = (scope.clone(), thread.clone());
        let found = self
            .readers()
            .read(move |connection| read::run::of_thread(connection, &of, &thread))
            .await?;
        match found {
            OfThread::Unknown => Err(ReadError::Unknown),
            OfThread::Empty => Ok(None),
            OfThread::Run(stored) => self.run(scope, stored.origin.id).await.map(Some),
        }
    }

    /// Takes a lease.
    pub async fn register(
        &self,
        worker: &WorkerId,
        node: &NodeId,
        lease_ms: u64,
    ) -> Result<(), Unavailable> {
        self.submit(Register {
            worker: worker.clone(),
            node: node.clone(),
            lease_ms,
        })
        .await
    }

    /// Renews a lease.
    pub async fn renew(&self, worker: &WorkerId, lease_ms: u64) -> Result<bool, Unavailable> {
        self.submit(Renew {
            worker: worker.clone(),
            lease_ms,
        })
        .await
    }

    /// Gives a lease back.
    pub async fn release(&self, worker: &WorkerId) -> Result<(), Unavailable> {
        self.submit(Release {
            worker: worker.clone(),
        })
        .await
    }

    /// Gives due runs to a worker.
    pub async fn claim(&self, claim: Claim) -> Result<Vec<Claimed>, Unavailable> {
        self.submit(ClaimOp(claim)).await
    }

    /// Appends a worker's events.
    pub async fn append(&self, append: Append) -> Result<Appended, WorkError> {
        self.submit(AppendOp(append)).await?
    }

    /// Carries out a worker's other writes.
    pub async fn work(&self, run: RunId, fence: Fence, work: Work) -> Result<Worked, WorkError> {
        self.submit(WorkOp { run, fence, work }).await?
    }

    /// Settles what is due.
    pub async fn sweep(&self) -> Result<Swept, Unavailable> {
        self.submit(SweepOp).await
    }

    /// A worker's view of a run.
    pub async fn watch(&self, run: RunId) -> Result<RunWatch, ReadError> {
        let tail = self.submit(Watch(run)).await?.ok_or(ReadError::Unknown)?;
        let head = tail.subscribe();
        Ok(RunWatch { tail, head })
    }

    /// Counts up when a run may have become due.
    pub fn due(&self) -> watch::Receiver<u64> {
        self.inner.shared.due.subscribe()
    }

    /// Makes a key.
    pub async fn create_key(&self, key: NewKey) -> Result<bool, Unavailable> {
        self.submit(CreateKey(key)).await
    }

    /// All keys.
    pub async fn keys(&self, tenant: Option<&Tenant>) -> Result<Vec<Key>, Unavailable> {
        let tenant = tenant.cloned();
        self.readers()
            .read(move |connection| read::access::keys(connection, tenant.as_ref()))
            .await
    }

    /// Revokes a key.
    pub async fn revoke_key(&self, tenant: &Tenant, name: &str) -> Result<bool, Unavailable> {
        self.submit(RevokeKey {
            tenant: tenant.clone(),
            name: name.to_owned(),
        })
        .await
    }

    /// Makes a token.
    pub async fn create_token(&self, token: NewToken) -> Result<(), Unavailable> {
        self.submit(CreateToken(token)).await
    }

    /// What a secret allows.
    pub async fn credential(&self, hash: [u8; 32]) -> Result<Option<Credential>, Unavailable> {
        let now = (self.inner.options.clock)();
        self.readers()
            .read(move |connection| read::access::credential(connection, hash, now))
            .await
    }

    /// Keeps bytes.
    pub async fn put_blob(
        &self,
        tenant: &Tenant,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<[u8; 32], Unavailable> {
        let hash: [u8; 32] = Sha256::digest(&bytes).into();
        self.submit(PutBlob {
            tenant: tenant.clone(),
            hash,
            media_type: media_type.to_owned(),
            bytes,
        })
        .await?;
        Ok(hash)
    }

    /// Bytes that were kept.
    pub async fn blob(
        &self,
        tenant: &Tenant,
        hash: [u8; 32],
    ) -> Result<(String, Bytes), ReadError> {
        let tenant = tenant.clone();
        let found: Option<(String, Vec<u8>)> = self
            .readers()
            .read(move |connection| {
                let mut statement = connection.prepare_cached(
                    "SELECT media_type, bytes FROM blob WHERE tenant = ?1 AND hash = ?2",
                )?;
                let mut found = statement
                    .query_map(rusqlite::params![tenant.as_str(), hash], |row| {
                        Ok((row.get(0)?, row.get(1)?))
                    })?;
                found.next().transpose()
            })
            .await?;
        found
            .map(|(media_type, bytes)| (media_type, Bytes::from(bytes)))
            .ok_or(ReadError::Unknown)
    }

    /// Hints of changes.
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.inner.shared.changes.subscribe()
    }

    /// Whether commits succeed.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.inner.shared.health.subscribe()
    }

    /// Open runs by state.
    pub async fn counts(&self) -> Result<Counts, Unavailable> {
        self.readers()
            .read(|connection| read::run::counts(connection))
            .await
    }

    /// The id of this data.
    pub fn instance(&self) -> &str {
        &self.inner.instance
    }

    /// Writes a consistent copy.
    pub async fn backup(&self, to: &Path) -> Result<(), Unavailable> {
        let (from, to) = (self.inner.path.clone(), to.to_owned());
        let copied = tokio::task::spawn_blocking(move || {
            // A connection of its own, so that no reader waits behind a long copy.
            let connection = readers::connect(&from)?;
            connection.pragma_update(None, "query_only", false)?;
            connection.execute("VACUUM INTO ?1", [to.to_string_lossy()])?;
            Ok(())
        });
        copied
            .await
            .expect("a copy does not panic")
            .map_err(|error: rusqlite::Error| unavailable(&error))
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .expect("a thread can be started")
}

/// Lays what memory knows over a row, where it is newer.
pub(super) fn bring_up(
    record: &mut RunRecord,
    (last, updated_at, control): (Seq, run::Timestamp, Arc<run::Run>),
) {
    if last < record.control.last_seq {
        return;
    }
    if control.last_seq == last {
        record.control = control;
        return;
    }
    let mut control = run::Run::clone(&control);
    control.last_seq = last;
    control.updated_at = updated_at;
    record.control = Arc::new(control);
}

/// Puts a copy in the place of a store that nobody has open, and ends every run that was open in it as interrupted.
/// Returns how many.
pub fn restore(from: &Path, to: &Path) -> Result<u64, OpenError> {
    let unusable = |message: String| OpenError::Unusable {
        path: to.to_owned(),
        message,
    };
    if to.exists() {
        return Err(unusable(
            "there is a store already; move it away first".to_owned(),
        ));
    }
    std::fs::copy(from, to).map_err(|error| unusable(error.to_string()))?;
    let options = Options {
        wal_bytes: 0,
        holder: "restore".to_owned(),
        ..Options::default()
    };
    let mut core = Core::open(to, options)?;
    let open: Vec<[u8; 16]> = core
        .connection
        .prepare("SELECT id FROM run WHERE finished_at IS NULL ORDER BY key DESC")
        .and_then(|mut statement| statement.query_map([], |row| row.get(0))?.collect())
        .map_err(|error| unusable(error.to_string()))?;
    let mut n = 0;
    // Those in line first, so that none of them is promoted only to be ended.
    for run in open.into_iter().map(RunId::from_bytes) {
        let error = ErrorInfo::new("interrupted", "the store was restored from a copy");
        let outcome = Outcome {
            error: Some(error),
            ..Outcome::aborted(Reason::Interrupted)
        };
        let concluded = core
            .perform(super::op::Conclude { run, outcome })
            .map_err(|why| unusable(why.to_string()))?;
        n += u64::from(concluded);
    }
    Ok(n)
}
