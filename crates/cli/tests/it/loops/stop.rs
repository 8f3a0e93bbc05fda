//! A stop is heard in every phase of a loop, and leaves nothing behind.

use serde_json::json;

use super::{Watched, alive, odd};
use crate::house::eventually;
use crate::model::{Answer, Model};

/// Stops a run as soon as a client sees an event of a type.
fn check(answer: fn() -> Answer, rules: &str, kind: &str, call: Option<&str>) {
    let model = Model::thinking(move |_| answer());
    let house = odd(&model, rules);
    let _server = house.serve();
    let mut watched = Watched::start(&house, "t");
    watched.until(kind);
    if kind == "tool.running" {
        eventually(|| house.path("calls").exists().then_some(()));
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
