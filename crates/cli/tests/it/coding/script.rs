//! What the model says. Where it is in a script follows from the conversation that it is sent, so that a resumed session
//! plays on.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use crate::model::Answer;

/// The tools that run a command, and what they call it.
const SHELLS: [(&str, &str); 3] = [
    ("exec_command", "cmd"),
    ("bash", "command"),
    ("Bash", "command"),
];

/// Plays scripts, and remembers how often it has failed: `<<broken 2>>` fails twice and then answers.
#[derive(Default)]
pub(super) struct Player {
    failed: Mutex<BTreeMap<String, u32>>,
}

impl Player {
    pub(super) fn answer(&self, request: &Value) -> Answer {
        // A conversation without tools is about something else: its title, for one.
        if tools(request).next().is_none() {
            return Answer::text("A title");
        }
        let said = conversation(request);
        // A script begins with the last words of the user that name it.
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
        match name.split_once(' ') {
            Some((fault, n_times)) => self.fails(fault, n_times.parse().unwrap_or_default()),
            None => play(request, name, since),
        }
    }

    fn fails(&self, fault: &str, n_times: u32) -> Answer {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let n_failed = failed.entry(fault.to_owned()).or_default();
        if *n_failed >= n_times {
            return Answer::text("It is done.");
        }
        *n_failed += 1;
        match fault {
            "limited" => Answer::refused(429, Some(1)),
            "broken" => Answer::refused(500, None),
            "refused" => Answer::refused(400, None),
            "dropped" => Answer::dropped("half an "),
            "truncated" => Answer::truncated("half an "),
            _ => Answer::missing(),
        }
    }
}

enum Said {
    User(String),
    Model,
    Tool,
}

fn play(request: &Value, name: &str, since: &[Said]) -> Answer {
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
        ("wait", 0) => shell(
            "I wait. ",
            "touch began; until test -e go; do sleep 0.1; done",
        ),
        ("hang", 0) => Answer::hanging("half an "),
        ("stuck", 0) => shell("I wait. ", "setsid sleep 600 & touch began; sleep 601"),
        ("resume" | "steps", _) if has_result(request, "all done") => Answer::text("It is done."),
        ("resume", _) => shell(
            "I go on. ",
            "if test -e began; then echo yes > again; echo all done; else touch began; sleep 600; fi",
        ),
        ("steps", _) => shell(
            "A step. ",
            "echo step >> steps; sleep 0.1; if test $(wc -l < steps) -ge 3; then echo all done; else echo more; fi",
        ),
        _ => Answer::text("It is done."),
    }
}

fn shell(request: &Value, text: &str, command: &str) -> Answer {
    let known = SHELLS.iter().find_map(|(name, argument)| {
        let offered = tools(request).find(|tool| tool["name"] == *name)?;
        Some((name, argument, offered))
    });
    let Some((name, argument, tool)) = known else {
        return Answer::text("No shell is offered.");
    };
    let mut args = json!({ *argument: command });
    if tool.to_string().contains("\"description\":{") {
        args["description"] = "A command".into();
    }
    Answer::call(text, name, args)
}

fn tools(request: &Value) -> impl Iterator<Item = &Value> {
    let tools = request["tools"].as_array().into_iter().flatten();
    tools.map(|tool| tool.get("function").unwrap_or(tool))
}

fn has_result(request: &Value, text: &str) -> bool {
    let parts = items(request).flat_map(|item| {
        let parts = item["content"].as_array().into_iter().flatten();
        std::iter::once(item).chain(parts)
    });
    let mut results = parts.filter(|part| part["role"] == "tool" || is_result(part));
    results.any(|result| result.to_string().contains(text))
}

fn is_result(item: &Value) -> bool {
    item["type"] == "function_call_output" || item["type"] == "tool_result"
}

fn items(request: &Value) -> impl Iterator<Item = &Value> {
    let items = request["messages"]
        .as_array()
        .or(request["input"].as_array());
    items.into_iter().flatten()
}

/// Results stand between the answers of the model, which may have several items each.
fn conversation(request: &Value) -> Vec<Said> {
    items(request).flat_map(said).collect()
}

fn said(item: &Value) -> Vec<Said> {
    match item["role"].as_str() {
        Some("user") => {
            let parts = item["content"].as_array().into_iter().flatten();
            let result = parts.clone().any(is_result).then_some(Said::Tool);
            let text = Some(text(&item["content"])).filter(|text| !text.is_empty());
            result.into_iter().chain(text.map(Said::User)).collect()
        }
        Some("system") => steered(&text(&item["content"])).into_iter().collect(),
        Some("assistant") => vec![Said::Model],
        Some("tool") => vec![Said::Tool],
        None if item["type"] == "function_call" => vec![Said::Model],
        None if item["type"] == "function_call_output" => vec![Said::Tool],
        Some(_) | None => Vec::new(),
    }
}

/// Claude tells its model in these words what a person has said in the middle of a turn.
fn steered(text: &str) -> Option<Said> {
    let (_, said) = text.split_once("new message while you were working:\n")?;
    let (said, _) = said.split_once("\n\n")?;
    Some(Said::User(said.to_owned()))
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
