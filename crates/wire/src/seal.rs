//! Sealing: how secrets are encrypted at rest. Pure: the nonce is an argument.
//!
//! The cipher is XChaCha20-Poly1305, whose nonces are long enough to be drawn at random. What a value belongs to is bound
//! to it: sealed bytes that are moved to another tenant, name or run do not open.

use std::fmt;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{Key, KeyInit as _, XChaCha20Poly1305, XNonce};
use run::{RunId, Tenant};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// The variable of the environment that holds the key.
pub const SECRET_KEY_VAR: &str = "OUTLIVE_SECRET_KEY";

/// Bytes of a nonce.
pub const NONCE_BYTES: usize = 24;

/// Bytes of a key.
const KEY_BYTES: usize = 32;

/// Bytes of a key's id, before it is printed.
const KEY_ID_BYTES: usize = 8;

/// The keys of a server: the first one seals, every one opens, so that a key can be replaced.
#[derive(Clone)]
pub struct SealKeys(Vec<SealKey>);

#[derive(Clone)]
struct SealKey {
    id: String,
    key: Zeroizing<[u8; KEY_BYTES]>,
}

/// What a sealed value belongs to.
#[derive(Debug, Clone, Copy)]
pub enum Belongs<'a> {
    /// A secret of a tenant, by its name.
    Secret(&'a Tenant, &'a str),
    /// The credentials of a run.
    Run(&'a Tenant, RunId),
}

/// A value that was sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedValue {
    /// The id of the key.
    pub key_id: String,
    /// The nonce and what was made of the value.
    pub bytes: Vec<u8>,
}

/// A text that is no key. It does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{SECRET_KEY_VAR} must be 32 bytes in base64 or hex, for example from `openssl rand -base64 32`; \
     an old key may follow behind a comma"
)]
pub struct BadSealKey;

/// A sealed value does not open.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unsealable {
    /// It was sealed with a key that is not here.
    #[error("it was sealed with the key {0}, which is not in {SECRET_KEY_VAR}")]
    KeyUnknown(String),
    /// It was changed, or belongs to something else.
    #[error("its bytes were changed, or belong to something else")]
    Broken,
}

impl SealKeys {
    /// Reads keys as the environment gives them: 32 bytes in base64 or hex, old ones behind commas.
    pub fn parse(text: &str) -> Result<Self, BadSealKey> {
        let keys: Result<Vec<SealKey>, BadSealKey> = text.split(',').map(SealKey::parse).collect();
        keys.map(Self)
    }

    /// The id of the key that seals.
    pub fn key_id(&self) -> &str {
        &self.first().id
    }

    /// Whether a key is among them.
    pub fn has(&self, key_id: &str) -> bool {
        self.0.iter().any(|key| key.id == key_id)
    }

    /// Seals a value. The nonce must be random and is never used again.
    pub fn seal(
        &self,
        belongs: Belongs<'_>,
        value: &[u8],
        nonce: [u8; NONCE_BYTES],
    ) -> SealedValue {
        let first = self.first();
        let payload = Payload {
            msg: value,
            aad: &belongs.bytes(),
        };
        let sealed = first.cipher().encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.expect("a value in memory is shorter than the cipher's bound");
        let mut bytes = nonce.to_vec();
        bytes.extend_from_slice(&sealed);
        SealedValue {
            key_id: first.id.clone(),
            bytes,
        }
    }

    /// Opens a value.
    pub fn open(
        &self,
        belongs: Belongs<'_>,
        key_id: &str,
        bytes: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Unsealable> {
        let key = self.0.iter().find(|key| key.id == key_id);
        let key = key.ok_or_else(|| Unsealable::KeyUnknown(key_id.to_owned()))?;
        let (nonce, sealed) = bytes
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or(Unsealable::Broken)?;
        let payload = Payload {
            msg: sealed,
            aad: &belongs.bytes(),
        };
        let opened = key.cipher().decrypt(&XNonce::from(*nonce), payload);
        opened.map(Zeroizing::new).map_err(|_| Unsealable::Broken)
    }

    fn first(&self) -> &SealKey {
        self.0.first().expect("a split text has a first piece")
    }
}

/// The ids alone.
impl fmt::Debug for SealKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|key| &key.id))
            .finish()
    }
}

impl SealKey {
    fn parse(text: &str) -> Result<Self, BadSealKey> {
        let text = text.trim();
        let bytes = Zeroizing::new(if text.len() == 2 * KEY_BYTES {
            unhex(text).ok_or(BadSealKey)?
        } else {
            let unpadded = text.trim_end_matches('=');
            BASE64_STANDARD
                .decode(text)
                .or_else(|_| BASE64_URL_SAFE_NO_PAD.decode(unpadded))
                .map_err(|_| BadSealKey)?
        });
        let key: [u8; KEY_BYTES] = bytes.as_slice().try_into().map_err(|_| BadSealKey)?;
        let key = Zeroizing::new(key);
        let mut hash = Sha256::new();
        hash.update(b"outlive key id\0");
        hash.update(*key);
        let id: [u8; 32] = hash.finalize().into();
        let id = id[..KEY_ID_BYTES]
            .iter()
            .fold(String::new(), |mut id, byte| {
                use fmt::Write as _;
                let _ = write!(id, "{byte:02x}");
                id
            });
        Ok(Self { id, key })
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&Key::from(*self.key))
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|digit| u8::try_from(digit.to_digit(16)?).ok())
        .collect();
    Some(
        digits?
            .chunks(2)
            .map(|pair| pair[0] << 4 | pair[1])
            .collect(),
    )
}

impl Belongs<'_> {
    /// What is bound to a value: no two of these are alike, because each piece is preceded by its length.
    fn bytes(self) -> Vec<u8> {
        let run;
        let pieces: [&[u8]; 3] = match self {
            Self::Secret(tenant, name) => [b"secret", tenant.as_str().as_bytes(), name.as_bytes()],
            Self::Run(tenant, id) => {
                run = *id.as_bytes();
                [b"run", tenant.as_str().as_bytes(), &run]
            }
        };
        let mut bytes = Vec::new();
        for piece in pieces {
            bytes.extend_from_slice(&(piece.len() as u64).to_be_bytes());
            bytes.extend_from_slice(piece);
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
    const BASE64: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    const OTHER: &str = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    fn tenant(name: &str) -> Tenant {
        Tenant::parse(name).unwrap()
    }

    #[test]
    fn a_key_is_base64_or_hex_of_32_bytes_and_its_text_is_never_shown() {
        let hex = SealKeys::parse(HEX).unwrap();
        for text in [
            BASE64,
            BASE64.trim_end_matches('='),
            &format!(" {}\n", HEX.to_uppercase()),
        ] {
            assert_eq!(SealKeys::parse(text).unwrap().key_id(), hex.key_id());
        }
        for text in [
            "",
            "abc",
            &HEX[2..],
            &HEX.replace('0', "g"),
            &format!("{HEX},x"),
        ] {
            let error = SealKeys::parse(text).unwrap_err();
            assert!(text.len() < 3 || !error.to_string().contains(text));
        }
        let shown = format!("{hex:?}");
        assert_eq!(shown, format!("[{:?}]", hex.key_id()));
        assert!(!HEX.contains(hex.key_id()));
    }

    /// Seals for a tenant's secret; opens as something that may be something else.
    #[track_caller]
    fn check(
        open_with: &str,
        as_if: Belongs<'_>,
        change: usize,
        expected: Result<&(), &Unsealable>,
    ) {
        let tenant = tenant("a");
        let keys = SealKeys::parse(HEX).unwrap();
        let mut sealed = keys.seal(Belongs::Secret(&tenant, "n"), b"sk-value", [7; NONCE_BYTES]);
        assert!(!sealed.bytes.windows(8).any(|window| window == b"sk-value"));
        if let Some(byte) = sealed.bytes.get_mut(change) {
            *byte ^= 1;
        }
        let opened = SealKeys::parse(open_with)
            .unwrap()
            .open(as_if, &sealed.key_id, &sealed.bytes);
        let opened = opened.map(|value| assert_eq!(&value[..], b"sk-value"));
        assert_eq!(opened.as_ref(), expected);
    }

    #[test]
    fn a_value_opens_only_where_it_belongs_and_as_it_was() {
        let (a, b) = (tenant("a"), tenant("b"));
        let unchanged = usize::MAX;
        let here = Belongs::Secret(&a, "n");
        check(HEX, here, unchanged, Ok(&()));
        check(&format!("{OTHER},{HEX}"), here, unchanged, Ok(&()));
        let key_id = SealKeys::parse(HEX).unwrap().key_id().to_owned();
        check(OTHER, here, unchanged, Err(&Unsealable::KeyUnknown(key_id)));
        let run = RunId::from_bytes([0; 16]);
        for elsewhere in [
            Belongs::Secret(&b, "n"),
            Belongs::Secret(&a, "m"),
            Belongs::Run(&a, run),
        ] {
            check(HEX, elsewhere, unchanged, Err(&Unsealable::Broken));
        }
        for byte in 0..NONCE_BYTES + 24 {
            check(HEX, here, byte, Err(&Unsealable::Broken));
        }
    }

    #[test]
    fn bytes_that_are_too_short_do_not_open() {
        let keys = SealKeys::parse(HEX).unwrap();
        let a = tenant("a");
        for n in [0, 1, NONCE_BYTES, NONCE_BYTES + 15] {
            let opened = keys.open(Belongs::Secret(&a, "n"), keys.key_id(), &vec![0; n]);
            assert_eq!(opened.err(), Some(Unsealable::Broken));
        }
    }
}
