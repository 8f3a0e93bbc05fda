//! What is next for an open tool call. Pure: derived from the log, so that a call goes on the same way after a crash.

use run::CallId;
use run::event::{Decision, ToolStatus};
use run::snapshot::{Activity, Asked, Message, Progress, Request, Resolution, Snapshot};
use serde_json::Value;
use tool::Permission;

use crate::asked_calls::UNREADABLE;
use crate::toolbox::{Known, Owner, Toolbox};

/// What is next for a call.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Next {
    /// It ends without its tool.
    End {
        /// How.
        status: ToolStatus,
        /// What the model reads.
        result: Value,
    },
    /// Somebody is asked first.
    Ask(Ask),
    /// Its request is open.
    Wait,
    /// The user wants all of this to end.
    Cancel,
    /// A run of another agent performs it. Asked for again it is the same run.
    Start {
        /// The agent.
        agent: String,
    },
    /// Its tool is to be touched.
    Perform,
}

/// What is asked for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Whether it may be made.
    Approval,
    /// What its tool asks the run's user.
    User,
    /// The client, whose tool it is.
    Client,
}

/// The calls that have no result yet, in the order in which the model asked for them.
pub(crate) fn open_calls(snapshot: &Snapshot) -> impl Iterator<Item = &Activity> {
    let calls = snapshot.activities.iter();
    calls.filter(|activity| activity.status.is_none())
}

/// What is next for an open call. `is_granted` says whether its tool is allowed for the thread.
pub(crate) fn next(
    call: &Activity,
    snapshot: &Snapshot,
    tools: &Toolbox,
    is_granted: bool,
) -> Next {
    if message_of(call, snapshot).is_none_or(|message| message.progress == Progress::Discarded) {
        return end(
            ToolStatus::Interrupted,
            "the message that asked for it was withdrawn",
        );
    }
    // Before anything else, so that it is heard also where the tool has gone meanwhile.
    if is_cancelled(call, snapshot) {
        return Next::Cancel;
    }
    let Some(known) = tools.get(&call.name) else {
        return unknown(&call.name, tools);
    };
    if let Some(text) = call.args.get(UNREADABLE).and_then(Value::as_str) {
        let text = format!("the arguments are not a JSON object: {text}");
        return end(ToolStatus::Failed, &text);
    }
    match allowed(call, snapshot, tools, is_granted) {
        Some(next) => next,
        None => perform(call, snapshot, known),
    }
}

fn is_cancelled(call: &Activity, snapshot: &Snapshot) -> bool {
    let approval = approval_of(call, snapshot);
    matches!(
        approval.and_then(|request| request.resolution.as_ref()),
        Some(Resolution::Decided {
            decision: Decision::Cancel,
            ..
        })
    )
}

fn approval_of<'s>(call: &Activity, snapshot: &'s Snapshot) -> Option<&'s Request> {
    request_of(&call.call, snapshot, |asks| {
        matches!(asks, Asked::Approval { .. })
    })
}

/// What keeps it from being performed, if anything does.
fn allowed(
    call: &Activity,
    snapshot: &Snapshot,
    tools: &Toolbox,
    is_granted: bool,
) -> Option<Next> {
    match tools.terms(&call.name).permission {
        Permission::Allow => return None,
        Permission::Deny => {
            let text = "this tool may not be used here; do without it";
            return Some(end(ToolStatus::Denied, text));
        }
        Permission::Ask => {}
    }
    let approval = approval_of(call, snapshot);
    Some(match approval.map(|request| &request.resolution) {
        None if is_granted => return None,
        // An approval is answered by a decision alone.
        None | Some(Some(Resolution::Answered { .. })) => Next::Ask(Ask::Approval),
        Some(None) => Next::Wait,
        Some(Some(Resolution::Decided { decision, note, .. })) => match decision {
            Decision::Allow | Decision::AllowForThread => return None,
            Decision::Deny => {
                let text = match note {
                    Some(note) => format!("the user does not allow this: {note}"),
                    None => "the user does not allow this".to_owned(),
                };
                end(ToolStatus::Denied, &text)
            }
            Decision::Cancel => Next::Cancel,
        },
        Some(Some(Resolution::Expired { why })) => {
            let text = format!("nobody has allowed this: {why}");
            end(ToolStatus::Denied, &text)
        }
    })
}

fn perform(call: &Activity, snapshot: &Snapshot, known: &Known) -> Next {
    let (ask, is_own): (Ask, fn(&Asked) -> bool) = match &known.owner {
        Owner::Server { .. } | Owner::HttpFetch | Owner::Shell => return Next::Perform,
        Owner::Agent(agent) => {
            let agent = agent.clone();
            return Next::Start { agent };
        }
        Owner::AskUser => (Ask::User, |asks| matches!(asks, Asked::Question { .. })),
        Owner::Client => (Ask::Client, |asks| matches!(asks, Asked::ClientTool)),
    };
    match request_of(&call.call, snapshot, is_own).map(|request| &request.resolution) {
        // Only an approval is decided.
        None | Some(Some(Resolution::Decided { .. })) => Next::Ask(ask),
        Some(None) => Next::Wait,
        Some(Some(Resolution::Answered { value, .. })) => Next::End {
            status: ToolStatus::Ok,
            result: value.clone(),
        },
        Some(Some(Resolution::Expired { why })) => {
            end(ToolStatus::Failed, &format!("nobody has answered: {why}"))
        }
    }
}

fn message_of<'s>(call: &Activity, snapshot: &'s Snapshot) -> Option<&'s Message> {
    let message = call.message.as_ref()?;
    let mut messages = snapshot.messages.iter().rev();
    messages.find(|said| said.message == *message)
}

/// The last request of a kind about a call.
fn request_of<'s>(
    call: &CallId,
    snapshot: &'s Snapshot,
    is_kind: impl Fn(&Asked) -> bool,
) -> Option<&'s Request> {
    let mut requests = snapshot.requests.iter().rev();
    requests.find(|request| request.call.as_ref() == Some(call) && is_kind(&request.asks))
}

fn unknown(name: &str, tools: &Toolbox) -> Next {
    let names: Vec<&str> = tools.names().collect();
    let text = format!(
        "there is no tool {name:?} now; the tools are {}",
        names.join(", ")
    );
    end(ToolStatus::Failed, &text)
}

fn end(status: ToolStatus, text: &str) -> Next {
    Next::End {
        status,
        result: text.into(),
    }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
