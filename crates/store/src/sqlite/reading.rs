//! What the embedded store reads: rows from the readers, laid under what the tails know.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use run::{RunId, Seq, Snapshot, Tenant, ThreadId, frame};

use super::op::{SaveSnapshot, Watch};
use super::read::run::OfThread;
use super::rows::Stored;
use super::store::Sqlite;
use super::{read, rows};
use crate::follow::Source;
use crate::{
    Counts, Credential, Cursor, EventPage, FollowError, Follower, Key, Page, ReadError, Ready,
    RunFilter, RunRecord, SNAPSHOT_EVERY, Scope, Sealed, SecretEntry, Segment, SegmentName,
    ThreadFilter, ThreadRecord, Unavailable,
};
impl Sqlite {
    /// A run.
    pub async fn run(&self, scope: &Scope, run: RunId) -> Result<RunRecord, ReadError> {
        let record = self.run_of_anybody(run).await?;
        if scope.sees(&record.tenant, record.created_by.as_ref()) {
            Ok(record)
        } else {
            Err(ReadError::Unknown)
        }
    }

    /// A run, whosever it is.
    pub async fn run_of_anybody(&self, run: RunId) -> Result<RunRecord, ReadError> {
        // Memory before the row, so that the row is at least as new in all that only it knows.
        let now = self.inner.shared.tails.get(run).map(|tail| tail.now());
        let stored = self
            .readers()
            .read(move |connection| rows::by_id(connection, run))
            .await?;
        let mut record = stored.ok_or(ReadError::Unknown)?.into_record();
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

    /// Which of these runs there are, of whomever.
    pub async fn known(&self, runs: Vec<RunId>) -> Result<Vec<RunRecord>, Unavailable> {
        let stored = self.readers().read(move |connection| {
            let stored = runs.into_iter().map(|run| rows::by_id(connection, run));
            stored.collect::<Result<Vec<_>, _>>()
        });
        let stored = stored.await?.into_iter().flatten();
        Ok(stored.map(|stored| self.live(stored)).collect())
    }

    /// The previews that are open in the worktree of a run, of whomever.
    pub async fn open_previews(&self, owner: RunId) -> Result<Vec<RunRecord>, Unavailable> {
        let threads = run::preview_threads(owner);
        let stored = self
            .readers()
            .read(move |connection| read::run::open_on(connection, &threads))
            .await?;
        Ok(stored.into_iter().map(|stored| self.live(stored)).collect())
    }

    /// Whether a run of a coding agent was deleted here.
    pub async fn was_deleted(&self, run: RunId) -> Result<bool, Unavailable> {
        self.readers()
            .read(move |connection| {
                connection
                    .prepare_cached("SELECT 1 FROM deleted_run WHERE id = ?1")?
                    .exists([run.as_bytes()])
            })
            .await
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
        if snapshot.last_seq.0 - from.0 < SNAPSHOT_EVERY {
            return Ok(snapshot);
        }
        // Printing and packing a large one takes long, which is no work for a task.
        let packed = self.readers().read(move |_| {
            let packed = read::snapshot::to_stored(&snapshot);
            Ok((snapshot, packed))
        });
        let (snapshot, packed) = packed.await?;
        if let Ok(stored) = packed {
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

    /// The tools that are allowed to an agent for the rest of a thread.
    pub async fn grants(
        &self,
        scope: &Scope,
        thread: &ThreadId,
        agent: &str,
    ) -> Result<Vec<String>, ReadError> {
        let (scope, thread, agent) = (scope.clone(), thread.clone(), agent.to_owned());
        let grants = self
            .readers()
            .read(move |connection| read::thread::grants(connection, &scope, &thread, &agent))
            .await?;
        Ok(grants)
    }

    /// The runs before a run on its thread.
    pub async fn history(
        &self,
        scope: &Scope,
        run: RunId,
        after: Option<Cursor>,
        max: usize,
    ) -> Result<Page<RunRecord>, ReadError> {
        let scope = scope.clone();
        let max = max.min(crate::HISTORY_RUNS);
        let found = self
            .readers()
            .read(move |connection| {
                // Of one moment: a run that ends between two looks would come before itself.
                let moment = connection.transaction()?;
                read::history::before(&moment, &scope, run, after, max)
            })
            .await?;
        let (stored, next) = found.ok_or(ReadError::Unknown)?;
        let entries = stored.into_iter().map(Stored::into_record).collect();
        Ok(Page { entries, next })
    }

    /// A tenant's secrets.
    pub async fn secrets(&self, tenant: &Tenant) -> Result<Vec<SecretEntry>, Unavailable> {
        let tenant = tenant.clone();
        self.readers()
            .read(move |connection| read::secret::secrets(connection, &tenant))
            .await
    }

    /// A secret.
    pub async fn secret(&self, tenant: &Tenant, name: &str) -> Result<Option<Sealed>, Unavailable> {
        let (tenant, name) = (tenant.clone(), name.to_owned());
        self.readers()
            .read(move |connection| read::secret::secret(connection, &tenant, &name))
            .await
    }

    /// The credentials of a run.
    pub async fn run_credentials(&self, run: RunId) -> Result<Option<Sealed>, Unavailable> {
        self.readers()
            .read(move |connection| read::secret::credentials(connection, run))
            .await
    }

    /// The stretch of a run that a client has named.
    pub async fn segment(
        &self,
        scope: &Scope,
        name: &SegmentName,
    ) -> Result<Option<Segment>, ReadError> {
        let (scope, name) = (scope.clone(), name.clone());
        let found = self
            .readers()
            .read(move |connection| read::segment::by_name(connection, &scope, &name))
            .await?;
        Ok(found)
    }

    /// The names of a run's stretches.
    pub async fn segments(&self, run: RunId) -> Result<Vec<(String, String, Seq)>, ReadError> {
        let found = self
            .readers()
            .read(move |connection| read::segment::of_run(connection, run))
            .await?;
        Ok(found)
    }

    /// All keys.
    pub async fn keys(&self, tenant: Option<&Tenant>) -> Result<Vec<Key>, Unavailable> {
        let tenant = tenant.cloned();
        self.readers()
            .read(move |connection| read::access::keys(connection, tenant.as_ref()))
            .await
    }

    /// What a secret allows.
    pub async fn credential(&self, hash: [u8; 32]) -> Result<Option<Credential>, Unavailable> {
        let now = (self.inner.options.clock)();
        self.readers()
            .read(move |connection| read::access::credential(connection, hash, now))
            .await
    }

    /// Bytes that were kept for a run.
    pub async fn blob(&self, run: RunId, hash: [u8; 32]) -> Result<(String, Bytes), ReadError> {
        let found: Option<(String, Vec<u8>)> = self
            .readers()
            .read(move |connection| {
                let mut statement = connection.prepare_cached(
                    "SELECT media_type, bytes FROM run
                     JOIN blob_of_run AS own ON own.run = run.key AND own.hash = ?2
                     JOIN blob ON blob.tenant = own.tenant AND blob.hash = own.hash WHERE run.id = ?1",
                )?;
                let mut found = statement
                    .query_map(rusqlite::params![run.as_bytes(), hash], |row| {
                        Ok((row.get(0)?, row.get(1)?))
                    })?;
                found.next().transpose()
            })
            .await?;
        found
            .map(|(media_type, bytes)| (media_type, Bytes::from(bytes)))
            .ok_or(ReadError::Unknown)
    }

    /// Open runs by state.
    pub async fn counts(&self) -> Result<Counts, Unavailable> {
        self.readers()
            .read(|connection| read::run::counts(connection))
            .await
    }
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
