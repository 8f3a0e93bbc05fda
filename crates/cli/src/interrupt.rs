//! Ctrl-C: the first detaches, the second ends the program at once.

use tokio::sync::watch;

use crate::exit::Exit;

/// Hears Ctrl-C from the moment it is made.
pub(crate) struct Interrupts(watch::Receiver<bool>);

impl Interrupts {
    /// Begins to listen.
    pub(crate) fn listen() -> Self {
        let (heard, receiver) = watch::channel(false);
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_err() {
                // Without a handler Ctrl-C ends the program, which is what is left to do.
                return std::future::pending().await;
            }
            heard.send_replace(true);
            let _ = tokio::signal::ctrl_c().await;
            std::process::exit(Exit::Detached as i32);
        });
        Self(receiver)
    }

    /// Waits for the first one. Cancel-safe.
    pub(crate) async fn heard(&mut self) {
        if self.0.wait_for(|heard| *heard).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
