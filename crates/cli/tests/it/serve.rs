//! The server as a process.

use rustix::process::Signal;

use crate::house::House;

#[test]
fn a_second_server_of_the_same_data_refuses_and_names_the_first() {
    let house = House::new();
    let _server = house.serve();
    let url = house.announced().unwrap()["url"]
        .as_str()
        .unwrap()
        .to_owned();
    let holder = format!("outlive serve at {url}");
    house.ends(&["serve", "--listen", "127.0.0.1:0"], 5, &holder);
    // The same where it would have the same address, which it finds taken first.
    let address = url.trim_start_matches("http://").to_owned();
    house.ends(&["serve", "--listen", &address], 5, &holder);
    let other = House::new();
    other.ends(
        &["serve", "--listen", &address],
        5,
        "another program listens on",
    );
}

#[test]
fn other_machines_need_a_key() {
    let house = House::new();
    house.ends(
        &["serve", "--listen", "0.0.0.0:0"],
        2,
        "outlive keys create NAME",
    );
}

#[test]
fn a_terminal_that_closes_does_not_end_a_server() {
    let house = House::new();
    let mut server = house.serve();
    server.signal(Signal::HUP);
    assert_eq!(house.well(&["run", "-a", "quick", "x"]), "Hello, world\n");
    server.signal(Signal::INT);
    server.rest();
    let (status, _) = server.end();
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_server_without_a_config_file_has_the_demo() {
    let house = House::with_configuration("");
    let _server = house.serve();
    let agents = house.well(&["agents"]);
    let names: Vec<&str> = agents
        .lines()
        .skip(1)
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(names, ["chat", "demo"]);
}

#[test]
fn the_doctor_reads_every_log() {
    let house = House::new();
    let server = house.serve();
    house.well(&["run", "-a", "quick", "x"]);
    let while_served = house.well(&["doctor"]);
    assert!(
        while_served.contains("the server can store"),
        "{while_served}"
    );
    server.kill();
    let text = house.well(&["doctor"]);
    assert!(
        text.contains("✓ every run is what its log folds to"),
        "{text}"
    );
    assert!(text.contains(" 1 runs, "), "{text}");
}
