//! Backup and restore.

use crate::house::House;

#[test]
fn a_copy_of_a_busy_server_comes_back_with_its_open_runs_ended() {
    let house = House::new();
    let server = house.serve();
    house.well(&["run", "-a", "quick", "x"]);
    let open = house.well(&["run", "-d", "-a", "stuck", "x"]);
    house.until(open.trim(), "running");
    house.ends(&["backup", "copy.db"], 0, "has a copy of the data");
    house.ends(&["backup", "copy.db"], 6, "exists already");
    house.ends(&["restore", "copy.db"], 6, "a server has the data");
    server.kill();
    house.ends(&["restore", "copy.db"], 6, "--replace");
    house.ends(
        &["restore", "outlive.toml", "--replace"],
        5,
        "outlive.toml was not restored: file is not a database; the data is as it was",
    );
    house.ends(
        &["restore", "copy.db", "--replace"],
        0,
        "1 runs that were open then",
    );
    let _server = house.serve();
    let body = house.run_body(open.trim());
    assert_eq!(
        (&body["status"], &body["reason"]),
        (&"aborted".into(), &"interrupted".into())
    );
    assert_eq!(house.well(&["ls", "--json"]).lines().count(), 2);
}
