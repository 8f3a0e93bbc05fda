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
/// Longest text of a reason or an error inside an event, bytes.
pub const MAX_WHY_BYTES: usize = 8 * 1024;

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
