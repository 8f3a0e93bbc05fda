//! Keys of vendors that the server keeps, and runs that bring their own.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::Write;
use std::process::{Output, Stdio};

use crate::house::{House, Running, stderr};

const SEAL: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const VALUE: &str = "sk-very-secret-value";

const QUIET: &str = r#"
[agents.quick]
driver = "scripted"
script = [{ text = "Hello, " }, { text = "world" }]

[agents.quiet]
driver = "scripted"
ephemeral = true
script = [{ text = "Psst" }]
"#;

fn serve(house: &House, seal: &str) -> Running {
    let mut command = house.command(&["serve", "--listen", "127.0.0.1:0"]);
    command.env("OUTLIVE_SECRET_KEY", seal);
    let mut server = Running::new(command);
    assert!(server.line().contains(" at http://127.0.0.1:"));
    server
}

/// A verb with something on its standard input.
fn told(house: &House, args: &[&str], input: &str) -> Output {
    let mut command = house.command(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command.stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input.as_bytes()).unwrap();
    drop(stdin);
    child.wait_with_output().unwrap()
}

#[test]
fn secrets_are_set_from_a_pipe_listed_without_values_and_erased() {
    let house = House::with_configuration(QUIET);
    let server = serve(&house, SEAL);
    let set = told(&house, &["secrets", "set", "openai"], &format!("{VALUE}\n"));
    assert!(set.status.success(), "{}", stderr(&set));
    assert!(!stderr(&set).contains(VALUE));
    let listed = house.well(&["secrets", "ls"]);
    assert!(listed.contains("openai") && !listed.contains(VALUE));
    let line = house.well(&["secrets", "ls", "--json"]);
    assert!(line.contains(r#""readable":true"#), "{line}");
    let empty = told(&house, &["secrets", "set", "openai"], "\n");
    assert_eq!(empty.status.code(), Some(2));
    house.ends(&["secrets", "set", "a/b"], 2, "a secret's name has");
    house.well(&["secrets", "rm", "openai"]);
    house.ends(&["secrets", "rm", "openai"], 4, "");
    assert_eq!(house.well(&["secrets", "ls"]), "");
    drop(server);
    let mut bytes = std::fs::read(house.path("data/outlive.db")).unwrap();
    bytes.extend(std::fs::read(house.path("data/outlive.db-wal")).unwrap_or_default());
    let found = bytes
        .windows(VALUE.len())
        .any(|window| window == VALUE.as_bytes());
    assert!(!found);
}

#[test]
fn without_a_key_for_secrets_it_is_said_what_to_set() {
    let house = House::with_configuration(QUIET);
    let _server = house.serve();
    let set = told(&house, &["secrets", "set", "openai"], VALUE);
    assert!(!set.status.success());
    assert!(stderr(&set).contains("OUTLIVE_SECRET_KEY"));
    assert!(!stderr(&set).contains(VALUE));
    assert_eq!(house.well(&["run", "-a", "quick", "x"]), "Hello, world\n");
}

#[test]
fn a_key_that_is_none_is_refused_without_repeating_it() {
    let house = House::with_configuration(QUIET);
    let mut command = house.command(&["serve", "--listen", "127.0.0.1:0"]);
    let output = command
        .env("OUTLIVE_SECRET_KEY", "abcdef")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = stderr(&output);
    assert!(said.contains("32 bytes in base64 or hex"), "{said}");
    assert!(!said.contains("abcdef"));
}

#[test]
fn a_run_brings_its_own_key_by_the_name_of_a_variable() {
    let house = House::with_configuration(QUIET);
    let _server = serve(&house, SEAL);
    let run = |credential: &str| {
        let args = ["run", "-a", "quick", "--credential", credential, "x"];
        house.command(&args).env("MY_KEY", VALUE).output().unwrap()
    };
    let ran = run("openai=MY_KEY");
    assert_eq!(ran.stdout, b"Hello, world\n", "{}", stderr(&ran));
    for wrong in ["openai", &format!("openai={VALUE}")] {
        let refused = run(wrong);
        assert_eq!(refused.status.code(), Some(2));
        assert!(!stderr(&refused).contains(VALUE), "{}", stderr(&refused));
    }
}

#[test]
fn runs_of_ephemeral_agents_are_listed_only_if_asked_for() {
    let house = House::with_configuration(QUIET);
    let _server = house.serve();
    house.well(&["run", "-a", "quick", "x"]);
    let quiet = house.well(&["run", "-d", "-a", "quiet", "x"]);
    let listed = house.well(&["ls"]);
    assert!(listed.contains("quick") && !listed.contains("quiet"));
    let all = house.well(&["ls", "--all"]);
    assert!(all.contains("quick") && all.contains("quiet"));
    // Whoever has its id has asked for it.
    assert_eq!(house.well(&["attach", &quiet[..30]]), "Psst\n");
}
