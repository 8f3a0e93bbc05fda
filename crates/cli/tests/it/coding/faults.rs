//! A model server that fails: the agent tries again, and the run says so where the agent tells; else the run fails.

use serde_json::Value;

use super::{Agent, Workshop};
use crate::house::eventually;
use crate::watched::Watched;

/// Whether an agent tells that it tries again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Retry {
    Told,
    Hidden,
}

/// All events of a run, to its end.
fn log(watched: &mut Watched) -> Vec<Value> {
    let mut log = Vec::new();
    while log
        .last()
        .is_none_or(|event: &Value| event["type"] != "run.finished")
    {
        log.push(watched.next());
    }
    log
}

fn of<'a>(log: &'a [Value], kind: &str) -> Vec<&'a Value> {
    let data = log.iter().filter(|event| event["type"] == kind);
    data.map(|event| &event["data"]).collect()
}

/// A model that fails once is asked again: the run is as if it had not failed, and what was half said is taken back.
pub(super) fn recovers(agent: Agent, faults: &[(&str, Retry)]) {
    let workshop = Workshop::open(agent, "full");
    let _server = workshop.serve();
    for (fault, retry) in faults {
        let mut watched = workshop.start(&format!("{fault} 1"));
        let log = log(&mut watched);
        let case = format!("{agent:?} {fault}: {log:#?}");
        assert_eq!(of(&log, "run.finished")[0]["status"], "succeeded", "{case}");
        let is_told = !of(&log, "retry.scheduled").is_empty();
        assert_eq!(is_told, *retry == Retry::Told, "{case}");
        let completed = of(&log, "message.completed");
        let texts: Vec<_> = completed
            .iter()
            .map(|message| message["parts"][0]["text"].as_str())
            .collect();
        assert_eq!(texts, [Some("It is done.")], "{case}");
        let (started, discarded) = (of(&log, "message.started"), of(&log, "message.discarded"));
        assert_eq!(started.len() - discarded.len(), 1, "{case}");
        workshop.is_quiet(&watched.run);
    }
}

/// A model that fails for ever fails the run, in these words.
pub(super) fn fails(agent: Agent, fault: &str, words: &str) {
    let workshop = Workshop::open(agent, "full");
    let _server = workshop.serve();
    let mut watched = workshop.start(&format!("{fault} 99"));
    let log = log(&mut watched);
    let case = format!("{agent:?} {fault}: {log:#?}");
    let end = of(&log, "run.finished")[0];
    assert_eq!(end["status"], "failed", "{case}");
    assert_eq!(end["error"]["code"], "agent_failed", "{case}");
    let message = end["error"]["message"].as_str().unwrap_or_default();
    assert!(message.contains(words), "{case}");
    let turn = of(&log, "turn.completed")[0];
    assert_eq!(turn["status"], "failed", "{case}");
    let completed = of(&log, "message.completed");
    let mut halves = completed.iter();
    assert!(halves.all(|half| half["interrupted"] == true), "{case}");
    workshop.is_quiet(&watched.run);
}

/// A model that never answers is waited for, until the run is stopped.
pub(super) fn is_stopped_unheard(agent: Agent) {
    let workshop = Workshop::open(agent, "full");
    let _server = workshop.serve();
    let watched = workshop.start("missing 99");
    eventually(|| (workshop.model.n_open() == 1).then_some(()));
    super::stop::is_stopped(&workshop, watched);
}

#[test]
fn codex_asks_a_failing_model_again() {
    let faults = [
        ("limited", Retry::Told),
        // It asks a server with an error again on its own, and only then tells.
        ("broken", Retry::Hidden),
        ("dropped", Retry::Told),
        ("truncated", Retry::Told),
    ];
    recovers(Agent::Codex, &faults);
}

#[test]
fn codex_fails_when_the_connection_to_its_model_breaks_each_time() {
    fails(Agent::Codex, "dropped", "stream disconnected");
}

#[test]
fn codex_is_stopped_while_its_model_never_answers() {
    is_stopped_unheard(Agent::Codex);
}

#[test]
fn pi_asks_a_model_again_that_broke_off() {
    recovers(
        Agent::Pi,
        &[("dropped", Retry::Told), ("truncated", Retry::Told)],
    );
}

#[test]
fn pi_is_stopped_while_its_model_never_answers() {
    is_stopped_unheard(Agent::Pi);
}
