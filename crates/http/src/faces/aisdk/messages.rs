//! The messages of a chat, for a page that loads it.

use axum::Json;
use axum::extract::State;
use run::{Event, RunId, Seq, ThreadId, frame};
use serde::{Deserialize, Serialize};
use store::{Cursor, ReadError, Right, RunRecord};
use utoipa::ToSchema;
use wire::faces::aisdk::{Reply, UiMessage, asked_of, message_of, replaced};

use super::start::MESSAGE;
use crate::App;
use crate::auth::Caller;
use crate::error::Error;
use crate::limits::{CHAT_PAGE_BYTES, CHAT_RUNS};
use crate::query::{ChatPath, Query};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MessagesQuery {
    cursor: Option<String>,
}

/// A page of a chat's messages.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChatMessages {
    /// The messages, oldest first, as `useChat({ messages })` takes them.
    pub(crate) messages: Vec<UiMessage>,
    /// The cursor of the page with older ones, if there are any.
    #[schema(value_type = Option<String>)]
    pub(crate) next: Option<Cursor>,
}

/// `GET /aisdk/{agent}/{chat}/messages`
pub(crate) async fn messages(
    State(app): State<App>,
    caller: Caller,
    ChatPath(chat): ChatPath,
    Query(query): Query<MessagesQuery>,
) -> Result<Json<ChatMessages>, Error> {
    caller.may(Right::Read)?;
    let thread = ThreadId::parse(chat)?;
    caller.reach_thread(&thread)?;
    let after = query.cursor.as_deref().map(Cursor::parse).transpose()?;
    let latest = match app.store.thread_run(&caller.scope, &thread).await {
        Ok(run) => run,
        Err(ReadError::Unknown) => None,
        Err(error @ ReadError::Unavailable(_)) => return Err(error.into()),
    };
    let Some(latest) = latest else {
        return Ok(Json(ChatMessages {
            messages: Vec::new(),
            next: None,
        }));
    };
    let newest = latest.id;
    let mut page = Page::new(&app, &caller);
    let mut next = after;
    if after.is_none() && !latest.log_expired && page.take(&latest).await? {
        return Ok(page.end(None));
    }
    loop {
        // One by one, so that each has a cursor behind it.
        let found = app.store.history(&caller.scope, newest, next, 1).await?;
        next = found.next;
        for run in &found.entries {
            if page.take(run).await? {
                return Ok(page.end(None));
            }
        }
        if next.is_none() || page.is_full() {
            return Ok(page.end(next));
        }
    }
}

/// What was read of a chat, from the end.
struct Page<'p> {
    app: &'p App,
    caller: &'p Caller,
    /// The messages of each run, the last run first.
    runs: Vec<Vec<UiMessage>>,
    n_bytes: usize,
}

impl<'p> Page<'p> {
    fn new(app: &'p App, caller: &'p Caller) -> Self {
        Self {
            app,
            caller,
            runs: Vec::new(),
            n_bytes: 0,
        }
    }

    fn is_full(&self) -> bool {
        self.runs.len() >= CHAT_RUNS || self.n_bytes >= CHAT_PAGE_BYTES
    }

    fn end(self, next: Option<Cursor>) -> Json<ChatMessages> {
        let messages = self.runs.into_iter().rev().flatten().collect();
        Json(ChatMessages { messages, next })
    }

    /// Takes in what a run was asked and has answered; whether nothing before it counts any more.
    async fn take(&mut self, run: &RunRecord) -> Result<bool, Error> {
        let mut messages = Vec::new();
        let brought = replaced(run.id, &run.input);
        let begins = brought.is_some();
        if let Some(brought) = brought {
            for message in brought {
                messages.push(self.as_it_was(message, run).await?);
            }
        } else {
            let id = self.client_id(run).await?;
            messages.extend(asked_of(run.id, &run.input, id.as_deref()));
        }
        if let Some(reply) = self.reply(run).await? {
            messages.push(reply);
        }
        self.n_bytes += serde_json::to_vec(&messages).map_or(0, |json| json.len());
        self.runs.push(messages);
        Ok(begins)
    }

    /// What the run has answered; nothing while there is nothing to see.
    async fn reply(&self, run: &RunRecord) -> Result<Option<UiMessage>, Error> {
        let snapshot = self.app.store.snapshot(&self.caller.scope, run.id).await?;
        let message = message_of(Reply {
            run: run.id,
            thread: &run.thread,
            agent: &run.agent,
            control: &run.control,
            input: &run.input,
            snapshot: &snapshot,
        });
        let is_begun = !message.parts.is_empty() || run.control.is_final();
        Ok(is_begun.then_some(message))
    }

    /// A message that a run has brought along. One that an earlier run of the thread has answered is shown as that run's log
    /// has it, with its tools.
    async fn as_it_was(&self, message: UiMessage, run: &RunRecord) -> Result<UiMessage, Error> {
        let Ok(earlier) = RunId::parse(&message.id) else {
            return Ok(message);
        };
        match self.app.store.run(&self.caller.scope, earlier).await {
            Ok(earlier) if earlier.thread == run.thread && !earlier.log_expired => {
                Ok(self.reply(&earlier).await?.unwrap_or(message))
            }
            Ok(_) | Err(ReadError::Unknown) => Ok(message),
            Err(error @ ReadError::Unavailable(_)) => Err(error.into()),
        }
    }

    /// The client's id of the message that started a run.
    async fn client_id(&self, run: &RunRecord) -> Result<Option<String>, Error> {
        let scope = &self.caller.scope;
        let page = self.app.store.events(scope, run.id, Seq::ZERO, 1).await?;
        let created = frame::split(&page.frames).find_map(frame::parse);
        Ok(match created.map(|envelope| envelope.event) {
            Some(Event::RunCreated(created)) => created
                .client
                .get(MESSAGE)
                .and_then(|id| id.as_str())
                .map(str::to_owned),
            Some(_) | None => None,
        })
    }
}
