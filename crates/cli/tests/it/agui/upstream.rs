//! Agents of pydantic-ai behind driver `agui`, in front of them the clients of our faces: what one of them has in the end is
//! what the log has, and what the framework said.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::process::Stdio;

use serde_json::{Value, json};

use super::{case, check, client, expected, had};
use crate::framework::{Framework, python};
use crate::house::{House, Running};

/// The framework, and a server that knows one of its agents by the name that the cases of the client use.
fn serve(name: &str, theirs: &str) -> (Framework, House, Running) {
    let framework = Framework::start();
    let house = House::with_configuration(&framework.section(name, theirs));
    let server = house.serve();
    (framework, house, server)
}

fn url(house: &House) -> String {
    house.announced().unwrap()["url"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// What a run has said.
fn text(house: &House, run: &str) -> String {
    let messages = house.run_body(run)["snapshot"]["messages"].clone();
    let parts = messages.as_array().unwrap().iter().flat_map(|message| {
        let parts = message["parts"].as_array().unwrap().iter();
        parts.filter(|part| part["type"] == "text")
    });
    parts.map(|part| part["text"].as_str().unwrap()).collect()
}

#[test]
fn a_frameworks_run_is_read_as_it_is() {
    let (_framework, house, _server) = serve("talk", "talk");
    let seen = check(&house, "full");
    assert_eq!(seen["outcome"], json!({"type": "success"}));
    let run = seen["run"].as_str().unwrap();
    assert_eq!(
        text(&house, run),
        "I look. I found {\"found\": 3}. The end: ä€😀"
    );
    let snapshot = &house.run_body(run)["snapshot"];
    let call = &snapshot["activities"][0];
    assert_eq!(
        (&call["name"], &call["args"]),
        (&json!("look"), &json!({"at": 1}))
    );
    let reasoning = snapshot["messages"][0]["parts"][0].clone();
    assert_eq!(reasoning["text"], "Let me see. Yes.");
}

#[test]
fn a_frameworks_run_outlives_its_client_and_others_follow_it() {
    let (framework, house, _server) = serve("slow", "slow");
    let url = url(&house);
    let mut first = client("same", &url);
    assert_eq!(first.line(), "begun");
    first.kill();
    let run = serde_json::from_str::<Value>(&house.well(&["show", "last", "--json"])).unwrap();
    let run = run["id"].as_str().unwrap();

    let mut second = client("same", &url);
    let mut openai = python("openai", "tests/faces/openai/client.py");
    openai
        .args(["elsewhere", run])
        .env("OPENAI_BASE_URL", format!("{url}/openai/v1"))
        .env("NO_PROXY", "127.0.0.1");
    let mut openai = Running::new(openai);
    assert_eq!(second.line(), "begun");
    framework.go();

    let seen: Value = serde_json::from_str(&second.line()).unwrap();
    assert_eq!((&seen["failed"], &seen["run"]), (&Value::Null, &json!(run)));
    assert_eq!(had(&seen), expected(&house, run));
    assert_eq!(text(&house, run), "Half and the rest.");
    let seen: Value = serde_json::from_str(&openai.line()).unwrap();
    let output = &seen["response"]["output"][0]["content"][0]["text"];
    assert_eq!(output, "Half and the rest.");
}

#[test]
fn a_server_that_dies_asks_the_framework_again() {
    let (framework, house, server) = serve("slow", "slow");
    let url = url(&house);
    let mut client = client("killed", &url);
    assert_eq!(client.line(), "begun");
    server.kill();
    let mut command = house.command(&["serve", "--listen", url.strip_prefix("http://").unwrap()]);
    command.stdin(Stdio::null());
    let mut server = Running::new(command);
    assert!(server.line().contains(&url));
    framework.go();
    let seen: Value = serde_json::from_str(&client.line()).unwrap();
    assert_eq!(seen["failed"], Value::Null, "{seen:#}");
    let run = seen["run"].as_str().unwrap();
    assert_eq!(text(&house, run), "Half and the rest.");
    // In place of what the first answer had begun stands that it is gone.
    let mut had = had(&seen);
    had.retain(|message| message["activityType"] != "outlive.discarded");
    assert_eq!(had, expected(&house, run));
}

#[test]
fn a_frameworks_interrupt_is_answered_by_the_client_of_ours() {
    let (_framework, house, _server) = serve("buyer", "buyer");
    let seen = check(&house, "bought");
    assert_eq!(seen["outcome"], json!({"type": "success"}));
    assert_eq!(
        seen["interrupts"][0]["message"],
        "Approve buy({\"what\":\"paint\"})?"
    );
    let run = seen["run"].as_str().unwrap();
    assert_eq!(text(&house, run), "It says: paint bought");
    let call = &house.run_body(run)["snapshot"]["activities"][0];
    assert_eq!(
        (&call["status"], &call["result"]),
        (&json!("ok"), &json!("paint bought"))
    );
}

#[test]
fn a_no_reaches_the_framework() {
    let (_framework, house, _server) = serve("buyer", "buyer");
    house.well(&["run", "--agent", "buyer", "--detach", "Buy paint"]);
    house.until("last", "waiting");
    house.well(&["approve", "last", "--deny", "--note", "too dear"]);
    house.until("last", "succeeded");
    assert_eq!(text(&house, "last"), "It says: too dear");
}

#[test]
fn a_frameworks_agent_uses_tools_of_the_client() {
    let (_framework, house, _server) = serve("model", "picker");
    let seen = case(&house, "tool");
    let run = seen["run"].as_str().unwrap();
    assert_eq!(text(&house, run), "You chose red.");
    let call = &house.run_body(run)["snapshot"]["activities"][0];
    assert_eq!(
        (&call["name"], &call["result"]),
        (&json!("pick"), &json!("red"))
    );
}

#[test]
fn a_framework_is_told_what_was_said_before() {
    let (_framework, house, _server) = serve("memory", "memory");
    for word in ["One", "Two"] {
        house.well(&["run", "--agent", "memory", "--thread", "t", word]);
    }
    assert_eq!(text(&house, "last"), "You said: One, Two");
}

#[test]
fn a_frameworks_error_is_the_runs() {
    let framework = Framework::start();
    let agents = framework.section("bad", "bad") + &framework.section("stuck", "slow");
    let house = House::with_configuration(&agents);
    let _server = house.serve();
    let seen = case(&house, "failed");
    assert_eq!(seen["error"]["code"], "upstream_error");
    let message = seen["error"]["message"].as_str().unwrap();
    assert!(message.contains("the model broke"), "{message}");
}
