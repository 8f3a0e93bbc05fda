//! The end of a run of the protocol: what the run waits for now, or how it ends. Pure.

use std::collections::BTreeSet;

use run::event::{ClientToolCalled, Notice, NoticeLevel, ToolStatus};
use run::{
    CallId, ErrorInfo, Event, MAX_OPEN_REQUESTS, MAX_OUTPUT_BYTES, MAX_RESUME_REF_BYTES, Outcome,
    Reason, RequestId, is_shallow,
};
use wire::faces::agui::decode::Finish;

use super::fold::Fold;
use super::pending::{self, About};
use super::place::Place;
use super::session;
use crate::limits::UPSTREAM_VALUE_BYTES;

/// The requests that the end of a run of the protocol becomes, behind the place from which their answers go on; nothing if
/// it waits for nothing.
pub(super) fn wait_for(
    finish: &Finish,
    fold: &mut Fold,
    place: &Place,
    first: u32,
) -> Result<Vec<Event>, Outcome> {
    let failed =
        |code: &str, why: String| Outcome::failed(Reason::Error, ErrorInfo::new(code, why));
    let mut next = first;
    let mut request = || {
        let id = RequestId::nth(next);
        next += 1;
        id
    };
    let mut asked = Vec::new();
    let mut events = Vec::new();
    for interrupt in &finish.interrupts {
        let n_bytes = interrupt.to_string().len();
        if n_bytes > UPSTREAM_VALUE_BYTES || !is_shallow(interrupt) {
            let why = format!(
                "the agent asks something of {n_bytes} bytes, more than can be shown to a person"
            );
            return Err(failed("upstream_value", why));
        }
        let call = interrupt["toolCallId"].as_str();
        let call = call.and_then(|call| fold.call(call));
        let about = About {
            call: call.and_then(|call| call.call.clone()),
            tool: call.map(|call| call.name.as_str()),
        };
        let (one, event) = pending::request(request(), interrupt, about);
        asked.push(one);
        events.push(event);
    }
    let answered: BTreeSet<&str> = asked.iter().filter_map(|one| one.call.as_deref()).collect();
    let at_client: Vec<CallId> = fold
        .open_calls()
        .filter(|(theirs, call)| fold.is_at_client(call) && !answered.contains(theirs))
        .filter_map(|(_, call)| call.call.clone())
        .collect();
    let at_client = at_client.into_iter().map(|call| {
        let expires_at = None;
        let called = ClientToolCalled {
            request: request(),
            call,
            expires_at,
        };
        Event::from(called)
    });
    events.extend(at_client);
    if events.is_empty() {
        // A run that is done has results of all its calls, whether they were told or not.
        let open: Vec<String> = fold.open_calls().map(|(id, _)| id.to_owned()).collect();
        for id in open {
            let text = "the agent has told no result";
            fold.complete(&id, ToolStatus::Unknown, text.into());
        }
        return Ok(events);
    }
    let place = place.ended(asked);
    let n_bytes = place.print().to_string().len();
    if events.len() > MAX_OPEN_REQUESTS || n_bytes > MAX_RESUME_REF_BYTES {
        let why = format!("the agent asks {} things at once", events.len());
        return Err(failed("too_many_interrupts", why));
    }
    events.insert(0, session(&place));
    Ok(events)
}

/// How a run ends whose agent is done.
pub(super) fn outcome(finish: Finish) -> (Outcome, Option<Event>) {
    if finish.is_cancelled {
        return (Outcome::aborted(Reason::Stopped), None);
    }
    let outcome = Outcome::completed();
    if finish.result.is_null() {
        return (outcome, None);
    }
    let n_bytes = finish.result.to_string().len();
    if n_bytes <= MAX_OUTPUT_BYTES && is_shallow(&finish.result) {
        return (outcome.with_output(finish.result), None);
    }
    let text = format!(
        "the agent gave a result of {n_bytes} bytes that is too large or nests too deep; it is left out"
    );
    let notice = Notice::new(NoticeLevel::Warning, "upstream_value", text);
    (outcome, Some(notice.into()))
}
