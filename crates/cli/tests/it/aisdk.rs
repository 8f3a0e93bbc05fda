//! The AI SDK's own clients against our binary; the cases are in `tests/faces/aisdk/client.mjs`.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::json;

use crate::house::{House, Running};
use crate::stub::{Answer, Vendor};

const AGENTS: &str = r#"
[agents.writer]
driver = "scripted"
script = [
    { reason = "Hm" },
    { text = "Hello, \"wörld\"\n" },
    { tool = "look", args = { at = "it" }, result = "ok" },
    { tokens = 20 },
]

[agents.slow]
driver = "scripted"
script = [{ tokens = 60, per_second = 40 }, { text = " The end." }]

[agents.ask]
driver = "scripted"
script = [{ text = "First. " }, { approval = "Buy paint" }, { question = "Which colour?" }]

[agents.bad]
driver = "scripted"
script = [{ text = "Half" }, { fail = "it broke" }]
"#;

/// A house with these agents, and its vendor.
fn house() -> (House, Vendor) {
    let vendor = Vendor::start();
    let models = "[agents.place]\ndriver = \"loop\"\nmodel = \"stub/small\"\n\
                  [agents.form]\ndriver = \"model\"\nmodel = \"stub/small\"\n\
                  [agents.again]\ndriver = \"model\"\nmodel = \"stub/small\"\n";
    let section = vendor.section("stub");
    let house = House::with_configuration(&format!("{AGENTS}\n{models}{section}"));
    (house, vendor)
}

pub(crate) fn client(url: &str, case: &str) -> Running {
    begin(&[url, case])
}

/// Begins a case of the clients' script.
pub(crate) fn begin(args: &[&str]) -> Running {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/faces/aisdk");
    #[expect(
        clippy::disallowed_methods,
        reason = "the client is a program of another language"
    )]
    let mut command = Command::new("node");
    command
        .arg("client.mjs")
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null());
    Running::new(command)
}

/// Where a server says that it is.
pub(crate) fn url(house: &House) -> String {
    let announced = house.announced().unwrap();
    announced["url"].as_str().unwrap().to_owned()
}

/// Runs a case against a server of its own.
#[track_caller]
fn check(case: &str) {
    let (house, vendor) = house();
    let answers = match case {
        "a tool of the page" => [
            Answer::call("where", &json!({})),
            Answer::text("You are in Ghent."),
        ],
        "structured output" => [Answer::text("{\"name\": \"Ana\"}"), Answer::text("")],
        _ => [
            Answer::broken("Half of i"),
            Answer::text("The whole of it."),
        ],
    };
    for answer in answers {
        vendor.will_say(answer);
    }
    let _server = house.serve();
    let mut running = client(&url(&house), case);
    running.rest();
    let (status, said) = running.end();
    assert!(status.success(), "{said}");
}

#[test]
fn a_full_run_is_a_message() {
    check("a full run");
}

#[test]
fn a_stream_that_is_cut_anywhere_is_resumed() {
    check("cut anywhere and resumed");
}

#[test]
fn a_connection_comes_back_by_itself_without_a_gap() {
    check("a connection that comes back by itself");
}

#[test]
fn text_that_is_said_again_is_shown_once() {
    check("text that is said again");
}

#[test]
fn a_stop_ends_the_run_that_it_names() {
    check("a stop");
}

#[test]
fn an_approval_and_a_question_are_answered_in_the_chat() {
    check("an approval and a question");
}

#[test]
fn a_tool_of_the_page_answers_the_run_that_waits() {
    check("a tool of the page");
}

#[test]
fn structured_output_is_the_text_of_the_message() {
    check("structured output");
}

#[test]
fn an_error_is_read_by_the_person_and_by_the_page() {
    check("an error");
}

#[test]
fn there_is_nothing_to_resume_after_the_end() {
    check("coming back after the end");
}

#[test]
fn two_tabs_show_the_same() {
    check("two tabs");
}

#[test]
fn another_answer_and_an_edit_replace_what_came_after() {
    check("another answer and an edited message");
}

#[test]
fn version_seven_forgets_what_was_discarded() {
    check("version seven of the package");
}

#[test]
fn the_example_page_shows_a_chat() {
    check("the example page");
}

#[test]
fn a_chat_goes_on_over_a_killed_server() {
    let (house, _vendor) = house();
    // The same port again, which the system gives to nobody else in between.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr();
    let listen = port.unwrap().to_string();
    let server = house.serve_at(&listen);
    let mut running = client(&format!("http://{listen}"), "a server that is killed");
    assert_eq!(running.line(), "kill");
    server.kill();
    let _next = house.serve_at(&listen);
    running.rest();
    let (status, said) = running.end();
    assert!(status.success(), "{said}");
}
