//! docs/API.md.

use std::fmt::Write;

use serde_json::Value;
use wire::Code;

use super::doc::{Doc, Group, Place};
use super::document::openapi;
use crate::routes::{Route, routes};

/// The text before the addresses: what holds for all of them.
const OPENING: &str = include_str!("opening.md");
/// The table of event types.
const EVENTS: &str = include_str!("events.md");

/// docs/API.md, made from the table of routes, the types of `wire` and the table of error codes.
pub fn api_markdown() -> String {
    let mut out = OPENING.to_owned();
    let routes = routes();
    for group in Group::ALL {
        let mut of_group = routes
            .iter()
            .filter(|route| route.doc.group == group)
            .peekable();
        if of_group.peek().is_none() {
            continue;
        }
        line(&mut out, &format!("\n## {}", group.title()));
        of_group.for_each(|route| address(&mut out, route));
    }
    out.push_str(EVENTS);
    bodies(&mut out);
    errors(&mut out);
    out
}

fn line(out: &mut String, text: &str) {
    writeln!(out, "{text}").expect("a String takes all text");
}

fn address(out: &mut String, route: &Route) {
    let Doc {
        summary,
        text,
        right,
        parameters,
        body,
        answers,
        codes,
        ..
    } = &route.doc;
    line(out, &format!("\n### `{} {}`\n", route.method, route.path));
    line(
        out,
        &format!("{summary}. {text}").trim().replace("\n\n", "\n"),
    );
    line(out, "");
    if let Some(right) = right {
        line(out, &format!("- Right: `{right}`"));
    }
    for parameter in parameters {
        let place = match parameter.place {
            Place::Query => format!("`?{}=`", parameter.name),
            Place::Header => format!("Header `{}`", parameter.name),
        };
        let required = if parameter.required {
            " (required)"
        } else {
            ""
        };
        line(out, &format!("- {place}{required}: {}", parameter.text));
    }
    if let Some((shape, required)) = body {
        let missing = if *required { "" } else { "; may be missing" };
        line(out, &format!("- Body: {}{missing}", link(&(shape.name)())));
    }
    for answer in answers {
        let what = match (answer.shape, answer.media_type) {
            (Some(shape), _) => format!(" {}", link(&(shape.name)())),
            (None, "") => String::new(),
            (None, media_type) => format!(" `{media_type}`"),
        };
        line(out, &format!("- {}{what}: {}", answer.status, answer.text));
    }
    if !codes.is_empty() {
        let codes: Vec<String> = codes.iter().map(|code| format!("`{code}`")).collect();
        line(out, &format!("- Errors: {}", codes.join(", ")));
    }
}

fn link(name: &str) -> String {
    format!("[{name}](#{})", name.to_ascii_lowercase())
}

fn bodies(out: &mut String) {
    line(out, "\n## Bodies");
    let document = openapi();
    let Value::Object(schemas) = &document["components"]["schemas"] else {
        return;
    };
    for (name, schema) in schemas {
        line(out, &format!("\n### {name}\n"));
        if let Some(text) = schema["description"].as_str() {
            line(out, &one_line(text));
            line(out, "");
        }
        if let Value::Object(properties) = &schema["properties"] {
            let required: Vec<&str> = schema["required"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            line(out, "| member | type | |\n|---|---|---|");
            for (member, schema) in properties {
                let mark = if required.contains(&member.as_str()) {
                    ""
                } else {
                    "?"
                };
                let text = one_line(description(schema));
                line(
                    out,
                    &format!("| `{member}`{mark} | {} | {text} |", kind(schema)),
                );
            }
        } else {
            line(out, &kind(schema));
        }
    }
}

/// What is said of a member, be it beside a choice or in it.
fn description(schema: &Value) -> &str {
    let choices = schema["oneOf"].as_array().into_iter().flatten();
    let mut said = std::iter::once(schema)
        .chain(choices)
        .filter_map(|schema| schema["description"].as_str());
    said.next().unwrap_or_default()
}

fn one_line(text: &str) -> String {
    text.replace('\n', " ").replace('|', "\\|")
}

/// A word for a schema's type.
fn kind(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str() {
        return link(name.rsplit('/').next().unwrap_or(name));
    }
    if let Value::Array(words) = &schema["enum"] {
        let words: Vec<String> = words
            .iter()
            .map(|word| format!("`{}`", text_of(word)))
            .collect();
        return words.join(" \\| ");
    }
    for choice in ["oneOf", "anyOf", "allOf"] {
        if let Value::Array(choices) = &schema[choice] {
            let mut kinds: Vec<String> = choices.iter().map(kind).collect();
            kinds.dedup();
            return kinds.join(" or ");
        }
    }
    match &schema["type"] {
        Value::String(kind) if kind == "array" => {
            format!("list of {}", self::kind(&schema["items"]))
        }
        Value::String(kind) => match schema["format"].as_str() {
            Some("date-time") => "time".to_owned(),
            Some("uuid") => "run id".to_owned(),
            _ => kind.clone(),
        },
        Value::Array(kinds) => {
            let kinds: Vec<String> = kinds
                .iter()
                .map(|kind| {
                    let mut one = schema.clone();
                    one["type"] = kind.clone();
                    if kind == "null" {
                        "null".to_owned()
                    } else {
                        self::kind(&one)
                    }
                })
                .collect();
            kinds.join(" or ")
        }
        _ => "any JSON".to_owned(),
    }
}

fn text_of(word: &Value) -> String {
    word.as_str()
        .map_or_else(|| word.to_string(), str::to_owned)
}

fn errors(out: &mut String) {
    line(out, "\n## Error codes\n");
    line(
        out,
        "| code | status | when, and what to do |\n|---|---|---|",
    );
    for code in Code::ALL {
        line(
            out,
            &format!(
                "| `{code}` | {} | {} |",
                code.status(),
                one_line(code.doc())
            ),
        );
    }
}
