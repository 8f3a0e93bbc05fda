//! The child of a run: the process of a coding agent, which has a token for that run. It is good while the run is open, also
//! on a server without keys: an agent that shows it is held to it.

use axum::extract::MatchedPath;
use axum::http::Method;
use axum::http::request::Parts;
use run::RunId;
use store::{ReadError, RunRecord};
use wire::{ChildKey, Code};

use crate::App;
use crate::error::Error;

/// All that a child may ask for, of its own run and thread. What is not here is refused, so that an agent starts nothing,
/// stops nothing and approves nothing of its own.
const ALLOWED: [(Method, &str); 8] = [
    (Method::GET, "/v1/runs/{run}"),
    (Method::GET, "/v1/runs/{run}/events"),
    (Method::GET, "/v1/runs/{run}/inputs"),
    (Method::GET, "/v1/runs/{run}/diff"),
    (Method::GET, "/v1/runs/{run}/blobs/{blob}"),
    (Method::POST, "/v1/runs/{run}/notices"),
    (Method::GET, "/v1/threads/{thread}"),
    (Method::PATCH, "/v1/threads/{thread}"),
];

/// The run of a token, if it is open and the token is good for this request.
pub(super) async fn run_of(app: &App, token: &str, parts: &Parts) -> Result<RunRecord, Error> {
    let key = ChildKey::new(app.store.secret_of_data().reveal());
    let run = key.read(token).ok_or_else(over)?;
    let run = open(app, run).await?;
    let path = parts.extensions.get::<MatchedPath>();
    let path = path.map_or("", MatchedPath::as_str);
    let is_allowed = ALLOWED
        .iter()
        .any(|(method, allowed)| parts.method == *method && path == *allowed);
    if is_allowed {
        Ok(run)
    } else {
        Err(Error::new(
            Code::NotAllowed,
            "the token of an agent's process reads its run and its thread, changes its card and tells notices, and nothing else",
        ))
    }
}

async fn open(app: &App, run: RunId) -> Result<RunRecord, Error> {
    match app.store.run_of_anybody(run).await {
        Ok(run) if !run.control.is_final() => Ok(run),
        Ok(_) | Err(ReadError::Unknown) => Err(over()),
        Err(error @ ReadError::Unavailable(_)) => Err(error.into()),
    }
}

fn over() -> Error {
    Error::new(
        Code::CredentialUnknown,
        "the token is that of no open run; it ended with its run",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_child_may_ask_for_is_there() {
        let routes = crate::routes::routes();
        for (method, path) in ALLOWED {
            let known = routes
                .iter()
                .any(|route| route.method == method && route.path == path);
            assert!(known, "{method} {path}");
        }
    }
}
