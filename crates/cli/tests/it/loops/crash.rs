//! A server that is killed at every moment of a loop of five steps.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{called, has_begun, keeper, odd};
use crate::house::House;
use crate::model::{Answer, Model, results};
use crate::watched::{Watched, alive};

const UNKNOWN: &str = "interrupted before it finished; whether it acted is unknown";

/// What a write may do again is harmless. An edit that puts a line in would put it in twice.
const RULES: &str =
    r#"{ "*" = "allow", "files__write_file" = { permission = "allow", idempotent = true } }"#;

/// How far the work is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
struct Progress {
    n_done: u32,
    /// Nobody knows whether the next step is done.
    is_in_doubt: bool,
}

impl Progress {
    fn hear(&mut self, name: &str, result: &str) {
        match name {
            "files__edit_file" if result == UNKNOWN => self.is_in_doubt = true,
            "files__read_text_file" if self.is_in_doubt && result != UNKNOWN => {
                self.is_in_doubt = false;
                self.n_done += u32::from(result.contains(line(self.n_done)));
            }
            _ if result == UNKNOWN => {}
            _ => self.n_done += 1,
        }
    }
}

/// Writes a file, puts two lines in, reads it, lists the directory. Where nobody knows whether a line was put in, it looks.
fn writer(request: &Value) -> Answer {
    let mut progress = Progress::default();
    for (name, result) in results(request) {
        progress.hear(&name, &result);
    }
    let read = |text| Answer::call(text, "files__read_text_file", json!({"path": "notes"}));
    if progress.is_in_doubt {
        return read("Was it? ");
    }
    match progress.n_done {
        0 => {
            let args = json!({"path": "notes", "content": "begin\nend\n"});
            Answer::call("I write. ", "files__write_file", args)
        }
        n @ (1 | 3) => {
            let edit = json!({"oldText": "end", "newText": format!("{}\nend", line(n))});
            let args = json!({"path": "notes", "edits": [edit]});
            Answer::call("I add. ", "files__edit_file", args)
        }
        2 => read("I read. "),
        4 => Answer::call("I list. ", "files__list_directory", json!({"path": "."})),
        _ => Answer::text("All is written."),
    }
}

/// The line that a step puts in.
fn line(step: u32) -> &'static str {
    match step {
        1 => "first",
        3 => "second",
        _ => "nothing",
    }
}

/// Kills the server once in each step, as soon as a client sees an event of a type, and starts another one.
fn check(kind: &str) {
    let model = Model::thinking(writer);
    let house = keeper(&model, RULES);
    let mut server = house.serve();
    let mut watched = Watched::start(&house, "keeper", "t", "go");
    let (mut progress, mut calls) = (Progress::default(), BTreeMap::new());
    let mut killed_in = BTreeSet::new();
    let finished = loop {
        let event = watched.next();
        if event["type"] == kind && killed_in.insert(progress) {
            server.kill();
            server = house.serve();
        }
        let data = &event["data"];
        let call = data["call"].as_str().unwrap_or_default();
        if event["type"] == "tool.started" {
            let name = data["name"].as_str().unwrap_or_default();
            calls.insert(call.to_owned(), name.to_owned());
        }
        match data["status"].as_str() {
            Some("ok") if event["type"] == "tool.completed" => {
                progress.hear(&calls[call], data["result"]["text"].as_str().expect(kind));
            }
            Some("unknown") => progress.hear(&calls[call], UNKNOWN),
            _ => {}
        }
        if event["type"] == "run.finished" {
            break event;
        }
    };
    for n_done in 0..5 {
        let was_killed = killed_in.iter().any(|progress| progress.n_done == n_done);
        assert!(was_killed, "{kind}: killed in {killed_in:?}");
    }
    assert_eq!(
        finished["data"]["status"], "succeeded",
        "{kind}: {finished}"
    );
    let calls = house.run_body(&watched.run)["snapshot"]["activities"].clone();
    for call in calls.as_array().expect("calls") {
        let status = call["status"].as_str();
        assert!(
            matches!(status, Some("ok" | "unknown" | "interrupted")),
            "{kind}: {call}"
        );
    }
    assert_eq!(
        said(&house, &watched.run).last().map(String::as_str),
        Some("All is written."),
        "{kind}"
    );
    let written = std::fs::read_to_string(house.path("files/notes")).expect(kind);
    assert_eq!(written, "begin\nfirst\nsecond\nend\n", "{kind}");
    assert_eq!(alive(&watched.run), [0; 0], "{kind}");
    drop(server);
}

/// Kills the server while a tool that has acted does not come to its end; `rules` say whether it may be called again.
fn check_hung(rules: &str, calls: &str, told: &str) {
    let model = Model::thinking(|request| match &results(request)[..] {
        [] => Answer::call("", "odd__hang_once", json!({})),
        [.., (_, told)] => Answer::text(told),
    });
    let house = odd(&model, rules);
    let server = house.serve();
    let mut watched = Watched::start(&house, "keeper", "t", "go");
    // A client that has not found the server before it is killed would say that there is none, and end.
    watched.until("tool.running");
    has_begun(&house);
    server.kill();
    let _next = house.serve();
    let end = watched.end();
    assert_eq!(end["data"]["status"], "succeeded", "{end}");
    assert_eq!(said(&house, &watched.run), ["", told]);
    assert_eq!(called(&house), calls);
    // Neither the server nor what it had started.
    assert_eq!(alive(&watched.run), [0; 0]);
}

#[test]
fn a_call_that_has_acted_is_not_made_again_after_a_kill() {
    check_hung(r#"{ "*" = "allow" }"#, "hang_once\n", UNKNOWN);
}

#[test]
fn a_call_that_is_idempotent_is_made_again_after_a_kill() {
    let rules = r#"{ "*" = { permission = "allow", idempotent = true } }"#;
    check_hung(rules, "hang_once\nhang_once\n", "hello");
}

/// What the model has said, message by message.
fn said(house: &House, run: &str) -> Vec<String> {
    let body = house.run_body(run);
    let messages = body["snapshot"]["messages"].as_array().expect("messages");
    let said = messages
        .iter()
        .filter(|message| message["role"] == "assistant" && message["progress"] != "discarded");
    said.map(|message| {
        let parts = message["parts"].as_array().into_iter().flatten();
        parts.filter_map(|part| part["text"].as_str()).collect()
    })
    .collect()
}

#[test]
fn a_loop_goes_on_after_a_kill_when_a_step_has_begun() {
    check("step.started");
}

#[test]
fn a_loop_goes_on_after_a_kill_before_its_tool_is_touched() {
    check("tool.called");
}

#[test]
fn a_loop_goes_on_after_a_kill_while_its_tool_runs() {
    check("tool.running");
}

#[test]
fn a_loop_goes_on_after_a_kill_when_there_is_a_result() {
    check("tool.completed");
}
