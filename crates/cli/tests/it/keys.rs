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
