//! Tables: a text, an environment, and what comes of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::settings::{Limits, Server, Worker};
use super::vendor::WireName;
use super::{Config, ConfigError, Flags, Surroundings, load};

/// A directory with a configuration file in it.
fn with_file(
    text: &str,
    env: &[(&str, &str)],
    flags: &Flags,
) -> (PathBuf, Result<Config, ConfigError>) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_owned();
    std::fs::write(path.join("outlive.toml"), text).unwrap();
    let surroundings = surroundings(&path, env);
    (path, load(&surroundings, flags))
}

fn surroundings(directory: &Path, env: &[(&str, &str)]) -> Surroundings {
    let env: BTreeMap<String, String> = env
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    Surroundings {
        directory: directory.to_owned(),
        env,
    }
}

#[track_caller]
fn wrong(text: &str, env: &[(&str, &str)], expected: &str) {
    let (directory, loaded) = with_file(text, env, &Flags::default());
    let text = loaded
        .expect_err("the configuration is wrong")
        .to_string()
        .replace(&format!("{}/", directory.display()), "");
    assert_eq!(text, expected);
}

#[track_caller]
fn right(text: &str, env: &[(&str, &str)]) -> (PathBuf, Config) {
    let (directory, loaded) = with_file(text, env, &Flags::default());
    (directory, loaded.expect("the configuration is right"))
}

#[test]
fn an_unknown_key_is_an_error_with_line_and_suggestion() {
    wrong(
        "[server]\nlisen = \"127.0.0.1:1\"\n",
        &[],
        "outlive.toml:2: unknown key \"lisen\"; did you mean \"listen\"?",
    );
    wrong(
        "\n[sever]\nlisten = \"127.0.0.1:1\"\n",
        &[],
        "outlive.toml:2: unknown key \"sever\"; did you mean \"server\"?",
    );
    wrong(
        "[worker]\nslots = 3\ndrain = 4\n",
        &[],
        "outlive.toml:3: unknown key \"drain\"; did you mean \"drain_s\"?",
    );
    wrong(
        "[limits]\n\n\nqueue = 3\n",
        &[],
        "outlive.toml:4: unknown key \"queue\"; did you mean \"queued_runs\"?",
    );
    wrong(
        "[vendors.local]\nbase_ulr = \"http://a\"\n",
        &[],
        "outlive.toml:2: unknown key \"base_ulr\"; did you mean \"base_url\"?",
    );
    wrong(
        "[agents.a]\ndriver = \"scripted\"\nscipt = []\n",
        &[],
        "outlive.toml:3: unknown key \"scipt\"; did you mean \"script\"?",
    );
    wrong(
        "[agents.a]\ndriver = \"scripted\"\nscript = [\n  { text = \"a\" },\n  { txt = \"a\" },\n]\n",
        &[],
        "outlive.toml:5: unknown key \"txt\"; did you mean \"text\"?",
    );
    wrong(
        "[agents.a]\ndriver = \"modl\"\n",
        &[],
        "outlive.toml:2: unknown word \"modl\"; did you mean \"model\"?",
    );
}

#[test]
fn a_wrong_value_is_an_error_with_its_line() {
    wrong(
        "[server]\nlisten = \"localhost\"\n",
        &[],
        "outlive.toml:2: \"localhost\" is not an address with a port such as 127.0.0.1:4600",
    );
    wrong(
        "[worker]\nslots = \"many\"\n",
        &[],
        "outlive.toml:2: invalid type: string \"many\", expected usize",
    );
    wrong(
        "[server]\npublic_url = \"runs.example.com\"\nallowed_origins = [\"app\"]\nallowed_hosts = [\"a:1\"]\n[worker]\nslots = 0\nlease_s = 0\n",
        &[],
        "outlive.toml: [server] public_url: \"runs.example.com\" does not begin with http:// or https://\n\
         outlive.toml: [server] allowed_origins: \"app\" is no origin such as https://app.example.com\n\
         outlive.toml: [server] allowed_hosts: \"a:1\" is no host name such as box.lan\n\
         outlive.toml: [worker] slots must be at least 1\n\
         outlive.toml: [worker] lease_s must be at least 1",
    );
    wrong(
        "[server]\nstore = \"postgres://db/outlive\"\n",
        &[],
        "outlive.toml: store: PostgreSQL is not built into this version, only sqlite:// is",
    );
}

#[test]
fn what_is_wrong_with_agents_and_vendors_is_said_all_at_once() {
    wrong(
        "[vendors.ollama]\nwire = \"openai\"\n\n[vendors.other]\n\n[agents.writer]\ndriver = \"model\"\nmodel = \"opnai/x\"\n\n\
         [agents.shell]\ndriver = \"command\"\nsystem = \"x\"\n",
        &[],
        "outlive.toml:1: vendor ollama: wire \"openai\" needs a base_url: http://127.0.0.1:11434 speaks \"ollama\"\n\
         outlive.toml:4: vendor other: base_url is missing, for example base_url = \"http://127.0.0.1:9000/v1\"\n\
         outlive.toml:10: agent shell: system belongs to driver model or loop or pi or codex or claude or acp, this agent has driver command\n\
         outlive.toml:10: agent shell: command is missing: driver command needs command = [\"program\", …]\n\
         outlive.toml:6: agent writer: model names the unknown vendor \"opnai\"; did you mean \"openai\"?",
    );
    wrong(
        "[agents.\"a b\"]\ndriver = \"scripted\"\nscript = [{ text = \"a\" }]\n",
        &[],
        "outlive.toml:1: agent a b: a name has 1 to 128 letters, digits, hyphens, underscores and dots",
    );
}

#[test]
fn a_slip_in_a_variable_is_an_error_and_a_foreign_name_is_not() {
    wrong(
        "",
        &[("OUTLIVE_SERVER_LISEN", "127.0.0.1:1")],
        "OUTLIVE_SERVER_LISEN: unknown setting; did you mean OUTLIVE_SERVER_LISTEN?",
    );
    wrong(
        "",
        &[("OUTLIVE_WORKER_SLOTS", "many")],
        "OUTLIVE_WORKER_SLOTS: invalid type: string \"many\", expected usize",
    );
    right("", &[("OUTLIVE_SERVER_PORT_4600_TCP_ADDR", "10.0.0.1")]);
}

#[test]
fn flags_win_over_variables_and_variables_over_the_file() {
    let file =
        "[server]\nlisten = \"127.0.0.1:1\"\nstore = \"sqlite://a.db\"\n[worker]\nslots = 1\n";
    let (directory, config) = right(file, &[]);
    assert_eq!(config.server.listen.port(), 1);
    assert_eq!(config.store, directory.join("a.db"));
    let env = [
        ("OUTLIVE_SERVER_LISTEN", "127.0.0.1:2"),
        ("OUTLIVE_WORKER_SLOTS", "2"),
        (
            "OUTLIVE_SERVER_ALLOWED_ORIGINS",
            "https://a.example, https://b.example",
        ),
        ("OUTLIVE_SERVER_ALLOWED_HOSTS", "[\"box.lan\"]"),
    ];
    let (_, config) = right(file, &env);
    assert_eq!(config.server.listen.port(), 2);
    assert_eq!(config.worker.slots, 2);
    assert_eq!(
        config.server.allowed_origins,
        ["https://a.example", "https://b.example"]
    );
    assert_eq!(config.server.allowed_hosts, ["box.lan"]);
    let flags = Flags {
        listen: Some("127.0.0.1:3".parse().unwrap()),
        store: Some("b.db".into()),
        ..Flags::default()
    };
    let (directory, config) = with_file(file, &env, &flags);
    let config = config.unwrap();
    assert_eq!(config.server.listen.port(), 3);
    assert_eq!(config.store, directory.join("b.db"));
}

#[test]
fn zero_configuration_works() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path().join("home");
    let home = home.to_str().unwrap();
    let load = |env: &[(&str, &str)]| {
        load(&surroundings(directory.path(), env), &Flags::default()).unwrap()
    };
    let config = load(&[("HOME", home)]);
    assert_eq!(config.file, None);
    assert!(!config.listen_was_chosen);
    assert_eq!(
        config.store,
        Path::new(home).join(".local/share/outlive/outlive.db")
    );
    let names: Vec<&String> = config.agents.keys().collect();
    assert_eq!(names, ["chat", "demo"]);
    let config = load(&[("HOME", home), ("XDG_DATA_HOME", "/data")]);
    assert_eq!(config.store, Path::new("/data/outlive/outlive.db"));
    let config = load(&[("HOME", home), ("OPENROUTER_API_KEY", "k")]);
    assert_eq!(
        config.agents["chat"].model.as_deref(),
        Some("openrouter/openrouter/auto")
    );
    let config = load(&[
        ("HOME", home),
        ("OPENROUTER_API_KEY", "k"),
        ("ANTHROPIC_API_KEY", "k"),
    ]);
    assert_eq!(
        config.agents["chat"].model.as_deref(),
        Some("anthropic/claude-haiku-5-5")
    );
}

#[test]
fn what_is_wrong_without_a_file_is_said_too() {
    let directory = tempfile::tempdir().unwrap();
    let env = [("OUTLIVE_SERVER_PUBLIC_URL", "x")];
    let wrong = load(&surroundings(directory.path(), &env), &Flags::default()).unwrap_err();
    assert_eq!(
        wrong.to_string(),
        "the configuration: [server] public_url: \"x\" does not begin with http:// or https://"
    );
}

#[test]
fn the_users_file_is_read_when_the_current_directory_has_none() {
    let home = tempfile::tempdir().unwrap();
    let users = home.path().join(".config/outlive");
    std::fs::create_dir_all(&users).unwrap();
    std::fs::write(users.join("outlive.toml"), "[worker]\nslots = 7\n").unwrap();
    let env = [("HOME", home.path().to_str().unwrap())];
    let config = load(&surroundings(home.path(), &env), &Flags::default()).unwrap();
    assert_eq!(config.worker.slots, 7);
    let (_, config) = right("", &env);
    assert_eq!(config.worker.slots, 256);
}

#[test]
fn the_documented_defaults_are_the_defaults() {
    let (_, config) = right(include_str!("../../outlive.default.toml"), &[]);
    assert_eq!(config.server, Server::default());
    assert_eq!(config.worker, Worker::default());
    assert_eq!(config.limits, Limits::default());
}

#[test]
fn a_vendor_of_a_known_name_changes_only_what_it_says() {
    let (_, config) = right(
        "[vendors.ollama]\nbase_url = \"http://gpu:11434/v1\"\n[vendors.openai]\nkey_env = \"MY_KEY\"\nkey_secret = \"mine\"\n",
        &[],
    );
    let secret = config.vendors["openai"].key_secret.as_deref();
    assert_eq!(secret, Some("mine"));
    assert_eq!(config.vendors["ollama"].base_url, "http://gpu:11434/v1");
    assert_eq!(
        config.vendors["openai"].base_url,
        "https://api.openai.com/v1"
    );
    assert_eq!(config.vendors["openai"].key_env.as_deref(), Some("MY_KEY"));
}

#[test]
fn a_vendor_speaks_the_wire_of_its_section_or_of_its_name() {
    let (_, config) = right(
        "[vendors.ollama]\nbase_url = \"http://gpu:11434/v1/\"\n[vendors.far]\nwire = \"ollama\"\nbase_url = \"http://far/v1\"\n\
         [vendors.gateway]\nwire = \"anthropic\"\nbase_url = \"https://llm.example.com\"\nkey_env = \"K\"\n\
         [vendors.gemini]\nbase_url = \"http://proxy\"\n[vendors.mine]\nbase_url = \"http://mine\"\n",
        &[],
    );
    for (name, wire) in [
        ("openai", WireName::Openai),
        ("anthropic", WireName::Anthropic),
        ("gemini", WireName::Gemini),
        ("openrouter", WireName::Openai),
        // Under `/v1` it speaks the wire of OpenAI, as before it had one of its own here.
        ("ollama", WireName::Openai),
        ("far", WireName::Ollama),
        ("gateway", WireName::Anthropic),
        ("mine", WireName::Openai),
    ] {
        assert_eq!(config.vendors[name].wire, wire, "{name}");
    }
    let (_, config) = right("[vendors.ollama]\nbase_url = \"http://gpu:11434\"\n", &[]);
    assert_eq!(config.vendors["ollama"].wire, WireName::Ollama);
}

#[test]
fn prices_are_laid_over_the_built_in_ones() {
    let usage = provider::Usage {
        input: 1_000_000,
        ..provider::Usage::default()
    };
    let (_, config) = right(
        "[prices.\"openai/gpt-5\"]\ninput = 3\noutput = 10\ncached_input = 0.125\n[prices.\"ollama/\"]\ninput = 0.5\noutput = 1\n",
        &[],
    );
    let cost = |vendor, model| config.prices.cost(vendor, model, &usage);
    assert_eq!(cost("openai", "gpt-5"), Some(3.0));
    assert_eq!(cost("openai", "gpt-4.1"), Some(2.0));
    assert_eq!(cost("ollama", "qwen3"), Some(0.5));
    wrong(
        "[prices.\"opnai/x\"]\ninput = 1\noutput = -1\n\n[prices.gpt]\ninput = nan\noutput = 1\n",
        &[],
        "outlive.toml:5: price gpt: the name is \"vendor/model\", or the beginning of it up to the slash\n\
         outlive.toml:5: price gpt: input must be a number of dollars, 0 or more\n\
         outlive.toml:1: price opnai/x: unknown vendor \"opnai\"; did you mean \"openai\"?\n\
         outlive.toml:1: price opnai/x: output must be a number of dollars, 0 or more",
    );
    wrong(
        "[prices.\"openai/x\"]\ninput = 1\n",
        &[],
        "outlive.toml:1: missing field `output`",
    );
}

#[test]
fn the_example_is_a_sound_configuration() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let config = load(&surroundings(&examples, &[]), &Flags::default()).unwrap();
    let names: Vec<&String> = config.agents.keys().collect();
    let all = [
        "ask", "chat", "demo", "keeper", "load", "program", "shell", "workout", "writer",
    ];
    assert_eq!(names, all);
}

const WITH_SCHEMA: &str = "[agents.a]\ndriver = \"model\"\nmodel = \"ollama/qwen3\"\n";

#[test]
fn a_schema_is_a_table_or_a_file_beside_the_configuration() {
    let schema = serde_json::json!({"type": "object", "required": ["a"]});
    let table =
        format!("{WITH_SCHEMA}output_schema = {{ type = \"object\", required = [\"a\"] }}\n");
    let (_, config) = right(&table, &[]);
    assert_eq!(config.agents["a"].output_schema, Some(schema.clone()));

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    std::fs::create_dir(path.join("schemas")).unwrap();
    std::fs::write(path.join("schemas/a.json"), schema.to_string()).unwrap();
    let file = format!("{WITH_SCHEMA}output_schema = \"schemas/a.json\"\n");
    std::fs::write(path.join("outlive.toml"), file).unwrap();
    let config = load(&surroundings(path, &[]), &Flags::default()).unwrap();
    assert_eq!(config.agents["a"].output_schema, Some(schema));
}

#[test]
fn a_schema_that_cannot_be_used_is_said_with_its_place() {
    let with = |schema: &str| format!("{WITH_SCHEMA}output_schema = {schema}\n");
    wrong(
        &with("\"none.json\""),
        &[],
        "outlive.toml:1: agent a: output_schema none.json: No such file or directory (os error 2)",
    );
    wrong(
        &with("\"outlive.toml\""),
        &[],
        "outlive.toml:1: agent a: output_schema outlive.toml: is not JSON: expected value at line 1 column 2",
    );
    wrong(
        &with("{ properties = { a = { type = \"text\" } } }"),
        &[],
        "outlive.toml:1: agent a: output_schema: /properties/a/type: \"text\" is not valid under any of the schemas listed in the 'anyOf' keyword",
    );
    wrong(
        &with("{ \"$ref\" = \"https://example.com/a.json\" }"),
        &[],
        "outlive.toml:1: agent a: output_schema: /$ref: refers to another document (https://example.com/a.json); put it under $defs instead",
    );
}
