//! The configuration: `outlive.toml`, over it the environment, over it the flags.
//!
//! Unknown keys are errors. Zero configuration works.

mod error;
mod place;
mod suggest;

mod mcp;
mod price;
mod repository;
mod settings;
mod vendor;

mod agents;
mod document;
mod load;
mod overrides;

#[cfg(test)]
mod tests;

pub(crate) use agents::{CHAT, DEMO, chat_model};
pub(crate) use error::ConfigError;
pub(crate) use load::{Config, Flags, load};
pub(crate) use place::{FILE, Surroundings};
pub(crate) use settings::LogFormat;
pub(crate) use suggest::hint;
pub(crate) use vendor::built_in as vendors;
