//! Ids of this face. They are derived from the run's own, so that nothing needs to be remembered.

use std::fmt;

use run::{CallId, RequestId, RunId, Seq};

/// A response: a segment of a run, by the number of its first event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResponseId {
    /// The run.
    pub run: RunId,
    /// The number of its first event.
    pub first: Seq,
}

impl ResponseId {
    /// The response that a run begins with.
    pub fn beginning(run: RunId) -> Self {
        Self { run, first: Seq(1) }
    }

    /// Reads an id as printed by `Display`; only that one spelling is an id.
    pub fn parse(text: &str) -> Option<Self> {
        let (run, first) = named(text.strip_prefix("resp_")?)?;
        let first: u64 = first.parse().ok()?;
        let id = Self {
            run,
            first: Seq(first),
        };
        (first > 0 && id.to_string() == text).then_some(id)
    }
}

impl fmt::Display for ResponseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "resp_{}_{}", plain(self.run), self.first)
    }
}

/// What an answer in the input of a later response is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AskedId {
    /// The call of a function.
    Call(RunId, CallId),
    /// The questions of a request, which look like the call of a function.
    Question(RunId, RequestId),
    /// An approval.
    Approval(RunId, RequestId),
}

impl AskedId {
    /// Reads an id as printed by `Display`.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once('_')?;
        let (run, inner) = named(rest)?;
        match kind {
            "call" => Some(Self::Call(run, CallId::parse(inner).ok()?)),
            "ask" => Some(Self::Question(run, RequestId::parse(inner).ok()?)),
            "mcpr" => Some(Self::Approval(run, RequestId::parse(inner).ok()?)),
            _ => None,
        }
    }

    /// The run that asks.
    pub fn run(&self) -> RunId {
        match self {
            Self::Call(run, _) | Self::Question(run, _) | Self::Approval(run, _) => *run,
        }
    }
}

impl fmt::Display for AskedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call(run, call) => write!(f, "call_{}_{call}", plain(*run)),
            Self::Question(run, request) => write!(f, "ask_{}_{request}", plain(*run)),
            Self::Approval(run, request) => write!(f, "mcpr_{}_{request}", plain(*run)),
        }
    }
}

/// A run's id without hyphens, which would split a word in two where people select it.
pub(super) fn plain(run: RunId) -> String {
    let mut text = run.to_string();
    text.retain(|c| c != '-');
    text
}

/// The run that a text begins with, and what follows the underscore behind it.
fn named(text: &str) -> Option<(RunId, &str)> {
    let (hex, rest) = text.split_at_checked(32)?;
    let rest = rest.strip_prefix('_')?;
    let mut bytes = [0; 16];
    for (n, byte) in bytes.iter_mut().enumerate() {
        let digits = hex.get(2 * n..2 * n + 2)?;
        let lower = digits
            .bytes()
            .all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit));
        *byte = u8::from_str_radix(digits, 16).ok().filter(|_| lower)?;
    }
    Some((RunId::from_bytes(bytes), rest))
}

#[cfg(test)]
mod tests {
    use run::Timestamp;

    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let run = RunId::new(Timestamp::from_ms(1_795_000_000_000), [0xab; 10]);
        let id = ResponseId {
            run,
            first: Seq(17),
        };
        let text = id.to_string();
        assert_eq!(text.len(), "resp_".len() + 32 + "_17".len());
        assert_eq!(ResponseId::parse(&text), Some(id));
        let hex = plain(run);
        for bad in [
            "",
            "resp_",
            &format!("resp_{hex}"),
            &format!("resp_{hex}_"),
            &format!("resp_{hex}_0"),
            &format!("resp_{hex}_017"),
            &format!("resp_{hex}_+17"),
            &format!("resp_{}_17", hex.to_uppercase()),
            &format!("resp_{run}_17"),
            &format!("msg_{hex}_17"),
            "resp_ééééééééééééééééé_1",
        ] {
            assert_eq!(ResponseId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_asked_is_found_by_its_id() {
        let run = RunId::new(Timestamp::from_ms(1_795_000_000_000), [7; 10]);
        for id in [
            AskedId::Call(run, CallId::nth(3)),
            AskedId::Call(run, CallId::parse("an agent's own_id").unwrap()),
            AskedId::Question(run, RequestId::nth(1)),
            AskedId::Approval(run, RequestId::nth(2)),
        ] {
            assert_eq!(AskedId::parse(&id.to_string()), Some(id.clone()));
            assert_eq!(id.run(), run);
        }
        for foreign in ["call_abc", "call_", "x", "fc_68af", ""] {
            assert_eq!(AskedId::parse(foreign), None, "{foreign}");
        }
    }
}
