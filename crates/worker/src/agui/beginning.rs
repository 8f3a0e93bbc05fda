//! What an attempt begins with: where the run is, and what its agent is to be told.

use std::collections::BTreeSet;

use run::event::{Notice, NoticeLevel, ToolCompleted, ToolStatus, TurnStarted};
use run::snapshot::{Activity, Asked as Asks, Resolution, Snapshot};
use run::{CallId, Event, TurnId};
use serde_json::{Value, json};
use store::Scope;
use wire::faces::agui::PROTOCOL_VERSION;

use super::fold::{Before, Fold};
use super::names;
use super::past::{self, Past};
use super::place::Place;
use crate::context::{Context, Over};
use crate::limits::{HISTORY_RUNS, UPSTREAM_HISTORY_BYTES};
use crate::looping::log::Log;

/// What an attempt begins with.
pub(super) struct Beginning {
    /// The driver's own view of the run.
    pub(super) log: Log,
    pub(super) place: Place,
    /// What the agent is told.
    pub(super) body: Value,
    pub(super) fold: Fold,
}

impl Beginning {
    /// Reads what there is, and what the agent is to be told.
    pub(super) async fn begin(context: &mut Context) -> Result<Self, Over> {
        let snapshot = context.snapshot().await?;
        let control = context.control();
        let spec = context.run().spec.clone();
        let input = context.run().input.clone();
        let id = context.run().id;
        let reference = control.resume_ref.as_ref();
        let on_lost = spec.policy().on_lost;
        let place = Place::next(reference, &id.to_string(), control.attempt, on_lost);
        let mut log = Log::new(snapshot, &control);
        let mut events = Vec::new();
        if control.turn.is_none() {
            let turn = TurnId::nth(control.n_turns + 1);
            let started = TurnStarted {
                turn,
                input: None,
                model: None,
            };
            events.push(started.into());
        }
        let has_ended = Place::has_ended(reference);
        let mut waiting = place.calls();
        for call in open_calls(&log.snapshot) {
            let theirs = names::theirs(call.call.as_str()).to_owned();
            match result_of(&call, &log.snapshot) {
                Some(completed) => events.push(completed),
                // It goes on with the answers.
                None if has_ended || waiting.contains(&theirs) => drop(waiting.insert(theirs)),
                None => events.push(completed(call.call, ToolStatus::Unknown, Value::Null)),
            }
        }
        context.emit(log.take(events)).await?;
        let (mut pasts, state) = history(context).await?;
        let own = Past::of(id, &input, &log.snapshot, &waiting);
        if own.begins {
            pasts.clear();
        }
        // What this run has said itself is known by its log.
        let sent = pasts.iter().flatten().filter(|it| it["role"] != "user");
        let sent = sent.filter_map(|message| message["id"].as_str().map(str::to_owned));
        let sent: BTreeSet<String> = sent.collect();
        pasts.push(own.messages);
        let n_cut = past::cut(&mut pasts, UPSTREAM_HISTORY_BYTES);
        if n_cut > 0 {
            let text = format!(
                "the thread's conversation has more than {UPSTREAM_HISTORY_BYTES} bytes; its {n_cut} oldest runs are not told"
            );
            let notice = Notice::new(NoticeLevel::Warning, "history_cut", text);
            context.emit(log.take(vec![notice.into()])).await?;
        }
        let messages: Vec<Value> = pasts.into_iter().flatten().collect();
        let before = Before {
            sent,
            client_tools: input.tools.iter().map(|tool| tool.name.clone()).collect(),
            keeps_raw: spec.raw,
        };
        let fold = Fold::new(before, &log.snapshot);
        let state = match (&log.snapshot.state, input.variables.get("state")) {
            (Value::Null, Some(given)) => given.clone(),
            (Value::Null, None) => state,
            (own, _) => own.clone(),
        };
        let tools = input.tools.iter().map(|tool| {
            json!({ "name": tool.name, "description": tool.description, "parameters": tool.parameters })
        });
        let mut body = json!({
            "threadId": context.run().thread.as_str(),
            "runId": place.name(),
            "protocolVersion": PROTOCOL_VERSION,
            "state": if state.is_null() { json!({}) } else { state },
            "messages": messages,
            "tools": tools.collect::<Vec<_>>(),
            "context": input.variables.get("context").filter(|it| it.is_array()).unwrap_or(&json!([])),
            "forwardedProps": past::forwarded(&spec.forwarded_props, &input.variables),
        });
        let resume = place.resume(&log.snapshot);
        if !resume.is_empty() {
            body["resume"] = resume.into();
        }
        Ok(Self {
            log,
            place,
            body,
            fold,
        })
    }
}

/// What was said on the thread before, oldest run first, and the last state that an agent shared there.
async fn history(context: &Context) -> Result<(Vec<Vec<Value>>, Value), Over> {
    let store = &context.store;
    let scope = Scope::tenant(context.run().tenant.clone());
    let mut pasts = Vec::new();
    let mut state = Value::Null;
    let mut n_bytes = 0;
    let mut after = None;
    'pages: loop {
        let page = || store.history(&scope, context.run.id, after, usize::MAX);
        let page = context.asked("read the history", page).await?;
        let page = page.map_err(|_| Over)?;
        for run in page.entries {
            if pasts.len() >= HISTORY_RUNS || n_bytes > UPSTREAM_HISTORY_BYTES {
                break 'pages;
            }
            let snapshot = || store.snapshot(&scope, run.id);
            let snapshot = context.asked("read the history", snapshot).await?;
            // Deleted meanwhile.
            let Ok(snapshot) = snapshot else {
                continue;
            };
            if state.is_null() {
                state.clone_from(&snapshot.state);
            }
            let past = Past::of(run.id, &run.input, &snapshot, &BTreeSet::new());
            n_bytes += past
                .messages
                .iter()
                .map(|it| it.to_string().len())
                .sum::<usize>();
            pasts.push(past.messages);
            if past.begins {
                break 'pages;
            }
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    pasts.reverse();
    Ok((pasts, state))
}

fn open_calls(snapshot: &Snapshot) -> Vec<Activity> {
    let calls = snapshot.activities.iter();
    calls
        .filter(|call| call.status.is_none())
        .cloned()
        .collect()
}

/// What the client has given for a call of its own tool.
fn result_of(call: &Activity, snapshot: &Snapshot) -> Option<Event> {
    let request = snapshot.requests.iter().rev().find(|request| {
        request.call.as_ref() == Some(&call.call) && request.asks == Asks::ClientTool
    })?;
    let id = call.call.clone();
    Some(match request.resolution.as_ref()? {
        Resolution::Answered { value, .. } => completed(id, ToolStatus::Ok, value.clone()),
        Resolution::Expired { why } => {
            let text = format!("the client did not run it: {why}");
            completed(id, ToolStatus::Failed, text.into())
        }
        Resolution::Decided { .. } => return None,
    })
}

fn completed(call: CallId, status: ToolStatus, result: Value) -> Event {
    ToolCompleted {
        call,
        status,
        result,
        usage: None,
    }
    .into()
}
