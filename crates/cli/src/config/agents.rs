//! `[agents.NAME]`, and the agents that exist without configuration.

use std::collections::BTreeMap;
use std::path::Path;

use run::{AgentSpec, DriverKind, MAX_NAME_BYTES, Setting, Tools};
use serde_json::Value;
use wire::structured::Schema;

use super::document::Named;
use super::error::{Origin, Problem};
use super::mcp::McpSection;
use super::place::Surroundings;
use super::suggest::hint;
use super::vendor::Vendor;

/// The scripted agent that exists without configuration.
pub(crate) const DEMO: &str = "demo";
/// The agent that talks to a model and exists without configuration.
pub(crate) const CHAT: &str = "chat";

/// The models of `chat` by the variable of the key that they need: the first that is in the environment.
const CHAT_MODELS: [(&str, &str); 4] = [
    ("OPENAI_API_KEY", "openai/gpt-5-mini"),
    ("ANTHROPIC_API_KEY", "anthropic/claude-haiku-5-5"),
    ("GEMINI_API_KEY", "gemini/gemini-3.8-flash"),
    ("OPENROUTER_API_KEY", "openrouter/openrouter/auto"),
];
/// The model of `chat` without a key.
const LOCAL_MODEL: &str = "ollama/qwen3";

/// The model of `chat` that a key in the environment is for.
pub(crate) fn chat_model(surroundings: &Surroundings) -> Option<&'static str> {
    let mut models = CHAT_MODELS.iter();
    let found = models.find(|(key, _)| surroundings.var(key).is_some());
    found.map(|(_, model)| *model)
}

/// An agent with one plain model call and no instructions of its own; a run may choose the model.
fn chat(surroundings: &Surroundings) -> AgentSpec {
    let model = chat_model(surroundings).unwrap_or(LOCAL_MODEL);
    AgentSpec {
        model: Some(model.to_owned()),
        description: Some("A plain model call; --model chooses another model".to_owned()),
        overridable: vec![
            Setting::Model,
            Setting::Temperature,
            Setting::MaxOutputTokens,
        ],
        ..AgentSpec::new(DriverKind::Model)
    }
}

/// The agents of the file and those that exist anyway, or all that is wrong with them.
pub(super) fn resolve(
    named: Vec<Named<AgentSpec>>,
    vendors: &BTreeMap<String, Vendor>,
    mcp: &BTreeMap<String, McpSection>,
    surroundings: &Surroundings,
) -> Result<BTreeMap<String, AgentSpec>, Vec<Problem>> {
    let mut agents = BTreeMap::from([
        (DEMO.to_owned(), worker::demo_agent()),
        (CHAT.to_owned(), chat(surroundings)),
    ]);
    let mut problems = Vec::new();
    let all: Vec<String> = named.iter().map(|agent| agent.name.clone()).collect();
    for Named {
        name,
        origin,
        mut section,
    } in named
    {
        let mut found = section.problems();
        found.extend(name_problem(&name));
        found.extend(vendor_problem(&section, vendors));
        found.extend(tool_problems(&section.tools, mcp, &all));
        found.extend(schema_problem(&mut section, &origin));
        problems.extend(found.into_iter().map(|message| Problem {
            origin: origin.clone(),
            message: format!("agent {name}: {message}"),
        }));
        for place in [&mut section.directory, &mut section.repository] {
            if let (Some(given), Origin::File { path, .. }) = (place.as_ref(), &origin) {
                let beside = path.parent().map(|parent| parent.join(given));
                *place = beside.map(|path| path.display().to_string());
            }
        }
        agents.insert(name, section);
    }
    if problems.is_empty() {
        Ok(agents)
    } else {
        Err(problems)
    }
}

/// Names stand in addresses and on command lines.
fn name_problem(name: &str) -> Option<String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let good = !name.is_empty() && name.len() <= MAX_NAME_BYTES && name.chars().all(fits);
    (!good).then(|| {
        format!("a name has 1 to {MAX_NAME_BYTES} letters, digits, hyphens, underscores and dots")
    })
}

/// What its tools name has to exist.
fn tool_problems(
    tools: &Tools,
    mcp: &BTreeMap<String, McpSection>,
    agents: &[String],
) -> Vec<String> {
    let servers: Vec<&str> = mcp.keys().map(String::as_str).collect();
    let mut known: Vec<&str> = agents.iter().map(String::as_str).collect();
    known.extend([DEMO, CHAT]);
    let unknown = |what: &str, name: &String, known: &[&str]| {
        (!known.contains(&name.as_str())).then(|| {
            format!(
                "tools name the unknown {what} \"{name}\"{}",
                hint(name, known)
            )
        })
    };
    let mut problems: Vec<String> = Vec::new();
    problems.extend(
        tools
            .mcp
            .iter()
            .filter_map(|name| unknown("MCP server", name, &servers)),
    );
    problems.extend(
        tools
            .agents
            .iter()
            .filter_map(|name| unknown("agent", name, &known)),
    );
    problems.extend(worker::check_tools(tools).err());
    problems
}

/// Puts the schema that a path names in the place of the path, and judges it.
fn schema_problem(spec: &mut AgentSpec, origin: &Origin) -> Option<String> {
    let schema = spec.output_schema.take()?;
    let (schema, named) = match schema {
        Value::String(path) => match schema_file(Path::new(&path), origin) {
            Ok(schema) => (schema, format!("output_schema {path}")),
            Err(problem) => return Some(format!("output_schema {path}: {problem}")),
        },
        inline => (inline, "output_schema".to_owned()),
    };
    let problem = Schema::new(&schema).err();
    spec.output_schema = Some(schema);
    problem.map(|problem| format!("{named}: {problem}"))
}

fn schema_file(path: &Path, origin: &Origin) -> Result<Value, String> {
    let path = match origin {
        Origin::File { path: file, .. } => {
            file.parent().map_or(path.to_owned(), |it| it.join(path))
        }
        Origin::Variable(_) | Origin::Flag(_) => path.to_owned(),
    };
    let text = std::fs::read_to_string(&path).map_err(|error| error.to_string())?;
    serde_json::from_str(&text).map_err(|error| format!("is not JSON: {error}"))
}

fn vendor_problem(spec: &AgentSpec, vendors: &BTreeMap<String, Vendor>) -> Option<String> {
    let vendor = spec.model_spec()?.vendor;
    if vendors.contains_key(&vendor) {
        return None;
    }
    let known: Vec<&str> = vendors.keys().map(String::as_str).collect();
    Some(format!(
        "model names the unknown vendor \"{vendor}\"{}",
        hint(&vendor, &known)
    ))
}
