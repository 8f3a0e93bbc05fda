//! Previews end before the worktree goes that they run in.

use run::{By, Command, RunId};
use store::{RunRecord, Scope, Store};
use tokio::time::timeout;

use crate::limits::PREVIEW_STOP;

/// Stops the previews in the worktree of a run, and waits for their end, so that no process holds or makes files there.
pub(super) async fn stop_previews(store: &Store, owner: RunId) {
    // One that cannot be found or stopped now ends when its directory is gone.
    let Ok(previews) = store.open_previews(owner).await else {
        return;
    };
    for preview in previews {
        if timeout(PREVIEW_STOP, stop(store, &preview)).await.is_err() {
            let seconds = PREVIEW_STOP.as_secs();
            tracing::warn!(
                "preview {} of run {owner} did not end in {seconds} s",
                preview.id
            );
        }
    }
}

async fn stop(store: &Store, preview: &RunRecord) {
    let scope = Scope::tenant(preview.tenant.clone());
    let command = Command::Stop {
        by: By::server(),
        why: Some("its worktree is removed".to_owned()),
        superseded_by: None,
    };
    let _ = store.command(&scope, preview.id, command).await;
    let after = preview.control.last_seq;
    let Ok(mut follower) = store.follow(&scope, preview.id, after).await else {
        return;
    };
    while let Ok(Some(_)) = follower.next().await {}
}
