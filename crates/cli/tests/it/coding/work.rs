//! Work in a worktree, and what is kept of it.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::{Agent, Workshop, git, succeeds};
use crate::house::House;
use crate::watched::Watched;

/// A run that writes a file, and one that refines it.
pub(super) fn works(agent: Agent) {
    let workshop = Workshop::open(agent, "full");
    let house = &workshop.house;
    let _server = workshop.serve();
    let mut first = workshop.start("one");
    let started = first.until("tool.started");
    assert_eq!(started["data"]["kind"], "command", "{started}");
    succeeds(&mut first);
    workshop.is_quiet(&first.run);
    let worktree = workshop.worktree(&first.run);
    let made = std::fs::read_to_string(worktree.join("one"));
    assert_eq!(made.ok().as_deref(), Some("one\n"));
    let snapshot = workshop.snapshot(&first.run);
    assert_eq!(snapshot["activities"][0]["status"], "ok", "{snapshot}");
    let said = house.well(&["attach", &first.run]);
    assert!(said.contains("It is done."), "{said}");
    has_the_diff_of_git(&workshop, &first.run);

    let mut spoken = workshop.start("stream");
    let words = std::iter::repeat_with(|| spoken.next())
        .take_while(|event| event["type"] != "message.completed")
        .filter(|event| event["type"] == "text.delta");
    assert!(words.count() > 1, "the words come one after the other");
    succeeds(&mut spoken);

    let refined = house.well(&["refine", &first.run, "-d", "Now <<two>>."]);
    let mut second = Watched::attach(house, refined.trim());
    succeeds(&mut second);
    workshop.is_quiet(&second.run);
    assert_eq!(workshop.worktree(&second.run), worktree);
    assert!(worktree.join("two").exists());
    // The session is the same: the model hears of the first run's work.
    let requests = workshop.model.requests();
    let last = requests.last().map(ToString::to_string).unwrap_or_default();
    assert!(last.contains("Play <<one>>"), "{last}");
    has_the_diff_of_git(&workshop, &second.run);
}

/// The blob that the last `diff.updated` names is what git says.
#[track_caller]
fn has_the_diff_of_git(workshop: &Workshop, run: &str) {
    let worktree = workshop.worktree(run);
    let snapshot = workshop.snapshot(run);
    let base = snapshot["worktree"]["base"].as_str();
    git(&worktree, &["add", "-A"]);
    let args = ["diff", "--cached", "--no-color"];
    let by_git = git(&worktree, &[&args[..], &[base.expect("a base")]].concat());
    let blob = snapshot["diff"]["blob"].as_str().expect("a blob");
    let stored = get(&workshop.house, &format!("/v1/runs/{run}/blobs/{blob}"));
    // Names of blobs may be shortened otherwise.
    let lines = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.starts_with("index "));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(lines(&stored), lines(&by_git));
    assert!(!stored.is_empty());
    git(&worktree, &["reset", "-q"]);
}

/// The body of what a server answers.
fn get(house: &House, path: &str) -> String {
    let announced = house.announced().expect("a server");
    let url = announced["url"].as_str().expect("its address");
    let address = url.trim_start_matches("http://");
    let mut socket = TcpStream::connect(address).expect("a connection");
    let request = format!("GET {path} HTTP/1.0\r\nhost: {address}\r\n\r\n");
    socket.write_all(request.as_bytes()).expect("a question");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
    assert!(head.contains(" 200 "), "{answer}");
    body.to_owned()
}

#[test]
fn codex_works_in_a_worktree_and_refines_its_work() {
    works(Agent::Codex);
}

#[test]
fn pi_works_in_a_worktree_and_refines_its_work() {
    works(Agent::Pi);
}
