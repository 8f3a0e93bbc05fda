//! The AI SDK's addresses: `useChat` with its transports as they are. The translation is [`wire::faces::aisdk`].

mod answer;
mod chat;
mod follow;
mod messages;
mod name;
mod routes;
mod start;
mod stop;
mod stream;

use chat::chat;
use follow::follow;
use messages::{ChatMessages, messages};
pub(crate) use routes::routes;
use stop::stop;
