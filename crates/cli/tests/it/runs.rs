//! Starting, watching, listing, stopping, deleting.

use serde_json::Value;

use crate::house::{House, numbers};

#[test]
fn a_pipe_gets_the_answer_and_nothing_else() {
    let house = House::new();
    let _server = house.serve();
    assert_eq!(
        house.well(&["run", "--agent", "quick", "x"]),
        "Hello, world\n"
    );
    assert_eq!(house.well(&["attach", "last"]), "Hello, world\n");
}

#[test]
fn what_a_command_prints_comes_out_as_it_was() {
    let house = House::new();
    let _server = house.serve();
    let output = house.outlive(&["run", "-a", "shell", "printf 'a\\tb'; echo oh >&2"]);
    assert_eq!(output.stdout, b"a\tb");
    assert_eq!(output.stderr, b"oh\n");
}

#[test]
fn the_text_may_come_from_a_pipe() {
    let house = House::new();
    let _server = house.serve();
    let script = house.path("script");
    std::fs::write(&script, "echo from a pipe").unwrap();
    let output = house
        .command(&["run", "-a", "shell", "-"])
        .stdin(std::fs::File::open(script).unwrap())
        .output()
        .unwrap();
    assert_eq!(output.stdout, b"from a pipe\n");
}

#[test]
fn lines_of_json_are_the_events_as_they_are_stored() {
    let house = House::new();
    let _server = house.serve();
    let text = house.well(&["run", "--agent", "quick", "--json", "x"]);
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let expected: Vec<u64> = (1..=lines.len() as u64).collect();
    assert_eq!(numbers(&lines), expected);
    assert_eq!(house.well(&["attach", "last", "--json"]), text);
    let behind = house.well(&["attach", "last", "--json", "--after", "3"]);
    assert_eq!(behind.lines().count(), lines.len() - 3);
}

#[test]
fn runs_are_listed_and_named_by_a_beginning() {
    let house = House::new();
    let _server = house.serve();
    let run = house.well(&["run", "-d", "-a", "stuck", "-t", "t1", "x"]);
    let run = run.trim();
    house.well(&["run", "-a", "quick", "x"]);
    let ids = |args: &[&str]| {
        let mut all = vec!["ls", "--json"];
        all.extend(args);
        let listed = house.well(&all);
        let bodies = listed
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        bodies
            .map(|body| body["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(&[]).len(), 2);
    assert_eq!(ids(&["--status", "open"]), [run]);
    assert_eq!(ids(&["--agent", "stuck"]), [run]);
    assert_eq!(ids(&["--thread", "t1"]), [run]);
    assert_eq!(ids(&["-n", "1"]).len(), 1);
    // Ids begin with their time, so the beginning of one is rarely another's.
    house.well(&["stop", &run[..18], "--wait"]);
    assert_eq!(house.run_body(run)["status"], "aborted");
    let table = house.well(&["ls"]);
    assert!(table.starts_with("RUN"), "{table}");
    assert!(table.contains("aborted (stopped)"), "{table}");
}

#[test]
fn a_stopped_run_ends_as_aborted_for_whoever_watches() {
    let house = House::new();
    let _server = house.serve();
    let run = house.well(&["run", "-d", "-a", "stuck", "x"]);
    let watcher = house.begin(&["attach", run.trim(), "--wait"]);
    house.until(run.trim(), "running");
    house.well(&["stop", run.trim(), "--why", "enough"]);
    let (status, _) = watcher.end();
    assert_eq!(status.code(), Some(3));
    house.ends(&["attach", run.trim()], 3, "aborted (stopped)");
    house.ends(&["stop", run.trim()], 0, "had ended: aborted");
}

#[test]
fn a_run_that_has_ended_can_be_deleted() {
    let house = House::new();
    let _server = house.serve();
    house.well(&["run", "-a", "quick", "x"]);
    let open = house.well(&["run", "-d", "-a", "stuck", "x"]);
    house.ends(&["rm", open.trim()], 6, "outlive stop");
    house.well(&["stop", open.trim(), "--wait"]);
    house.well(&["rm", "last"]);
    house.ends(&["show", open.trim()], 4, "not_found");
    assert_eq!(house.well(&["ls", "--json"]).lines().count(), 1);
}

#[test]
fn show_tells_what_was_asked_and_said() {
    let house = House::new();
    let _server = house.serve();
    house.well(&["run", "-a", "quick", "Say hello"]);
    let text = house.well(&["show", "last"]);
    assert!(text.contains("› Say hello\nHello, world\n"), "{text}");
    assert!(text.contains("status    succeeded\n"), "{text}");
}
