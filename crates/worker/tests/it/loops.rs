//! Loops of a model and tools: real sockets, real processes, a real store.

mod agents;
mod cracks;
mod crash;
mod people;
mod tools;

use std::collections::BTreeMap;
use std::sync::Arc;

use provider::Vendor;
use run::{AgentSpec, BudgetEnd, BuiltinTool, DriverKind, Permission, ToolRule, Tools};
use serde_json::Value;
use worker::{Commands, Drivers, Loops, McpServers, Models, Vendors};

use crate::house::{Hired, House, drivers};
use crate::vendor::Stub;

/// An agent that may do all that these tools do.
fn agent(builtin: &[BuiltinTool]) -> AgentSpec {
    let mut spec = AgentSpec::new(DriverKind::Loop);
    spec.model = Some("stub/small".into());
    spec.backoff.first_ms = 10;
    spec.tools = Tools {
        builtin: builtin.to_vec(),
        rules: BTreeMap::from([("*".to_owned(), ToolRule::new(Permission::Allow))]),
        ..Tools::default()
    };
    assert_eq!(spec.problems(), Vec::<String>::new());
    spec
}

/// The same where a person has to allow each call.
fn careful(builtin: &[BuiltinTool]) -> AgentSpec {
    let mut spec = agent(builtin);
    spec.tools.rules.clear();
    spec
}

fn hire(house: &mut House, stub: &Stub) -> Hired {
    hire_with(house, stub, McpServers::new(), BTreeMap::new())
}

fn hire_with(
    house: &mut House,
    stub: &Stub,
    servers: McpServers,
    agents: BTreeMap<String, AgentSpec>,
) -> Hired {
    let models = Models::new(
        provider::Client::builder().build().unwrap(),
        Vendors::from([("stub".to_owned(), Vendor::openai(stub.url()))]),
    );
    let commands = Commands::default();
    let loops = Loops::new(
        models.clone(),
        commands.clone(),
        servers,
        Arc::new(agents),
        &[],
    );
    let drivers = Drivers {
        loops: loops.unwrap(),
        ..drivers(models, commands)
    };
    let settings = house.settings();
    house.hire_as(settings, drivers)
}

/// What the model was told: `role: text`, calls as `name(arguments)`.
fn told(request: &Value) -> Vec<String> {
    let messages = request["messages"].as_array().unwrap();
    let told = messages.iter().map(|message| {
        let role = message["role"].as_str().unwrap();
        let text = message["content"].as_str().unwrap_or_default();
        let calls = message["tool_calls"].as_array().into_iter().flatten();
        let calls: Vec<String> = calls
            .map(|call| {
                let function = &call["function"];
                format!(
                    "{}({})",
                    function["name"].as_str().unwrap(),
                    function["arguments"].as_str().unwrap()
                )
            })
            .collect();
        format!("{role}: {text}{}", calls.join(" "))
    });
    told.collect()
}

/// How many results of tools a request has: which step it is.
fn n_results(request: &Value) -> usize {
    let messages = request["messages"].as_array().unwrap();
    messages
        .iter()
        .filter(|message| message["role"] == "tool")
        .count()
}

#[test]
fn an_agent_without_a_model_or_with_a_foreign_key_is_refused() {
    let spec = AgentSpec::new(DriverKind::Loop);
    let missing = "model is missing: driver loop needs model = \"vendor/model\"";
    assert_eq!(spec.problems(), [missing]);
    let mut spec = AgentSpec::new(DriverKind::Model);
    spec.model = Some("a/b".into());
    spec.over_budget = BudgetEnd::Summarise;
    let foreign = "over_budget belongs to driver loop, this agent has driver model";
    assert_eq!(spec.problems(), [foreign]);
}
