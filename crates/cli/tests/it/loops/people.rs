//! People answer after the server was killed and started again.

use serde_json::{Value, json};

use super::keeper;
use crate::house::House;
use crate::model::{Answer, Model, results};
use crate::watched::{Watched, alive};

/// Asks for one call and says what came of it.
fn once(call: fn() -> Answer) -> Model {
    Model::thinking(move |request| match &results(request)[..] {
        [] => call(),
        [.., (_, result)] => Answer::text(&format!("I heard: {result}")),
    })
}

fn write() -> Answer {
    let args = json!({"path": "made", "content": "x"});
    Answer::call("May I? ", "files__write_file", args)
}

/// Lets a run ask, kills the server, starts another one, answers from the command line, and gives what the model said then.
fn check(house: &House, thread: &str, answer: &[&str]) -> (Value, String) {
    let server = house.serve();
    let mut watched = Watched::start(house, "keeper", thread, "go");
    watched.until("run.waiting");
    assert_eq!(alive(&watched.run), [0; 0], "a parked run costs no process");
    server.kill();
    let _server = house.serve();
    let mut args = vec![answer[0], &*watched.run];
    args.extend(&answer[1..]);
    house.well(&args);
    let end = watched.end();
    assert_eq!(alive(&watched.run), [0; 0]);
    (end, house.well(&["attach", &watched.run]))
}

#[test]
fn an_approval_is_given_after_a_restart() {
    let house = keeper(&once(write), "{}");
    let (end, said) = check(&house, "t", &["approve"]);
    assert_eq!(end["data"]["status"], "succeeded", "{end}");
    assert!(said.contains("I heard: Successfully wrote"), "{said}");
    let made = std::fs::read_to_string(house.path("files/made")).expect("a file");
    assert_eq!(made, "x");
}

#[test]
fn a_denial_is_given_after_a_restart() {
    let house = keeper(&once(write), "{}");
    let answer = ["approve", "--deny", "--note", "use another name"];
    let (end, said) = check(&house, "t", &answer);
    assert_eq!(end["data"]["status"], "succeeded", "{end}");
    let heard = "I heard: the user does not allow this: use another name";
    assert!(said.contains(heard), "{said}");
    assert!(!house.path("files/made").exists());
}

#[test]
fn a_question_is_answered_after_a_restart() {
    let ask = || {
        let question = json!({"id": "colour", "question": "Which colour?"});
        Answer::call("", "ask_user", json!({ "questions": [question] }))
    };
    let house = keeper(&once(ask), "{}");
    let (end, said) = check(&house, "t", &["answer", "deep", "blue"]);
    assert_eq!(end["data"]["status"], "succeeded", "{end}");
    assert!(
        said.contains(r#"I heard: {"colour":"deep blue"}"#),
        "{said}"
    );
}

#[test]
fn what_was_allowed_for_the_thread_stays_allowed_over_restarts() {
    let house = keeper(&once(write), "{}");
    let (end, _) = check(&house, "t", &["approve", "--for-thread"]);
    assert_eq!(end["data"]["status"], "succeeded", "{end}");
    let _server = house.serve();
    let mut again = Watched::start(&house, "keeper", "t", "go");
    let end = again.end();
    assert_eq!(end["data"]["status"], "succeeded", "{end}");
    let requests = house.run_body(&again.run)["snapshot"]["requests"].clone();
    assert!(requests.as_array().is_none_or(Vec::is_empty), "{requests}");
    // Another thread was not meant.
    let mut other = Watched::start(&house, "keeper", "u", "go");
    other.until("approval.requested");
}
