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
mod routes;
mod start;
mod stream;
mod wait;

pub(crate) use routes::routes;
