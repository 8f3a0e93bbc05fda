//! `outlive run`: starts a run and watches it. Without a server one is started in the background.

use run::{Input, RunId, Seq, ThreadId, Trigger};
use wire::{Code, ConflictRule, Credentials, Hidden, Settings, StartRun};

use super::again::json_of;
use super::attach::watch;
use crate::args::{OnConflict, Start};
use crate::client::{Announcement, ClientError, Connection, Started, key, launch, limits};
use crate::config::{CHAT, Config, DEMO};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::fresh::random_hex;
use crate::interrupt::Interrupts;
use crate::render::Format;
use crate::session::{Session, print_line, text_of};

/// Random bytes of an idempotency key.
const KEY_BYTES: usize = 16;

pub(super) async fn run(session: &Session, args: Start) -> Result<Exit, Failure> {
    let text = text_of(&args.text)?;
    let thread = match &args.thread {
        Some(id) => Some(ThreadId::parse(id).map_err(|error| Failure::Usage(error.to_string()))?),
        None => None,
    };
    let mut interrupts = Interrupts::listen();
    let mut connection = server(session).await?;
    let agent = agent(session, &connection, &args, thread.as_ref()).await?;
    let mut body = StartRun::new(agent, Input::text(text));
    body.trigger = Some(Trigger::User);
    body.output_schema = args.schema.as_deref().map(json_of).transpose()?;
    body.settings = settings(args.model.as_deref(), &args.set)?;
    body.credentials = credentials(session, &args.credential)?;
    body.on_conflict = args.on_conflict.map(rule);
    if args.on_conflict == Some(OnConflict::Supersede) {
        body.supersedes = current_run(&connection, thread.as_ref()).await?;
        if body.supersedes.is_none() {
            // Nobody is there to be superseded. If somebody comes first, this start is refused.
            body.on_conflict = Some(ConflictRule::Reject);
        }
    }
    body.thread_id = thread;
    let Started { run, steered } = tokio::select! {
        started = once(async |key| connection.client.start(&body, key).await) => started?,
        () = interrupts.heard() => {
            session.warn("interrupted while the run was being started; `outlive ls` says whether it was");
            return Ok(Exit::Detached);
        }
    };
    if args.detach {
        print_line(&run.id.to_string())?;
        return Ok(Exit::Succeeded);
    }
    let format = match (args.json, args.wait) {
        (true, _) => Format::Json,
        (false, true) => Format::Silent,
        (false, false) => Format::ForPeople(session.global.color),
    };
    // Whoever steers wants to see what follows; the beginning is there for `attach`.
    let after = if steered {
        Seq(run.last_seq.0.saturating_sub(1))
    } else {
        Seq::ZERO
    };
    watch(
        session,
        &mut connection,
        run.id,
        after,
        format,
        &mut interrupts,
    )
    .await
}

/// Keys of vendors as `VENDOR=VARIABLE`: a key itself would stay in the shell's history and in the list of processes.
fn credentials(session: &Session, given: &[String]) -> Result<Option<Credentials>, Failure> {
    let mut credentials = Credentials::default();
    for pair in given {
        let (vendor, variable) = pair
            .split_once('=')
            .ok_or_else(|| Failure::Usage("--credential is VENDOR=VARIABLE".to_owned()))?;
        let Some(key) = session.surroundings.var(variable) else {
            // What is no variable may be a key that was given in its place, so it is not repeated.
            return Err(Failure::Usage(format!(
                "--credential {vendor}=…: there is no variable of that name"
            )));
        };
        credentials
            .vendors
            .insert(vendor.to_owned(), Hidden::new(key));
    }
    Ok((!credentials.is_empty()).then_some(credentials))
}

fn rule(on_conflict: OnConflict) -> ConflictRule {
    match on_conflict {
        OnConflict::Reject => ConflictRule::Reject,
        OnConflict::Enqueue => ConflictRule::Enqueue,
        OnConflict::Supersede => ConflictRule::Supersede,
        OnConflict::Steer => ConflictRule::Steer,
    }
}

/// The server that is named or runs on the store; else a new one in the background.
async fn server(session: &Session) -> Result<Connection, Failure> {
    if let Some(connection) = session.named_server()? {
        return Ok(connection);
    }
    let config = session.config()?;
    if let Some((connection, said)) = Connection::of_store(&config, &session.surroundings).await? {
        if said.config != config.file {
            session.warn(&other_configuration(&said, &config));
        }
        return Ok(connection);
    }
    let (said, ours) = launch(&config).await?;
    if ours {
        session.tell(&format!(
            "started a server in the background at {} (data in {}); it stays until `kill {}`",
            said.url,
            config.data_directory().display(),
            said.pid
        ));
    }
    Ok(Connection::to(&said, key(&session.surroundings))?)
}

fn other_configuration(said: &Announcement, config: &Config) -> String {
    let name = |file: &Option<std::path::PathBuf>| {
        file.as_ref().map_or("no configuration".to_owned(), |path| {
            path.display().to_string()
        })
    };
    format!(
        "the running server uses {}, not {}; to change that: kill {} and try again",
        name(&said.config),
        name(&config.file),
        said.pid
    )
}

/// What the run chooses instead of its agent.
fn settings(model: Option<&str>, chosen: &[String]) -> Result<Settings, Failure> {
    let mut settings = serde_json::Map::new();
    settings.extend(model.map(|model| ("model".to_owned(), model.into())));
    for chosen in chosen {
        let (name, value) = chosen.split_once('=').ok_or_else(|| {
            Failure::Usage(format!(
                "--set {chosen}: write it as NAME=VALUE, for example effort=high"
            ))
        })?;
        // Numbers are numbers, all else is text.
        let value = serde_json::from_str::<serde_json::Number>(value)
            .map_or_else(|_| value.into(), serde_json::Value::Number);
        settings.insert(name.to_owned(), value);
    }
    serde_json::from_value(settings.into())
        .map_err(|error| Failure::Usage(format!("--set: {error}")))
}

/// The agent that is meant: the named one, else `chat` for a model, else that of the thread, else the only one that is configured.
async fn agent(
    session: &Session,
    connection: &Connection,
    args: &Start,
    thread: Option<&ThreadId>,
) -> Result<String, Failure> {
    let named = args
        .agent
        .as_deref()
        .or(session.surroundings.var("OUTLIVE_AGENT"));
    if let Some(name) = named {
        return Ok(name.to_owned());
    }
    if args.model.is_some() {
        return Ok(CHAT.to_owned());
    }
    if let Some(thread) = thread
        && let Some(agent) = connection.client.agent_of(thread).await?
    {
        return Ok(agent);
    }
    let list = connection.client.agents().await?;
    let mut configured = list
        .agents
        .iter()
        .map(|agent| agent.name.as_str())
        .filter(|name| ![DEMO, CHAT].contains(name));
    match (configured.next(), configured.next()) {
        (Some(only), None) => Ok(only.to_owned()),
        (Some(_), Some(_)) => {
            let all: Vec<&str> = list
                .agents
                .iter()
                .map(|agent| agent.name.as_str())
                .collect();
            Err(Failure::Usage(format!(
                "several agents are configured, so say which with --agent: {}",
                all.join(", ")
            )))
        }
        (None, _) => {
            session.tell(
                "no agent is configured, so this is the demo's script; `--model ollama/qwen3` talks to a model",
            );
            Ok(DEMO.to_owned())
        }
    }
}

/// The run that is to be superseded.
async fn current_run(
    connection: &Connection,
    thread: Option<&ThreadId>,
) -> Result<Option<RunId>, Failure> {
    let Some(thread) = thread else {
        return Err(Failure::Usage(
            "--on-conflict supersede needs --thread".to_owned(),
        ));
    };
    match connection.client.thread_run(thread).await {
        Ok(latest) => Ok(latest.run.filter(|run| run.is_current).map(|run| run.id)),
        Err(error) if error.code() == Some(Code::NotFound) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Starts a run. A connection that fails leaves open whether it was started, so all tries have one key and are one
/// run.
pub(super) async fn once<T>(
    start: impl AsyncFn(&str) -> Result<T, ClientError>,
) -> Result<T, Failure> {
    let key = random_hex::<KEY_BYTES>().map_err(Failure::io("failed to draw random bytes"))?;
    let key = format!("cli-{key}");
    let mut n_tries = 1;
    loop {
        match start(&key).await {
            Ok(started) => return Ok(started),
            Err(error @ ClientError::Unreachable { .. }) if n_tries < limits::START_TRIES => {
                n_tries += 1;
                tracing::debug!("the start failed and is tried again: {error}");
                tokio::time::sleep(limits::PAUSE.0).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}
