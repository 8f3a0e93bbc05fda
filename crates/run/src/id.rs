//! Names of things. Ids inside a run are short and the run's own, because they stand in every frame.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{MAX_NAME_BYTES, MAX_SHORT_ID_BYTES, MAX_THREAD_ID_BYTES, Timestamp};

/// A string that cannot be the id it was given for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {problem}")]
pub struct InvalidId {
    /// What kind of id was expected, for example `run id`.
    pub what: &'static str,
    /// What is wrong with it, as the rest of a sentence.
    pub problem: String,
}

/// The id of a run: a UUID of version 7, so that ids sort by creation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RunId(Uuid);

impl RunId {
    /// Makes an id from a time and ten random bytes.
    pub fn new(at: Timestamp, random: [u8; 10]) -> Self {
        let ms = u64::try_from(at.as_ms()).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(ms, &random).into_uuid())
    }

    /// Reads an id as printed by `Display`; only that one spelling is an id.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let id = Uuid::try_parse(text)
            .ok()
            .filter(|id| text == id.hyphenated().to_string());
        id.map(Self).ok_or_else(|| InvalidId {
            what: "run id",
            problem: "must be a UUID in lower case with hyphens".to_owned(),
        })
    }

    /// The sixteen bytes that a store keeps.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// The id that a store kept.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl From<RunId> for String {
    fn from(id: RunId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for RunId {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        Self::parse(&text)
    }
}

/// Declares a checked string newtype.
macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Box<str>);

        impl $name {
            /// Checks and takes a name: not empty, within the bound, without control characters.
            pub fn parse(text: impl Into<String>) -> Result<Self, InvalidId> {
                let text = text.into();
                let problem = if text.is_empty() {
                    "must not be empty".to_owned()
                } else if text.len() > $max {
                    format!("must have at most {} bytes, has {}", $max, text.len())
                } else if text.chars().any(char::is_control) {
                    "must not contain control characters".to_owned()
                } else {
                    return Ok(Self(text.into_boxed_str()));
                };
                Err(InvalidId { what: $what, problem })
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.into()
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, InvalidId> {
                Self::parse(text)
            }
        }
    };
}

name!(
    /// The id of a thread: the client's own string, unique per tenant, or one of ours.
    ThreadId, "thread id", MAX_THREAD_ID_BYTES
);
name!(
    /// Who owns data. A server without keys has the one tenant `default`.
    Tenant, "tenant", MAX_NAME_BYTES
);
name!(
    /// A person within a tenant, as a credential names them.
    User, "user", MAX_NAME_BYTES
);
name!(
    /// One worker process between its start and its end.
    WorkerId, "worker id", MAX_NAME_BYTES
);
name!(
    /// A machine's identity, kept on its disk: runs with a worktree or a native session belong to one.
    NodeId, "node id", MAX_NAME_BYTES
);

impl Tenant {
    /// The tenant of a server without keys.
    pub fn local() -> Self {
        Self("default".into())
    }
}

/// Declares a short id with the letter that ours begin with.
macro_rules! short_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $letter:literal) => {
        name!($(#[$doc])* $name, $what, MAX_SHORT_ID_BYTES);

        impl $name {
            /// The `n`-th id of its kind in a run.
            pub fn nth(n: u32) -> Self {
                Self(format!(concat!($letter, "{}"), n).into_boxed_str())
            }
        }
    };
}

short_id!(
    /// A message inside a run (`m3`).
    MessageId, "message id", "m"
);
short_id!(
    /// A tool call inside a run (`c5`).
    CallId, "call id", "c"
);
short_id!(
    /// An approval, question or client-side tool call that waits for the client (`q1`).
    RequestId, "request id", "q"
);
short_id!(
    /// A message to an open run (`i2`).
    InputId, "input id", "i"
);
short_id!(
    /// A turn, which answers one input (`t1`).
    TurnId, "turn id", "t"
);
short_id!(
    /// One model call and its tool calls (`s4`).
    StepId, "step id", "s"
);
short_id!(
    /// A background task of an agent (`k1`).
    TaskId, "task id", "k"
);
short_id!(
    /// A proposed plan (`p1`).
    PlanId, "plan id", "p"
);
short_id!(
    /// A captured state of a worktree (`w1`).
    CheckpointId, "checkpoint id", "w"
);

impl CheckpointId {
    /// The number in an id of ours.
    pub fn number(&self) -> Option<u32> {
        self.0.strip_prefix('w')?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_id_has_one_spelling() {
        let id = RunId::new(Timestamp::from_ms(1_795_000_000_000), [7; 10]);
        assert_eq!(RunId::parse(&id.to_string()), Ok(id));
        for bad in [
            "",
            "x",
            &id.to_string().to_uppercase(),
            &id.to_string().replace('-', ""),
        ] {
            assert!(RunId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn run_ids_sort_by_time() {
        let early = RunId::new(Timestamp::from_ms(1_000), [255; 10]);
        let late = RunId::new(Timestamp::from_ms(1_001), [0; 10]);
        assert!(early < late && early.to_string() < late.to_string());
    }

    #[test]
    fn a_thread_id_is_bounded_and_printable() {
        assert!(ThreadId::parse("chat/ä 1").is_ok());
        assert!(ThreadId::parse("a".repeat(200)).is_ok());
        for bad in [String::new(), "a".repeat(201), "a\nb".to_owned()] {
            assert!(ThreadId::parse(bad).is_err());
        }
    }
}
