//! Points in time, in milliseconds. The clock is always somebody else's.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Milliseconds since the Unix epoch; printed as `2026-11-20T10:00:00.000Z` (RFC 3339).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    pub const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_ms(self) -> i64 {
        self.0
    }

    /// This time and so many milliseconds, at most the last time that can be printed: what is stored reads back.
    #[must_use]
    pub fn plus_ms(self, ms: u64) -> Self {
        let last = jiff::Timestamp::MAX.as_millisecond();
        let later = self.0.saturating_add(i64::try_from(ms).unwrap_or(i64::MAX));
        Self(later.min(last))
    }

    /// Milliseconds from `earlier` to this time; 0 when the clock went backwards.
    pub fn ms_since(self, earlier: Self) -> u64 {
        u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0)
    }

    /// Reads the printed form.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse::<jiff::Timestamp>()
            .ok()
            .map(|at| Self(at.as_millisecond()))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = jiff::Timestamp::from_millisecond(self.0).unwrap_or(if self.0 < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        });
        write!(f, "{at:.3}")
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Printed)
    }
}

/// Reads the printed form without a copy of it: every event has one.
struct Printed;

impl de::Visitor<'_> for Printed {
    type Value = Timestamp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time such as 2026-11-20T10:00:00.000Z")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Timestamp, E> {
        Timestamp::parse(text)
            .ok_or_else(|| E::custom("expected a time such as 2026-11-20T10:00:00.000Z"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_prints_three_digits_and_reads_back() {
        let at = Timestamp::from_ms(1_795_168_800_000);
        assert_eq!(at.to_string(), "2026-11-20T10:00:00.000Z");
        assert_eq!(Timestamp::parse(&at.to_string()), Some(at));
        assert_eq!(Timestamp::from_ms(i64::MAX).to_string().len(), 24);
        let last = at.plus_ms(u64::MAX);
        assert_eq!(Timestamp::parse(&last.to_string()), Some(last));
    }
}
