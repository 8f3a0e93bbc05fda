//! Looks names up and lets only admitted addresses through. What was checked is what gets connected: the HTTP client
//! has no other source of addresses.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::Guard;

/// An answer to a look-up, on its way.
pub(super) type Answer = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Where answers come from: the system, or a test that changes its mind.
pub(super) trait Lookup: fmt::Debug + Send + Sync {
    /// The addresses of a name.
    fn lookup(&self, name: String) -> Answer;
}

/// The system's resolver.
#[derive(Debug)]
pub(super) struct System;

impl Lookup for System {
    fn lookup(&self, name: String) -> Answer {
        // The client puts the port of its request in place of 0.
        Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) })
    }
}

/// The filter above a [`Lookup`].
#[derive(Debug)]
pub(super) struct Resolver(pub(super) Guard);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let host = name.as_str().to_owned();
        let guard = self.0.clone();
        let answer = guard.lookup.lookup(host.clone());
        Box::pin(async move {
            let (admitted, refused): (Vec<_>, Vec<_>) = answer
                .await?
                .into_iter()
                .map(|address| guard.admit(&host, address.ip()).map(|()| address))
                .partition(Result::is_ok);
            if admitted.is_empty()
                && let Some(Err(refused)) = refused.into_iter().next()
            {
                return Err(refused.into());
            }
            Ok(Box::new(admitted.into_iter().flatten()) as Addrs)
        })
    }
}
