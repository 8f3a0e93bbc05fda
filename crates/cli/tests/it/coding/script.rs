//! What the model says. Where it is in a script follows from the conversation that it is sent, so that a resumed session
//! plays on.

use serde_json::{Value, json};

use crate::model::Answer;

/// The tools that run a command, and what they call it.
const SHELLS: [(&str, &str); 2] = [("exec_command", "cmd"), ("bash", "command")];

enum Said {
    User(String),
    Model,
    Tool,
}

/// A script begins with the last words of the user that name it.
pub(super) fn answer(request: &Value) -> Answer {
    let said = conversation(request);
    let begun = said.iter().enumerate().rev().find_map(|(at, said)| {
        let Said::User(text) = said else {
            return None;
        };
        let (name, _) = text.rsplit_once("<<")?.1.split_once(">>")?;
        Some((at, name))
    });
    let Some((at, name)) = begun else {
        return Answer::text("Nothing to play.");
    };
    let since = said.get(at + 1..).unwrap_or_default();
    let heard: Vec<&str> = since
        .iter()
        .filter_map(|said| match said {
            Said::User(text) => Some(text.as_str()),
            Said::Model | Said::Tool => None,
        })
        .collect();
    let mut n_turns = 0;
    let mut was_model = false;
    for said in since {
        let is_model = matches!(said, Said::Model);
        n_turns += usize::from(is_model && !was_model);
        was_model = is_model;
    }
    let shell = |text: &str, command: &str| shell(request, text, command);
    match (name, n_turns) {
        ("stream", _) => Answer::tokens(20, 50),
        ("one", 0) => shell("I write. ", "echo one > one && echo written"),
        ("two", 0) => shell("More. ", "echo two > two && echo more >> README"),
        ("talk", _) if heard.is_empty() => shell("I wait. ", "touch began; sleep 0.1"),
        ("talk", _) => Answer::text(&format!("I heard: {}", heard.join("; "))),
        ("hang", 0) => Answer::hanging("half an "),
        ("stuck", 0) => shell("I wait. ", "setsid sleep 600 & touch began; sleep 601"),
        ("resume", _) if has_result(request, "all done") => Answer::text("It is done."),
        ("resume", _) => shell(
            "I go on. ",
            "if test -e began; then echo yes > again; echo all done; else touch began; sleep 600; fi",
        ),
        _ => Answer::text("It is done."),
    }
}

fn shell(request: &Value, text: &str, command: &str) -> Answer {
    let offered = tools(request);
    let known = SHELLS.iter().find(|(name, _)| offered.contains(name));
    // A conversation that offers no shell is about something else: its title, for one.
    match known {
        Some((name, argument)) => Answer::call(text, name, json!({ *argument: command })),
        None => Answer::text("A title"),
    }
}

fn tools(request: &Value) -> Vec<&str> {
    let tools = request["tools"].as_array().into_iter().flatten();
    let names =
        tools.filter_map(|tool| tool["function"]["name"].as_str().or(tool["name"].as_str()));
    names.collect()
}

fn has_result(request: &Value, text: &str) -> bool {
    let results = items(request)
        .filter(|item| item["role"] == "tool" || item["type"] == "function_call_output");
    results
        .map(Value::to_string)
        .any(|result| result.contains(text))
}

fn items(request: &Value) -> impl Iterator<Item = &Value> {
    let items = request["messages"]
        .as_array()
        .or(request["input"].as_array());
    items.into_iter().flatten()
}

/// Results stand between the answers of the model, which may have several items each.
fn conversation(request: &Value) -> Vec<Said> {
    let said = |item: &Value| match item["role"].as_str() {
        Some("user") => Some(Said::User(text(&item["content"]))),
        Some("assistant") => Some(Said::Model),
        Some("tool") => Some(Said::Tool),
        None if item["type"] == "function_call" => Some(Said::Model),
        None if item["type"] == "function_call_output" => Some(Said::Tool),
        Some(_) | None => None,
    };
    items(request).filter_map(said).collect()
}

fn text(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts
            .iter()
            .filter_map(|part| part["text"].as_str())
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => String::new(),
    }
}
