//! The face of the AI SDK: `useChat` and its transports, as they are.
//!
//! A chat is a thread, a run's answer is one UI message whose id is the run's, and a stream is a segment of the run. The log is
//! translated event by event ([`Translator`]); a page that loads a chat gets the same messages from snapshots
//! ([`message_of`]). The reference for what a client accepts is the package's own schema of chunks, which is strict: one
//! unknown chunk fails a whole stream.

mod answers;
mod aside;
mod body;
mod chunk;
mod conversation;
mod history;
mod ids;
mod lines;
mod metadata;
mod posted;
mod translate;
mod view;

#[cfg(test)]
mod tests;

pub use answers::{Answered, answered};
pub use body::{ChatBody, ChatTrigger, StopChat};
pub use conversation::{own_conversation, said};
pub use history::{Reply, UiMessage, asked_of, message_of, replaced};
pub use lines::{DONE, Lines};
pub use metadata::error_text;
pub use posted::{PostedMessage, PostedPart};
pub use translate::Translator;
pub use view::{Begin, Dialect, Discarded, View};
