//! Servers that die under their watchers.

use rustix::process::Signal;

use crate::house::{House, numbers};

#[test]
fn a_watcher_misses_nothing_over_a_killed_server() {
    let house = House::new();
    let server = house.serve();
    let mut watcher = house.begin(&["run", "-a", "slow", "--json", "x"]);
    let mut lines: Vec<String> = (0..12).map(|_| watcher.line()).collect();
    server.kill();
    let _next = house.serve();
    lines.extend(watcher.rest());
    let (status, said) = watcher.end();
    assert_eq!(status.code(), Some(0), "{said}");
    assert!(said.contains("connected again"), "{said}");
    let expected: Vec<u64> = (1..=lines.len() as u64).collect();
    assert_eq!(numbers(&lines), expected);
    let replay = house.well(&["attach", "last", "--json"]);
    assert_eq!(replay.lines().collect::<Vec<_>>(), lines);
    assert!(replay.contains("\"attempt\":2"), "{replay}");
}

#[test]
fn a_server_that_is_told_to_end_hands_its_runs_over() {
    let house = House::with_configuration(
        "[worker]\ndrain_s = 1\n[agents.slow]\ndriver = \"scripted\"\nscript = [{ tokens = 60, per_second = 20 }]\n",
    );
    let mut server = house.serve();
    let run = house.well(&["run", "-d", "-a", "slow", "x"]);
    house.until(run.trim(), "running");
    server.signal(Signal::TERM);
    server.rest();
    let (status, said) = server.end();
    assert_eq!(status.code(), Some(0), "{said}");
    assert_eq!(house.announced(), None);
    let _next = house.serve();
    house.until(run.trim(), "succeeded");
    let log = house.well(&["attach", run.trim(), "--json"]);
    assert!(log.contains("handed_over"), "{log}");
}
