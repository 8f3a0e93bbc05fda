//! Streams that are cut at random places: two tabs of each client on one run, over a server that is killed in between, have
//! in the end what the log has. `cargo xtask nightly` cuts more often, and elsewhere each time.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use serde_json::Value;

use super::cutter::Cutter;
use crate::house::{House, Running};
use crate::openai::{Client, list, log, said, same_deltas, told};
use crate::{agui, aisdk};

/// How many cuts there are, and the seed that says where.
const CUTS: &str = "FACES_CUTS";
const SEED: &str = "FACES_SEED";

/// Most cuts of the two streams of a run together.
const CUTS_PER_RUN: usize = 6;

/// Every so many runs the server is killed.
const RUNS_PER_KILL: usize = 4;

const AGENTS: &str = r#"
[agents.mixed]
driver = "scripted"
script = [
    { reason = "Let me see. " }, { stall_ms = 20 }, { reason = "Yes." }, { text = "I look. " }, { stall_ms = 20 },
    { tool = "look", args = { at = 1 }, result = "3", delay_ms = 20 },
    { tokens = 60, per_second = 150 }, { text = " The end: ä€😀" },
]
"#;

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

/// Runs a client again and again until there were all the cuts; each run of it says when it has begun, and at its end what
/// it has.
fn check(longest: u64, begin: impl Fn(&str, &str) -> Running, compare: impl Fn(&House, &Value)) {
    let cuts = usize::try_from(number(CUTS, 6)).unwrap();
    let house = House::with_configuration(AGENTS);
    let mut server = house.serve();
    let url = aisdk::url(&house);
    let address = url.strip_prefix("http://").unwrap();
    let cutter = Cutter::start(address, longest, number(SEED, 1));
    for n in 0.. {
        cutter.allow(CUTS_PER_RUN.min(cuts - cutter.done()));
        let mut client = begin(&cutter.url(), &format!("chat-{n}"));
        assert_eq!(client.line(), "begun");
        if n % RUNS_PER_KILL == 0 {
            server.kill();
            server = house.serve_at(address);
        }
        compare(&house, &serde_json::from_str(&client.line()).unwrap());
        if cutter.done() == cuts {
            break;
        }
    }
}

#[test]
fn the_ai_sdk_has_the_log_wherever_it_is_cut() {
    let begin = |url: &str, chat: &str| aisdk::begin(&[url, "cut at random", chat]);
    // It compares for itself.
    check(6000, begin, |_, seen| assert_eq!(seen, "whole"));
}

#[test]
fn ag_ui_has_the_log_wherever_it_is_cut() {
    let begin = |url: &str, thread: &str| agui::begin(&["random", url, thread]);
    check(4000, begin, |house, seen| {
        for tab in list(seen) {
            assert_eq!(tab["failed"], Value::Null, "{tab:#}");
            let run = tab["run"].as_str().unwrap();
            assert_eq!(agui::had(tab), agui::expected(house, run));
        }
    });
}

fn openai(client: &Client) {
    let begin = |url: &str, _: &str| client.begin(url, &["cuts"]);
    check(4000, begin, |house, seen| {
        for tab in list(seen) {
            let log = log(house, &tab["response"]);
            assert_eq!(said(&tab["response"]), told(&log));
            same_deltas(list(&tab["events"]), &log);
        }
    });
}

#[test]
fn openai_for_javascript_has_the_log_wherever_it_is_cut() {
    openai(&Client::javascript());
}

#[test]
fn openai_for_python_has_the_log_wherever_it_is_cut() {
    openai(&Client::python());
}
