//! `outlive agents check`: calls the model of each agent once, starts its MCP servers, and looks for the programs and
//! repositories of coding agents.

mod servers;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use provider::{Client, Message, Request, Role, Settings, StreamEvent, Usage, Vendor};
use run::AgentSpec;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::config::{CHAT, Config, chat_model};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::clean_line;
use crate::session::{Session, print_line};

/// For one call in all.
const PATIENCE: Duration = Duration::from_secs(20);
/// Calls at once.
const AT_ONCE: usize = 8;
/// Tokens of an answer: enough that a model which thinks first comes to an end.
const TOKENS: u32 = 256;
/// Bytes of what is said about an agent.
const LINE_BYTES: usize = 500;

/// What there is to say about an agent.
enum Found {
    /// It has no model.
    Loaded,
    NoKey {
        variable: String,
    },
    Answered {
        ms: u128,
        usage: Usage,
    },
    Failed {
        why: String,
    },
}

pub(super) async fn run(session: &Session) -> Result<Exit, Failure> {
    let config = session.config()?;
    let (answers, servers) = tokio::join!(
        ask_all(session, &config),
        servers::try_all(session, &config)
    );
    let (answers, servers) = (answers?, servers?);
    let mut exit = Exit::Succeeded;
    for (name, spec) in &config.agents {
        let looked = worker::check_coding(spec).await;
        let unfit = looked.err().map(|why| Found::Failed { why });
        let found = match (
            spec.model_spec(),
            config.missing_key(spec, &session.surroundings),
        ) {
            (None, _) => unfit.as_ref().unwrap_or(&Found::Loaded),
            (Some(_), Some(variable)) => &Found::NoKey {
                variable: variable.to_owned(),
            },
            (Some(_), None) => answers.get(&call_of(spec)).unwrap_or(&Found::Loaded),
        };
        // The agent that nobody asked for has a local model by default, which need not be there.
        let is_asked_for = name != CHAT
            || config.own_agents.contains(name)
            || chat_model(&session.surroundings).is_some();
        let (sign, words) = match found {
            Found::Loaded => ("✓", String::new()),
            Found::Answered { ms, usage } => {
                let tokens = match (usage.input, usage.output) {
                    (0, 0) => "tokens not told".to_owned(),
                    (input, output) => format!("{input} + {output} tokens"),
                };
                ("✓", format!("ok in {ms} ms, {tokens}"))
            }
            Found::NoKey { variable } => ("✗", format!("no key: set {variable}")),
            Found::Failed { why } => ("✗", clean_line(why, LINE_BYTES)),
        };
        let sign = match sign {
            "✗" if is_asked_for => {
                exit = Exit::Failed;
                sign
            }
            "✗" => "–",
            _ => sign,
        };
        let model = spec.model.as_deref().unwrap_or_default();
        let line = format!("{sign} {name} {} {model}  {words}", spec.driver);
        print_line(line.trim_end())?;
        for server in &spec.tools.mcp {
            let Some(tried) = servers.get(server) else {
                continue;
            };
            print_line(&format!("  {} {server}  {}", tried.sign(), tried.words()))?;
            if tried.has_failed() {
                exit = Exit::Failed;
            }
        }
    }
    Ok(exit)
}

/// What a call goes by: agents with the same are one call.
type Call = (String, Option<u64>);

fn call_of(spec: &AgentSpec) -> Call {
    let model = spec.model.clone().unwrap_or_default();
    (model, spec.temperature.map(f64::to_bits))
}

/// Makes the calls of all agents whose keys are there.
async fn ask_all(session: &Session, config: &Config) -> Result<BTreeMap<Call, Found>, Failure> {
    let http = Client::builder()
        .build()
        .map_err(|error| Failure::Failed(format!("failed to make an HTTP client: {error}")))?;
    let client = Client::new(http);
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut begun = BTreeSet::new();
    let mut calls = JoinSet::new();
    for spec in config.agents.values() {
        let Some(model) = spec.model_spec() else {
            continue;
        };
        let Some(vendor) = config.vendors.get(&model.vendor) else {
            continue;
        };
        let call = call_of(spec);
        let has_no_key = config.missing_key(spec, &session.surroundings).is_some();
        if has_no_key || !begun.insert(call.clone()) {
            continue;
        }
        let request = request(model.model, spec);
        let vendor = vendor.resolve(&session.surroundings);
        let (client, places) = (client.clone(), places.clone());
        calls.spawn(async move {
            let _place = places.acquire_owned().await;
            (call, ask(&client, &vendor, &request).await)
        });
    }
    let mut answers = BTreeMap::new();
    while let Some(joined) = calls.join_next().await {
        let (call, found) =
            joined.map_err(|error| Failure::Failed(format!("a call broke off: {error}")))?;
        answers.insert(call, found);
    }
    Ok(answers)
}

fn request(model: String, spec: &AgentSpec) -> Request {
    Request {
        model,
        messages: vec![Message::text(Role::User, "Answer with the word: ok")],
        settings: Settings {
            // A model that refuses the agent's own setting is found as well.
            temperature: spec.temperature,
            max_output_tokens: Some(TOKENS),
            ..Settings::default()
        },
        ..Request::default()
    }
}

async fn ask(client: &Client, vendor: &Vendor, request: &Request) -> Found {
    let begun = Instant::now();
    match timeout(PATIENCE, answer(client, vendor, request)).await {
        Ok(Ok(usage)) => Found::Answered {
            ms: begun.elapsed().as_millis(),
            usage,
        },
        Ok(Err(error)) => Found::Failed {
            why: with_causes(&error),
        },
        Err(_) => Found::Failed {
            why: format!("no whole answer within {} s", PATIENCE.as_secs()),
        },
    }
}

/// Any complete answer will do, a cut one included: the model is there.
async fn answer(
    client: &Client,
    vendor: &Vendor,
    request: &Request,
) -> Result<Usage, provider::Error> {
    let mut stream = client.stream(vendor, request).await?;
    let mut used = Usage::default();
    while let Some(event) = stream.next().await {
        if let StreamEvent::Usage(usage) = event? {
            used = usage;
        }
    }
    Ok(used)
}

/// The error and, where the connection is the matter, what is behind it.
fn with_causes(error: &provider::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let words = inner.to_string();
        if !line.contains(&words) {
            line.push_str(": ");
            line.push_str(&words);
        }
        cause = inner.source();
    }
    line
}
