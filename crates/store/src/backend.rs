//! The store, whatever database is behind it.

use std::path::Path;

use bytes::Bytes;
use run::{Command, Fence, NodeId, RunId, Seq, Snapshot, Tenant, ThreadId, Work, WorkerId};
use tokio::sync::{broadcast, watch};

use crate::sqlite::Sqlite;
use crate::{
    Append, Appended, Applied, Change, Claim, Claimed, CommandError, Commanded, Counts, Credential,
    Cursor, DataSecret, DeleteError, EventPage, FollowError, Follower, Health, Key, Location,
    NewKey, NewThread, NewToken, OpenError, Options, Page, ReadError, RunFilter, RunRecord,
    RunWatch, Scope, Sealed, SecretEntry, Segment, SegmentName, Start, StartError, Started, Swept,
    ThreadError, ThreadFilter, ThreadPatch, ThreadRecord, Unavailable, WorkError, Worked,
};

/// The log of all runs and what is kept beside it. Cheap to clone; all clones are one store.
#[derive(Clone)]
pub struct Store {
    backend: Backend,
}

#[derive(Clone)]
enum Backend {
    Sqlite(Sqlite),
}

/// Sends a call to the backend that is there.
macro_rules! to_backend {
    ($store:expr, $call:ident($($arg:expr),*)) => {
        match &$store.backend {
            Backend::Sqlite(sqlite) => sqlite.$call($($arg),*).await,
        }
    };
}

impl Store {
    /// Opens a store, and makes it if there is none. All leases of an earlier boot are void.
    pub async fn open(location: &Location, options: Options) -> Result<Self, OpenError> {
        let backend = match location {
            Location::Sqlite(path) => Backend::Sqlite(Sqlite::open(path, options).await?),
        };
        Ok(Self { backend })
    }

    /// Finishes what was accepted, and lets go of the file.
    pub async fn close(&self) {
        to_backend!(self, close());
    }

    // Starting and steering runs.

    /// Starts a run.
    pub async fn start(&self, start: Start) -> Result<Started, StartError> {
        to_backend!(self, start(start))
    }

    /// Carries out a client's command.
    pub async fn command(
        &self,
        scope: &Scope,
        run: RunId,
        command: Command,
    ) -> Result<Commanded, CommandError> {
        to_backend!(self, command(scope, run, command))
    }

    /// Remembers that a run's result was applied; a second call answers the first.
    pub async fn apply(
        &self,
        scope: &Scope,
        run: RunId,
        applied: Applied,
    ) -> Result<RunRecord, CommandError> {
        to_backend!(self, apply(scope, run, applied))
    }

    /// Remembers that the worktree that a run owned is gone. Nothing where the run is gone too.
    pub async fn worktree_removed(&self, run: RunId) -> Result<(), Unavailable> {
        to_backend!(self, worktree_removed(run))
    }

    /// Which of these runs there are, of whomever.
    pub async fn known(&self, runs: Vec<RunId>) -> Result<Vec<RunRecord>, Unavailable> {
        to_backend!(self, known(runs))
    }

    /// The previews that are open in the worktree of a run, of whomever.
    pub async fn open_previews(&self, owner: RunId) -> Result<Vec<RunRecord>, Unavailable> {
        to_backend!(self, open_previews(owner))
    }

    /// Whether a run of a coding agent was deleted here. One that is merely unknown may be another store's, or newer than a copy.
    pub async fn was_deleted(&self, run: RunId) -> Result<bool, Unavailable> {
        to_backend!(self, was_deleted(run))
    }

    /// Deletes a finished run and its log.
    pub async fn delete_run(&self, scope: &Scope, run: RunId) -> Result<(), DeleteError> {
        to_backend!(self, delete_run(scope, run))
    }

    // Reading runs.

    /// A run.
    pub async fn run(&self, scope: &Scope, run: RunId) -> Result<RunRecord, ReadError> {
        to_backend!(self, run(scope, run))
    }

    /// A run, whosever it is: for who has shown that it is theirs.
    pub async fn run_of_anybody(&self, run: RunId) -> Result<RunRecord, ReadError> {
        to_backend!(self, run_of_anybody(run))
    }

    /// Runs, newest first.
    pub async fn runs(
        &self,
        scope: &Scope,
        filter: RunFilter,
        after: Option<Cursor>,
        max: usize,
    ) -> Result<Page<RunRecord>, ReadError> {
        to_backend!(self, runs(scope, filter, after, max))
    }

    /// What a run's log folds to.
    pub async fn snapshot(&self, scope: &Scope, run: RunId) -> Result<Snapshot, ReadError> {
        to_backend!(self, snapshot(scope, run))
    }

    /// Events behind a cursor, at most `max` of them and about [`crate::READ_BYTES`]; empty when there are none yet.
    pub async fn events(
        &self,
        scope: &Scope,
        run: RunId,
        after: Seq,
        max: usize,
    ) -> Result<EventPage, FollowError> {
        to_backend!(self, events(scope, run, after, max))
    }

    /// Follows a run's log from behind a cursor.
    pub async fn follow(
        &self,
        scope: &Scope,
        run: RunId,
        after: Seq,
    ) -> Result<Follower, FollowError> {
        to_backend!(self, follow(scope, run, after))
    }

    // Threads.

    /// Makes a thread.
    pub async fn create_thread(
        &self,
        scope: &Scope,
        thread: ThreadId,
        new: NewThread,
    ) -> Result<ThreadRecord, ThreadError> {
        to_backend!(self, create_thread(scope, thread, new))
    }

    /// A thread.
    pub async fn thread(
        &self,
        scope: &Scope,
        thread: &ThreadId,
    ) -> Result<ThreadRecord, ReadError> {
        to_backend!(self, thread(scope, thread))
    }

    /// Threads, the last changed first.
    pub async fn threads(
        &self,
        scope: &Scope,
        filter: ThreadFilter,
        after: Option<Cursor>,
        max: usize,
    ) -> Result<Page<ThreadRecord>, ReadError> {
        to_backend!(self, threads(scope, filter, after, max))
    }

    /// Changes a thread.
    pub async fn patch_thread(
        &self,
        scope: &Scope,
        thread: &ThreadId,
        patch: ThreadPatch,
    ) -> Result<ThreadRecord, ThreadError> {
        to_backend!(self, patch_thread(scope, thread, patch))
    }

    /// Deletes a thread and its runs, all of which must have ended.
    pub async fn delete_thread(&self, scope: &Scope, thread: &ThreadId) -> Result<(), DeleteError> {
        to_backend!(self, delete_thread(scope, thread))
    }

    /// A thread's latest run: the current one, else the one that was created last.
    pub async fn thread_run(
        &self,
        scope: &Scope,
        thread: &ThreadId,
    ) -> Result<Option<RunRecord>, ReadError> {
        to_backend!(self, thread_run(scope, thread))
    }

    /// The tools that a person has allowed to an agent for the rest of a thread.
    pub async fn grants(
        &self,
        scope: &Scope,
        thread: &ThreadId,
        agent: &str,
    ) -> Result<Vec<String>, ReadError> {
        to_backend!(self, grants(scope, thread, agent))
    }

    /// The finished runs of a run's thread that ended before it, the last one first; all of them for a run that is open.
    /// Runs whose log is gone, that never began, or that were done again are left out. At most [`crate::HISTORY_RUNS`] a page.
    pub async fn history(
        &self,
        scope: &Scope,
        run: RunId,
        after: Option<Cursor>,
        max: usize,
    ) -> Result<Page<RunRecord>, ReadError> {
        to_backend!(self, history(scope, run, after, max))
    }

    // Segments.

    /// The stretch of a run that a client of another protocol has named.
    pub async fn segment(
        &self,
        scope: &Scope,
        name: &SegmentName,
    ) -> Result<Option<Segment>, ReadError> {
        to_backend!(self, segment(scope, name))
    }

    /// The names of a run's stretches, in order: face, name, and the number of the first event.
    pub async fn segments(&self, run: RunId) -> Result<Vec<(String, String, Seq)>, ReadError> {
        to_backend!(self, segments(run))
    }

    /// Names a stretch of a run, once; a name that is there keeps its meaning, which is given back.
    pub async fn name_segment(
        &self,
        scope: &Scope,
        name: SegmentName,
        segment: Segment,
    ) -> Result<Segment, CommandError> {
        to_backend!(self, name_segment(scope, name, segment))
    }

    // Workers.

    /// Takes a lease for a worker.
    pub async fn register(
        &self,
        worker: &WorkerId,
        node: &NodeId,
        lease_ms: u64,
    ) -> Result<(), Unavailable> {
        to_backend!(self, register(worker, node, lease_ms))
    }

    /// Renews a lease. `false` when it is gone: then everything the worker has may be somebody else's.
    pub async fn renew(&self, worker: &WorkerId, lease_ms: u64) -> Result<bool, Unavailable> {
        to_backend!(self, renew(worker, lease_ms))
    }

    /// Gives a lease back.
    pub async fn release(&self, worker: &WorkerId) -> Result<(), Unavailable> {
        to_backend!(self, release(worker))
    }

    /// Gives due runs to a worker.
    pub async fn claim(&self, claim: Claim) -> Result<Vec<Claimed>, Unavailable> {
        to_backend!(self, claim(claim))
    }

    /// Appends a worker's events.
    pub async fn append(&self, append: Append) -> Result<Appended, WorkError> {
        to_backend!(self, append(append))
    }

    /// Carries out a worker's other writes: consume, wait, finish, end of the attempt.
    pub async fn work(&self, run: RunId, fence: Fence, work: Work) -> Result<Worked, WorkError> {
        to_backend!(self, work(run, fence, work))
    }

    /// Settles what time has made due: attempts of dead workers, expired requests, deadlines, stops that hang.
    pub async fn sweep(&self) -> Result<Swept, Unavailable> {
        to_backend!(self, sweep())
    }

    /// A worker's view of a run that it has.
    pub async fn watch(&self, run: RunId) -> Result<RunWatch, ReadError> {
        to_backend!(self, watch(run))
    }

    /// Counts up when a run may have become due.
    pub fn due(&self) -> watch::Receiver<u64> {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.due(),
        }
    }

    // Access.

    /// Makes a key. `false` when the name is taken.
    pub async fn create_key(&self, key: NewKey) -> Result<bool, Unavailable> {
        to_backend!(self, create_key(key))
    }

    /// All keys, of one tenant or of all.
    pub async fn keys(&self, tenant: Option<&Tenant>) -> Result<Vec<Key>, Unavailable> {
        to_backend!(self, keys(tenant))
    }

    /// Revokes a key. `false` when there is none of this name.
    pub async fn revoke_key(&self, tenant: &Tenant, name: &str) -> Result<bool, Unavailable> {
        to_backend!(self, revoke_key(tenant, name))
    }

    /// Makes a short-lived token.
    pub async fn create_token(&self, token: NewToken) -> Result<(), Unavailable> {
        to_backend!(self, create_token(token))
    }

    /// What a secret of this hash allows; `None` when it is unknown, revoked or over.
    pub async fn credential(&self, hash: [u8; 32]) -> Result<Option<Credential>, Unavailable> {
        to_backend!(self, credential(hash))
    }

    // Secrets.

    /// Keeps a secret under its name, in place of what was there. `false` when the tenant has [`crate::SECRETS`] already.
    pub async fn put_secret(
        &self,
        tenant: &Tenant,
        name: &str,
        sealed: Sealed,
    ) -> Result<bool, Unavailable> {
        to_backend!(self, put_secret(tenant, name, sealed))
    }

    /// A tenant's secrets by name, without their values.
    pub async fn secrets(&self, tenant: &Tenant) -> Result<Vec<SecretEntry>, Unavailable> {
        to_backend!(self, secrets(tenant))
    }

    /// A secret.
    pub async fn secret(&self, tenant: &Tenant, name: &str) -> Result<Option<Sealed>, Unavailable> {
        to_backend!(self, secret(tenant, name))
    }

    /// Erases a secret. `false` when there is none of this name.
    pub async fn delete_secret(&self, tenant: &Tenant, name: &str) -> Result<bool, Unavailable> {
        to_backend!(self, delete_secret(tenant, name))
    }

    /// The credentials that a run brought along, while it is open.
    pub async fn run_credentials(&self, run: RunId) -> Result<Option<Sealed>, Unavailable> {
        to_backend!(self, run_credentials(run))
    }

    // Blobs.

    /// Keeps bytes of a run under their SHA-256, which is returned. They go with the log of the last run that has them.
    pub async fn put_blob(
        &self,
        tenant: &Tenant,
        run: RunId,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<[u8; 32], Unavailable> {
        to_backend!(self, put_blob(tenant, run, media_type, bytes))
    }

    /// The media type and bytes that were kept for a run under a hash.
    pub async fn blob(&self, run: RunId, hash: [u8; 32]) -> Result<(String, Bytes), ReadError> {
        to_backend!(self, blob(run, hash))
    }

    // Operations.

    /// Changes of runs and threads, as hints for boards.
    pub fn changes(&self) -> broadcast::Receiver<Change> {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.changes(),
        }
    }

    /// Whether commits succeed.
    pub fn health(&self) -> watch::Receiver<Health> {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.health(),
        }
    }

    /// How many runs there are in each open state.
    pub async fn counts(&self) -> Result<Counts, Unavailable> {
        to_backend!(self, counts())
    }

    /// An id of this data, made when it was: for marks on processes and names of cookies.
    pub fn instance(&self) -> &str {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.instance(),
        }
    }

    /// What only servers on this data know, made with it: to sign what they give out. It goes with a copy of the data.
    pub fn secret_of_data(&self) -> &DataSecret {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.secret_of_data(),
        }
    }

    /// Writes a consistent copy to a new file while the store works.
    pub async fn backup(&self, to: &Path) -> Result<(), Unavailable> {
        to_backend!(self, backup(to))
    }
}
