//! Who may use a server.

use crate::house::House;

#[test]
fn a_server_with_keys_asks_for_one() {
    let house = House::new();
    let secret = house.well(&["keys", "create", "ci", "--rights", "start,read"]);
    let secret = secret.trim();
    house.ends(&["keys", "create", "ci"], 6, "there is a key ci already");
    house.ends(
        &["keys", "create", "x", "--rights", "reed"],
        2,
        "did you mean \"read\"?",
    );
    let _server = house.serve();
    house.ends(&["ls"], 2, "OUTLIVE_KEY");
    let with_key = |args: &[&str]| {
        house
            .command(args)
            .env("OUTLIVE_KEY", secret)
            .output()
            .unwrap()
    };
    let output = with_key(&["run", "-a", "quick", "x"]);
    assert_eq!(output.stdout, b"Hello, world\n");
    let output = with_key(&["stop", "last"]);
    assert_eq!(output.status.code(), Some(2));
    // The server has the store, so these reach it through its socket.
    let listed = house.well(&["keys", "list"]);
    assert!(
        listed.contains("ci") && listed.contains("start,read"),
        "{listed}"
    );
    assert!(!listed.contains(secret));
    house.well(&["keys", "revoke", "ci"]);
    assert_eq!(with_key(&["ls"]).status.code(), Some(2));
}

/// An agent's process that asks the command line about its own run, then tries to stop it.
#[test]
fn an_agents_process_asks_about_its_own_run_and_cannot_stop_it() {
    let outlive = env!("CARGO_BIN_EXE_outlive");
    let said = tempfile::tempdir().unwrap();
    let file = said.path().join("said");
    let at = file.display();
    let script = format!(
        "{outlive} show $OUTLIVE_RUN_ID > {at} 2>&1; {outlive} stop $OUTLIVE_RUN_ID >> {at} 2>&1; echo stopped with $? >> {at}"
    );
    let house = House::with_configuration(&format!(
        "[agents.curious]\ndriver = \"pi\"\nprogram = \"sh\"\nargs = [\"-c\", \"{script}\"]\napproval = \"full\"\n"
    ));
    let key = house.well(&["keys", "create", "ci"]);
    let _server = house.serve();
    let mut run = house.command(&["run", "-a", "curious", "x"]);
    // It says nothing of its protocol, so the run fails; what matters is what it was told.
    let ended = run.env("OUTLIVE_KEY", key.trim()).output().unwrap();
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    let said = std::fs::read_to_string(&file).unwrap();
    assert!(
        said.contains("curious") && said.contains("running"),
        "{said}"
    );
    assert!(said.contains("and nothing else"), "{said}");
    assert!(said.ends_with("stopped with 2\n"), "{said}");
}
