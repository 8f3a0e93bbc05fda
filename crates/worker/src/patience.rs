//! Asking the store until it answers.

use std::fmt::Display;

use store::{FollowError, ReadError, StartError, Unavailable};

use crate::context::{Context, Over};
use crate::pause::Pause;

/// Why the store has not done what it was asked for.
pub(crate) trait Refusal: Display {
    /// Whether it cannot answer now: asking again may help.
    fn is_unavailable(&self) -> bool;
}

impl Refusal for Unavailable {
    fn is_unavailable(&self) -> bool {
        true
    }
}

impl Refusal for ReadError {
    fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl Refusal for StartError {
    fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl Refusal for FollowError {
    fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

impl Context {
    /// Asks the store until it answers or refuses, or the attempt is over. `what` reads after "failed to".
    pub(crate) async fn asked<T, E: Refusal, F>(
        &self,
        what: &str,
        ask: impl Fn() -> F,
    ) -> Result<Result<T, E>, Over>
    where
        F: Future<Output = Result<T, E>>,
    {
        let mut pause = Pause::new();
        loop {
            match ask().await {
                Err(error) if error.is_unavailable() => {
                    let run = self.run().id;
                    tracing::warn!(run.id = %run, %error, "failed to {what} for run {run}, trying again: {error}");
                    self.sleep(pause.next()).await?;
                }
                answer => return Ok(answer),
            }
        }
    }
}
