//! Tokens for the processes of coding agents: what `OUTLIVE_TOKEN` holds in their environment. Nothing is stored: a token is
//! the run's id with a code that only who has the key of the data can compute, so any server on the same data knows it, also
//! after a restart. It says of which run it is; whether that run still lives is asked at each use.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use run::RunId;
use sha2::Sha256;
use zeroize::Zeroizing;

/// The variable of a child's environment that holds its token.
pub const CHILD_TOKEN_VAR: &str = "OUTLIVE_TOKEN";

/// The text before the id of the run.
const PREFIX: &str = "ol_run_";
/// What the code is computed of beside the run, so that it is good for nothing else.
const PURPOSE: &[u8] = b"outlive token of a run's child\0";
/// Hex digits of a run's id.
const ID_DIGITS: usize = 32;
/// Hex digits of a code.
const CODE_DIGITS: usize = 64;

/// The token of one run's children.
#[derive(Clone, PartialEq, Eq)]
pub struct ChildToken(String);

/// What tokens are computed with.
#[derive(Clone)]
pub struct ChildKey(Zeroizing<[u8; 32]>);

impl ChildKey {
    /// The key of a store.
    pub fn new(key: [u8; 32]) -> Self {
        Self(Zeroizing::new(key))
    }

    /// The token of a run.
    pub fn token(&self, run: RunId) -> ChildToken {
        let code = self.code(run).finalize().into_bytes();
        ChildToken(format!("{PREFIX}{}{}", hex(run.as_bytes()), hex(&code)))
    }

    /// The run of a token; nothing when it is none of this key.
    pub fn read(&self, token: &str) -> Option<RunId> {
        let digits = token.strip_prefix(PREFIX)?;
        let (id, code) = digits.split_at_checked(ID_DIGITS)?;
        let id: [u8; ID_DIGITS / 2] = unhex(id)?;
        let code: [u8; CODE_DIGITS / 2] = unhex(code)?;
        let run = RunId::from_bytes(id);
        self.code(run).verify_slice(&code).ok()?;
        Some(run)
    }

    fn code(&self, run: RunId) -> Hmac<Sha256> {
        let code = Hmac::<Sha256>::new_from_slice(&self.0[..]);
        let mut code = code.expect("a key may have any length");
        code.update(PURPOSE);
        code.update(run.as_bytes());
        code
    }
}

impl ChildToken {
    /// Whether a text is meant to be such a token.
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// The text itself, for the environment of the child.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Puts stars in the place of the token in what a child says. The length stays.
    pub fn hide_in(&self, said: &mut [u8]) {
        let token = self.0.as_bytes();
        let mut from = 0;
        while let Some(at) = memchr::memmem::find(&said[from..], token) {
            let end = from + at + token.len();
            said[from + at..end].fill(b'*');
            from = end;
        }
    }
}

impl fmt::Debug for ChildToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Debug for ChildKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.bytes().map(|digit| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    });
    let digits: Vec<u8> = digits.collect::<Option<_>>()?;
    let bytes: Vec<u8> = digits
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit))
        .collect();
    (digits.len() == 2 * N).then(|| bytes.try_into().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(n: u8) -> RunId {
        RunId::from_bytes([n; 16])
    }

    #[track_caller]
    fn check(token: &str, expected: Option<RunId>) {
        assert_eq!(ChildKey::new([1; 32]).read(token), expected);
    }

    #[test]
    fn a_token_names_its_run_and_only_the_key_makes_it() {
        let token = ChildKey::new([1; 32]).token(run(7));
        let text = token.reveal();
        assert_eq!(text.len(), PREFIX.len() + ID_DIGITS + CODE_DIGITS);
        check(text, Some(run(7)));
        // Another run under its code, another key, another spelling, another length.
        check(&text.replace("07070707", "08080808"), None);
        check(ChildKey::new([2; 32]).token(run(7)).reveal(), None);
        check(&text.to_uppercase(), None);
        for n in 0..text.len() {
            check(&text[..n], None);
            let mut changed = text.to_owned();
            let other = if &text[n..=n] == "0" { "1" } else { "0" };
            changed.replace_range(n..=n, other);
            check(&changed, None);
        }
        check(&format!("{text}0"), None);
        check("ol_run_ä", None);
        assert_eq!(format!("{token:?} {:?}", ChildKey::new([1; 32])), "*** ***");
    }

    #[test]
    fn a_token_goes_out_of_what_is_said_as_often_as_it_stands_there() {
        let token = ChildKey::new([1; 32]).token(run(7));
        let text = token.reveal();
        let mut said = format!("{text}{text} and \"{text}\", ol_run_07").into_bytes();
        token.hide_in(&mut said);
        let stars = "*".repeat(text.len());
        let expected = format!("{stars}{stars} and \"{stars}\", ol_run_07");
        assert_eq!(String::from_utf8(said).unwrap(), expected);
    }
}
