//! Agents that start other agents.

use std::collections::BTreeMap;

use run::event::{Decision, ToolStatus};
use run::{AgentSpec, Answer as Given, BuiltinTool, Command, Input, RequestId, Run, RunId, Status};
use serde_json::json;
use store::{RunFilter, Scope};

use super::people::is_parked;
use super::{agent, careful, hire_with, n_results, told};
use crate::house::{Hired, House, by, outcome};
use crate::vendor::{Answer, Stub};

/// A chief that hands its task to a helper, and a helper that does it or runs a command first.
pub(super) async fn office(helper_asks: bool) -> Stub {
    Stub::thinking(move |request| {
        let is_chief = told(request)[0].contains("chief");
        match (is_chief, n_results(request)) {
            (true, 0) => Answer::calls(&["I'll ask. "], &[("helper", json!({"input": "a poem"}))]),
            (true, _) => Answer::text(&["Here it is."]),
            (false, 0) if helper_asks => {
                Answer::calls(&[], &[("shell", json!({"command": "echo roses"}))])
            }
            (false, _) => Answer::text(&["Roses ", "are red."]),
        }
    })
    .await
}

pub(super) fn helper(builtin: &[BuiltinTool]) -> AgentSpec {
    let mut spec = careful(builtin);
    spec.system = Some("You are the helper.".into());
    spec
}

pub(super) fn chief() -> AgentSpec {
    let mut spec = agent(&[]);
    spec.system = Some("You are the chief.".into());
    spec.tools.agents = vec!["helper".into()];
    spec
}

fn hire(house: &mut House, stub: &Stub, helper: AgentSpec) -> Hired {
    let agents = BTreeMap::from([("helper".to_owned(), helper)]);
    hire_with(house, stub, BTreeMap::new(), agents)
}

async fn children(house: &House, run: RunId) -> Vec<RunId> {
    let filter = RunFilter {
        parent: Some(run),
        ..RunFilter::default()
    };
    let scope = Scope::local();
    let page = house.store.runs(&scope, filter, None, 10).await.unwrap();
    page.entries.into_iter().map(|run| run.id).collect()
}

#[tokio::test]
async fn an_agent_performs_a_call_in_a_run_of_its_own() {
    let stub = office(false).await;
    let mut house = House::new().await;
    let run = house
        .start_on("t", chief(), Input::text("a poem, please"))
        .await;
    let worker = hire(&mut house, &stub, helper(&[]));
    let (control, said) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
    assert_eq!(said, "I'll ask. Here it is.");
    // Three calls of the model, one of them the helper's.
    assert_eq!((control.n_steps, control.usage.input_tokens), (2, 21));
    let told = told(stub.requests().last().unwrap());
    assert_eq!(told.last().unwrap(), "tool: Roses are red.");

    let snapshot = house.snapshot(run).await;
    let call = &snapshot.activities[0];
    let [child] = children(&house, run).await[..] else {
        panic!("one child")
    };
    assert_eq!((call.run, call.status), (Some(child), Some(ToolStatus::Ok)));
    let scope = Scope::local();
    let below = house.store.run(&scope, child).await.unwrap();
    let parent = below.parent.as_ref().unwrap();
    assert_eq!(
        (parent.run, parent.call.as_str(), parent.depth),
        (run, "c1", 1)
    );
    let thread = house.store.thread(&scope, &below.thread).await.unwrap();
    assert_eq!(thread.parent.unwrap().as_str(), "t");
    worker.leave().await;
}

#[tokio::test]
async fn a_run_waits_for_its_agents_without_a_worker_and_hears_them_after_a_restart() {
    let stub = office(true).await;
    let mut house = House::new().await;
    let run = house.start_on("t", chief(), Input::text("go")).await;
    let worker = hire(&mut house, &stub, helper(&[BuiltinTool::Shell]));
    house.until(run, "parked", is_parked).await;
    let child = children(&house, run).await[0];
    house.until(child, "parked", is_parked).await;
    worker.kill().await;
    let answer = Command::Answer {
        request: RequestId::nth(1),
        answer: Given::Decision {
            decision: Decision::Allow,
            note: None,
        },
        by: by(),
    };
    house
        .store
        .command(&Scope::local(), child, answer)
        .await
        .unwrap();
    let worker = hire(&mut house, &stub, helper(&[BuiltinTool::Shell]));
    let (control, said) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
    assert_eq!(said, "I'll ask. Here it is.");
    assert_eq!(children(&house, run).await, [child]);
    worker.leave().await;
}

#[tokio::test]
async fn a_stop_reaches_the_agents_below() {
    let stub = office(true).await;
    let mut house = House::new().await;
    let run = house.start_on("t", chief(), Input::text("go")).await;
    let worker = hire(&mut house, &stub, helper(&[BuiltinTool::Shell]));
    house.until(run, "parked", is_parked).await;
    let child = children(&house, run).await[0];
    house.until(child, "parked", is_parked).await;
    let stop = Command::Stop {
        by: by(),
        why: None,
        superseded_by: None,
    };
    house
        .store
        .command(&Scope::local(), run, stop)
        .await
        .unwrap();
    for run in [run, child] {
        let control = house.until(run, "final", Run::is_final).await;
        assert_eq!(outcome(&control), (Status::Aborted, "stopped"));
    }
    worker.leave().await;
}

#[tokio::test]
async fn agents_below_agents_come_to_an_end() {
    // Every helper asks the next one.
    let stub = Stub::thinking(|request| match n_results(request) {
        0 => Answer::calls(&[], &[("helper", json!({"input": "go deeper"}))]),
        _ => Answer::text(&["Back."]),
    })
    .await;
    let mut house = House::new().await;
    let mut spec = chief();
    spec.tools.max_depth = 2;
    // The bound of the one above counts, whatever its helper may do elsewhere.
    let mut deep = helper(&[]);
    deep.tools = spec.tools.clone();
    deep.tools.max_depth = 9;
    let run = house.start_on("t", spec, Input::text("go")).await;
    let worker = hire(&mut house, &stub, deep);
    let (control, _) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
    let child = children(&house, run).await[0];
    let grandchild = children(&house, child).await[0];
    assert_eq!(children(&house, grandchild).await, []);
    let refused = house.snapshot(grandchild).await.activities.remove(0);
    let text = "agents may call agents 2 levels deep, this would be level 3";
    assert_eq!(refused.result, json!(text));
    worker.leave().await;
}

#[tokio::test]
async fn what_an_agent_consumes_counts_for_the_run_above() {
    let stub = office(false).await;
    let mut house = House::new().await;
    let mut spec = chief();
    // Its own call fits, with the helper's it is too much.
    spec.budget.tokens = Some(15);
    let run = house.start_on("t", spec, Input::text("go")).await;
    let worker = hire(&mut house, &stub, helper(&[]));
    let (control, _) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Failed, "budget"));
    assert_eq!(control.usage.total_tokens(), 20);
    worker.leave().await;
}
