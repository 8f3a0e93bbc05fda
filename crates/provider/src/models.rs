//! A vendor's list of its models.

use serde_json::Value;

/// The models' names, or none if the document is no list of models. OpenAI's and Anthropic's form is
/// `{"data": [{"id"}]}`, Gemini's and Ollama's `{"models": [{"name"}]}`; some followers of OpenAI send the bare list.
pub(crate) fn models(document: &Value) -> Option<Vec<String>> {
    let list = [&document["data"], &document["models"], document]
        .into_iter()
        .find_map(Value::as_array)?;
    let name = |model: &Value| {
        ["id", "name"]
            .iter()
            .find_map(|key| model[*key].as_str())
            // A resource name, as Gemini has it.
            .map(|name| name.strip_prefix("models/").unwrap_or(name).to_owned())
    };
    Some(list.iter().filter_map(name).collect())
}
