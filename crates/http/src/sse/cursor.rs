//! Where a stream begins.

use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, HeaderName};
use run::Seq;
use serde::{Deserialize, Deserializer, de};

use crate::error::Error;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// `?after=`: the number of the last event that the client has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct After(pub(crate) Seq);

impl After {
    /// A number; -1 means the beginning as 0 does, because other servers' clients say so.
    fn parse(text: &str) -> Option<Self> {
        if text == "-1" {
            return Some(Self(Seq::ZERO));
        }
        text.parse().ok().map(|n| Self(Seq(n)))
    }
}

impl<'de> Deserialize<'de> for After {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text)
            .ok_or_else(|| de::Error::custom("after must be the number of an event, or 0"))
    }
}

/// `Last-Event-ID`, if there is one.
pub(crate) fn last_event_id(headers: &HeaderMap) -> Result<Option<&str>, Error> {
    match headers.get(LAST_EVENT_ID).map(|value| value.to_str()) {
        None | Some(Ok("")) => Ok(None),
        Some(Ok(id)) => Ok(Some(id)),
        Some(Err(_)) => Err(unknown("Last-Event-ID")),
    }
}

fn unknown(id: &str) -> Error {
    Error::cursor_unknown(format!("no stream gave the cursor {id:?}"), None)
}

impl After {
    /// The cursor of a stream over one run: `Last-Event-ID` wins, because a browser that comes back sends the URL it
    /// first had.
    pub(crate) fn of(headers: &HeaderMap, query: Option<Self>) -> Result<Seq, Error> {
        match last_event_id(headers)? {
            Some(id) => Self::parse(id)
                .map(|after| after.0)
                .ok_or_else(|| unknown(id)),
            None => Ok(query.unwrap_or_default().0),
        }
    }
}

/// The cursors of a stream over several runs, in the order of `?runs=`: `12,0,7`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cursors(pub(crate) Vec<Seq>);

impl Cursors {
    pub(crate) fn parse(text: &str, n_runs: usize) -> Result<Self, Error> {
        if matches!(text, "0" | "-1") {
            return Ok(Self(vec![Seq::ZERO; n_runs]));
        }
        let numbers: Option<Vec<Seq>> = text
            .split(',')
            .map(|number| After::parse(number).map(|after| after.0))
            .collect();
        numbers
            .filter(|numbers| numbers.len() == n_runs)
            .map(Self)
            .ok_or_else(|| {
                Error::cursor_unknown(
                    format!(
                        "a stream over {n_runs} runs gives cursors of {n_runs} numbers in the order of runs=, {text:?} is none"
                    ),
                    None,
                )
            })
    }
}

/// Whether the client asks for a stream. `*/*` does not: curl and every HTTP library send it.
pub(crate) fn wants_stream(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|range| {
            let essence = range.split(';').next().unwrap_or_default().trim();
            essence.eq_ignore_ascii_case("text/event-stream")
        })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use wire::Code;

    use super::*;

    #[track_caller]
    fn check(header: Option<&str>, query: Option<u64>, expected: Result<u64, Code>) {
        let mut headers = HeaderMap::new();
        if let Some(header) = header {
            headers.insert(LAST_EVENT_ID, HeaderValue::from_str(header).unwrap());
        }
        let found = After::of(&headers, query.map(|n| After(Seq(n))));
        assert_eq!(
            found.map(|seq| seq.0).map_err(|error| error.code()),
            expected
        );
    }

    #[test]
    fn the_header_wins_over_the_query() {
        check(None, None, Ok(0));
        check(None, Some(7), Ok(7));
        check(Some("9"), Some(7), Ok(9));
        check(Some("0"), Some(7), Ok(0));
        check(Some("-1"), Some(7), Ok(0));
        check(Some(""), Some(7), Ok(7));
        for bad in ["x", "-2", "1.5", "7,8", "99999999999999999999999"] {
            check(Some(bad), Some(7), Err(Code::CursorUnknown));
        }
    }

    #[test]
    fn a_cursor_over_several_runs_has_one_number_each() {
        let parse = |text| Cursors::parse(text, 3).map(|cursors| cursors.0).ok();
        assert_eq!(parse("12,0,7"), Some(vec![Seq(12), Seq(0), Seq(7)]));
        assert_eq!(parse("0"), Some(vec![Seq(0); 3]));
        assert_eq!(parse("1,2"), None);
        assert_eq!(parse("1,2,3,4"), None);
        assert_eq!(parse("1,2,x"), None);
    }
}
