//! Every bound of a run, named once.

/// Longest thread id, bytes.
pub const MAX_THREAD_ID_BYTES: usize = 200;
/// Longest name of a tenant, user, agent, worker or node, bytes.
pub const MAX_NAME_BYTES: usize = 128;
/// Longest id inside a run, bytes: agents bring ids of their own.
pub const MAX_SHORT_ID_BYTES: usize = 128;
/// Largest printed event, bytes. Larger output goes to the blob table.
pub const MAX_EVENT_BYTES: usize = 1024 * 1024;
/// Most messages of a run that are open at once.
pub const MAX_OPEN_MESSAGES: usize = 64;
/// Most tool calls of a run that are open at once.
pub const MAX_OPEN_CALLS: usize = 256;
/// Most requests of a run that are open at once.
pub const MAX_OPEN_REQUESTS: usize = 64;
/// Most background tasks of a run that are open at once.
pub const MAX_OPEN_TASKS: usize = 256;
/// Most inputs that wait in a run.
pub const MAX_PENDING_INPUTS: usize = 64;
/// Most messages of a run that may be discarded: each retry discards one, and readers need the list.
pub const MAX_DISCARDED_MESSAGES: usize = 256;
/// Most closed requests that a run remembers, so that a late answer hears what became of its request.
pub const MAX_CLOSED_REQUESTS: usize = 64;
/// Most questions of one request.
pub const MAX_QUESTIONS: usize = 16;
/// Largest reference that reopens an agent's session, bytes as printed.
pub const MAX_RESUME_REF_BYTES: usize = 16 * 1024;
/// Largest control state of a run, bytes as printed: what follows from the bounds above when each is reached with ids
/// of the longest kind that need escaping. A usual one has some hundred bytes.
pub const MAX_RUN_BYTES: usize = 1024 * 1024;
/// Longest rendered prompt, system and user together, bytes. Printed as JSON a byte may take six; longer still, the event
/// itself does not fit.
pub const MAX_PROMPT_BYTES: usize = 512 * 1024;
/// Longest summary of a thread's older history, bytes.
pub const MAX_HISTORY_SUMMARY_BYTES: usize = 64 * 1024;
/// Longest summary of a run, characters.
pub const MAX_SUMMARY_CHARS: usize = 200;
/// Longest text of a reason or an error inside an event, bytes.
pub const MAX_WHY_BYTES: usize = 8 * 1024;
/// Most output of one tool call that a snapshot keeps, bytes: the end of it. The log has all.
pub const MAX_SNAPSHOT_OUTPUT_BYTES: usize = 256 * 1024;
/// Most stretches of one tool call's output that a snapshot keeps: streams that take turns make many small ones.
pub const MAX_SNAPSHOT_OUTPUT_STRETCHES: usize = 256;
/// Most notices that a snapshot keeps: the newest. The log has all.
pub const MAX_SNAPSHOT_NOTICES: usize = 200;
/// Largest shared state of an agent, bytes, about as printed. A patch can copy, so a short one could make a huge state.
pub const MAX_STATE_BYTES: usize = 4 * 1024 * 1024;
/// Largest JSON Schema of an output, bytes as printed. It is stored with each run.
pub const MAX_SCHEMA_BYTES: usize = 64 * 1024;
/// Largest structured output of a run, bytes as printed: it is part of the final event.
pub const MAX_OUTPUT_BYTES: usize = 512 * 1024;
/// Most repairs of a structured output in one attempt.
pub const MAX_REPAIR_ATTEMPTS: u32 = 8;
/// How deep a JSON value inside an event may nest. Readers of JSON have a bound of their own (128 for ours), and a
/// snapshot and a response add levels around the value.
pub const MAX_VALUE_DEPTH: usize = 100;

/// Cuts a text at a character boundary so that it fits, and says that it did.
pub fn bounded_text(mut text: String, max_bytes: usize) -> String {
    if text.len() > max_bytes {
        let mut end = max_bytes;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        text.push_str(" … (cut)");
    }
    text
}

/// How long a command on a worktree may be silent, and how long stopping one may take: git has bounds of its own, and breaking it
/// off is worse than waiting. Milliseconds.
pub const WORKTREE_TASK_MS: u64 = 10 * 60 * 1000;

/// Bytes of a preview's name.
pub const PREVIEW_NAME_BYTES: usize = 64;

/// Notices in a run's log that somebody from outside has left.
pub const MAX_TOLD: u32 = 1_000;
