//! Gives an order to whoever has the store.

use std::io;

use store::{Location, OpenError, Options, Store};

use super::order::{Order, Reply};
use super::socket;
use crate::client::make_directory;
use crate::config::Config;

/// An order that did not reach a store.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdminError {
    /// The server's socket failed.
    #[error("the server does not take the order: {0}")]
    Socket(#[source] io::Error),
    /// The store could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is no place for the data.
    #[error("failed to make the data directory: {0}")]
    Directory(#[source] io::Error),
}

/// Gives an order. `true` when a server carried it out, so that it is still running.
pub(crate) async fn give(config: &Config, order: Order) -> Result<(Reply, bool), AdminError> {
    let given = socket::order(&config.store, &order).await;
    if let Some(reply) = given.map_err(AdminError::Socket)? {
        return Ok((reply, true));
    }
    make_directory(config.data_directory()).map_err(AdminError::Directory)?;
    let options = Options {
        holder: "outlive, for one order".to_owned(),
        ..Options::default()
    };
    let store = Store::open(&Location::Sqlite(config.store.clone()), options).await?;
    let reply = order.perform(&store).await;
    store.close().await;
    Ok((reply, false))
}
