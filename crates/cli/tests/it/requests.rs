//! Runs that wait for people.

use crate::house::House;

#[test]
fn a_run_is_approved_and_answered_from_the_command_line() {
    let house = House::new();
    let _server = house.serve();
    let run = house.well(&["run", "-d", "-a", "ask", "x"]);
    let run = run.trim();
    house.until(run, "waiting");
    let text = house.well(&["show", run]);
    assert!(text.contains("? q1: Buy paint"), "{text}");
    assert!(
        text.contains(&format!("outlive approve {run} q1")),
        "{text}"
    );
    house.ends(&["answer", run, "blue"], 2, "outlive approve");
    house.well(&["approve", run]);
    house.ends(&["approve", run, "q1"], 6, "request_answered");
    crate::house::eventually(|| {
        let output = house.outlive(&["answer", run, "deep", "blue"]);
        output.status.success().then_some(())
    });
    house.until(run, "succeeded");
    let text = house.well(&["attach", run]);
    assert!(text.contains("(answered: deep blue)"), "{text}");
}

#[test]
fn a_denial_carries_its_note() {
    let house = House::new();
    let _server = house.serve();
    let run = house.well(&["run", "-d", "-a", "ask", "x"]);
    house.until(run.trim(), "waiting");
    house.well(&["approve", "last", "--deny", "--note", "too dear"]);
    let log = house.well(&["show", "last", "--json"]);
    assert!(log.contains("too dear"), "{log}");
}

#[test]
fn a_steer_reaches_a_run_under_way() {
    let house = House::new();
    let _server = house.serve();
    let run = house.well(&["run", "-d", "-a", "slow", "x"]);
    house.until(run.trim(), "running");
    house.ends(
        &["steer", "last", "--follow-up", "and", "then"],
        0,
        "accepted as i1",
    );
    house.until(run.trim(), "succeeded");
    let text = house.well(&["attach", "last"]);
    assert!(text.contains("You said: and then"), "{text}");
}
