//! Secrets of tenants and credentials of runs. The store keeps them sealed and has no key.

use std::fmt;

use bytes::Bytes;
use run::Timestamp;
use sha2::{Digest as _, Sha256};

/// Bytes that only those can read who have the key.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Which key seals them.
    pub key_id: String,
    /// The bytes.
    pub bytes: Bytes,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed")
            .field("key_id", &self.key_id)
            .field("bytes", &self.bytes.len())
            .finish()
    }
}

/// Random bytes that belong to the data.
#[derive(Clone, PartialEq, Eq)]
pub struct DataSecret([u8; 32]);

impl DataSecret {
    /// The secret of a text in the data.
    pub(crate) fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }

    /// The bytes themselves.
    pub fn reveal(&self) -> [u8; 32] {
        self.0
    }
}

impl fmt::Debug for DataSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// A secret of a tenant, without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretEntry {
    /// Its name, unique in the tenant.
    pub name: String,
    /// When it was last written.
    pub updated_at: Timestamp,
    /// Which key seals it.
    pub key_id: String,
}
