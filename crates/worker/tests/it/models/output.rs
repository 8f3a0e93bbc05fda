//! Answers that have to fit a schema.

use run::{AgentSpec, Event, Input, Status, Structured};
use serde_json::{Value, json};

use super::{check_as, hire, model};
use crate::house::{House, outcome};
use crate::vendor::{Answer, Stub};

const INVALID: (Status, &str) = (Status::Failed, "invalid_output");
const DONE: (Status, &str) = (Status::Succeeded, "completed");

fn workout() -> AgentSpec {
    AgentSpec {
        output_schema: Some(json!({
            "type": "object",
            "required": ["name", "sets"],
            "properties": {"name": {"type": "string"}, "sets": {"type": "integer", "maximum": 9}},
        })),
        ..model()
    }
}

fn error(control: &run::Run) -> String {
    let run::State::Final(ended) = &control.state else {
        panic!("not final")
    };
    ended.error.as_ref().unwrap().message.clone()
}

/// Events that matter to a reader of the text.
async fn story(house: &House, run: run::RunId) -> String {
    let events = house.events(run).await;
    let kinds = events.iter().map(|envelope| envelope.event.kind());
    let of_interest =
        kinds.filter(|kind| kind.starts_with("message.") || kind.starts_with("step."));
    of_interest.collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn an_answer_that_fits_is_the_output() {
    let said = "Sure:\n```json\n{\"name\": \"Legs\", \"sets\": 3,}\n```";
    let answers = vec![Answer::text(&[
        "Sure:\n```json\n{\"name\": \"Le",
        "gs\", \"sets\": 3,}\n```",
    ])];
    let (house, run, stub) = check_as(workout(), answers, DONE, "", said).await;
    let output = json!({"name": "Legs", "sets": 3});
    assert_eq!(house.record(run).await.output, Some(output.clone()));
    let events = house.events(run).await;
    let Event::RunFinished(finished) = &events.last().unwrap().event else {
        panic!()
    };
    assert_eq!(finished.output, Some(output));
    let format = &stub.requests()[0]["response_format"];
    assert_eq!(format["type"], "json_schema");
    assert_eq!(
        format["json_schema"]["schema"],
        workout().output_schema.unwrap()
    );
}

#[tokio::test]
async fn a_wrong_answer_is_forgotten_and_repaired_in_a_further_step() {
    let (wrong, right) = ("{\"name\": 7}", "{\"name\": \"Legs\", \"sets\": 3}");
    let answers = vec![Answer::text(&[wrong]), Answer::text(&[right])];
    let (house, run, stub) = check_as(workout(), answers, DONE, "", right).await;
    let expected = "step.started message.started message.discarded step.finished \
        step.started message.started message.completed step.finished";
    assert_eq!(story(&house, run).await, expected);
    let control = house.control(run).await;
    assert_eq!((control.n_steps, control.usage.input_tokens), (2, 14));
    let events = house.events(run).await;
    let why = events.iter().find_map(|envelope| match &envelope.event {
        Event::MessageDiscarded(discarded) => Some(discarded.why.clone()),
        _ => None,
    });
    let why = why.unwrap();
    assert!(
        why.starts_with("invalid output: at the top: \"sets\""),
        "{why}"
    );
    let messages = stub.requests()[1]["messages"].as_array().unwrap().clone();
    let [.., answer, asked] = &messages[..] else {
        panic!("{messages:?}")
    };
    assert_eq!(
        (&answer["role"], &answer["content"]),
        (&json!("assistant"), &json!(wrong))
    );
    let asked = asked["content"].as_str().unwrap();
    assert!(
        asked.contains("at /name: ") && asked.contains("rule type"),
        "{asked}"
    );
}

#[tokio::test]
async fn an_answer_that_stays_wrong_ends_the_run_with_path_and_rule() {
    let wrong = "{\"name\": \"Legs\", \"sets\": 10}";
    let answers = vec![Answer::text(&["[]"]), Answer::text(&[wrong])];
    let (house, run, stub) = check_as(workout(), answers, INVALID, "invalid_output", wrong).await;
    assert_eq!(stub.requests().len(), 2);
    let message = error(&*house.control(run).await);
    assert!(
        message.contains("at /sets: ") && message.contains("rule maximum"),
        "{message}"
    );
    assert_eq!(house.record(run).await.output, None);
}

#[tokio::test]
async fn without_repairs_the_first_answer_counts() {
    let spec = AgentSpec {
        repair_attempts: 0,
        ..workout()
    };
    let cut = vec![Answer::ending(&["{\"name\": \"Le"], "length")];
    let text = "{\"name\": \"Le";
    let (house, run, _) = check_as(spec, cut, INVALID, "invalid_output", text).await;
    let message = error(&*house.control(run).await);
    assert!(message.contains("cut by the limit of tokens"), "{message}");
}

#[tokio::test]
async fn an_empty_answer_stays_empty_and_is_not_repaired() {
    let answers = vec![Answer::text(&[" "])];
    let empty = (Status::Failed, "empty_output");
    let (_, _, stub) = check_as(workout(), answers, empty, "empty_output", " ").await;
    assert_eq!(stub.requests().len(), 1);
}

#[tokio::test]
async fn a_vendor_without_a_mode_is_told_in_the_system_message() {
    let spec = AgentSpec {
        structured: Structured::Prompt,
        ..workout()
    };
    let right = "{\"name\": \"Legs\", \"sets\": 3}";
    let (_, _, stub) = check_as(spec, vec![Answer::text(&[right])], DONE, "", right).await;
    let request = stub.requests().remove(0);
    assert_eq!(request["response_format"], Value::Null);
    let system = request["messages"][0]["content"].to_string();
    assert!(system.contains("JSON Schema"), "{system}");
}

#[tokio::test]
async fn a_schema_that_is_none_calls_nobody() {
    let spec = AgentSpec {
        output_schema: Some(json!({"type": "thing"})),
        ..model()
    };
    let failed = (Status::Failed, "error");
    let (_, _, stub) = check_as(spec, vec![], failed, "schema_invalid", "").await;
    assert_eq!(stub.requests().len(), 0);
}

#[tokio::test]
async fn a_crash_in_a_repair_begins_again_and_doubles_nothing() {
    let right = "{\"name\": \"Legs\", \"sets\": 3}";
    let stub = Stub::start(vec![
        Answer::text(&["{}"]),
        Answer::hanging(&["{\"name\": \"half"]),
        Answer::text(&[right]),
    ])
    .await;
    let mut house = House::new().await;
    let run = house.start_on("t", workout(), Input::text("abc")).await;
    let first = hire(&mut house, &stub);
    house
        .until_event(
            run,
            "repair",
            |event| matches!(event, Event::TextDelta(delta) if delta.text.contains("half")),
        )
        .await;
    first.kill().await;
    let second = hire(&mut house, &stub);
    let (control, text) = house.text_at_end(run).await;
    assert_eq!((outcome(&control), &*text), (DONE, right));
    assert_eq!(
        (control.attempt, control.n_turns, control.discarded.len()),
        (2, 1, 2)
    );
    assert_eq!(
        house.record(run).await.output,
        serde_json::from_str(right).ok()
    );
    second.leave().await;
}
