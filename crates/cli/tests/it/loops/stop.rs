//! A stop is heard in every phase of a loop, and leaves nothing behind.

use serde_json::json;

use rustix::process::Signal;

use super::{called, has_begun, loops, odd};
use crate::house::eventually;
use crate::model::{Answer, Model, results};
use crate::watched::{Watched, alive};

/// Stops a run as soon as a client sees an event of a type.
fn check(answer: fn() -> Answer, rules: &str, kind: &str, call: Option<&str>) {
    let model = Model::thinking(move |_| answer());
    let house = odd(&model, rules);
    let _server = house.serve();
    let mut watched = Watched::start(&house, "keeper", "t", "go");
    watched.until(kind);
    if kind == "tool.running" {
        has_begun(&house);
    }
    house.well(&["stop", &watched.run]);
    let end = watched.end();
    assert_eq!(end["data"]["status"], "aborted", "{kind}: {end}");
    assert_eq!(end["data"]["reason"], "stopped", "{kind}: {end}");
    assert_eq!(alive(&watched.run), [0; 0], "{kind}");
    let snapshot = house.run_body(&watched.run)["snapshot"].clone();
    assert_eq!(snapshot["activities"][0]["status"].as_str(), call, "{kind}");
}

#[test]
fn a_stop_is_heard_while_the_model_speaks() {
    let half = || Answer::hanging("half an ");
    check(half, r#"{ "*" = "allow" }"#, "text.delta", None);
}

#[test]
fn a_stop_is_heard_while_a_tool_runs() {
    let hang = || Answer::call("", "odd__hang", json!({}));
    let call = Some("interrupted");
    check(hang, r#"{ "*" = "allow" }"#, "tool.running", call);
}

#[test]
fn a_stop_is_heard_while_somebody_is_asked() {
    let greet = || Answer::call("", "odd__greet", json!({}));
    let call = Some("interrupted");
    check(greet, "{}", "run.waiting", call);
}

#[test]
fn a_stop_is_heard_while_a_server_has_not_said_hello() {
    let model = Model::thinking(|_| Answer::text("Well."));
    let mute =
        "[mcp.mute]\ncommand = [\"sh\", \"-c\", \"trap '' TERM; setsid sleep 600 & sleep 600\"]";
    let house = loops(&model, mute, "mcp = [\"mute\"]");
    let _server = house.serve();
    let mut watched = Watched::start(&house, "keeper", "t", "go");
    eventually(|| (alive(&watched.run).len() >= 3).then_some(()));
    house.well(&["stop", &watched.run]);
    let end = watched.end();
    assert_eq!(end["data"]["reason"], "stopped", "{end}");
    assert_eq!(alive(&watched.run), [0; 0]);
}

#[test]
fn a_server_that_is_told_to_end_takes_the_tools_of_its_runs_with_it() {
    let model = Model::thinking(|request| match &results(request)[..] {
        [] => Answer::call("", "odd__hang", json!({})),
        [.., (_, told)] => Answer::text(told),
    });
    let house = odd(&model, r#"{ "*" = "allow" }"#);
    let mut server = house.serve_in("OUTLIVE_WORKER_DRAIN_S", "1");
    let mut watched = Watched::start(&house, "keeper", "t", "go");
    watched.until("tool.running");
    has_begun(&house);
    server.signal(Signal::TERM);
    server.rest();
    let (status, said) = server.end();
    assert_eq!(status.code(), Some(0), "{said}");
    assert_eq!(alive(&watched.run), [0; 0]);
    let _next = house.serve();
    let end = watched.end();
    assert_eq!(end["data"]["status"], "succeeded", "{end}");
    let told = "interrupted before it finished; whether it acted is unknown";
    let shown = house.well(&["show", &watched.run]);
    assert!(
        shown.ends_with(&format!("? odd__hang outcome unknown\n{told}\n")),
        "{shown}"
    );
    assert_eq!(called(&house), "hang\n");
}
