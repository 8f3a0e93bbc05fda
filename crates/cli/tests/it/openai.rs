//! OpenAI's own clients against the real server: what arrives is what the log has, part for part.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::house::{House, Running, stderr};
use crate::stub::{Answer, Vendor};

const AGENTS: &str = r#"
[agents.full]
driver = "scripted"
script = [
    { reason = "Let me think. " }, { text = "Hello, " }, { tool = "look", args = { at = "x" }, result = "ok" }, { text = "wörld." },
]

[agents.slow]
driver = "scripted"
script = [{ tokens = 40, per_second = 40 }, { text = " The end." }]

[agents.stuck]
driver = "scripted"
script = [{ text = "Wait" }, { stall_ms = 600000 }]

[agents.ask]
driver = "scripted"
script = [{ approval = "Buy paint" }, { question = "Which colour?" }]

[agents.bad]
driver = "scripted"
script = [{ text = "Half" }, { fail = "it broke" }]
"#;

/// A client for a language.
pub(crate) struct Client {
    program: PathBuf,
    script: PathBuf,
}

impl Client {
    pub(crate) fn javascript() -> Self {
        Self::of("node".into(), "client.mjs", "node_modules/openai")
    }

    pub(crate) fn python() -> Self {
        let python = root().join("target/python/openai/bin/python");
        Self::of(python, "client.py", "../../../target/python/openai")
    }

    fn of(program: PathBuf, script: &str, needs: &str) -> Self {
        let folder = root().join("tests/faces/openai");
        assert!(
            folder.join(needs).exists(),
            "the client is not there: cargo xtask setup"
        );
        Self {
            program,
            script: folder.join(script),
        }
    }

    /// The language of the client, with a server in its environment.
    fn command(&self, url: &str) -> Command {
        #[expect(
            clippy::disallowed_methods,
            reason = "the client runs as its users run it"
        )]
        let mut command = Command::new(&self.program);
        command
            .env("OPENAI_BASE_URL", format!("{url}/openai/v1"))
            .env("NO_PROXY", "127.0.0.1");
        command
    }

    /// Begins a case of the script.
    pub(crate) fn begin(&self, url: &str, args: &[&str]) -> Running {
        let mut command = self.command(url);
        command.arg(&self.script).args(args);
        Running::new(command)
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A server, and a client that is used as its users use it.
struct Scene {
    client: Client,
    house: House,
    vendor: Vendor,
    url: String,
    server: Running,
}

impl Scene {
    fn open(client: Client) -> Self {
        let vendor = Vendor::start();
        let stub = vendor.section("stub") + "wire = \"openai\"\n";
        let house = House::with_configuration(&(AGENTS.to_owned() + &stub));
        let server = house.serve();
        let url = house.announced().unwrap()["url"]
            .as_str()
            .unwrap()
            .to_owned();
        Self {
            client,
            house,
            vendor,
            url,
            server,
        }
    }

    /// What arrives in a case of the client's script.
    #[track_caller]
    fn case(&self, args: &[&str]) -> Value {
        let mut command = self.command();
        let printed = printed(command.arg(&self.client.script).args(args));
        let mut arrived = serde_json::from_str(&printed).unwrap();
        without_additions(&mut arrived);
        arrived
    }

    fn command(&self) -> Command {
        self.client.command(&self.url)
    }

    #[track_caller]
    fn log(&self, response: &Value) -> Vec<Value> {
        log(&self.house, response)
    }
}

/// The log behind a response.
#[track_caller]
pub(crate) fn log(house: &House, response: &Value) -> Vec<Value> {
    let id = response["id"].as_str().unwrap();
    let hex = id.strip_prefix("resp_").unwrap().split('_').next().unwrap();
    let run = [
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..],
    ]
    .join("-");
    let lines = house.well(&["attach", &run, "--json"]);
    let events = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    events.collect()
}

/// What a command prints that ends well.
#[track_caller]
fn printed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// Takes out what the client for JavaScript adds to a response that did not come as a stream.
fn without_additions(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| name != "output_text");
            members.values_mut().for_each(without_additions);
        }
        Value::Array(items) => items.iter_mut().for_each(without_additions),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What a log says, a line for each thing.
pub(crate) fn told(log: &[Value]) -> Vec<String> {
    let mut lines = Vec::new();
    for event in log {
        let data = &event["data"];
        match event["type"].as_str().unwrap() {
            "message.completed" => {
                for part in data["parts"].as_array().into_iter().flatten() {
                    let kind = part["type"].as_str().unwrap();
                    lines.push(format!("{kind} {}", part["text"].as_str().unwrap()));
                }
                // Cut short: what the deltas said stays.
                if data["parts"].is_null() {
                    lines.extend(half(log, &data["message"]));
                }
            }
            "tool.completed" => {
                let of = |kind: &str, member: &str| {
                    let mut events = log.iter();
                    let event =
                        events.find(|it| it["type"] == kind && it["data"]["call"] == data["call"]);
                    event.unwrap()["data"][member].clone()
                };
                let (name, args) = (of("tool.started", "name"), of("tool.called", "args"));
                let result = if data["status"] == "ok" {
                    data["result"].as_str()
                } else {
                    None
                };
                lines.push(format!("tool {} {args} {result:?}", name.as_str().unwrap()));
            }
            _ => {}
        }
    }
    lines
}

/// What the deltas of a message say, a line for each part.
fn half(log: &[Value], message: &Value) -> Vec<String> {
    let mut parts = BTreeMap::new();
    for event in log.iter().filter(|it| it["data"]["message"] == *message) {
        let kind = match event["type"].as_str().unwrap() {
            "text.delta" => "text ",
            "reasoning.delta" => "reasoning ",
            _ => continue,
        };
        let part = parts.entry(event["data"]["part"].as_u64().unwrap());
        *part.or_insert(kind.to_owned()) += event["data"]["text"].as_str().unwrap();
    }
    parts.into_values().collect()
}

/// What a response says, in the same words.
pub(crate) fn said(response: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    for item in response["output"].as_array().unwrap() {
        let word = |member: &str| item[member].as_str().unwrap();
        match word("type") {
            "mcp_call" => lines.push(format!(
                "tool {} {} {:?}",
                word("name"),
                word("arguments"),
                item["output"].as_str()
            )),
            kind => {
                let kind = if kind == "message" { "text" } else { kind };
                for piece in item["content"].as_array().unwrap() {
                    lines.push(format!("{kind} {}", piece["text"].as_str().unwrap()));
                }
            }
        }
    }
    lines
}

/// Checks that the deltas that arrived are those of the log, each under the number that follows from it, and that nothing
/// came twice.
#[track_caller]
pub(crate) fn same_deltas(events: &[Value], log: &[Value]) {
    let number = |event: &Value| event["sequence_number"].as_u64().unwrap();
    let numbers: Vec<u64> = events.iter().map(number).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    let is_delta = |event: &&Value| {
        let kind = event["type"].as_str().unwrap();
        matches!(
            kind,
            "response.output_text.delta" | "response.reasoning_text.delta"
        )
    };
    let arrived = events.iter().filter(is_delta);
    let arrived: Vec<_> = arrived
        .map(|it| (number(it) / 64 + 1, &it["delta"]))
        .collect();
    let stored = log.iter().filter(|event| {
        let kind = event["type"].as_str().unwrap();
        matches!(kind, "text.delta" | "reasoning.delta")
    });
    let stored: Vec<_> = stored
        .map(|it| (it["seq"].as_u64().unwrap(), &it["data"]["text"]))
        .collect();
    assert_eq!(arrived, stored);
}

pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

/// A full run, in each of the ways in which it can be asked for.
fn full(scene: &Scene) {
    for case in ["full", "helper"] {
        let seen = scene.case(&[case]);
        let log = scene.log(&seen["response"]);
        assert_eq!(seen["response"]["status"], "completed");
        assert_eq!(said(&seen["response"]), told(&log), "{case}");
        same_deltas(list(&seen["events"]), &log);
        if case == "full" {
            assert_eq!(seen["retrieved"], seen["response"]);
        }
    }
    let seen = scene.case(&["waits"]);
    assert_eq!(said(&seen["response"]), told(&scene.log(&seen["response"])));
    assert_eq!(seen["text"], "Hello, wörld.");
    let run = scene.house.well(&["run", "-a", "full", "--detach", "Hi"]);
    let seen = scene.case(&["elsewhere", run.lines().next().unwrap().trim()]);
    same_deltas(list(&seen["events"]), &scene.log(&seen["response"]));
}

fn resumed(scene: &Scene) {
    let seen = scene.case(&["resumed"]);
    assert_eq!(seen["created"]["background"], true);
    let log = scene.log(&seen["response"]);
    assert_eq!(said(&seen["response"]), told(&log));
    let (first, rest) = (list(&seen["first"]), list(&seen["rest"]));
    assert!(rest.len() > 10, "it was cut in the middle");
    same_deltas(&[first, rest].concat(), &log);
    let helped = list(&seen["helped"]);
    assert_eq!(numbers(helped), numbers(rest));

    let seen = scene.case(&["ended"]);
    assert_eq!(list(&seen["behind"]), [] as [Value; 0]);
    let item = &list(&seen["items"])[0];
    assert_eq!(item["content"][0]["text"], "Hi");
    assert_eq!(seen["gone"], json!({"status": 404, "code": "not_found"}));
    assert_eq!(
        seen["whole"].as_array().unwrap().last().unwrap()["response"],
        seen["response"]
    );

    let seen = scene.case(&["tabs"]);
    assert_eq!(seen["one"], seen["two"]);
    same_deltas(list(&seen["one"]), &scene.log(&seen["response"]));
}

fn numbers(events: &[Value]) -> BTreeSet<u64> {
    let numbers = events
        .iter()
        .map(|it| it["sequence_number"].as_u64().unwrap());
    numbers.collect()
}

fn cancelled(scene: &Scene) {
    let seen = scene.case(&["cancelled"]);
    assert_eq!(seen["response"]["status"], "cancelled");
    assert_eq!(seen["again"], seen["response"]);
    let end = list(&seen["rest"]).last().unwrap();
    assert_eq!(end["type"], "response.incomplete");
    assert_eq!(end["response"], seen["response"]);
    assert_eq!(seen["response"]["output"][0]["content"][0]["text"], "Wait");
}

fn approved(scene: &Scene) {
    let seen = scene.case(&["approved"]);
    let [first, second, third] = ["first", "second", "third"].map(|name| &seen[name]);
    let asked = &first["output"][0];
    assert_eq!(asked["type"], "mcp_approval_request");
    let arguments: Value = serde_json::from_str(asked["arguments"].as_str().unwrap()).unwrap();
    assert_eq!(arguments["title"], "Buy paint");
    let question = list(&second["output"]).last().unwrap();
    assert_eq!(question["name"], "ask_user");
    assert_eq!(third["status"], "completed");
    assert_eq!(second["previous_response_id"], first["id"]);
    let log = scene.log(third);
    let of = |kind: &str| log.iter().find(|event| event["type"] == kind).unwrap();
    assert_eq!(of("approval.resolved")["data"]["decision"], "allow");
    let answers = &of("question.answered")["data"]["answers"];
    assert!(answers.as_object().unwrap().values().eq([&json!("red")]));
    let all: Vec<String> = [first, second, third]
        .iter()
        .flat_map(|it| said_only(it))
        .collect();
    assert_eq!(all, told(&log));
}

/// What a response says beside what it asks.
fn said_only(response: &Value) -> Vec<String> {
    let mut response = response.clone();
    let output = response["output"].as_array_mut().unwrap();
    output.retain(|item| item["type"] == "message");
    said(&response)
}

fn functions(scene: &Scene) {
    let n_before = scene.vendor.requests().len();
    let args = json!({"city": "Bern"});
    scene.vendor.will_say(Answer::call("weather", &args));
    scene.vendor.will_say(Answer::text("Sunny."));
    scene.vendor.will_say(Answer::text("You are welcome."));
    let seen = scene.case(&["functions"]);
    assert_eq!(seen["parsed"], args);
    let arguments = list(&seen["events"])
        .iter()
        .filter(|event| event["type"] == "response.function_call_arguments.delta");
    let arguments: String = arguments.map(|it| it["delta"].as_str().unwrap()).collect();
    assert_eq!(arguments, args.to_string());
    assert_eq!(said(&seen["second"]), ["text Sunny."]);
    assert_eq!(seen["again"], seen["second"]);
    assert_eq!(seen["second"]["previous_response_id"], seen["first"]["id"]);
    assert_eq!(said(&seen["third"]), ["text You are welcome."]);
    assert_eq!(seen["third"]["conversation"], seen["first"]["conversation"]);

    let requests = &scene.vendor.requests()[n_before..];
    let [first, second, third] = requests else {
        panic!("{} requests", requests.len())
    };
    assert_eq!(
        first["messages"][0],
        json!({"role": "system", "content": "Answer in one word."})
    );
    assert_eq!(first["tools"][0]["function"]["name"], "weather");
    let result = list(&second["messages"]).last().unwrap();
    assert_eq!(
        (&result["role"], &result["content"]),
        (&json!("tool"), &json!("sunny"))
    );
    // The thread's history is told, the call and its result included.
    assert_eq!(list(&third["messages"]).len(), 6, "{third}");

    // A client that keeps the conversation itself names the run by its call.
    scene.vendor.will_say(Answer::call("weather", &args));
    scene.vendor.will_say(Answer::text("Sunny again."));
    let seen = scene.case(&["stateless"]);
    assert_eq!(said(&seen["second"]), ["text Sunny again."]);
    let run = |response: &Value| scene.log(response)[0]["at"].clone();
    assert_eq!(run(&seen["first"]), run(&seen["second"]));
}

fn structured(scene: &Scene) {
    let plan = json!({"name": "Legs", "days": ["Mon", "Thu"]});
    for _ in 0..2 {
        let fenced = format!("```json\n{plan}\n```");
        scene.vendor.will_say(Answer::text(&fenced));
    }
    let seen = scene.case(&["structured"]);
    assert_eq!(seen["parsed"], plan);
    assert_eq!(seen["streamed"], plan);
    let request = scene.vendor.requests().pop().unwrap();
    assert!(
        request["response_format"]["json_schema"].is_object(),
        "{request}"
    );
    let log = scene.log(&seen["response"]);
    assert_eq!(log.last().unwrap()["data"]["output"], plan);
}

/// A message that is said again after the client has read a part of it.
fn retried(scene: &Scene) {
    scene.vendor.will_say(Answer::broken("{\"name\": \"Ha"));
    scene.vendor.will_say(Answer::text("{\"name\": \"Whole\"}"));
    let seen = scene.case(&["retried"]);
    assert_eq!(seen["parsed"], json!({"name": "Whole"}));
    for name in ["response", "again"] {
        assert_eq!(said(&seen[name]), ["text {\"name\": \"Whole\"}"], "{name}");
    }
    let deltas = |name: &str| {
        let events = list(&seen[name]).iter();
        let deltas = events.filter_map(|event| event["delta"].as_str());
        deltas.collect::<String>()
    };
    assert_eq!(deltas("live"), "{\"name\": \"Ha{\"name\": \"Whole\"}");
    // Whoever comes later never hears of the first half.
    assert_eq!(deltas("replayed"), "{\"name\": \"Whole\"}");
    assert!(numbers(list(&seen["replayed"])).is_subset(&numbers(list(&seen["live"]))));
    let log = scene.log(&seen["response"]);
    assert!(log.iter().any(|event| event["type"] == "message.discarded"));
}

fn failed(scene: &Scene) {
    let seen = scene.case(&["failed"]);
    for name in ["response", "streamed"] {
        let response = &seen[name];
        assert_eq!(response["status"], "failed", "{name}");
        assert!(
            response["error"]["message"]
                .as_str()
                .unwrap()
                .contains("it broke")
        );
    }
    let refused = json!({"name": "UnprocessableEntityError", "status": 422, "code": "agent_unknown", "param": "model"});
    assert_eq!(seen["refused"], refused);

    let seen = scene.case(&["models"]);
    let ids = ["ask", "bad", "chat", "demo", "full", "slow", "stuck"];
    assert_eq!(seen["ids"], json!(ids));
    assert_eq!(seen["one"]["id"], "full");
}

fn all(client: Client) {
    let scene = Scene::open(client);
    full(&scene);
    resumed(&scene);
    cancelled(&scene);
    approved(&scene);
    functions(&scene);
    structured(&scene);
    retried(&scene);
    failed(&scene);
    killed(scene);
}

/// The server dies in the middle of a stream, and another one goes on with its runs.
fn killed(scene: Scene) {
    let mut client = scene.client.begin(&scene.url, &["killed"]);
    assert_eq!(client.line(), "begun");
    scene.server.kill();
    let address = scene.url.strip_prefix("http://").unwrap();
    let mut server = scene.house.begin(&["serve", "--listen", address]);
    assert!(server.line().contains(&scene.url));
    let scene = Scene { server, ..scene };
    let seen: Value = serde_json::from_str(&client.line()).unwrap();
    let log = scene.log(&seen["response"]);
    assert_eq!(said(&seen["response"]), told(&log));
    same_deltas(list(&seen["events"]), &log);
    assert!(log.iter().any(|event| event["type"] == "attempt.ended"));
}

#[test]
fn openai_for_javascript_gets_what_the_log_has() {
    all(Client::javascript());
}

#[test]
fn openai_for_python_gets_what_the_log_has() {
    all(Client::python());
}

#[test]
fn the_example_of_a_page_that_comes_back_shows_every_word_once() {
    let scene = Scene::open(Client::javascript());
    // Packages are looked for beside the script.
    let script = scene.house.path("background.mjs");
    std::fs::copy(root().join("examples/openai/background.mjs"), &script).unwrap();
    let packages = root().join("tests/faces/openai/node_modules");
    std::os::unix::fs::symlink(packages, scene.house.path("node_modules")).unwrap();
    let text = printed(scene.command().arg(script).env("MODEL", "slow"));
    let run = scene.house.well(&["ls", "--json"]);
    let run: Value = serde_json::from_str(run.lines().next().unwrap()).unwrap();
    let log = scene
        .house
        .well(&["attach", run["id"].as_str().unwrap(), "--json"]);
    let log: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let [said] = &told(&log)[..] else {
        panic!("{log:?}")
    };
    assert_eq!(
        text,
        format!("{}\ncompleted\n", said.strip_prefix("text ").unwrap())
    );
}

#[test]
fn the_example_of_functions_answers_what_is_called() {
    let scene = Scene::open(Client::python());
    scene
        .vendor
        .will_say(Answer::call("weather", &json!({"city": "Bern"})));
    scene.vendor.will_say(Answer::text("Sunny, they say."));
    let script = root().join("examples/openai/functions.py");
    let text = printed(scene.command().arg(script).arg("stub/m"));
    assert_eq!(text, "Sunny, they say.\n");
    let request = scene.vendor.requests().pop().unwrap();
    let result = list(&request["messages"]).last().unwrap();
    assert_eq!(result["content"], "It is sunny in Bern.");
}
