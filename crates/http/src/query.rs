//! Queries and the ids in paths.

use std::fmt;
use std::time::Duration;

use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use run::{InputId, RequestId, RunId, ThreadId};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, de};
use wire::Code;

use crate::App;
use crate::error::Error;
use crate::fresh;
use crate::limits::{PAGE_ENTRIES, PAGE_ENTRIES_DEFAULT, WAIT};

/// The query, all of it known.
pub(crate) struct Query<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        axum::extract::Query::from_request_parts(parts, app)
            .await
            .map(|axum::extract::Query(query)| Self(query))
            .map_err(|rejection: QueryRejection| {
                let text = rejection.body_text();
                let text = text
                    .rsplit_once("query string: ")
                    .map_or(&*text, |(_, text)| text);
                let (message, suggestion) = unreadable(text);
                Error::invalid_query(message, suggestion)
            })
    }
}

/// What to say of serde's "aftr: unknown field `aftr`, expected one of …", and what was probably meant.
fn unreadable(text: &str) -> (String, Option<String>) {
    let (name, what) = text.split_once(": ").unwrap_or(("", text));
    let Some(rest) = what.strip_prefix("unknown field ") else {
        return (text.to_owned(), None);
    };
    let suggestion = wire::suggestion(what);
    let hint = suggestion
        .as_ref()
        .map_or(String::new(), |name| format!("; did you mean `{name}`?"));
    (
        format!("{name}: unknown parameter {rest}{hint}"),
        suggestion,
    )
}

/// How long a poll may wait: `20s`, `500ms`, `1m`, or seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wait(pub(crate) Duration);

impl<'de> Deserialize<'de> for Wait {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            de::Error::custom(format!(
                "must be a time such as 20s or 500ms, at most {}s",
                WAIT.as_secs()
            ))
        })
    }
}

impl Wait {
    fn parse(text: &str) -> Option<Self> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let n: u64 = digits.parse().ok()?;
        let wait = match &text[digits.len()..] {
            "ms" => Duration::from_millis(n),
            "" | "s" => Duration::from_secs(n),
            "m" => Duration::from_secs(n.checked_mul(60)?),
            _ => return None,
        };
        (wait <= WAIT).then_some(Self(wait))
    }
}

/// Entries of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Entries(pub(crate) usize);

impl Default for Entries {
    fn default() -> Self {
        Self(PAGE_ENTRIES_DEFAULT)
    }
}

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let n = usize::deserialize(deserializer)?;
        if (1..=PAGE_ENTRIES).contains(&n) {
            Ok(Self(n))
        } else {
            Err(de::Error::custom(format!(
                "must be from 1 to {PAGE_ENTRIES}"
            )))
        }
    }
}

/// A parameter that another reader takes: the token of an event route. It is neither kept nor printed.
#[derive(Clone, Default, Deserialize)]
#[serde(from = "String")]
pub(crate) struct Passed;

impl From<String> for Passed {
    fn from(_: String) -> Self {
        Self
    }
}

impl fmt::Debug for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// `{run}`
pub(crate) struct RunPath(pub(crate) RunId);
/// `{run}` and `{request}`
pub(crate) struct RequestPath(pub(crate) RunId, pub(crate) RequestId);
/// `{run}` and `{input}`
pub(crate) struct InputPath(pub(crate) RunId, pub(crate) InputId);
/// `{run}` and `{blob}`, a SHA-256 in hexadecimal digits
pub(crate) struct BlobPath(pub(crate) RunId, pub(crate) [u8; 32]);
/// `{run}` and `{preview}`
pub(crate) struct PreviewPath(pub(crate) RunId, pub(crate) String);
/// `{secret}`
pub(crate) struct SecretPath(pub(crate) String);
/// `{agent}`
pub(crate) struct AgentPath(pub(crate) String);
/// `{agui_run}`: a client's name of a run in AG-UI
pub(crate) struct AguiRunPath(pub(crate) String);
/// `{chat}`: a thread, or what names a stretch of a run.
pub(crate) struct ChatPath(pub(crate) String);
/// `{thread}`
pub(crate) struct ThreadPath(pub(crate) ThreadId);

async fn parameter(parts: &mut Parts, app: &App, name: &str) -> Result<String, Error> {
    let malformed = || Error::new(Code::InvalidId, format!("the {name} id is not valid text"));
    let parameters = RawPathParams::from_request_parts(parts, app)
        .await
        .map_err(|_| malformed())?;
    let found = parameters.iter().find(|(found, _)| *found == name);
    found
        .map(|(_, value)| value.to_owned())
        .ok_or_else(malformed)
}

async fn run_parameter(parts: &mut Parts, app: &App) -> Result<RunId, Error> {
    let run = RunId::parse(&parameter(parts, app, "run").await?)?;
    tracing::Span::current().record("run.id", tracing::field::display(run));
    Ok(run)
}

impl FromRequestParts<App> for RunPath {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        run_parameter(parts, app).await.map(Self)
    }
}

impl FromRequestParts<App> for RequestPath {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let run = run_parameter(parts, app).await?;
        let request = RequestId::parse(parameter(parts, app, "request").await?)?;
        Ok(Self(run, request))
    }
}

impl FromRequestParts<App> for PreviewPath {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let run = run_parameter(parts, app).await?;
        Ok(Self(run, parameter(parts, app, "preview").await?))
    }
}

impl FromRequestParts<App> for BlobPath {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let run = run_parameter(parts, app).await?;
        let text = parameter(parts, app, "blob").await?;
        let hash = fresh::unhex(&text).ok_or_else(|| {
            let problem = "a blob is named by the 64 hexadecimal digits of its SHA-256";
            Error::new(Code::InvalidId, problem)
        })?;
        Ok(Self(run, hash))
    }
}

impl FromRequestParts<App> for InputPath {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let run = run_parameter(parts, app).await?;
        let input = InputId::parse(parameter(parts, app, "input").await?)?;
        Ok(Self(run, input))
    }
}

impl FromRequestParts<App> for AgentPath {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        parameter(parts, app, "agent").await.map(Self)
    }
}

impl FromRequestParts<App> for ChatPath {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        parameter(parts, app, "chat").await.map(Self)
    }
}

impl FromRequestParts<App> for ThreadPath {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        Ok(Self(ThreadId::parse(
            parameter(parts, app, "thread").await?,
        )?))
    }
}

impl FromRequestParts<App> for AguiRunPath {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        parameter(parts, app, "agui_run").await.map(Self)
    }
}

impl FromRequestParts<App> for SecretPath {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let name = parameter(parts, app, "secret").await?;
        match wire::secret_name_problem(&name) {
            None => Ok(Self(name)),
            Some(problem) => Err(Error::new(Code::InvalidId, problem)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_parameter_says_what_was_probably_meant() {
        let check = |text: &str, message: &str, suggestion: Option<&str>| {
            assert_eq!(
                unreadable(text),
                (message.to_owned(), suggestion.map(str::to_owned))
            );
        };
        check(
            "aftr: unknown field `aftr`, expected one of `after`, `wait`",
            "aftr: unknown parameter `aftr`, expected one of `after`, `wait`; did you mean `after`?",
            Some("after"),
        );
        check(
            "x: unknown field `x`, expected `token`",
            "x: unknown parameter `x`, expected `token`",
            None,
        );
        check("limit: must be from 1", "limit: must be from 1", None);
        check("missing field `runs`", "missing field `runs`", None);
    }

    #[test]
    fn a_wait_has_a_unit_and_a_bound() {
        let ms = |text: &str| Wait::parse(text).map(|wait| wait.0.as_millis());
        assert_eq!(ms("20s"), Some(20_000));
        assert_eq!(ms("500ms"), Some(500));
        assert_eq!(ms("1m"), Some(60_000));
        assert_eq!(ms("7"), Some(7_000));
        for bad in [
            "",
            "s",
            "-1s",
            "61s",
            "2m",
            "1h",
            "1.5s",
            "99999999999999999999s",
        ] {
            assert_eq!(ms(bad), None, "{bad}");
        }
    }
}
