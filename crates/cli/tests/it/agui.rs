//! The real `@ag-ui/client` against the real server: what it has in the end is what the log has, part for part.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod model;
mod upstream;

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::house::{House, Running};

use model::Model;

const AGENTS: &str = r#"
[agents.talk]
driver = "scripted"
script = [
    { reason = "Let me see. " }, { stall_ms = 30 }, { reason = "Yes." }, { text = "I look. " }, { stall_ms = 30 },
    { tool = "look", args = { at = 1 }, result = { found = 3 }, delay_ms = 30 },
    { tokens = 40, per_second = 200 }, { text = " The end: ä€😀" },
]

[agents.slow]
driver = "scripted"
script = [{ tokens = 40, per_second = 40 }, { text = " The end." }]

[agents.stuck]
driver = "scripted"
script = [{ text = "Wait" }, { stall_ms = 600000 }]

[agents.ask]
driver = "scripted"
script = [{ text = "May I?" }, { approval = "Buy paint" }, { question = "Which colour?" }, { text = "Done." }]

[agents.bad]
driver = "scripted"
script = [{ text = "Half" }, { fail = "it broke" }]
"#;

const MODELS: &str = r#"
[agents.model]
driver = "model"
model = "local/small"

[agents.structured]
driver = "model"
model = "local/small"
output_schema = { type = "object", required = ["name"] }
"#;

fn client(case: &str, url: &str) -> Running {
    begin(&[case, url])
}

/// Begins a case of the client's script.
pub(crate) fn begin(args: &[&str]) -> Running {
    let script = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/faces/agui/client.mjs"
    );
    #[expect(
        clippy::disallowed_methods,
        reason = "the client is tested as people use it"
    )]
    let mut command = Command::new("node");
    command.arg(script).args(args).stdin(Stdio::null());
    Running::new(command)
}

/// Runs a case to its end.
#[track_caller]
fn case(house: &House, case: &str) -> Value {
    let url = house.announced().unwrap()["url"]
        .as_str()
        .unwrap()
        .to_owned();
    let line = client(case, &url).line();
    let seen: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(seen["failed"], Value::Null, "{seen:#}");
    seen
}

/// A house with these agents, and its server.
fn serve(agents: &str) -> (House, Running) {
    let house = House::with_configuration(agents);
    let server = house.serve();
    (house, server)
}

/// What the client has to have of a run, by what the server shows of it: messages by their ids.
pub(crate) fn expected(house: &House, run: &str) -> Vec<Value> {
    let body = house.run_body(run);
    let snapshot = &body["snapshot"];
    let id = |id: &Value| format!("{run}:{}", id.as_str().unwrap());
    let activities = snapshot["activities"].as_array().unwrap();
    let mut expected = Vec::new();
    for (n, message) in snapshot["messages"].as_array().unwrap().iter().enumerate() {
        let mut text = String::new();
        for (place, part) in message["parts"].as_array().unwrap().iter().enumerate() {
            if part["type"] == "reasoning" {
                let id = format!("{}:r{place}", id(&message["message"]));
                expected.push(json!({"id": id, "role": "reasoning", "content": part["text"]}));
            } else {
                text += part["text"].as_str().unwrap();
            }
        }
        let calls = activities
            .iter()
            .filter(|call| call["message"] == message["message"]);
        let calls: Vec<Value> = calls
            .map(|call| tool_call(&id(&call["call"]), call))
            .collect();
        if text.is_empty() && calls.is_empty() {
            continue;
        }
        let mut message = json!({"id": id(&message["message"]), "role": message["role"]});
        if !text.is_empty() {
            message["content"] = text.into();
        }
        if body["snapshot"]["messages"][n]["progress"] == "interrupted" {
            message["metadata"] = json!({"outlive": {"interrupted": true}});
        }
        if !calls.is_empty() {
            message["toolCalls"] = calls.into();
        }
        expected.push(message);
    }
    for call in activities {
        let id = id(&call["call"]);
        if call["message"].is_null() {
            expected
                .push(json!({"id": id, "role": "assistant", "toolCalls": [tool_call(&id, call)]}));
        }
        let text = match &call["result"] {
            Value::String(text) => text.clone(),
            Value::Null => call["status"].as_str().unwrap().to_owned(),
            other => other.to_string(),
        };
        let mut result = json!({"id": format!("{id}:result"), "role": "tool", "toolCallId": id, "content": text});
        if call["status"] != "ok" {
            result["metadata"] = json!({"outlive": {"status": call["status"]}});
        }
        expected.push(result);
    }
    sorted(expected)
}

fn tool_call(id: &str, call: &Value) -> Value {
    let function = json!({"name": call["name"], "arguments": call["args"].to_string()});
    json!({"id": id, "type": "function", "function": function})
}

fn sorted(mut messages: Vec<Value>) -> Vec<Value> {
    messages.sort_by_key(|message| message["id"].as_str().unwrap().to_owned());
    messages
}

/// What the client has of runs: messages without those that it made itself.
pub(crate) fn had(seen: &Value) -> Vec<Value> {
    let messages = seen["messages"].as_array().unwrap().iter();
    sorted(
        messages
            .filter(|message| message["id"].as_str().unwrap().contains(':'))
            .cloned()
            .collect(),
    )
}

/// Checks that the client of a case has what the log has.
#[track_caller]
fn check(house: &House, name: &str) -> Value {
    let seen = case(house, name);
    let run = seen["run"].as_str().unwrap();
    assert_eq!(had(&seen), expected(house, run), "{name}");
    seen
}

#[test]
fn a_whole_run_is_read_as_it_is() {
    let (house, _server) = serve(AGENTS);
    let seen = check(&house, "full");
    assert_eq!(seen["outcome"], json!({"type": "success"}));
    let events: Vec<&str> = seen["events"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(
        (events[0], *events.last().unwrap()),
        ("RUN_STARTED", "RUN_FINISHED")
    );
    for kind in [
        "REASONING_MESSAGE_CONTENT",
        "TEXT_MESSAGE_CONTENT",
        "TOOL_CALL_ARGS",
        "TOOL_CALL_RESULT",
    ] {
        assert!(events.contains(&kind), "{kind}");
    }
}

#[test]
fn a_cut_stream_goes_on_where_it_was() {
    let (house, _server) = serve(AGENTS);
    let seen = check(&house, "cut");
    assert!(seen["n_cuts"].as_u64().unwrap() > 2, "{seen:#}");
}

#[test]
fn the_package_as_it_is_reads_all_again_and_doubles_nothing() {
    let (house, _server) = serve(AGENTS);
    check(&house, "again");
}

#[test]
fn two_tabs_read_the_same() {
    let (house, _server) = serve(AGENTS);
    assert_eq!(check(&house, "tabs")["same"], true);
}

#[test]
fn a_run_that_has_ended_is_read_the_same() {
    let (house, _server) = serve(AGENTS);
    let seen = check(&house, "later");
    // A cursor that the log has not given is an error.
    assert_eq!((&seen["same"], &seen["third"]), (&json!(true), &json!(400)));
}

#[test]
fn a_server_that_dies_in_the_middle_costs_nothing() {
    let (house, server) = serve(AGENTS);
    let announced = house.announced().unwrap();
    let url = announced["url"].as_str().unwrap().to_owned();
    let mut client = client("killed", &url);
    assert_eq!(client.line(), "begun");
    server.kill();
    let mut command = house.command(&["serve", "--listen", url.strip_prefix("http://").unwrap()]);
    command.stdin(Stdio::null());
    let mut server = Running::new(command);
    assert!(server.line().contains(&url));
    let seen: Value = serde_json::from_str(&client.line()).unwrap();
    assert_eq!(seen["failed"], Value::Null, "{seen:#}");
    let run = seen["run"].as_str().unwrap();
    assert_eq!(had(&seen), expected(&house, run));
    assert_eq!(seen["outcome"], json!({"type": "success"}));
}

#[test]
fn a_stop_is_a_cancelled_run() {
    let (house, _server) = serve(AGENTS);
    let seen = check(&house, "stopped");
    assert_eq!(seen["outcome"], json!({"type": "cancelled"}));
}

#[test]
fn approvals_and_questions_are_interrupts_that_the_package_answers() {
    let (house, _server) = serve(AGENTS);
    let seen = check(&house, "asked");
    assert_eq!(seen["interrupts"][0]["message"], "Buy paint");
    assert_eq!(seen["interrupts"][1]["message"], "Which colour?");
    assert_eq!(seen["outcome"], json!({"type": "success"}));
    assert_eq!(seen["pendingInterrupts"], json!([]));
    let requests = house.run_body(seen["run"].as_str().unwrap());
    let requests = &requests["snapshot"]["requests"];
    assert_eq!(requests[0]["resolution"]["decision"], "allow");
    assert_eq!(requests[1]["resolution"]["value"], json!({"answer": "red"}));
}

#[test]
fn an_error_and_a_busy_thread_have_our_codes() {
    let (house, _server) = serve(AGENTS);
    let seen = check(&house, "failed");
    assert_eq!(seen["error"]["message"], "it broke");
    assert_eq!(seen["busy"]["status"], 409);
    assert_eq!(seen["busy"]["payload"]["code"], "run_already_active");
}

#[test]
fn a_changed_conversation_takes_the_threads_place() {
    let (house, _server) = serve(AGENTS);
    let seen = case(&house, "edited");
    let first_event = |n: usize| {
        let run = seen["runs"][n].as_str().unwrap();
        let lines = house.well(&["attach", run, "--json"]);
        serde_json::from_str::<Value>(lines.lines().next().unwrap()).unwrap()["data"]["input"]
            .clone()
    };
    assert_eq!(first_event(0)["parts"][0]["text"], "Hi");
    assert_eq!(
        first_event(1),
        json!({"parts": [{"type": "text", "text": "And?"}]})
    );
    assert_eq!(
        first_event(2),
        json!({"parts": [{"type": "text", "text": "Hello"}]})
    );
}

#[test]
fn tools_of_the_client_and_structured_output_come_from_a_model() {
    let model = Model::start();
    let (house, _server) = serve(&format!("{MODELS}{}", model.section("local")));
    model.will_call("pick", r#"{"of":["red","blue"]}"#);
    model.will_say("You chose red.");
    let seen = case(&house, "tool");
    let run = seen["run"].as_str().unwrap();
    assert_eq!(
        seen["first"],
        json!({"type": "success", "pendingToolCallIds": [format!("{run}:c1")]})
    );
    // The client has the result of its tool itself.
    let mut expected = expected(&house, run);
    expected.retain(|message| message["role"] != "tool");
    assert_eq!(had(&seen), expected);
    assert_eq!(seen["usage"][0]["inputTokens"], 7);
    let told = model.requests().pop().unwrap();
    assert_eq!(
        told["messages"].as_array().unwrap().last().unwrap()["content"],
        "red"
    );

    model.will_say(r#"{"name": "Legs"}"#);
    let seen = check(&house, "structured");
    assert_eq!(seen["result"], json!({"name": "Legs"}));
}

#[test]
fn a_message_that_is_said_again_is_taken_back_from_the_package() {
    let model = Model::start();
    let (house, _server) = serve(&format!("{MODELS}{}", model.section("local")));
    model.will_break("Half an ");
    model.will_say("All of it");
    let seen = case(&house, "plain");
    assert!(
        seen["events"]
            .as_array()
            .unwrap()
            .contains(&json!("ACTIVITY_SNAPSHOT"))
    );
    let messages = seen["messages"].as_array().unwrap();
    let said = messages
        .iter()
        .filter(|message| message["role"] == "assistant");
    let said: Vec<&Value> = said.map(|message| &message["content"]).collect();
    assert_eq!(said, ["All of it"]);
}
