//! What can be ordered, and how it is carried out.

use std::path::PathBuf;

use http::Secret;
use run::{Tenant, Timestamp, User};
use serde::{Deserialize, Serialize};
use store::{Key, NewKey, Right, Store};

/// An order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum Order {
    /// Write a consistent copy to a new file.
    Backup {
        /// The file.
        to: PathBuf,
    },
    /// Make a key.
    CreateKey {
        /// Its name.
        name: String,
        /// Whose data it opens.
        tenant: Tenant,
        /// The one user it acts as.
        user: Option<User>,
        /// What it allows.
        rights: Vec<Right>,
        /// The agents it may start; all if missing.
        agents: Option<Vec<String>>,
    },
    /// List the keys.
    ListKeys,
    /// End a key.
    RevokeKey {
        /// Its name.
        name: String,
        /// Its tenant.
        tenant: Tenant,
    },
}

/// What came of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reply", rename_all = "snake_case")]
pub(crate) enum Reply {
    /// It is done.
    Done,
    /// There is a key; its secret is shown this once.
    KeyCreated {
        /// The secret.
        secret: String,
    },
    /// The keys.
    Keys {
        /// One by one.
        keys: Vec<KeyLine>,
    },
    /// It cannot be done.
    Refused {
        /// Why.
        why: String,
    },
}

/// A key as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeyLine {
    /// Its name.
    pub(crate) name: String,
    /// Whose data it opens.
    pub(crate) tenant: Tenant,
    /// The one user it acts as.
    pub(crate) user: Option<User>,
    /// What it allows.
    pub(crate) rights: Vec<Right>,
    /// The agents it may start; all if missing.
    pub(crate) agents: Option<Vec<String>>,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// When it was revoked.
    pub(crate) revoked_at: Option<Timestamp>,
}

impl From<Key> for KeyLine {
    fn from(key: Key) -> Self {
        Self {
            name: key.name,
            tenant: key.tenant,
            user: key.user,
            rights: key.rights,
            agents: key.agents,
            created_at: key.created_at,
            revoked_at: key.revoked_at,
        }
    }
}

impl Order {
    /// Carries it out.
    pub(super) async fn perform(self, store: &Store) -> Reply {
        let refused = |why: String| Reply::Refused { why };
        match self {
            Self::Backup { to } => match store.backup(&to).await {
                Ok(()) => Reply::Done,
                Err(why) => refused(why.message),
            },
            Self::CreateKey {
                name,
                tenant,
                user,
                rights,
                agents,
            } => {
                let Ok(secret) = Secret::new_key() else {
                    return refused("failed to draw random bytes".to_owned());
                };
                let key = NewKey {
                    name: name.clone(),
                    hash: secret.hash(),
                    tenant,
                    user,
                    rights,
                    agents,
                };
                match store.create_key(key).await {
                    Ok(true) => Reply::KeyCreated {
                        secret: secret.expose().to_owned(),
                    },
                    Ok(false) => refused(format!("there is a key {name} already")),
                    Err(why) => refused(why.to_string()),
                }
            }
            Self::ListKeys => match store.keys(None).await {
                Ok(keys) => Reply::Keys {
                    keys: keys.into_iter().map(KeyLine::from).collect(),
                },
                Err(why) => refused(why.to_string()),
            },
            Self::RevokeKey { name, tenant } => match store.revoke_key(&tenant, &name).await {
                Ok(true) => Reply::Done,
                Ok(false) => refused(format!("there is no key {name}")),
                Err(why) => refused(why.to_string()),
            },
        }
    }
}
