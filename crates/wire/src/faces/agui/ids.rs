//! The ids that a client sees, and the way back.

use run::{CallId, InputId, MessageId, RequestId, RunId, Seq};

/// Characters of a run's id.
const RUN_CHARS: usize = 36;
/// What stands behind a call's id for the message with its result.
const RESULT: &str = ":result";

/// A message.
pub fn message(run: &str, message: &MessageId) -> String {
    format!("{run}:{message}")
}

/// A thought in a message: the part of this index.
pub fn reasoning(message: &str, part: u32) -> String {
    format!("{message}:r{part}")
}

/// A call.
pub fn call(run: &str, call: &CallId) -> String {
    format!("{run}:{call}")
}

/// The message with a call's result.
pub fn result(call: &str) -> String {
    format!("{call}{RESULT}")
}

/// A message that a user gave to the open run.
pub fn input(run: &str, input: &InputId) -> String {
    format!("{run}:{input}")
}

/// Something that is there once in a run: its plan, its diff.
pub fn only(run: &str, what: &str) -> String {
    format!("{run}:{what}")
}

/// A request.
pub fn request(run: RunId, request: &RequestId) -> String {
    format!("{run}:{request}")
}

/// The same thing again in a later segment, where the client has closed the earlier one.
pub(super) fn again(id: &str, first_seq: Seq) -> String {
    format!("{id}~{first_seq}")
}

/// The run of an id, and what the id names in it. Nothing for an id that is none of ours.
pub fn split(id: &str) -> Option<(RunId, &str)> {
    let (run, rest) = id.split_at_checked(RUN_CHARS)?;
    Some((RunId::parse(run).ok()?, rest.strip_prefix(':')?))
}

/// The request of an interrupt's id.
pub fn interrupt(id: &str) -> Option<(RunId, RequestId)> {
    let (run, request) = split(id)?;
    Some((run, RequestId::parse(request).ok()?))
}

/// The call of a tool call's id.
pub fn call_of(id: &str) -> Option<(RunId, CallId)> {
    let (run, call) = split(id)?;
    let (call, _) = call.rsplit_once('~').unwrap_or((call, ""));
    Some((run, CallId::parse(call).ok()?))
}

/// What a message's id names in its run, without the index of a thought.
pub(super) fn key(rest: &str) -> &str {
    let (key, part) = rest.rsplit_once(":r").unwrap_or((rest, ""));
    if !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()) {
        key
    } else {
        rest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "01960000-0000-7000-8000-000000000001";

    #[track_caller]
    fn check(id: &str, expected: Option<&str>) {
        let found = split(id).map(|(run, rest)| (run.to_string(), key(rest)));
        assert_eq!(found, expected.map(|key| (RUN.to_owned(), key)));
    }

    #[test]
    fn an_id_names_its_run_and_a_thing_in_it() {
        check(&format!("{RUN}:m1"), Some("m1"));
        check(&format!("{RUN}:m1:r12"), Some("m1"));
        check(&format!("{RUN}:a:rx"), Some("a:rx"));
        check(&format!("{RUN}:c1:result"), Some("c1:result"));
        check(&format!("{RUN}:m1~9"), Some("m1~9"));
        check(RUN, None);
        check("user-1", None);
        check("", None);
        assert_eq!(
            call_of(&format!("{RUN}:c2~17")).map(|(_, call)| call),
            CallId::parse("c2").ok()
        );
    }
}
