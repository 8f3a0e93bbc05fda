//! The configuration as a person meets it.

use crate::house::House;

#[test]
fn a_wrong_configuration_is_said_with_its_line() {
    let house = House::with_configuration(
        "[server]\nlisten = \"127.0.0.1:0\"\n\n[agents.a]\ndriver = \"modle\"\n",
    );
    for args in [&["agents", "check"][..], &["serve"], &["run", "x"], &["ls"]] {
        house.ends(
            args,
            2,
            "outlive.toml:5: unknown word \"modle\"; did you mean \"model\"?",
        );
    }
    house.ends(&["doctor"], 1, "");
}

#[test]
fn a_right_configuration_is_listed() {
    let house = House::with_configuration("[agents.a]\ndriver = \"model\"\nmodel = \"openai/x\"\n");
    let output = house
        .command(&["agents", "check"])
        .env_remove("OPENAI_API_KEY")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("✓ a model openai/x\n"), "{text}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        said.contains("agent a: vendor openai has no key, OPENAI_API_KEY is not set"),
        "{said}"
    );
}
