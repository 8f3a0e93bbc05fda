//! Where requests may go.
//!
//! A model, or a page that it reads, must not reach what only this machine's network can reach. So a request goes to
//! public addresses, and to others only where an operator has allowed them by name. Checked are the address in a URL,
//! each address that a name resolves to (by the resolver that the connection itself uses, so that an answer cannot
//! change in between), and each redirect. Proxies of the environment would look names up on their own and are not used.
//!
//! **A request never carries anything to another origin**: a redirect there is not followed but given back as it came.

mod address;
mod resolver;
mod rule;

use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;

use reqwest::{ClientBuilder, Url, redirect};

use crate::limits;
use resolver::{Lookup, Resolver, System};
use rule::Allowed;

pub use address::AddressKind;
pub use rule::BadRule;

/// Why a request may not go where it wants to. The text is for the model and for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Its address is not public.
    #[error(
        "address {address} of host {host} is {kind}; an operator can allow it with allow_hosts"
    )]
    Address {
        /// The host as the URL names it.
        host: String,
        /// Its address.
        address: IpAddr,
        /// What that is.
        kind: AddressKind,
    },
    /// Its scheme is another one.
    #[error("only http and https can be requested, not {scheme}")]
    Scheme {
        /// The scheme.
        scheme: String,
    },
    /// It has a user or a password.
    #[error("an address with a user or a password in it is not requested")]
    Credentials,
    /// It redirects too often.
    #[error("more than {limit} redirects", limit = limits::REDIRECTS)]
    Redirects,
}

impl Refused {
    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Address { .. } => "address_refused",
            Self::Scheme { .. } | Self::Credentials => "url_refused",
            Self::Redirects => "too_many_redirects",
        }
    }

    /// Finds the guard's refusal behind an error, for example behind that of an HTTP client.
    pub fn behind<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        let mut cause = Some(error);
        while let Some(error) = cause {
            if let Some(refused) = error.downcast_ref() {
                return Some(refused);
            }
            cause = error.source();
        }
        None
    }
}

/// Decides where requests may go. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Guard {
    allowed: Allowed,
    lookup: Arc<dyn Lookup>,
}

impl Guard {
    /// Lets requests go to public addresses and to what `allow` lists: host names (`localhost`, `*.example.com`: all
    /// that they resolve to), addresses and networks.
    ///
    /// # Errors
    /// An entry that cannot be meant.
    pub fn new(allow: &[impl AsRef<str>]) -> Result<Self, BadRule> {
        Ok(Self {
            allowed: Allowed::new(allow)?,
            lookup: Arc::new(System),
        })
    }

    /// Checks a URL before it is requested: its scheme, and its host where that is an address. A name is checked when
    /// it is looked up.
    ///
    /// # Errors
    /// Why it may not be requested.
    pub fn check(&self, url: &Url) -> Result<(), Refused> {
        if !matches!(url.scheme(), "http" | "https") {
            let scheme = url.scheme().to_owned();
            return Err(Refused::Scheme { scheme });
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused::Credentials);
        }
        let host = url.host_str().unwrap_or_default();
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        match bare.parse() {
            Ok(address) => self.admit(host, address),
            Err(_) => Ok(()),
        }
    }

    /// What a client must be built on so that the guard holds. Such a client looks names up through the guard and
    /// follows redirects within an origin; **a URL must pass [`Guard::check`] before it is given to it**.
    pub fn client_builder(&self) -> ClientBuilder {
        let guard = self.clone();
        let follow = redirect::Policy::custom(move |attempt| {
            if attempt.previous().len() > limits::REDIRECTS {
                return attempt.error(Refused::Redirects);
            }
            if let Err(refused) = guard.check(attempt.url()) {
                return attempt.error(refused);
            }
            let is_within = attempt
                .previous()
                .last()
                .is_some_and(|last| last.origin() == attempt.url().origin());
            if is_within {
                attempt.follow()
            } else {
                attempt.stop()
            }
        });
        reqwest::Client::builder()
            .dns_resolver(Resolver(self.clone()))
            .redirect(follow)
            .no_proxy()
            .referer(false)
            .connect_timeout(limits::CONNECT_TIMEOUT)
            .user_agent(concat!("outlive/", env!("CARGO_PKG_VERSION")))
    }

    /// A client under this guard, for `http_fetch` and for MCP servers.
    ///
    /// # Errors
    /// TLS cannot be set up.
    pub fn client(&self) -> Result<GuardedClient, reqwest::Error> {
        Ok(GuardedClient {
            http: self.client_builder().build()?,
            guard: self.clone(),
        })
    }

    fn admit(&self, host: &str, address: IpAddr) -> Result<(), Refused> {
        let kind = address::kind(address);
        if kind == AddressKind::Public || self.allowed.admits(host, address, kind) {
            return Ok(());
        }
        Err(Refused::Address {
            host: host.to_owned(),
            address,
            kind,
        })
    }
}

/// An HTTP client together with the guard that it is under. Cheap to clone.
#[derive(Debug, Clone)]
pub struct GuardedClient {
    pub(crate) http: reqwest::Client,
    pub(crate) guard: Guard,
}

#[cfg(test)]
mod tests;
