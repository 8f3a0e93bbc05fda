//! The embedded store as the rest of the house sees it: the writer, the readers, and what they share.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use bytes::Bytes;
use run::{Command, Fence, NodeId, RunId, Tenant, ThreadId, Work, WorkerId};
use sha2::{Digest, Sha256};
use tokio::sync::{broadcast, watch};

use super::chunks::Chunks;
use super::core::{Core, Operation, Shared};
use super::op::{
    AppendOp, Apply, ClaimOp, CommandOp, CreateKey, CreateThread, CreateToken, DeleteRun,
    DeleteSecret, DeleteThread, NameSegment, PatchThread, PutBlob, PutSecret, Register, Release,
    Renew, RevokeKey, StartOp, SweepOp, Watch, WorkOp, WorktreeRemoved,
};
use super::readers::{self, ReaderThreads, Readers};
use super::upkeep::Upkeep;
use super::writer::{self, Writer};
use crate::{
    Append, Appended, Applied, BLOB_BYTES, Change, Claim, Claimed, CommandError, Commanded,
    DataSecret, DeleteError, Health, NewKey, NewThread, NewToken, OpenError, Options, ReadError,
    RunRecord, RunWatch, Scope, Sealed, Segment, SegmentName, Start, StartError, Started, Swept,
    ThreadError, ThreadPatch, ThreadRecord, Unavailable, WorkError, Worked,
};

/// The embedded store. Cheap to clone.
#[derive(Clone)]
pub struct Sqlite {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) shared: Arc<Shared>,
    pub(super) chunks: Chunks,
    pub(super) options: Options,
    instance: String,
    secret: DataSecret,
    pub(super) path: PathBuf,
    writer: Writer,
    reader_threads: ReaderThreads,
    /// Taken by `close`.
    running: Mutex<Option<Running>>,
}

/// The threads of writer and upkeep, and what makes the latter end.
struct Running {
    writer: JoinHandle<()>,
    upkeep: JoinHandle<()>,
    stop_upkeep: mpsc::Sender<()>,
}

impl Drop for Inner {
    /// A store that is dropped without being closed finishes what it has accepted, but nobody waits for that.
    fn drop(&mut self) {
        self.writer.close();
    }
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
        let secret = core.secret().clone();
        let (readers, reader_threads) = Readers::start(&path).map_err(unusable)?;
        let for_upkeep = readers::connect(&path).map_err(unusable)?;

        let (writer, thread) = writer::channel(core);
        let (stop_upkeep, stopped) = mpsc::channel();
        let upkeep = Upkeep {
            connection: for_upkeep,
            writer: writer.clone(),
            shared: Arc::clone(&shared),
            options: options.clone(),
        };
        let running = Running {
            writer: spawn("writer", move || thread.run()),
            upkeep: spawn("upkeep", move || upkeep.run(&stopped)),
            stop_upkeep,
        };
        let inner = Inner {
            shared,
            chunks: Chunks { readers },
            options,
            instance,
            secret,
            path,
            writer,
            reader_threads,
            running: Mutex::new(Some(running)),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    pub(super) fn readers(&self) -> &Readers {
        &self.inner.chunks.readers
    }

    pub(super) async fn submit<O: Operation>(
        &self,
        operation: O,
    ) -> Result<O::Output, Unavailable> {
        self.inner.writer.submit(operation).await
    }

    /// Finishes what was accepted, and lets go of the file. Whatever is asked later, and whoever follows a run that may
    /// go on, hears that the store was closed.
    pub async fn close(&self) {
        let running = self
            .inner
            .running
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        let Some(running) = running else { return };
        let inner = Arc::clone(&self.inner);
        let closed = tokio::task::spawn_blocking(move || {
            // Upkeep first, because it has operations of its own; then readers, so that the writer's connection is the
            // last one and clears the log away. A thread that panicked has said so; the file is let go of all the same.
            drop(running.stop_upkeep);
            let _ = running.upkeep.join();
            inner.reader_threads.stop();
            inner.writer.close();
            let _ = running.writer.join();
            inner.shared.tails.close();
        });
        let _ = closed.await;
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

    /// Names a stretch of a run.
    pub async fn name_segment(
        &self,
        scope: &Scope,
        name: SegmentName,
        segment: Segment,
    ) -> Result<Segment, CommandError> {
        self.submit(NameSegment {
            scope: scope.clone(),
            name,
            segment,
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

    /// Remembers that a run's worktree is gone.
    pub async fn worktree_removed(&self, run: RunId) -> Result<(), Unavailable> {
        self.submit(WorktreeRemoved { run }).await
    }

    /// Deletes a finished run.
    pub async fn delete_run(&self, scope: &Scope, run: RunId) -> Result<(), DeleteError> {
        self.submit(DeleteRun {
            scope: scope.clone(),
            run,
        })
        .await?
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

    /// Keeps a secret.
    pub async fn put_secret(
        &self,
        tenant: &Tenant,
        name: &str,
        sealed: Sealed,
    ) -> Result<bool, Unavailable> {
        self.submit(PutSecret {
            tenant: tenant.clone(),
            name: name.to_owned(),
            sealed,
        })
        .await
    }

    /// Erases a secret.
    pub async fn delete_secret(&self, tenant: &Tenant, name: &str) -> Result<bool, Unavailable> {
        self.submit(DeleteSecret {
            tenant: tenant.clone(),
            name: name.to_owned(),
        })
        .await
    }

    /// Keeps bytes.
    pub async fn put_blob(
        &self,
        tenant: &Tenant,
        run: RunId,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<[u8; 32], Unavailable> {
        if bytes.len() > BLOB_BYTES {
            return Err(super::fault::too_large(bytes.len()));
        }
        // Long for a large one, which is no work for a task.
        let content = bytes.clone();
        let hash = self.readers().read(move |_| Ok(Sha256::digest(&content)));
        let hash: [u8; 32] = hash.await?.into();
        self.submit(PutBlob {
            tenant: tenant.clone(),
            run,
            hash,
            media_type: media_type.to_owned(),
            bytes,
        })
        .await?;
        Ok(hash)
    }

    /// Hints of changes.
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        self.inner.shared.changes.subscribe()
    }

    /// Whether commits succeed.
    pub fn health(&self) -> watch::Receiver<Health> {
        self.inner.shared.health.subscribe()
    }

    /// The id of this data.
    pub fn instance(&self) -> &str {
        &self.inner.instance
    }

    /// What only servers on this data know.
    pub fn secret_of_data(&self) -> &DataSecret {
        &self.inner.secret
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .expect("a thread can be started")
}
