//! The configuration as a person meets it.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use crate::every_wire::{KEY, Vendor};
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
fn a_coding_agent_that_could_not_work_is_found_before_its_run() {
    let house = House::with_configuration(
        "[agents.absent]\ndriver = \"codex\"\nprogram = \"no-such-agent\"\n\n\
         [agents.lost]\ndriver = \"codex\"\nprogram = \"sh\"\nrepository = \".\"\n\n\
         [agents.ready]\ndriver = \"codex\"\nprogram = \"sh\"\n",
    );
    let output = house.outlive(&["agents", "check"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    for line in [
        "✗ absent codex   there is no program no-such-agent; install it",
        "✗ lost codex   `",
        "is in no git repository; name one",
        "✓ ready codex",
    ] {
        assert!(text.contains(line), "{line} is not in:\n{text}");
    }
}

#[test]
fn a_right_configuration_is_listed() {
    let house = House::with_configuration("[agents.a]\ndriver = \"model\"\nmodel = \"openai/x\"\n");
    let output = house
        .command(&["agents", "check", "--offline"])
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

/// A house whose vendors all are this one.
fn house(vendor: &Vendor, agents: &str) -> House {
    let url = &vendor.url;
    House::with_configuration(&format!(
        "[vendors.openai]\nbase_url = \"{url}/v1\"\n[vendors.anthropic]\nbase_url = \"{url}\"\n\
         [vendors.gemini]\nbase_url = \"{url}\"\n[vendors.ollama]\nbase_url = \"{url}\"\n{agents}"
    ))
}

fn agent(name: &str, model: &str) -> String {
    format!("[agents.{name}]\ndriver = \"model\"\nmodel = \"{model}\"\n")
}

/// What `agents check` prints, without the milliseconds, how it ends, and what it warns of.
fn check(house: &House, keys: &[&str]) -> (String, Option<i32>) {
    let mut command = house.command(&["agents", "check"]);
    for name in ["OPENAI", "ANTHROPIC", "GEMINI", "OPENROUTER"] {
        command.env_remove(format!("{name}_API_KEY"));
    }
    for name in keys {
        command.env(format!("{name}_API_KEY"), KEY);
    }
    for name in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(name);
    }
    let output = command.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!text.contains(KEY) && !said.contains(KEY), "{text}{said}");
    let lines = text.lines().map(|line| match line.split_once("ok in ") {
        Some((before, after)) => {
            let (ms, tokens) = after.split_once(" ms, ").unwrap();
            assert!(ms.parse::<u64>().unwrap() < 20_000);
            format!("{before}ok: {tokens}")
        }
        None => line.to_owned(),
    });
    (lines.collect::<Vec<_>>().join("\n"), output.status.code())
}

#[test]
fn the_model_of_each_agent_is_called_once_in_its_own_wire() {
    let vendor = Vendor::start();
    let agents = [
        agent("a", "openai/good"),
        agent("again", "openai/good"),
        agent("b", "anthropic/good"),
        agent("c", "gemini/good"),
        agent("d", "ollama/good"),
    ];
    let house = house(&vendor, &agents.concat());
    let (text, code) = check(&house, &["OPENAI", "ANTHROPIC", "GEMINI"]);
    assert_eq!(
        text,
        "✓ a model openai/good  ok: 5 + 2 tokens\n\
         ✓ again model openai/good  ok: 5 + 2 tokens\n\
         ✓ b model anthropic/good  ok: 5 + 2 tokens\n\
         ✓ c model gemini/good  ok: 5 + 2 tokens\n\
         ✗ chat model openai/gpt-5-mini  the vendor does not know the model gpt-5-mini: model: gpt-5-mini not found\n\
         ✓ d model ollama/good  ok: 5 + 2 tokens\n\
         ✓ demo scripted"
    );
    assert_eq!(code, Some(1));
    let mut seen = vendor.seen();
    seen.sort();
    assert_eq!(
        seen,
        [
            "/api/chat good no key",
            "/v1/chat/completions good authorization",
            "/v1/chat/completions gpt-5-mini authorization",
            "/v1/messages good x-api-key",
            "/v1beta/models/good:streamGenerateContent?alt=sse good x-goog-api-key",
        ]
    );
}

#[test]
fn what_fails_is_said_in_the_vendors_words_and_a_missing_key_by_its_name() {
    let vendor = Vendor::start();
    let agents = [
        agent("broken", "anthropic/cut"),
        agent("closed", "openai/refused"),
        agent("keyless", "gemini/good"),
        agent("unknown", "anthropic/nope"),
    ];
    let house = house(&vendor, &agents.concat());
    let (text, code) = check(&house, &["OPENAI", "ANTHROPIC"]);
    for line in [
        "✗ broken model anthropic/cut  the vendor's stream ended before the answer was complete",
        "✗ closed model openai/refused  the vendor did not accept the key: wrong key: ***",
        "✗ keyless model gemini/good  no key: set GEMINI_API_KEY",
        "✗ unknown model anthropic/nope  the vendor does not know the model nope: model: nope not found",
    ] {
        assert!(text.lines().any(|said| said == line), "{line}\n{text}");
    }
    assert_eq!(code, Some(1));
}

#[test]
fn a_local_model_that_nobody_asked_for_may_be_missing() {
    let vendor = Vendor::start();
    let house = house(&vendor, "");
    let (text, code) = check(&house, &[]);
    assert_eq!(
        text,
        "– chat model ollama/qwen3  the vendor does not know the model qwen3: model: qwen3 not found\n✓ demo scripted"
    );
    assert_eq!(code, Some(0));
}

#[test]
fn a_run_speaks_the_wire_of_its_vendor_and_says_what_it_cost() {
    let vendor = Vendor::start();
    let url = &vendor.url;
    let section = |wire: &str| {
        format!(
            "[vendors.my-{wire}]\nwire = \"{wire}\"\nbase_url = \"{url}{}\"\n{}",
            if wire == "openai" { "/v1" } else { "" },
            agent(wire, &format!("my-{wire}/good"))
        )
    };
    let wires = ["openai", "anthropic", "gemini", "ollama"];
    let sections: String = wires.map(section).concat();
    let prices = "[prices.\"my-anthropic/good\"]\ninput = 1\noutput = 2.5\n";
    let house = House::with_configuration(&format!("{sections}{prices}"));
    let _server = house.serve();
    for wire in wires {
        assert_eq!(house.well(&["run", "--agent", wire, "Hi"]), "ok\n");
        let usage = &house.run_body("last")["usage"];
        assert_eq!(usage["input_tokens"], 5, "{wire}");
        let cost = (wire == "anthropic").then_some(1e-5);
        assert_eq!(usage["cost_usd"].as_f64(), cost, "{wire}");
    }
}
