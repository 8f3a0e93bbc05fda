//! The OpenAI Responses protocol. See [`wire::faces::openai`].

mod answer;
mod branch;
mod cancel;
mod create;
mod delete;
mod input_items;
mod log;
mod models;
mod named;
mod retrieve;
mod start;
mod stream;
mod wait;

pub(crate) use cancel::cancel;
pub(crate) use create::create;
pub(crate) use delete::delete;
pub(crate) use input_items::input_items;
pub(crate) use models::{list as list_models, show as show_model};
pub(crate) use retrieve::retrieve;
