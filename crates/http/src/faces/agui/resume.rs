//! Answers to what a run waits for: entries of `resume`, and messages with results of the client's tools.

use run::{
    Answer, By, Command, Refused, RequestId, RequestKind, RunId, Seq, State, ThreadId, frame,
};
use store::{CommandError, ReadError, Right, RunRecord, Segment, SegmentName};
use wire::Code;
use wire::faces::agui::{Resumed, RunAgentInput, Said, answer_of, ids};
use wire::faces::{SegmentEnd, SegmentEnds};

use crate::App;
use crate::auth::Caller;
use crate::error::Error;

/// What a client answers, all of it for one run.
pub(super) struct Answers {
    run: RunRecord,
    /// A request that was answered, also one that is closed already.
    any: RequestId,
    /// Those that are open.
    open: Vec<(RequestId, Resumed)>,
}

impl Answers {
    pub(super) fn run(&self) -> RunId {
        self.run.id
    }
}

/// Reads the answers of a request; nothing if it has none. An answer to a request that somebody else was first to answer
/// is no error: a client has to answer all that it knows of before it may go on.
pub(super) async fn answers(
    app: &App,
    caller: &Caller,
    body: &RunAgentInput,
    said: &[Said],
) -> Result<Option<Answers>, Error> {
    let mut asked = Vec::new();
    for (n, entry) in body.resume.iter().enumerate() {
        let path = format!("resume[{n}].interruptId");
        let Some((run, request)) = ids::interrupt(&entry.interrupt_id) else {
            return Err(unknown(&path));
        };
        asked.push((n, run, request, entry));
    }
    let run = match asked.first() {
        Some((_, run, ..)) => {
            caller.reach(app, *run).await?;
            app.store.run(&caller.scope, *run).await?
        }
        None => match waiting(app, caller, &body.thread_id).await? {
            Some(run) => run,
            None => return Ok(None),
        },
    };
    let mut answers = Answers {
        any: RequestId::nth(1),
        open: Vec::new(),
        run,
    };
    let mut has_any = false;
    for (n, of, request, entry) in asked {
        let path = format!("resume[{n}]");
        let control = &answers.run.control;
        let is_closed = control
            .closed_requests
            .iter()
            .any(|it| it.request == request);
        if of != answers.run.id {
            return Err(Error::invalid(&path, "answers an interrupt of another run"));
        }
        if let Some(open) = control.requests.get(&request) {
            let answer = answer_of(entry, &open.wants).map_err(|text| {
                Error::new(Code::AnswerUnfit, text).with_path(&format!("{path}.payload"))
            })?;
            answers.open.push((request.clone(), answer));
        } else if !is_closed && !control.is_final() {
            return Err(unknown(&format!("{path}.interruptId")));
        }
        answers.any = request;
        has_any = true;
    }
    for (call, result) in said.iter().filter_map(Said::result) {
        let Some((run, call)) = ids::call_of(call) else {
            continue;
        };
        let requests = answers.run.control.requests.iter();
        let asked = requests.filter(|(request, open)| {
            open.wants == RequestKind::ClientTool { call: call.clone() }
                && !answers.open.iter().any(|(known, _)| known == *request)
        });
        let asked: Vec<RequestId> = asked.map(|(request, _)| request.clone()).collect();
        for request in asked.into_iter().filter(|_| run == answers.run.id) {
            let result = Resumed::Answer(Answer::Result(result.clone().into()));
            answers.open.push((request.clone(), result));
            answers.any = request;
            has_any = true;
        }
    }
    if has_any {
        caller.may(Right::Answer)?;
    }
    Ok(has_any.then_some(answers))
}

fn unknown(path: &str) -> Error {
    Error::new(
        Code::RequestUnknown,
        "no run of yours has such an interrupt",
    )
    .with_path(path)
}

/// The thread's run, if it waits for its client.
async fn waiting(app: &App, caller: &Caller, thread: &str) -> Result<Option<RunRecord>, Error> {
    let thread = ThreadId::parse(thread)?;
    let run = match app.store.thread_run(&caller.scope, &thread).await {
        Ok(run) => run,
        Err(ReadError::Unknown) => None,
        Err(error @ ReadError::Unavailable(_)) => return Err(error.into()),
    };
    Ok(run.filter(|run| {
        caller.reaches(run)
            && match &run.control.state {
                State::Waiting { .. } | State::Running => !run.control.requests.is_empty(),
                State::Queued { .. } | State::Final(_) => false,
            }
    }))
}

/// Names what follows the wait, and answers. Named first: then a repeat of a request that was cut off in between finds the
/// name and gives the answers that are missing.
pub(super) async fn resume(
    app: &App,
    caller: &Caller,
    name: SegmentName,
    answers: Answers,
) -> Result<Segment, Error> {
    let segment = Segment {
        run: answers.run.id,
        first_seq: behind_the_wait(app, caller, &answers).await?,
    };
    let segment = app.store.name_segment(&caller.scope, name, segment).await?;
    answers.give(app, caller).await?;
    Ok(segment)
}

impl Answers {
    /// Gives the answers to requests that are open still.
    pub(super) async fn give(self, app: &App, caller: &Caller) -> Result<(), Error> {
        for (request, resumed) in self.open {
            let command = command(request, resumed, caller.by());
            match app.store.command(&caller.scope, self.run.id, command).await {
                Ok(_)
                | Err(CommandError::Refused(
                    Refused::RequestAnswered(_) | Refused::RequestExpired(_) | Refused::Final(_),
                )) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

fn command(request: RequestId, resumed: Resumed, by: By) -> Command {
    match resumed {
        Resumed::Answer(answer) => Command::Answer {
            request,
            answer,
            by,
        },
        Resumed::GivenUp => Command::Expire {
            request,
            why: "its client has given it up".to_owned(),
        },
    }
}

/// The number of the first event behind the wait for a request: the client read up to there.
async fn behind_the_wait(app: &App, caller: &Caller, answers: &Answers) -> Result<Seq, Error> {
    let mut follower = app
        .store
        .follow(&caller.scope, answers.run.id, Seq::ZERO)
        .await?;
    let mut ends = SegmentEnds::default();
    while let store::Ready::Frames(frames) = follower.ready().await? {
        for bytes in frame::split(&frames) {
            // Most frames have nothing to do with waits, and are not parsed.
            let Some(envelope) = frame::kind(bytes)
                .filter(|kind| SegmentEnds::concern(kind))
                .and_then(|_| frame::parse(bytes))
            else {
                continue;
            };
            if let Some(SegmentEnd::Waits { on, .. }) = ends.take(&envelope.event)
                && on.contains(&answers.any)
            {
                return Ok(envelope.seq.next());
            }
        }
    }
    // Nothing waits for it: what comes from now on.
    Ok(follower.cursor().next())
}
