//! Starting a run by a message of a chat.

use axum::response::Response;
use run::{Input, Role, RunId, Seq, ThreadId, Trigger};
use serde_json::Map;
use store::{Fate, OnConflict, ReadError, Right, RunRecord, SegmentName, Start, Started};
use wire::ConflictRule;
use wire::faces::aisdk::{
    Begin, ChatBody, ChatTrigger, Discarded, PostedMessage, own_conversation, said,
};

use super::name;
use super::stream::{Asked, Ui, streamed};
use crate::App;
use crate::auth::Caller;
use crate::body::printed;
use crate::catalogue::Wanted;
use crate::error::Error;
use crate::fresh;
use crate::runs::{bounded_metadata, may_start, thread_for};

/// Under this key a run keeps the client's id of the message that started it.
pub(super) const MESSAGE: &str = "aisdk_message";

/// What a chat asks for.
struct Ask {
    input: Input,
    name: Option<SegmentName>,
    /// The run that is done again.
    retries: Option<RunId>,
}

/// Why a message is said again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Again {
    Edited,
    Regenerated,
}

impl Again {
    fn word(self) -> &'static str {
        match self {
            Self::Edited => "edit",
            Self::Regenerated => "regenerate",
        }
    }
}

/// Starts a run by the last message and streams it. The same message again is the same run.
pub(super) async fn start(
    app: &App,
    caller: &Caller,
    agent: String,
    (messages, body): (&[PostedMessage], ChatBody),
    ui: Ui,
) -> Result<Response, Error> {
    caller.may(Right::Start)?;
    may_start(caller, &agent)?;
    let thread = thread_for(caller, body.id.clone())?;
    bounded_metadata(&body.metadata)?;
    let latest = latest(app, caller, &thread).await?;
    let ask = ask(app, caller, (&thread, latest.as_ref()), messages, &body).await?;
    let Some((message, _)) = said(messages) else {
        return Err(not_the_users());
    };
    let client = match &message.id {
        Some(id) => Map::from_iter([(MESSAGE.to_owned(), id.as_str().into())]),
        None => Map::new(),
    };
    let input = Input {
        variables: body.variables,
        tools: body.tools,
        ..ask.input
    };
    printed(app, &input)?;
    let wanted = Wanted {
        settings: &body.settings,
        budget: body.budget.as_ref(),
        output_schema: body.output_schema.as_ref(),
    };
    let spec = app
        .catalogue
        .resolve(&agent, &wanted, |agent| caller.may_start(agent))?;
    let start = Start {
        on_conflict: on_conflict(body.on_conflict, body.supersedes, latest.as_ref()),
        trigger: Trigger::User,
        retries: ask.retries,
        segment: ask.name,
        client,
        metadata: body.metadata,
        ..Start::new(
            fresh::new_run_id()?,
            caller.scope.clone(),
            thread,
            agent,
            spec,
            input,
        )
    };
    let Started { run, fate } = app.store.start(start).await?;
    tracing::Span::current().record("run.id", tracing::field::display(run.id));
    let begin = match fate {
        Fate::Created | Fate::Repeated => Begin::Run,
        // Only what follows: what came before is the answer to somebody else.
        Fate::Steered(_) => Begin::Input(run.control.last_seq.max(Seq(1))),
    };
    let asked = Asked {
        begin,
        discarded: Discarded::Blank,
        ui,
        start_index: 0,
    };
    streamed(app, caller, &run, asked).await
}

fn not_the_users() -> Error {
    Error::invalid(
        "messages",
        "the last message must be the user's, or an answer of a run",
    )
}

/// The chat's current run, else its last one.
async fn latest(app: &App, caller: &Caller, thread: &ThreadId) -> Result<Option<RunRecord>, Error> {
    match app.store.thread_run(&caller.scope, thread).await {
        Ok(run) => Ok(run),
        // A new chat; or somebody else's, which the start refuses.
        Err(ReadError::Unknown) => Ok(None),
        Err(error @ ReadError::Unavailable(_)) => Err(error.into()),
    }
}

async fn ask(
    app: &App,
    caller: &Caller,
    (thread, latest): (&ThreadId, Option<&RunRecord>),
    messages: &[PostedMessage],
    body: &ChatBody,
) -> Result<Ask, Error> {
    let Some((message, parts)) = said(messages) else {
        return Err(not_the_users());
    };
    if parts.is_empty() {
        return Err(Error::invalid(
            "messages",
            "the last message has no text and no file",
        ));
    }
    let before = &messages[..messages.len() - 1];
    let bytes = printed(app, &parts)?;
    let is_edited = body.message_id.is_some() && body.message_id == message.id;
    let kind = match body.trigger {
        ChatTrigger::RegenerateMessage => Again::Regenerated,
        ChatTrigger::SubmitMessage if is_edited => Again::Edited,
        ChatTrigger::SubmitMessage => {
            let name = message.id.as_deref();
            return Ok(Ask {
                // A chat that we know nothing of brings its beginning along.
                input: match latest {
                    None if !before.is_empty() => own_conversation(messages),
                    None | Some(_) => said_alone(parts),
                },
                name: name.map(|id| name::of_message(thread, id, &bytes)),
                retries: None,
            });
        }
    };
    let ids: String = messages
        .iter()
        .map(|message| format!("{}\0", message.id.as_deref().unwrap_or_default()))
        .chain(body.message_id.clone())
        .collect();
    let again = name::again(thread, kind.word(), &ids, &bytes);
    let name = match latest {
        // The same request again, unless it is a wish for one more answer.
        Some(latest) if kind == Again::Edited || !latest.control.is_final() => {
            let names = app.store.segments(latest.id).await?;
            let same = names
                .into_iter()
                .find(|(face, name, _)| name::is_another((face, name), &again));
            same.map(|(_, name, _)| name::known(name))
        }
        Some(_) | None => None,
    };
    let name = name.unwrap_or_else(|| name::of_another(&again, latest.map(|run| run.id)));
    let retries = match latest {
        Some(latest) if is_before(app, caller, latest, before).await? => Some(latest.id),
        Some(_) | None => None,
    };
    let input = match retries {
        Some(_) => said_alone(parts),
        None => own_conversation(messages),
    };
    Ok(Ask {
        input,
        name: Some(name),
        retries,
    })
}

fn said_alone(parts: Vec<run::Part>) -> Input {
    Input {
        parts,
        ..Input::default()
    }
}

/// Whether these messages are what the thread has before its last run. Then that run alone is done again, and the rest of the
/// history stays the thread's, with what its tools did; else the run brings its own conversation.
async fn is_before(
    app: &App,
    caller: &Caller,
    latest: &RunRecord,
    before: &[PostedMessage],
) -> Result<bool, Error> {
    if latest.input.messages.is_some() {
        return Ok(false);
    }
    let page = app.store.history(&caller.scope, latest.id, None, 1).await?;
    let last = before.last();
    Ok(match (page.entries.first(), last) {
        (None, None) => true,
        (Some(run), Some(last)) => {
            last.role == Role::Assistant && last.id.as_deref() == Some(&run.id.to_string())
        }
        (None, Some(_)) | (Some(_), None) => false,
    })
}

/// What happens on a busy chat.
fn on_conflict(
    rule: Option<ConflictRule>,
    supersedes: Option<RunId>,
    latest: Option<&RunRecord>,
) -> OnConflict {
    let current = latest.filter(|run| !run.control.is_final());
    match (rule, supersedes) {
        (Some(ConflictRule::Supersede) | None, Some(run)) => OnConflict::Supersede(run),
        (Some(ConflictRule::Supersede), None) => {
            current.map_or(OnConflict::Reject, |run| OnConflict::Supersede(run.id))
        }
        (Some(ConflictRule::Reject) | None, _) => OnConflict::Reject,
        (Some(ConflictRule::Enqueue), _) => OnConflict::Enqueue,
        (Some(ConflictRule::Steer), _) => OnConflict::Steer,
    }
}
