//! Secrets of keys and tokens. The store keeps their hashes only; a secret is shown once.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::fresh::hex;

/// The text before a key's random part.
const KEY: &str = "ol_key_";
/// The text before a token's random part.
const TOKEN: &str = "ol_tok_";
/// Random bytes of a secret.
const RANDOM_BYTES: usize = 32;

/// The system gave no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("failed to draw random bytes from the system")]
pub struct NoRandomness;

/// The secret of a key or a token.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A new key's secret.
    pub fn new_key() -> Result<Self, NoRandomness> {
        Self::new(KEY)
    }

    /// A new token's secret.
    pub fn new_token() -> Result<Self, NoRandomness> {
        Self::new(TOKEN)
    }

    fn new(prefix: &str) -> Result<Self, NoRandomness> {
        let mut bytes = [0; RANDOM_BYTES];
        getrandom::fill(&mut bytes).map_err(|_| NoRandomness)?;
        Ok(Self(format!("{prefix}{}", hex(&bytes))))
    }

    /// A secret that somebody brings along; `None` when it cannot be one of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let random = text
            .strip_prefix(KEY)
            .or_else(|| text.strip_prefix(TOKEN))?;
        let fits = random.len() == 2 * RANDOM_BYTES
            && random
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        fits.then(|| Self(text.to_owned()))
    }

    /// What the store keeps. The secret is random and long, so one round without salt is enough.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_reads_back_and_is_never_printed() {
        let secret = Secret::new_key().unwrap();
        assert_eq!(Secret::parse(secret.expose()), Some(secret.clone()));
        assert_eq!(format!("{secret:?}"), "***");
        let token = Secret::new_token().unwrap();
        assert!(token.expose().starts_with("ol_tok_"));
        for other in ["", "ol_key_", "sk-1", &secret.expose().to_uppercase()] {
            assert_eq!(Secret::parse(other), None);
        }
    }
}
