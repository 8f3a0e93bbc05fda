//! What is kept of the files of a run: a checkpoint at the end of each turn, what changed in the turn, and what changed in all.

use bytes::Bytes;
use run::event::{CheckpointCaptured, DiffUpdated, FileChange, Notice, NoticeLevel};
use run::{CheckpointId, Event};
use worktree::{
    Bounds, ChangeKind, Changes, Checkout, Checkpoint, Error, Note, ObjectId, Point, Worktree,
};

use crate::context::{Context, Over};
use crate::limits::{DIFF_BYTES, DIFF_FILES};

/// Files under git.
pub(super) struct InGit {
    pub(super) checkout: Checkout,
    /// None for the repository as it is checked out.
    pub(super) worktree: Option<Worktree>,
    pub(super) base: Option<ObjectId>,
    /// The last checkpoint of this run, by which the next one is compared.
    pub(super) last: Option<u32>,
}

/// Why something was not kept.
pub(super) enum Unkept {
    Git(Error),
    Over(Over),
}

impl From<Error> for Unkept {
    fn from(error: Error) -> Self {
        Self::Git(error)
    }
}

impl From<Over> for Unkept {
    fn from(over: Over) -> Self {
        Self::Over(over)
    }
}

impl InGit {
    /// Keeps the state of the files.
    pub(super) async fn capture(
        &mut self,
        context: &Context,
    ) -> Result<(CheckpointId, Vec<Event>), Unkept> {
        let captured = self.checkout.capture(Bounds::default()).await?;
        let mut events = noted(captured.notes);
        let number = captured.checkpoint.number;
        events.push(self.captured(context, captured.checkpoint).await?);
        events.push(self.total(context, number).await?);
        Ok((CheckpointId::nth(number), events))
    }

    /// Gives the files the state of a checkpoint, and says under which one the present state is kept.
    pub(super) async fn restore(
        &mut self,
        context: &Context,
        number: u32,
        with_branch: bool,
    ) -> Result<(CheckpointId, Vec<Event>), Unkept> {
        let restored = match &self.worktree {
            Some(worktree) if with_branch => {
                worktree
                    .restore_with_head(number, Bounds::default())
                    .await?
            }
            Some(_) | None => self.checkout.restore(number, Bounds::default()).await?,
        };
        let before = restored.before;
        let kept = CheckpointId::nth(before.checkpoint.number);
        let mut events = noted(before.notes);
        events.push(self.captured(context, before.checkpoint).await?);
        events.push(self.total(context, number).await?);
        Ok((kept, events))
    }

    /// What a checkpoint holds beside the one before.
    async fn captured(
        &mut self,
        context: &Context,
        checkpoint: Checkpoint,
    ) -> Result<Event, Unkept> {
        let number = checkpoint.number;
        let before = self
            .last
            .map_or_else(|| self.beginning(), Point::Checkpoint);
        let (n_files, diff) = self.diff(context, &before, number).await?;
        self.last = Some(number);
        let captured = CheckpointCaptured {
            checkpoint: CheckpointId::nth(number),
            git_ref: checkpoint.reference,
            files: n_files,
            status: "captured".to_owned(),
            diff: Some(diff),
        };
        Ok(captured.into())
    }

    /// What a checkpoint holds beside the beginning. In a shared checkout the first state is what others left there: only a
    /// worktree has a beginning of its own.
    async fn total(&self, context: &Context, number: u32) -> Result<Event, Unkept> {
        let (_, diff) = self.diff(context, &self.beginning(), number).await?;
        Ok(diff.into())
    }

    /// How many files a checkpoint has changed since then, and which, with the text of it kept.
    async fn diff(
        &self,
        context: &Context,
        since: &Point,
        number: u32,
    ) -> Result<(u64, DiffUpdated), Unkept> {
        let (repository, run) = (self.checkout.repository(), self.checkout.run());
        let now = Point::Checkpoint(number);
        let changes = repository.changes(run, since, &now).await?;
        let text = repository.diff(run, since, &now, DIFF_BYTES).await?;
        let bytes = Bytes::from(text.text.into_bytes());
        let record = context.run();
        let put = || {
            let media_type = "text/x-diff; charset=utf-8";
            context
                .store
                .put_blob(&record.tenant, record.id, media_type, bytes.clone())
        };
        let kept = context.asked("keep the diff", put).await?;
        let kept = kept.ok().map(|hash| crate::looping::hex(&hash));
        Ok((count(changes.files), updated(changes, kept, text.truncated)))
    }

    fn beginning(&self) -> Point {
        self.base.clone().map_or(Point::Nothing, Point::Commit)
    }
}

fn updated(changes: Changes, blob: Option<String>, truncated: bool) -> DiffUpdated {
    let n_files = count(changes.files);
    let named = changes.list.into_iter().take(DIFF_FILES);
    let files: Vec<FileChange> = named
        .map(|change| FileChange {
            path: change.path,
            change: match change.kind {
                ChangeKind::Added => "added",
                ChangeKind::Deleted => "deleted",
                ChangeKind::Modified | ChangeKind::Retyped => "modified",
                ChangeKind::Renamed => "renamed",
            }
            .to_owned(),
            additions: change.additions,
            deletions: change.deletions,
        })
        .collect();
    DiffUpdated {
        n_files: (n_files != count(files.len())).then_some(n_files),
        files,
        additions: changes.additions,
        deletions: changes.deletions,
        blob,
        truncated,
    }
}

/// What git says beside the result.
pub(super) fn noted(notes: Vec<Note>) -> Vec<Event> {
    let notes = notes.into_iter().map(|note| {
        let text = format!("{note:?}");
        Notice::new(NoticeLevel::Info, "files_left_out", text).into()
    });
    notes.collect()
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
