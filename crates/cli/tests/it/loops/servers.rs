//! MCP servers that cannot be had, or not for long: the run goes on and says so.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;

use serde_json::{Value, json};

use super::{called, loops, odd};
use crate::model::{Answer, Model, results};
use crate::watched::{Watched, alive};

/// A service that wants other credentials.
fn unauthorized() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.expect("a connection");
            let mut reader = BufReader::new(socket.try_clone().expect("a handle"));
            let mut length = 0;
            for line in reader.by_ref().lines() {
                let line = line.expect("a header").to_ascii_lowercase();
                if let Some(value) = line.strip_prefix("content-length: ") {
                    length = value.parse().expect("a number");
                }
                if line.is_empty() {
                    break;
                }
            }
            reader
                .read_exact(&mut vec![0; length])
                .expect("a whole body");
            let answer =
                "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            socket.write_all(answer.as_bytes()).expect("an answer");
        }
    });
    url
}

#[test]
fn a_server_that_dies_in_a_call_fails_it_and_is_started_again_for_the_next() {
    let model = Model::thinking(|request: &Value| match results(request).len() {
        0 => Answer::call("", "odd__die", json!({})),
        1 => Answer::call("", "odd__greet", json!({})),
        _ => Answer::text("Well."),
    });
    let house = odd(&model, r#"{ "*" = "allow" }"#);
    let _server = house.serve();
    let mut watched = Watched::start(&house, "keeper", "t", "go");
    let end = watched.end();
    assert_eq!(end["data"]["status"], "succeeded", "{end}");
    let told = results(model.requests().last().expect("requests"));
    let died = "MCP server odd closed the connection before it answered";
    assert_eq!(told[0], ("odd__die".to_owned(), died.to_owned()));
    assert_eq!(told[1], ("odd__greet".to_owned(), "hello".to_owned()));
    assert_eq!(called(&house), "die\ngreet\n");
    assert_eq!(alive(&watched.run), [0; 0]);
}

#[test]
fn servers_that_cannot_be_had_cost_their_tools_and_not_the_run() {
    let model = Model::thinking(|request: &Value| match results(request).len() {
        0 => Answer::call("", "absent__look", json!({})),
        _ => Answer::text("I do without."),
    });
    let servers = format!(
        "[mcp.absent]
command = [\"no-such-program\"]
[mcp.broken]
command = [\"sh\", \"-c\", \"echo no $TOKEN, no tools >&2; exit 3\"]
env = [\"TOKEN\"]
[mcp.locked]
url = \"{}\"",
        unauthorized()
    );
    let tools = "mcp = [\"absent\", \"broken\", \"locked\"]";
    let house = loops(&model, &servers, tools);
    let _server = house.serve_in("TOKEN", "sesame-open-up");
    let output = house.outlive(&["run", "-a", "keeper", "go"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(said.trim(), "I do without.");
    let notices = crate::house::stderr(&output);
    for expected in NOTICES {
        assert!(notices.contains(expected), "{notices}");
    }
}

const NOTICES: [&str; 3] = [
    "! the tools of absent are missing: there is no program no-such-program\n",
    "! the tools of broken are missing: MCP server broken closed the connection before it answered: it ended with code 3; it said: no ***, no tools\n",
    "! the tools of locked are missing: MCP server locked did not accept the credentials\n",
];

#[test]
fn what_is_missing_is_told_once_however_often_the_run_goes_on() {
    let question = json!({"id": "colour", "question": "Which colour?"});
    let model = Model::thinking(move |request: &Value| match results(request).len() {
        0 => Answer::call("", "ask_user", json!({ "questions": [question] })),
        _ => Answer::text("Well."),
    });
    let servers = "[mcp.absent]\ncommand = [\"no-such-program\"]";
    let house = loops(&model, servers, "mcp = [\"absent\"]");
    let _server = house.serve();
    let mut watched = Watched::start(&house, "keeper", "t", "go");
    watched.until("run.waiting");
    house.well(&["answer", &watched.run, "blue"]);
    watched.end();
    let body = house.run_body(&watched.run);
    let notices = body["snapshot"]["notices"].as_array().expect("notices");
    assert_eq!(
        (&body["attempt"], notices.len()),
        (&json!(2), 1),
        "{notices:?}"
    );
}

#[test]
fn a_check_says_which_servers_start_and_how_many_tools_they_have() {
    let model = Model::thinking(|_: &Value| Answer::text("ok"));
    let house = odd(&model, "{}");
    let checked = house.well(&["agents", "check"]);
    let (lines, ms) = checked.split_once("✓ odd  4 tools in ").expect(&checked);
    assert!(
        lines.contains("✓ keeper loop stub/small  ok in "),
        "{lines}"
    );
    assert!(ms.ends_with(" ms\n"), "{ms}");
    assert!(
        !house
            .well(&["agents", "check", "--offline"])
            .contains("odd")
    );

    let servers = format!(
        "[mcp.absent]\ncommand = [\"no-such-program\"]\nenv = [\"NOBODY_HAS_THIS\"]\n[mcp.locked]\nurl = \"{}\"",
        unauthorized()
    );
    let house = loops(&model, &servers, "mcp = [\"absent\", \"locked\"]");
    let output = house.outlive(&["agents", "check"]);
    assert_eq!(output.status.code(), Some(1));
    let checked = String::from_utf8_lossy(&output.stdout);
    let expected = "
  ✗ absent  there is no program no-such-program (NOBODY_HAS_THIS is not set)
  ✗ locked  MCP server locked did not accept the credentials
";
    assert!(checked.ends_with(expected), "{checked}");
}
