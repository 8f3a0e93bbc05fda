//! What a chat sends: a message, an edited one, a wish for another answer, or answers to what a run waits for.

use axum::extract::State;
use axum::response::Response;
use run::Role;
use serde::Deserialize;
use store::Right;
use wire::faces::aisdk::ChatBody;

use super::stream::Ui;
use super::{answer, start};
use crate::App;
use crate::auth::Caller;
use crate::body;
use crate::error::Error;
use crate::query::{AgentPath, Query};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChatQuery {
    #[serde(default)]
    ui: Ui,
}

/// `POST /aisdk/{agent}`
pub(crate) async fn chat(
    State(app): State<App>,
    caller: Caller,
    AgentPath(agent): AgentPath,
    Query(ChatQuery { ui }): Query<ChatQuery>,
    body::ChatBody(body): body::ChatBody<ChatBody>,
) -> Result<Response, Error> {
    // What would refuse the stream refuses the start: nobody wants a run whose answer was an error.
    caller.may(Right::Read)?;
    drop(caller.open_stream(&app)?);
    let (messages, body) = body.into_messages();
    match messages.last() {
        Some(last) if last.role == Role::Assistant => {
            answer::answer(&app, &caller, last, &body, ui).await
        }
        Some(_) => start::start(&app, &caller, agent, (&messages, body), ui).await,
        None => Err(Error::invalid("messages", "has no message")),
    }
}
