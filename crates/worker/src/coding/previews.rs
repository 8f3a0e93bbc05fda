//! Previews end before the worktree goes that they run in.

use std::time::Duration;

use run::{AgentSpec, By, Command, RunId, Tenant, ThreadId, preview_thread};
use store::{Scope, Store};

use crate::limits::PREVIEW_STOP;

/// Stops the previews in the worktree of a run, and waits for their end, so that no process holds or makes files there.
pub(super) async fn stop_previews(store: &Store, tenant: &Tenant, spec: &AgentSpec, owner: RunId) {
    let scope = Scope::tenant(tenant.clone());
    for name in spec.previews.keys() {
        let thread = preview_thread(owner, name);
        let ended = tokio::time::timeout(PREVIEW_STOP, stop(store, &scope, &thread));
        if ended.await.is_err() {
            let seconds = Duration::as_secs(&PREVIEW_STOP);
            tracing::warn!("preview {name} of run {owner} did not end in {seconds} s");
        }
    }
}

async fn stop(store: &Store, scope: &Scope, thread: &ThreadId) {
    // One that cannot be read or stopped now ends when its directory is gone.
    let Ok(Some(preview)) = store.thread_run(scope, thread).await else {
        return;
    };
    if preview.control.is_final() {
        return;
    }
    let command = Command::Stop {
        by: By::server(),
        why: Some("its worktree is removed".to_owned()),
        superseded_by: None,
    };
    let _ = store.command(scope, preview.id, command).await;
    let Ok(mut follower) = store
        .follow(scope, preview.id, preview.control.last_seq)
        .await
    else {
        return;
    };
    while let Ok(Some(_)) = follower.next().await {}
}
