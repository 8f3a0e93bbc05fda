//! The caller of a request.

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use run::{By, RunId, ThreadId};
use sha2::{Digest as _, Sha256};
use store::{Credential, Right, RunRecord, Scope, Target};
use wire::{ChildToken, Code};

use super::{Opening, Secret, child};
use crate::error::Error;
use crate::{App, Mode};

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) scope: Scope,
    /// What the credential is; none on an open server.
    credential: Option<Credential>,
    hash: Option<[u8; 32]>,
    /// The thread of the run whose child asks.
    card: Option<ThreadId>,
}

/// The caller of an event route, whose token may stand in the query: `EventSource` cannot set headers.
pub(crate) struct StreamCaller(pub(crate) Caller);

impl Caller {
    fn local() -> Self {
        Self {
            scope: Scope::local(),
            credential: None,
            hash: None,
            card: None,
        }
    }

    /// The child of a run.
    async fn child(app: &App, token: &str, parts: &Parts) -> Result<Self, Error> {
        let run = child::run_of(app, token, parts).await?;
        Ok(Self {
            scope: Scope::tenant(run.tenant.clone()),
            credential: Some(Credential {
                key: None,
                tenant: run.tenant,
                user: None,
                rights: vec![Right::Read],
                agents: Some(Vec::new()),
                target: Some(Target::Run(run.id)),
                expires_at: None,
            }),
            hash: Some(Sha256::digest(token.as_bytes()).into()),
            card: Some(run.thread),
        })
    }

    async fn of(app: &App, secret: Option<&str>, parts: &Parts) -> Result<Self, Error> {
        if let Some(token) = secret.filter(|secret| ChildToken::is_meant(secret)) {
            return Self::child(app, token, parts).await;
        }
        match app.settings.mode {
            Mode::Open => return Ok(Self::local()),
            Mode::Keys => {}
        }
        let secret = secret.ok_or_else(|| {
            Error::new(
                Code::CredentialMissing,
                "the request needs `Authorization: Bearer` with a key or a token",
            )
        })?;
        let unknown = || {
            Error::new(
                Code::CredentialUnknown,
                "the key or token is unknown, revoked or over",
            )
        };
        let hash = Secret::parse(secret).ok_or_else(unknown)?.hash();
        let credential = app.store.credential(hash).await?.ok_or_else(unknown)?;
        Ok(Self {
            scope: Scope {
                tenant: credential.tenant.clone(),
                user: credential.user.clone(),
            },
            credential: Some(credential),
            hash: Some(hash),
            card: None,
        })
    }

    /// Refuses what the credential does not allow.
    pub(crate) fn may(&self, right: Right) -> Result<(), Error> {
        let allowed = self
            .credential
            .as_ref()
            .is_none_or(|credential| credential.rights.contains(&right));
        if allowed {
            Ok(())
        } else {
            Err(Error::not_allowed(right))
        }
    }

    /// The same, but for the child of a run: what it may ask for at all, it may do.
    pub(crate) fn may_or_is_child(&self, right: Right) -> Result<(), Error> {
        match self.card {
            Some(_) => Ok(()),
            None => self.may(right),
        }
    }

    /// All that the credential allows.
    pub(crate) fn rights(&self) -> &[Right] {
        match &self.credential {
            Some(credential) => &credential.rights,
            None => &Right::ALL,
        }
    }

    /// The name of its key; none on an open server.
    pub(crate) fn key(&self) -> Option<&str> {
        self.credential.as_ref()?.key.as_deref()
    }

    /// The agents it may start; all if missing.
    pub(crate) fn agents(&self) -> Option<&[String]> {
        self.credential.as_ref()?.agents.as_deref()
    }

    /// Whether it may start this agent.
    pub(crate) fn may_start(&self, agent: &str) -> bool {
        self.agents()
            .is_none_or(|agents| agents.iter().any(|allowed| allowed == agent))
    }

    /// What the credential is for, if not for everything in its scope.
    pub(crate) fn target(&self) -> Option<&Target> {
        self.credential.as_ref()?.target.as_ref()
    }

    /// Refuses a credential that is for one run or thread.
    pub(crate) fn is_general(&self) -> Result<(), Error> {
        match self.target() {
            None => Ok(()),
            Some(_) => Err(Error::new(
                Code::NotAllowed,
                "the token is for one run or thread and cannot list or make others",
            )),
        }
    }

    /// Whether the credential reaches a run.
    pub(crate) fn reaches(&self, run: &RunRecord) -> bool {
        match self.target() {
            None => true,
            Some(Target::Run(id)) => *id == run.id,
            Some(Target::Thread(thread)) => *thread == run.thread,
        }
    }

    /// Refuses, as unknown, a run that the credential is not for. The scope is the store's to check.
    pub(crate) async fn reach(&self, app: &App, run: RunId) -> Result<(), Error> {
        let reached = match self.target() {
            None => true,
            Some(Target::Run(id)) => *id == run,
            Some(Target::Thread(thread)) => {
                app.store.run(&self.scope, run).await?.thread == *thread
            }
        };
        if reached {
            Ok(())
        } else {
            Err(Error::not_found())
        }
    }

    /// Refuses, as unknown, a thread that the credential is not for.
    pub(crate) fn reach_thread(&self, thread: &ThreadId) -> Result<(), Error> {
        match self.target() {
            None => Ok(()),
            Some(Target::Thread(own)) if own == thread => Ok(()),
            Some(Target::Run(_)) if self.card.as_ref() == Some(thread) => Ok(()),
            Some(Target::Thread(_) | Target::Run(_)) => Err(Error::not_found()),
        }
    }

    /// How the log names it.
    pub(crate) fn by(&self) -> By {
        if self.card.is_some() {
            return By("agent".to_owned());
        }
        let user = self.scope.user.as_ref();
        By(user.map_or("client", |user| user.as_str()).to_owned())
    }

    /// Opens one more stream of it.
    pub(crate) fn open_stream(&self, app: &App) -> Result<Opening, Error> {
        if app.closing.is_cancelled() {
            return Err(Error::new(Code::ShuttingDown, "the server is going down"));
        }
        app.openings
            .open(self.hash, app.settings.limits.streams_per_credential)
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        Self::of(app, bearer(parts)?, parts).await
    }
}

impl FromRequestParts<App> for StreamCaller {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let secret = match bearer(parts)? {
            Some(secret) => Some(secret),
            None => query_token(parts),
        };
        Caller::of(app, secret, parts).await.map(Self)
    }
}

fn bearer(parts: &Parts) -> Result<Option<&str>, Error> {
    let Some(header) = parts.headers.get(AUTHORIZATION) else {
        return Ok(None);
    };
    let bearer = header.to_str().ok().and_then(|text| {
        let (scheme, secret) = text.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim())
    });
    match bearer {
        Some(secret) => Ok(Some(secret)),
        None => Err(Error::new(
            Code::CredentialUnknown,
            "the Authorization header must be `Bearer` and a key or token",
        )),
    }
}

/// Our secrets need no percent-encoding, so the query needs no decoding.
fn query_token(parts: &Parts) -> Option<&str> {
    let query = parts.uri.query()?;
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix("token="))
}
