//! One run on several faces at once, and streams that are cut anywhere.

mod cuts;
mod cutter;

use serde_json::{Value, json};

use crate::aisdk::{client, url};
use crate::framework::Framework;
use crate::house::House;
use crate::openai::Client;

#[test]
fn a_frameworks_run_is_followed_on_two_faces_and_answered_on_one() {
    let framework = Framework::start();
    let house = House::with_configuration(&framework.section("clerk", "clerk"));
    let _server = house.serve();
    let url = url(&house);

    let mut first = client(&url, "a tab that goes away");
    let run = first.line();
    first.kill();
    assert_eq!(house.run_body(&run)["status"], "running");

    let mut tab = client(&url, "a tab that comes back");
    let mut openai = Client::python().begin(&url, &["followed", &run]);
    assert_eq!(
        (tab.line(), openai.line()),
        ("begun".into(), "begun".into())
    );
    framework.go();

    // For OpenAI a response ends with what it asks for.
    let seen: Value = serde_json::from_str(&openai.line()).unwrap();
    let output = &seen["response"]["output"];
    assert_eq!(output[0]["content"][0]["text"], "I look. I buy. ");
    let asked = output.as_array().unwrap().last().unwrap();
    assert_eq!(asked["type"], "mcp_approval_request");
    let arguments = asked["arguments"].as_str().unwrap();
    assert!(arguments.contains("Approve buy("), "{asked}");

    // The tab compares what it has with the log, part for part.
    assert_eq!(tab.line(), "asked");
    tab.rest();
    let (status, said) = tab.end();
    assert!(status.success(), "{said}");
    let snapshot = &house.run_body(&run)["snapshot"];
    assert_eq!(snapshot["requests"][0]["resolution"]["decision"], "allow");
    let call = &snapshot["activities"][0];
    assert_eq!(
        (&call["status"], &call["result"]),
        (&json!("ok"), &json!("paint bought"))
    );
}
