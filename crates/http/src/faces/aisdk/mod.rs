//! The AI SDK's addresses: `useChat` with its transports as they are. The translation is [`wire::faces::aisdk`].

mod answer;
mod chat;
mod follow;
mod messages;
mod name;
mod start;
mod stop;
mod stream;

pub(crate) use chat::chat;
pub(crate) use follow::follow;
pub(crate) use messages::{ChatMessages, messages};
pub(crate) use stop::stop;
