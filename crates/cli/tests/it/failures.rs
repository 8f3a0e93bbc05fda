//! Exit codes for scripts.

use crate::house::House;

#[test]
fn each_way_to_fail_has_its_exit_code() {
    let house = House::new();
    house.ends(&["ls"], 5, "no server is running");
    house.ends(
        &["ls", "--url", "http://127.0.0.1:1"],
        5,
        "cannot be reached",
    );
    let _server = house.serve();
    house.ends(&["run", "-a", "bad", "x"], 1, "failed (error): it broke");
    house.ends(&["run", "-a", "quik", "x"], 4, "did you mean `quick`?");
    house.ends(&["run", "x"], 2, "say which with --agent");
    house.ends(&["attach", "ffffffff"], 4, "there is no run ffffffff");
    house.ends(&["attach", "zzzz"], 2, "is no run");
    house.ends(&["attach", "last", "--after", "999"], 2, "cursor_unknown");
    house.ends(
        &["ls", "--status", "runing"],
        2,
        "did you mean \"running\"?",
    );
    house.ends(&["rum"], 2, "'run'");
    house.ends(&["steer", "last", "x"], 6, "run_final");
    house.ends(&["approve", "last"], 4, "asks for no approval");
    house.ends(
        &["run", "-a", "quick", "-m", "openai/x", "x"],
        2,
        "setting_not_overridable",
    );
}

#[test]
fn help_teaches_and_completions_are_there() {
    let house = House::new();
    let help = house.well(&["--help"]);
    assert!(help.contains("Exit codes:"), "{help}");
    for verb in ["run", "attach", "serve", "answer", "completions"] {
        let help = house.well(&[verb, "--help"]);
        assert!(help.contains("Examples:"), "{verb}: {help}");
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = house.well(&["completions", shell]);
        assert!(script.contains("outlive"), "{shell}");
    }
}
