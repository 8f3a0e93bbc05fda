//! Servers that `run` starts by itself.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use rustix::process::Signal;

use crate::house::{House, eventually, is_alive, signal_to, stderr};

/// Ends the background server of a house with the test.
struct Background<'a>(&'a House);

impl Background<'_> {
    fn pid(&self) -> u32 {
        let pid = self.0.announced().unwrap()["pid"].as_u64().unwrap();
        u32::try_from(pid).unwrap()
    }

    fn end(&self) {
        let pid = self.pid();
        signal_to(pid, Signal::TERM);
        eventually(|| (!is_alive(pid)).then_some(()));
    }
}

impl Drop for Background<'_> {
    fn drop(&mut self) {
        if self.0.announced().is_some() {
            self.end();
        }
    }
}

#[test]
fn without_a_server_one_is_started_and_stays() {
    let house = House::new();
    let server = Background(&house);
    let output = house.outlive(&["run", "-a", "quick", "x"]);
    let said = stderr(&output);
    assert_eq!(output.stdout, b"Hello, world\n", "{said}");
    assert!(
        said.contains("started a server in the background"),
        "{said}"
    );
    assert!(said.contains(&format!("kill {}", server.pid())), "{said}");
    let again = house.outlive(&["run", "-a", "quick", "x"]);
    assert_eq!(stderr(&again), "");
    server.end();
    assert_eq!(house.announced(), None);
    house.ends(&["ls"], 5, "no server is running");
}

#[test]
fn two_that_find_no_server_share_the_one_that_comes_first() {
    let house = House::new();
    let _server = Background(&house);
    let started = [(); 3].map(|()| house.begin(&["run", "-a", "quick", "x"]));
    for mut run in started {
        assert_eq!(run.rest(), ["Hello, world"]);
        let (status, said) = run.end();
        assert_eq!(status.code(), Some(0), "{said}");
    }
    assert_eq!(house.well(&["ls", "--json"]).lines().count(), 3);
}

#[test]
fn a_server_that_cannot_start_says_why() {
    let house = House::new();
    std::fs::create_dir_all(house.path("data/outlive.db")).unwrap();
    house.ends(&["run", "-a", "quick", "x"], 5, "failed to open the store");
}

#[test]
fn what_a_dead_server_left_behind_is_not_believed() {
    let house = House::new();
    let other = House::new();
    let server = house.serve();
    let mut said = house.announced().unwrap();
    server.kill();
    // Another server of other data has the address now.
    let _other_server = other.serve();
    said["url"] = other.announced().unwrap()["url"].clone();
    let file = house.path("data").join("server.json");
    std::fs::write(file, said.to_string()).unwrap();
    house.ends(&["ls"], 5, "no server is running");
}

#[test]
fn another_configuration_than_the_servers_is_pointed_out() {
    let house = House::new();
    let _server = house.serve();
    let other = house.path("other.toml");
    std::fs::write(&other, "").unwrap();
    let other = other.to_str().unwrap();
    house.ends(
        &["run", "--config", other, "-a", "quick", "x"],
        0,
        "the running server uses",
    );
}
