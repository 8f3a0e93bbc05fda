//! Coding agents, many at once in one repository, each in a worktree of its own: from the frame that an agent writes to the
//! event that a client reads, and what an agent costs the server. The agents are fake ones that say the time; and real codex
//! processes, whose model says it.

mod model;
mod readers;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::json;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;
use tokio::task::JoinSet;

use self::readers::{Ages, follow, lines};
use crate::report::{Latencies, Report};
use crate::server::Server;

const SECONDS: u32 = 10;
const PER_SECOND: u32 = 50;
const MANY: usize = 100;
const CODEX: usize = 12;
const CODEX_PER_SECOND: u32 = 40;

pub(crate) async fn measure(report: &mut Report) -> anyhow::Result<()> {
    for n_agents in [10, MANY] {
        fakes(report, n_agents).await?;
    }
    match codex() {
        Some(program) => real(report, &program).await,
        None => Ok(()),
    }
}

/// Fake agents that all begin to speak at the same time.
async fn fakes(report: &mut Report, n_agents: usize) -> anyhow::Result<()> {
    let fake = std::env::current_exe()?.with_file_name("fake-agent");
    anyhow::ensure!(
        fake.exists(),
        "build the agent first: cargo build --release -p outlive-agent"
    );
    let n_words = SECONDS * PER_SECOND;
    let words = format!("stamp {n_words} {PER_SECOND}");
    let dir = tempfile::tempdir_in("target")?;
    let alone = alone(&fake, dir.path(), n_words, n_agents).await?;
    repository(dir.path()).await?;
    let config = format!(
        "[agents.fake]\ndriver = \"pi\"\napproval = \"full\"\nprogram = \"{}\"\nargs = [\"pi\", \"await; {words}; await\"]\n\
         repository = \"repository\"\nworktree = \"per_run\"\nenv = [\"FAKE_HOME\"]\n",
        fake.display()
    );
    let home = ("FAKE_HOME", dir.path().canonicalize()?);
    let server = Server::start_where(dir.path(), &config, &[home]).await?;
    // What is allocated once is not the agents' share.
    let first = start(&server, 2).await?;
    let readers_of_first = readers(&server, &first, n_words).await?;
    tell(&server, &first).await?;
    gather(readers_of_first).await?;
    tell(&server, &first).await?;
    server.wait_until_quiet().await?;
    let (memory, threads) = (server.memory()?, server.threads()?);

    let runs = start(&server, n_agents).await?;
    let idle = server.memory()?.saturating_sub(memory);
    let threads = server.threads()?.saturating_sub(threads);
    let before = server.cpu()?;
    let readers = readers(&server, &runs, n_words).await?;
    tell(&server, &runs).await?;
    let ages = gather(readers).await?;
    let cpu = server.cpu()?.saturating_sub(before);
    let busy = server.memory()?.saturating_sub(memory);
    // They wait again, so that no end of a turn, which asks git, falls into what was measured.
    tell(&server, &runs).await?;
    server.wait_until_idle().await?;

    let (ours, raw) = (Latencies::new(ages), Latencies::new(alone));
    report.row(
        &format!("{n_agents} agents at {PER_SECOND} words/s: from the agent's frame to the client (p50 / p99 / max)"),
        ours.summary(),
        format!("{} from the pipe", raw.summary()),
        Some(ours.ms(0.5) / raw.ms(0.5)),
        "",
    );
    let each = |bytes: u64| format!("{:.2} MiB", mib(bytes) / as_f64(n_agents));
    report.row(
        "the same: memory of the server for each live agent, waiting / speaking",
        format!("{} / {}", each(idle), each(busy)),
        String::new(),
        None,
        "≤ 5 MB",
    );
    let share = cpu.as_secs_f64() / f64::from(SECONDS) / as_f64(n_agents);
    report.row(
        "the same: processor of the server for each agent, its client included",
        format!("{:.2} % of a core", share * 100.0),
        String::new(),
        None,
        "≤ 2 %",
    );
    report.row(
        "the same: threads of the server more",
        threads.to_string(),
        String::new(),
        None,
        "",
    );
    Ok(())
}

/// Real codex processes with a model that says the time.
async fn real(report: &mut Report, program: &Path) -> anyhow::Result<()> {
    let dir = tempfile::tempdir_in("target")?;
    let port = model::listen(CODEX, SECONDS * CODEX_PER_SECOND, CODEX_PER_SECOND).await?;
    repository(dir.path()).await?;
    let home = dir.path().join("home");
    std::fs::create_dir(&home)?;
    std::fs::write(
        home.join("config.toml"),
        format!(
            "model = \"m\"\nmodel_provider = \"stub\"\n[model_providers.stub]\nname = \"stub\"\n\
             base_url = \"http://127.0.0.1:{port}/v1\"\nwire_api = \"responses\"\n"
        ),
    )?;
    let config = format!(
        "[agents.fake]\ndriver = \"codex\"\nprogram = \"{}\"\nrepository = \"repository\"\nworktree = \"per_run\"\n\
         approval = \"full\"\n",
        program.display()
    );
    let home = ("CODEX_HOME", home.canonicalize()?);
    let server = Server::start_where(dir.path(), &config, &[home]).await?;
    let memory = server.memory()?;
    let runs = start(&server, CODEX).await?;
    let n_words = SECONDS * CODEX_PER_SECOND;
    let ages = gather(readers(&server, &runs, n_words).await?).await?;
    let busy = server.memory()?.saturating_sub(memory);
    server.wait_until_idle().await?;
    report.row(
        &format!("{CODEX} codex processes at {CODEX_PER_SECOND} tokens/s: from the model, through codex, to the client (p50 / p99 / max)"),
        Latencies::new(ages).summary(),
        String::new(),
        None,
        "",
    );
    report.row(
        "the same: memory of the server for each",
        format!("{:.2} MiB", mib(busy) / as_f64(CODEX)),
        String::new(),
        None,
        "≤ 5 MB",
    );
    Ok(())
}

/// The same agents, read from their pipes by a program that does nothing else.
#[expect(
    clippy::disallowed_methods,
    reason = "what the agents do without a server is what is measured"
)]
async fn alone(
    fake: &Path,
    home: &Path,
    n_words: u32,
    n_agents: usize,
) -> anyhow::Result<Vec<Duration>> {
    let mut agents = JoinSet::new();
    for _ in 0..n_agents {
        let agent = Command::new(fake)
            .args(["pi", &format!("stamp {n_words} {PER_SECOND}")])
            .env("FAKE_HOME", home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        agents.spawn(async move {
            // All of it, so that it lives as long as it is read.
            let mut agent = agent;
            let mut input = agent.stdin.take().context("a pipe")?;
            input
                .write_all(b"{\"type\":\"prompt\",\"id\":1,\"message\":\"go\"}\n")
                .await?;
            let n_words = usize::try_from(n_words)?;
            lines(agent.stdout.take().context("a pipe")?, n_words).await
        });
    }
    gather(agents).await
}

/// Starts runs, and waits until the agents of all of them listen.
async fn start(server: &Server, n_runs: usize) -> anyhow::Result<Vec<String>> {
    let mut runs = Vec::new();
    for n in 0..n_runs {
        let body = json!({ "agent": "fake", "input": format!("run {n}") }).to_string();
        let answer = server.call("POST", "/v1/runs", &body).await?;
        let id = answer.split("\"id\":\"").nth(1);
        let id = id.and_then(|rest| rest.get(..36));
        runs.push(id.with_context(|| answer.clone())?.to_owned());
    }
    for run in &runs {
        loop {
            let answer = server.call("GET", &format!("/v1/runs/{run}"), "").await?;
            if answer.contains("\"turn\":\"t1\"") {
                break;
            }
            anyhow::ensure!(!answer.contains("\"finished_at\":\""), "{answer}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    Ok(runs)
}

/// Tells the agents to go on.
async fn tell(server: &Server, runs: &[String]) -> anyhow::Result<()> {
    for run in runs {
        let path = format!("/v1/runs/{run}/inputs");
        let body = json!({ "mode": "steer", "parts": "go" }).to_string();
        let answer = server.call("POST", &path, &body).await?;
        anyhow::ensure!(answer.starts_with("HTTP/1.1 202"), "{answer}");
    }
    Ok(())
}

/// A client for each run.
async fn readers(
    server: &Server,
    runs: &[String],
    n_words: u32,
) -> anyhow::Result<JoinSet<anyhow::Result<Ages>>> {
    let mut readers = JoinSet::new();
    for run in runs {
        let stream = crate::clients::connect(server.port(), run).await?;
        readers.spawn(follow(stream, usize::try_from(n_words)?));
    }
    Ok(readers)
}

async fn gather(mut readers: JoinSet<anyhow::Result<Ages>>) -> anyhow::Result<Ages> {
    let mut all = Vec::new();
    while let Some(ages) = readers.join_next().await {
        all.extend(ages??);
    }
    Ok(all)
}

#[expect(clippy::disallowed_methods, reason = "git ends at once")]
async fn repository(dir: &Path) -> anyhow::Result<()> {
    let path = dir.join("repository");
    std::fs::create_dir(&path)?;
    std::fs::write(path.join("README"), "hello\n")?;
    let who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"];
    for args in [
        &["init", "-q", "-b", "main"][..],
        &["add", "."],
        &["commit", "-q", "-m", "first"],
    ] {
        let mut git = Command::new("git");
        let status = git.current_dir(&path).args(who).args(args).status().await?;
        anyhow::ensure!(status.success(), "git {args:?}: {status}");
    }
    Ok(())
}

/// The program of this machine, if the tests' packages are installed.
fn codex() -> Option<PathBuf> {
    let below = |place: PathBuf| std::fs::read_dir(place).into_iter().flatten().flatten();
    let packages = below("tests/agents/node_modules/@openai".into());
    let mut vendors = packages.flat_map(|package| below(package.path().join("vendor")));
    vendors.find_map(|vendor| vendor.path().join("bin/codex").canonicalize().ok())
}

#[expect(clippy::cast_precision_loss, reason = "bytes for people")]
fn mib(bytes: u64) -> f64 {
    bytes as f64 / 1024.0 / 1024.0
}

#[expect(clippy::cast_precision_loss, reason = "a small count")]
fn as_f64(n: usize) -> f64 {
    n as f64
}
