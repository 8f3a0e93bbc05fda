//! The command that runs a real model here, if one can be reached.

use std::time::Duration;

use crate::config::{Surroundings, chat_model, vendors};

/// For a local vendor to say what it has.
const PATIENCE: Duration = Duration::from_secs(2);

/// A command line for a vendor whose key is in the environment, else for a local one that answers.
pub(super) async fn real_model(surroundings: &Surroundings) -> Option<String> {
    let command = |model: &str| format!("outlive run --model {model} \"Write a haiku about rain\"");
    if let Some(model) = chat_model(surroundings) {
        return Some(command(model));
    }
    let ollama = vendors().remove("ollama")?;
    let http = provider::Client::builder().no_proxy().build().ok()?;
    let client = provider::Client::new(http);
    let vendor = ollama.resolve(surroundings);
    let models = tokio::time::timeout(PATIENCE, client.models(&vendor)).await;
    let model = models.ok()?.ok()?.into_iter().next()?;
    Some(command(&format!("ollama/{model}")))
}
