//! Answers of a chat to what its run waits for: the same run goes on, in a stream of its own.

use axum::response::Response;
use run::{Command, Refused, RunId};
use store::{CommandError, Right, RunRecord, Segment};
use wire::Code;
use wire::faces::aisdk::{Answered, Begin, ChatBody, Discarded, PostedMessage, answered};

use super::name;
use super::stream::{Asked, Ui, streamed};
use crate::App;
use crate::auth::Caller;
use crate::body::printed;
use crate::error::Error;

/// Gives the answers in a chat's last message to its run, and streams what follows. The same answers again are the same
/// stream.
pub(super) async fn answer(
    app: &App,
    caller: &Caller,
    message: &PostedMessage,
    body: &ChatBody,
    ui: Ui,
) -> Result<Response, Error> {
    caller.may(Right::Answer)?;
    let run = answering(app, caller, message, body).await?;
    tracing::Span::current().record("run.id", tracing::field::display(run.id));
    let snapshot = app.store.snapshot(&caller.scope, run.id).await?;
    let answers = answered(run.id, message, &snapshot.requests, &body.decisions);
    let lines: Vec<_> = answers.iter().map(Answered::line).collect();
    let segment_name = name::of_answers(run.id, &lines);
    let known = if lines.is_empty() {
        None
    } else {
        app.store.segment(&caller.scope, &segment_name).await?
    };
    let has_open = answers.iter().any(|answer| answer.is_open);
    let segment = match known {
        Some(segment) => segment,
        None if has_open => {
            // Named before the first answer, so that the same request at the same time shows the same.
            let segment = Segment {
                run: run.id,
                first_seq: run.control.last_seq.next(),
            };
            let named = app
                .store
                .name_segment(&caller.scope, segment_name, segment.clone());
            named.await?
        }
        None => return Err(nothing_answered(&run, !lines.is_empty())),
    };
    let mut behind = None;
    for answer in answers.into_iter().filter(|answer| answer.is_open) {
        printed_answer(app, &answer.answer)?;
        let command = Command::Answer {
            request: answer.request,
            answer: answer.answer,
            by: caller.by(),
        };
        match app.store.command(&caller.scope, run.id, command).await {
            Ok(commanded) => behind = Some(commanded.run),
            // Somebody was first, perhaps this same request: what follows is shown all the same.
            Err(CommandError::Refused(Refused::RequestAnswered(_))) => {}
            Err(error) => return Err(Error::from(error).with_run(run.id)),
        }
    }
    let run = match behind {
        Some(run) => run,
        None => app.store.run(&caller.scope, run.id).await?,
    };
    let asked = Asked {
        begin: Begin::Answer(segment.first_seq),
        discarded: Discarded::Blank,
        ui,
        start_index: 0,
    };
    streamed(app, caller, &run, asked).await
}

/// The run whose requests a message answers: its id is the message's; else the chat's current one.
async fn answering(
    app: &App,
    caller: &Caller,
    message: &PostedMessage,
    body: &ChatBody,
) -> Result<RunRecord, Error> {
    let named = message.id.as_deref().and_then(|id| RunId::parse(id).ok());
    let run = match (named, &body.id) {
        (Some(run), _) => app.store.run(&caller.scope, run).await?,
        (None, Some(thread)) => {
            caller.reach_thread(thread)?;
            let run = app.store.thread_run(&caller.scope, thread).await?;
            run.ok_or_else(Error::not_found)?
        }
        (None, None) => {
            return Err(Error::invalid(
                "messages",
                "the last message must be the user's, or an answer of a run",
            ));
        }
    };
    let is_there = body.id.as_ref().is_none_or(|chat| *chat == run.thread);
    if is_there && caller.reaches(&run) {
        Ok(run)
    } else {
        Err(Error::not_found())
    }
}

/// An answer is bounded like every body that is stored.
fn printed_answer(app: &App, answer: &run::Answer) -> Result<(), Error> {
    match answer {
        run::Answer::Decision { note, .. } => printed(app, note),
        run::Answer::Answers(value) | run::Answer::Result(value) => printed(app, value),
    }
    .map(drop)
}

fn nothing_answered(run: &RunRecord, were_answered: bool) -> Error {
    let error = if were_answered {
        Error::new(
            Code::RequestAnswered,
            "the run's requests were answered elsewhere; load the chat again",
        )
    } else {
        Error::new(
            Code::RequestUnknown,
            "the last message is an answer without a tool output or an approval that its run waits for",
        )
    };
    error.with_run(run.id)
}
