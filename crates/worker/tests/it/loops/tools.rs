//! Tools are performed, and the model is told what came out.

use run::event::ToolStatus;
use run::{BudgetEnd, BuiltinTool, Input, Permission, Status, ToolRule};
use serde_json::{Value, json};

use super::{agent, hire, n_results, told};
use crate::house::{House, outcome};
use crate::vendor::{Answer, Stub};

fn shell(command: &str) -> (&'static str, Value) {
    ("shell", json!({ "command": command }))
}

#[tokio::test]
async fn calls_are_performed_until_there_is_an_answer() {
    let stub = Stub::thinking(|request| match n_results(request) {
        0 => Answer::calls(
            &["Let me ", "see."],
            &[shell("echo one"), shell("echo two >&2; exit 3")],
        ),
        2 => Answer::calls(&[], &[("dance", json!({}))]),
        _ => Answer::text(&["Done."]),
    })
    .await;
    let mut house = House::new().await;
    let mut spec = agent(&[BuiltinTool::Shell]);
    spec.system = Some("You count.".into());
    let run = house.start_on("t", spec, Input::text("count")).await;
    let worker = hire(&mut house, &stub);
    let (control, said) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
    assert_eq!(said, "Let me see.Done.");
    assert_eq!(
        (control.n_steps, control.n_calls, control.n_messages),
        (3, 3, 3)
    );
    // What three calls have cost.
    assert_eq!(
        (control.usage.input_tokens, control.usage.output_tokens),
        (21, 9)
    );

    let snapshot = house.snapshot(run).await;
    let statuses: Vec<_> = snapshot.activities.iter().map(|call| call.status).collect();
    let failed = Some(ToolStatus::Failed);
    assert_eq!(statuses, [Some(ToolStatus::Ok), failed, failed]);
    assert_eq!(snapshot.activities[0].result["text"], "one\n[exit code 0]");
    assert_eq!(snapshot.activities[0].output[0].text, "one\n");

    let requests = stub.requests();
    let shown = "assistant: Let me see.shell({\"command\":\"echo one\"}) shell({\"command\":\"echo two >&2; exit 3\"})";
    let unknown = "tool: there is no tool \"dance\" now; the tools are shell";
    assert_eq!(
        told(requests.last().unwrap()),
        [
            "system: You count.",
            "user: count",
            shown,
            "tool: one\n[exit code 0]",
            "tool: two\n[exit code 3]",
            "assistant: dance({})",
            unknown,
        ]
    );
    let names: Vec<_> = requests[0]["tools"].as_array().unwrap().iter().collect();
    assert_eq!(names.len(), 1);
    worker.leave().await;
}

#[tokio::test]
async fn results_stand_in_the_order_of_the_calls_whichever_is_first() {
    let stub = Stub::thinking(|request| match n_results(request) {
        // The first waits for what the second makes.
        0 => Answer::calls(
            &[],
            &[
                shell("while [ ! -e made ]; do sleep 0.01; done; echo first"),
                shell("echo second; : > made"),
            ],
        ),
        _ => Answer::text(&["Done."]),
    })
    .await;
    let mut house = House::new().await;
    let directory = tempfile::tempdir().unwrap();
    let mut spec = agent(&[BuiltinTool::Shell]);
    spec.directory = Some(directory.path().display().to_string());
    let run = house.start_on("t", spec, Input::text("go")).await;
    let worker = hire(&mut house, &stub);
    house.text_at_end(run).await;
    let told = told(stub.requests().last().unwrap());
    assert_eq!(
        told[2..],
        ["tool: first\n[exit code 0]", "tool: second\n[exit code 0]"]
    );
    // In the log the second result came first.
    let done: Vec<String> = house
        .events(run)
        .await
        .iter()
        .filter_map(|envelope| match &envelope.event {
            run::Event::ToolCompleted(done) => Some(done.call.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(done, ["c2", "c1"]);
    worker.leave().await;
}

#[tokio::test]
async fn a_command_that_takes_too_long_is_ended_and_the_model_hears_it() {
    let stub = Stub::thinking(|request| match n_results(request) {
        0 => Answer::calls(&[], &[shell("echo begun; sleep 600")]),
        _ => Answer::text(&["I see."]),
    })
    .await;
    let mut house = House::new().await;
    let mut spec = agent(&[BuiltinTool::Shell]);
    spec.tools.timeout_ms = 200;
    let run = house.start_on("t", spec, Input::text("go")).await;
    let worker = hire(&mut house, &stub);
    let (control, _) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
    let told = told(stub.requests().last().unwrap());
    assert_eq!(told[2], "tool: begun\n[the command was ended after 200 ms]");
    worker.leave().await;
}

#[tokio::test]
async fn fetches_reach_no_private_address() {
    let stub = Stub::thinking(|request| match n_results(request) {
        0 => {
            let url = "http://127.0.0.1:1/latest";
            Answer::calls(&[], &[("http_fetch", json!({ "url": url }))])
        }
        _ => Answer::text(&["I see."]),
    })
    .await;
    let mut house = House::new().await;
    let run = house
        .start_on("t", agent(&[BuiltinTool::HttpFetch]), Input::text("go"))
        .await;
    let worker = hire(&mut house, &stub);
    house.text_at_end(run).await;
    let told = told(stub.requests().last().unwrap());
    assert!(
        told[2].contains("127.0.0.1") && told[2].contains("allow_hosts"),
        "{}",
        told[2]
    );
    worker.leave().await;
}

#[tokio::test]
async fn a_tool_that_is_denied_is_neither_offered_nor_performed() {
    let stub = Stub::thinking(|request| match n_results(request) {
        0 => Answer::calls(&[], &[shell("touch made")]),
        _ => Answer::text(&["I see."]),
    })
    .await;
    let mut house = House::new().await;
    let directory = tempfile::tempdir().unwrap();
    let mut spec = agent(&[BuiltinTool::Shell, BuiltinTool::AskUser]);
    spec.directory = Some(directory.path().display().to_string());
    let never = ToolRule::new(Permission::Deny);
    spec.tools.rules.insert("shell".to_owned(), never);
    let run = house.start_on("t", spec, Input::text("go")).await;
    let worker = hire(&mut house, &stub);
    house.text_at_end(run).await;
    assert!(!directory.path().join("made").exists());
    let requests = stub.requests();
    assert_eq!(requests[0]["tools"].as_array().unwrap().len(), 1);
    let snapshot = house.snapshot(run).await;
    assert_eq!(snapshot.activities[0].status, Some(ToolStatus::Denied));
    worker.leave().await;
}

#[tokio::test]
async fn a_used_up_budget_ends_with_a_summary_where_the_agent_wants_one() {
    let brain = |request: &Value| {
        if request.get("tools").is_none() {
            return Answer::text(&["I got as far as two."]);
        }
        Answer::calls(&[], &[shell("echo more")])
    };
    let stub = Stub::thinking(brain).await;
    let mut house = House::new().await;
    let mut spec = agent(&[BuiltinTool::Shell]);
    spec.budget.steps = Some(2);
    let run = house.start_on("t", spec.clone(), Input::text("go")).await;
    spec.over_budget = BudgetEnd::Summarise;
    let other = house.start_on("u", spec.clone(), Input::text("go")).await;
    // A summary has no form.
    spec.output_schema = Some(json!({"type": "object"}));
    let formed = house.start_on("v", spec, Input::text("go")).await;
    let worker = hire(&mut house, &stub);
    let (control, said) = house.text_at_end(run).await;
    assert_eq!(
        (outcome(&control), &*said),
        ((Status::Failed, "budget"), "")
    );
    for other in [other, formed] {
        let (control, said) = house.text_at_end(other).await;
        assert_eq!(outcome(&control), (Status::Succeeded, "budget"));
        assert_eq!(
            (said.as_str(), control.n_steps),
            ("I got as far as two.", 3)
        );
    }
    worker.leave().await;
}

#[tokio::test]
async fn an_answer_behind_tools_fits_its_schema_or_is_repaired() {
    let stub = Stub::thinking(|request| {
        let messages = request["messages"].as_array().unwrap();
        let last = messages.last().unwrap()["content"]
            .as_str()
            .unwrap_or_default();
        match n_results(request) {
            0 => Answer::calls(&[], &[shell("echo 4")]),
            _ if last.contains("required") => Answer::text(&["{\"n\": 4}"]),
            _ => Answer::text(&["{}"]),
        }
    })
    .await;
    let mut house = House::new().await;
    let mut spec = agent(&[BuiltinTool::Shell]);
    spec.output_schema = Some(json!({"type": "object", "required": ["n"]}));
    let run = house.start_on("t", spec, Input::text("go")).await;
    let worker = hire(&mut house, &stub);
    let (control, said) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
    assert_eq!(said, "{\"n\": 4}");
    let scope = store::Scope::local();
    let record = house.store.run(&scope, run).await.unwrap();
    assert_eq!(record.output, Some(json!({"n": 4})));
    worker.leave().await;
}
