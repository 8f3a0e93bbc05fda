//! Ctrl-C: the run goes on.

use rustix::process::Signal;

use crate::house::{House, numbers};

#[test]
fn ctrl_c_detaches_and_says_how_to_come_back() {
    let house = House::new();
    let _server = house.serve();
    let mut watcher = house.begin(&["run", "-a", "slow", "--json", "x"]);
    let first = watcher.line();
    assert!(first.contains("run.created"), "{first}");
    watcher.signal(Signal::INT);
    let (status, said) = watcher.end();
    assert_eq!(status.code(), Some(130), "{said}");
    let command = said.trim().rsplit("outlive ").next().unwrap().to_owned();
    let args: Vec<&str> = command.split(' ').collect();
    assert_eq!(args[0], "attach", "{said}");
    let run = house.run_body(args[1]);
    assert_eq!(run["status"], "running");
    assert!(house.well(&args).ends_with("The end.\n"));
}

#[test]
fn a_reader_that_goes_away_ends_nothing() {
    let house = House::new();
    let _server = house.serve();
    let mut watcher = house.begin(&["run", "-a", "slow", "--json", "x"]);
    let first = watcher.line();
    drop(watcher);
    assert_eq!(numbers(&[first]), [1]);
    house.until("last", "succeeded");
}
