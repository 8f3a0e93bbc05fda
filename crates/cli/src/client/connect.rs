//! Which server a verb talks to.

use std::path::PathBuf;

use super::announce::Announcement;
use super::calls::Client;
use super::error::ClientError;
use crate::config::{Config, Surroundings};

/// No server was named and none is there.
#[derive(Debug, thiserror::Error)]
#[error(
    "no server is running on {}; `outlive serve` starts one, and so does `outlive run`",
    store.display()
)]
pub(crate) struct NoServer {
    /// The store that it would serve.
    pub(crate) store: PathBuf,
}

/// A server and how it was found, so that it can be found again.
pub(crate) struct Connection {
    /// The server.
    pub(crate) client: Client,
    key: Option<String>,
    /// The store whose server it is; none when an address was given.
    store: Option<PathBuf>,
}

impl Connection {
    /// The server that is named by a flag or a variable.
    pub(crate) fn named(
        flag: Option<&str>,
        surroundings: &Surroundings,
    ) -> Option<Result<Self, ClientError>> {
        let url = flag.or_else(|| surroundings.var("OUTLIVE_URL"))?;
        let key = key(surroundings);
        Some(Client::new(url, key.clone()).map(|client| Self {
            client,
            key,
            store: None,
        }))
    }

    /// The server that runs on a store.
    pub(crate) async fn of_store(
        config: &Config,
        surroundings: &Surroundings,
    ) -> Result<Option<(Self, Announcement)>, ClientError> {
        let key = key(surroundings);
        match Announcement::find(&config.store, key.as_deref()).await {
            Some(said) => Ok(Some((Self::to(&said, key)?, said))),
            None => Ok(None),
        }
    }

    /// The server that announced itself.
    pub(crate) fn to(said: &Announcement, key: Option<String>) -> Result<Self, ClientError> {
        Ok(Self {
            client: Client::new(&said.url, key.clone())?,
            key,
            store: Some(said.store.clone()),
        })
    }

    /// Looks where the server is now: after a restart it may be elsewhere.
    pub(crate) fn look_again(&mut self) {
        let said = self.store.as_deref().and_then(Announcement::read);
        let moved = said.filter(|said| said.url != self.client.url());
        if let Some(client) = moved.and_then(|said| Client::new(&said.url, self.key.clone()).ok()) {
            self.client = client;
        }
    }
}

/// The key of the environment. A flag would show it to everybody on the machine.
pub(crate) fn key(surroundings: &Surroundings) -> Option<String> {
    let key = surroundings.var("OUTLIVE_KEY");
    // In the process of an agent, its token.
    key.or_else(|| surroundings.var(wire::CHILD_TOKEN_VAR))
        .map(str::to_owned)
}
