//! The answer to `GET /models`.

use serde_json::Value;

/// The models' names, or none if the document is no list of models. OpenAI's form is `{"data": [{"id"}]}`; some
/// followers send the bare list, or call it `models`.
pub(crate) fn models(document: &Value) -> Option<Vec<String>> {
    let list = [&document["data"], &document["models"], document]
        .into_iter()
        .find_map(Value::as_array)?;
    let name = |model: &Value| {
        ["id", "name"]
            .iter()
            .find_map(|key| model[*key].as_str().map(str::to_owned))
    };
    Some(list.iter().filter_map(name).collect())
}
