//! Answers to what a run waits for, in the input of a response: the same run goes on, in a new response.

use run::event::{Decision, InputMode};
use run::snapshot::{Asked, Request, Resolution, Snapshot};
use run::{Answer, ChatMessage, Command, RequestId, Role};
use serde_json::{Value, json};
use store::Right;
use wire::Code;
use wire::faces::Wait;
use wire::faces::openai::{AskedId, Given, Reply, ResponseId, Says};

use super::log::waits;
use super::named::{Named, unknown};
use crate::App;
use crate::auth::Caller;
use crate::error::Error;

/// Answers a run; gives the response that follows. `previous` is the response that asked, if the client says so.
pub(super) async fn go_on(
    app: &App,
    caller: &Caller,
    named: &Named,
    previous: Option<ResponseId>,
    given: &Given,
) -> Result<ResponseId, Error> {
    caller.may(Right::Answer)?;
    let waits = waits(app, caller, named).await?;
    let snapshot = app.store.snapshot(&caller.scope, named.id.run).await?;
    let asked = given.replies.iter();
    let asked = asked.map(|reply| Ok((request(&snapshot, named, reply)?, reply)));
    let asked: Vec<(&Request, &Reply)> = asked.collect::<Result<_, Error>>()?;
    let wait = wait(waits.found(), previous, &asked)?;
    is_complete(named, &snapshot, wait, &asked)?;

    let mut commands = Vec::new();
    for (request, reply) in asked {
        commands.extend(command(caller, request, reply)?);
    }
    // A repeat says nothing twice.
    if !commands.is_empty() {
        let steers = steers(caller, given.new_messages())?;
        for command in steers.into_iter().chain(commands) {
            let run = named.id.run;
            app.store.command(&caller.scope, run, command).await?;
        }
    }
    Ok(ResponseId {
        run: named.id.run,
        first: wait.last.next(),
    })
}

/// What an answer is for.
fn request<'s>(snapshot: &'s Snapshot, named: &Named, reply: &Reply) -> Result<&'s Request, Error> {
    let mut requests = snapshot.requests.iter().rev();
    let found = match &reply.to {
        _ if reply.to.run() != named.id.run => None,
        AskedId::Call(_, call) => requests.find(|request| {
            request.call.as_ref() == Some(call) && matches!(request.asks, Asked::ClientTool)
        }),
        AskedId::Question(_, id) | AskedId::Approval(_, id) => {
            requests.find(|request| request.request == *id)
        }
    };
    found.ok_or_else(|| {
        let text = format!("the run asks nothing with the id {}", reply.to);
        Error::new(Code::RequestUnknown, text).with_path(&reply.param)
    })
}

/// The wait that the answers end.
fn wait<'w>(
    waits: &'w [Wait],
    previous: Option<ResponseId>,
    asked: &[(&Request, &Reply)],
) -> Result<&'w Wait, Error> {
    if let Some(previous) = previous {
        let wait = waits.iter().find(|wait| wait.first == previous.first);
        return wait.ok_or_else(|| unknown().with_path("previous_response_id"));
    }
    let is_of = |wait: &&Wait| {
        let mut asked = asked.iter();
        asked.any(|(request, _)| wait.requests.contains(&request.request))
    };
    waits.iter().rev().find(is_of).ok_or_else(|| {
        let text = "the run does not wait for this yet";
        Error::new(Code::RequestUnknown, text).with_path("input")
    })
}

/// All that the run waits for has to be answered at once, as in the original.
fn is_complete(
    named: &Named,
    snapshot: &Snapshot,
    wait: &Wait,
    asked: &[(&Request, &Reply)],
) -> Result<(), Error> {
    let is_answered = |id: &RequestId| asked.iter().any(|(request, _)| request.request == *id);
    let open = snapshot.requests.iter().filter(|request| {
        request.resolution.is_none()
            && wait.requests.contains(&request.request)
            && !is_answered(&request.request)
    });
    let missing: Vec<String> = open.map(|request| id_of(named, request)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let message = format!("no answer for {}", missing.join(", "));
    Err(Error::invalid("input", message).with_run(named.id.run))
}

fn id_of(named: &Named, request: &Request) -> String {
    let run = named.id.run;
    let id = match (&request.asks, &request.call) {
        (Asked::ClientTool, Some(call)) => AskedId::Call(run, call.clone()),
        (Asked::Approval { .. }, _) => AskedId::Approval(run, request.request.clone()),
        (Asked::Question { .. } | Asked::ClientTool, _) => {
            AskedId::Question(run, request.request.clone())
        }
    };
    id.to_string()
}

/// The command that gives an answer; none where the same answer was given before, so that a request may be repeated.
fn command(caller: &Caller, request: &Request, reply: &Reply) -> Result<Option<Command>, Error> {
    let at = |code: Code, text: String| Error::new(code, text).with_path(&reply.param);
    let answer = answer(request, reply)?;
    match &request.resolution {
        None => Ok(Some(Command::Answer {
            request: request.request.clone(),
            answer,
            by: caller.by(),
        })),
        Some(resolution) if is_same(resolution, &answer) => Ok(None),
        Some(Resolution::Expired { why }) => {
            let text = format!("{} has expired: {why}", reply.to);
            Err(at(Code::RequestExpired, text))
        }
        Some(Resolution::Decided { .. } | Resolution::Answered { .. }) => {
            let text = format!("{} has been answered otherwise", reply.to);
            Err(at(Code::RequestAnswered, text))
        }
    }
}

fn answer(request: &Request, reply: &Reply) -> Result<Answer, Error> {
    let unfit = |text: &str| Error::new(Code::AnswerUnfit, text).with_path(&reply.param);
    match (&request.asks, &reply.says) {
        (Asked::ClientTool, Says::Output(text)) => Ok(Answer::Result(text.clone().into())),
        (Asked::Question { questions }, Says::Output(text)) => {
            let answers = match serde_json::from_str(text) {
                Ok(answers @ Value::Object(_)) => answers,
                Ok(_) | Err(_) => match &questions[..] {
                    [only] => json!({ &only.id: text }),
                    _ => {
                        return Err(unfit(
                            "several questions are answered with a JSON object by their ids",
                        ));
                    }
                },
            };
            Ok(Answer::Answers(answers))
        }
        (Asked::Approval { .. }, Says::Approved) => Ok(Answer::Decision {
            decision: Decision::Allow,
            note: None,
        }),
        (Asked::Approval { options, .. }, Says::Denied { reason }) => Ok(Answer::Decision {
            decision: if options.contains(&Decision::Deny) {
                Decision::Deny
            } else {
                Decision::Cancel
            },
            note: reason.clone(),
        }),
        (Asked::Approval { .. }, Says::Output(_)) => {
            Err(unfit("an approval is answered with mcp_approval_response"))
        }
        (Asked::ClientTool | Asked::Question { .. }, Says::Approved | Says::Denied { .. }) => {
            Err(unfit("a function is answered with function_call_output"))
        }
    }
}

/// Whether a request was closed by this answer. What an approval allows beyond this once is no contradiction.
fn is_same(resolution: &Resolution, answer: &Answer) -> bool {
    let allows = |decision: Decision| match decision {
        Decision::Allow | Decision::AllowForThread => true,
        Decision::Deny | Decision::Cancel => false,
    };
    match (resolution, answer) {
        (Resolution::Decided { decision, .. }, Answer::Decision { decision: same, .. }) => {
            allows(*decision) == allows(*same)
        }
        (Resolution::Answered { value, .. }, Answer::Answers(same) | Answer::Result(same)) => {
            value == same
        }
        (
            Resolution::Decided { .. } | Resolution::Answered { .. } | Resolution::Expired { .. },
            _,
        ) => false,
    }
}

/// What is said beside the answers is heard between the steps of the run.
fn steers(caller: &Caller, messages: &[ChatMessage]) -> Result<Vec<Command>, Error> {
    messages
        .iter()
        .map(|message| match message.role {
            Role::User => Ok(Command::Input {
                mode: InputMode::Steer,
                parts: message.parts.clone(),
                by: caller.by(),
            }),
            Role::System | Role::Assistant | Role::Tool => Err(Error::invalid(
                "input",
                "beside answers only a user says something: the run has its instructions",
            )),
        })
        .collect()
}
