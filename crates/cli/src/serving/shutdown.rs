//! When a server is to end.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::exit::Exit;

/// Cancels the token at SIGTERM or SIGINT, or at the end of standard input if a parent is to be outlived by nothing. A
/// second signal ends the process at once. SIGHUP does nothing: a terminal that closes is no reason to end.
pub(crate) fn listen_for_shutdown(with_parent: bool) -> io::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let shutdown = CancellationToken::new();
    let token = shutdown.clone();
    tokio::spawn(async move {
        let mut hears_parent = with_parent;
        let mut parent = std::pin::pin!(parent_gone());
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
                () = &mut parent, if hears_parent => hears_parent = false,
                _ = hang_up.recv() => continue,
            }
            if token.is_cancelled() {
                tracing::warn!("told twice to end, so runs under way are left to the next server");
                std::process::exit(Exit::Failed as i32);
            }
            tracing::info!("ending: nothing new is taken, runs under way are handed over");
            token.cancel();
        }
    });
    Ok(shutdown)
}

/// Completes when nobody can write to our standard input any more. The read has a thread that nobody waits for: one of
/// the runtime's would keep it from ending.
async fn parent_gone() {
    let (gone, parent) = oneshot::channel();
    let reader = std::thread::Builder::new().name("parent".to_owned());
    let spawned = reader.spawn(move || {
        let _ = io::copy(&mut io::stdin().lock(), &mut io::sink());
        let _ = gone.send(());
    });
    match spawned {
        Ok(_) => drop(parent.await),
        Err(error) => {
            tracing::warn!("failed to watch the parent: {error}");
            std::future::pending::<()>().await;
        }
    }
}

/// Leaves the terminal's session, so that nothing that happens there reaches this process.
pub(crate) fn leave_terminal() {
    // Fails only for the leader of a group, who has no terminal to leave that matters here.
    if let Err(error) = rustix::process::setsid() {
        tracing::debug!("failed to begin a session: {error}");
    }
}
