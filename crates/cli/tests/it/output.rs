//! The agents of the examples whose answer is JSON, from the first preview to the application.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;

use serde_json::{Value, json};

use crate::house::{House, Running, eventually, stderr};
use crate::stub::{Answer, Vendor};

/// The examples with their vendor on this machine, and a server.
struct Gym {
    house: House,
    vendor: Vendor,
    _server: Running,
}

impl Gym {
    fn open() -> Self {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
        let vendor = Vendor::start();
        let text = std::fs::read_to_string(examples.join("outlive.toml")).unwrap();
        let house = House::with_configuration(&(text + &vendor.section("openai")));
        std::fs::create_dir(house.path("schemas")).unwrap();
        for entry in std::fs::read_dir(examples.join("schemas")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            std::fs::copy(&path, house.path("schemas").join(name)).unwrap();
        }
        let server = house.serve_in("OPENAI_API_KEY", "sk-test");
        Self {
            house,
            vendor,
            _server: server,
        }
    }

    fn address(&self) -> String {
        let announced = self.house.announced().unwrap();
        let url = announced["url"].as_str().unwrap();
        url.strip_prefix("http://").unwrap().to_owned()
    }

    /// A call whose answer is read line by line.
    fn call(&self, method: &str, path: &str, accept: &str, body: &Value) -> BufReader<TcpStream> {
        let address = self.address();
        let mut socket = TcpStream::connect(&address).unwrap();
        let body = body.to_string();
        let head = format!(
            "{method} {path} HTTP/1.0\r\nhost: {address}\r\naccept: {accept}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        socket.write_all(head.as_bytes()).unwrap();
        socket.write_all(body.as_bytes()).unwrap();
        BufReader::new(socket)
    }

    /// Starts a run over HTTP and gives its id.
    fn start(&self, body: &Value) -> String {
        let mut answer = self.call("POST", "/v1/runs", "application/json", body);
        let mut text = String::new();
        std::io::Read::read_to_string(&mut answer, &mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(" 201 "), "{text}");
        let run: Value = serde_json::from_str(body).unwrap();
        run["id"].as_str().unwrap().to_owned()
    }
}

/// The previews of a stream, as they come.
struct Previews(BufReader<TcpStream>);

impl Iterator for Previews {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        let mut is_preview = false;
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            let line = line.trim_end();
            match line.strip_prefix("data: ") {
                Some(data) if is_preview => {
                    let data: Value = serde_json::from_str(data).unwrap();
                    return Some(data["output_preview"].clone());
                }
                _ => is_preview = line == "event: preview",
            }
        }
    }
}

/// What one agent is asked, and what comes of it.
struct Case {
    agent: &'static str,
    input: Value,
    /// The prompt that comes of it.
    asked: &'static str,
    output: Value,
    /// A pointer to something in the first half of the output.
    early: &'static str,
    edited: Value,
    refined: Value,
}

/// Asked with variables, previewed while it comes, refined from an edited output, applied once.
#[track_caller]
fn check(case: &Case) {
    let Case {
        agent,
        input,
        asked,
        output,
        early,
        edited,
        refined,
    } = case;
    let gym = Gym::open();
    let (answer, open) = Answer::gated(&output.to_string());
    gym.vendor.will_say(answer);
    let id = gym.start(&json!({"agent": agent, "thread_id": "card-7", "input": input}));

    let path = format!("/v1/runs/{id}/events?preview=true");
    let stream = gym.call("GET", &path, "text/event-stream", &json!({}));
    let mut previews = Previews(stream);
    let partial = previews.next().unwrap();
    assert!(partial.is_object() && partial != *output, "{partial}");
    let shown = eventually(|| {
        let shown = gym.house.run_body(&id);
        shown["snapshot"]["output_preview"].pointer(early).cloned()
    });
    assert_eq!(Some(&shown), output.pointer(early));
    assert_eq!(gym.house.run_body(&id)["status"], "running");
    open.send(()).unwrap();
    assert_eq!(previews.last().as_ref(), Some(output));
    let body = gym.house.until(&id, "succeeded");
    assert_eq!(
        (&body["output"], &body["can_refine"]),
        (output, &json!(true))
    );
    let request = gym.vendor.requests().remove(0);
    assert_eq!(request["response_format"]["type"], "json_schema");
    assert_eq!(request["messages"][1]["content"], *asked);

    // A wrong edit is refused with its place before anybody is asked.
    std::fs::write(gym.house.path("edited.json"), "{\"title\": 7}").unwrap();
    let refine = ["refine", &id, "--output", "edited.json", "Add a warm-up"];
    gym.house.ends(&refine, 2, "at /title: ");
    std::fs::write(gym.house.path("edited.json"), edited.to_string()).unwrap();
    gym.vendor.will_say(Answer::text(&refined.to_string()));
    // On a pipe the JSON comes out alone.
    let said: Value = serde_json::from_str(&gym.house.well(&refine)).unwrap();
    assert_eq!(&said, refined);
    let messages = gym.vendor.requests()[1]["messages"].clone();
    assert_eq!(messages[1]["content"], *asked);
    assert_eq!(messages[2]["role"], "assistant");
    let told: Value = serde_json::from_str(messages[2]["content"].as_str().unwrap()).unwrap();
    assert_eq!(&told, edited);
    assert_eq!(messages[3]["content"], "Add a warm-up");
    let body = gym.house.run_body("last");
    assert_eq!(
        (&body["refines"], &body["thread_id"]),
        (&json!(id), &json!("card-7"))
    );

    let apply = ["apply", "last", "--by", "ann", "--ref", "plan-1"];
    gym.house.ends(&apply, 0, "applied by ann");
    let again = ["apply", "last", "--by", "bob"];
    gym.house.ends(&again, 0, "applied by ann");
    let applied = gym.house.run_body("last");
    assert_eq!(
        (&applied["applied_by"], &applied["applied_ref"]),
        (&json!("ann"), &json!("plan-1"))
    );
}

fn day(day: &str, focus: &str) -> Value {
    json!({"day": day, "focus": focus, "minutes": 40, "notes": "Begin slowly, end slowly, drink enough."})
}

#[test]
fn a_week_is_previewed_refined_and_applied_once() {
    check(&Case {
        agent: "program",
        input: json!({"parts": "ten kilometres", "variables": {"days": 2, "equipment": ["mat", "bike"]}}),
        asked: "Plan a week of 2 training days. The goal: ten kilometres\nThere is this equipment and no other: mat, bike.",
        output: json!({"title": "Run", "days": [day("Monday", "legs"), day("Friday", "lungs")]}),
        early: "/days/0/day",
        edited: json!({"title": "Run", "days": [day("Monday", "legs")]}),
        refined: json!({"title": "Run", "days": [day("Monday", "warm-up and legs")]}),
    });
}

fn workout(title: &str, sets: i64) -> Value {
    let exercise = |name: &str| json!({"name": name, "sets": sets, "reps": 8, "rest_seconds": 60});
    let exercises = [exercise("Squat"), exercise("Lunge"), exercise("Calf raise")];
    json!({"title": title, "minutes": 30, "exercises": exercises})
}

#[test]
fn a_workout_is_previewed_refined_and_applied_once() {
    check(&Case {
        agent: "workout",
        input: json!("legs"),
        asked: "Write a workout of at most 45 minutes: legs",
        output: workout("Legs", 3),
        early: "/exercises/0/name",
        edited: workout("Legs", 4),
        refined: workout("Legs, warm", 4),
    });
}

#[test]
fn an_answer_that_stays_wrong_fails_with_path_and_rule() {
    let gym = Gym::open();
    gym.vendor
        .will_say(Answer::text("Here you are: {\"title\": \"Legs\"}"));
    gym.vendor
        .will_say(Answer::text(&workout("Legs", 11).to_string()));
    let output = gym.house.outlive(&["run", "-a", "workout", "legs"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(output.stdout, b"");
    let said = stderr(&output);
    assert!(said.contains("failed (invalid_output)"), "{said}");
    assert!(
        said.contains("at /exercises/0/sets: ") && said.contains("rule maximum"),
        "{said}"
    );
    let body = gym.house.run_body("last");
    assert_eq!(body["error"]["code"], "invalid_output");
    gym.house
        .ends(&["apply", "last"], 6, "only a succeeded run can be applied");
    gym.house
        .ends(&["refine", "last", "Fewer sets"], 6, "did not succeed");

    // The same again, and this time the repair is right.
    gym.vendor.will_say(Answer::text("no idea"));
    gym.vendor
        .will_say(Answer::text(&workout("Legs", 3).to_string()));
    let said = gym.house.well(&["retry", "last"]);
    assert_eq!(
        serde_json::from_str::<Value>(&said).unwrap(),
        workout("Legs", 3)
    );
    let log = gym.house.well(&["attach", "last", "--json"]);
    assert_eq!(log.matches("\"message.discarded\"").count(), 1, "{log}");
    let messages = gym.vendor.requests()[3]["messages"].clone();
    assert_eq!(messages[2]["content"], "no idea");
    let asked = messages[3]["content"].as_str().unwrap();
    assert!(asked.contains("there is no JSON in the answer"), "{asked}");
}

#[test]
fn a_command_has_nothing_to_refine() {
    let house = House::new();
    let _server = house.serve();
    assert_eq!(house.well(&["run", "-a", "shell", "printf x"]), "x");
    house.ends(&["refine", "last", "rm -rf /"], 2, "holds no conversation");
    let body = house.run_body("last");
    assert_eq!(
        (&body["can_refine"], &body["refines"]),
        (&json!(false), &Value::Null)
    );
}

#[test]
fn a_run_brings_a_schema_of_its_own() {
    let gym = Gym::open();
    let schema =
        json!({"type": "object", "required": ["line"], "properties": {"line": {"type": "string"}}});
    std::fs::write(gym.house.path("line.json"), schema.to_string()).unwrap();
    gym.vendor.will_say(Answer::text("{\"line\": \"Drip.\"}"));
    let run = ["run", "-a", "writer", "--schema", "line.json", "rain"];
    assert_eq!(gym.house.well(&run), "{\"line\":\"Drip.\"}\n");
    std::fs::write(gym.house.path("line.json"), "{\"type\": \"text\"}").unwrap();
    gym.house.ends(&run, 2, "output_schema: /type");
    std::fs::write(gym.house.path("line.json"), "{").unwrap();
    gym.house.ends(&run, 2, "line.json is not JSON");
}
