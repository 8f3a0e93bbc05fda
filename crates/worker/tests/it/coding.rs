//! Coding agents as real processes, in real worktrees: the fake agent in each of its four protocols.

mod files;
mod lives;
mod parks;
mod talks;
mod tasks;

use std::path::{Path, PathBuf};
use std::process::Command;

use agent::Mark;
use run::{AgentSpec, Approval, DriverKind, Event, RunId, Status};
use worker::{CodingAgents, Commands, Drivers, Models, Vendors};

use crate::house::{Hired, House, drivers, outcome};

const WIRES: [DriverKind; 4] = [
    DriverKind::Pi,
    DriverKind::Codex,
    DriverKind::Claude,
    DriverKind::Acp,
];

/// The fake agent of the `agent` crate, which is built with the workspace.
fn program() -> String {
    let mut path = std::env::current_exe().unwrap();
    while path.file_name().is_some_and(|name| name != "deps") {
        path.pop();
    }
    path.pop();
    path.push("fake-agent");
    assert!(
        path.is_file(),
        "{} is missing: cargo build -p outlive-agent --bins",
        path.display()
    );
    path.display().to_string()
}

/// An agent that plays a script and asks nobody.
fn agent(driver: DriverKind, script: &str) -> AgentSpec {
    let mut spec = AgentSpec::new(driver);
    spec.program = Some(program());
    spec.args = vec![driver.to_string(), script.to_owned()];
    spec.approval = Some(Approval::Full);
    spec.env = vec!["FAKE_HOME".to_owned()];
    spec.backoff.first_ms = 1;
    assert_eq!(spec.problems(), Vec::<String>::new());
    spec
}

/// The same in a worktree of a repository.
fn in_repository(driver: DriverKind, script: &str, repository: &Path) -> AgentSpec {
    let mut spec = agent(driver, script);
    spec.repository = Some(repository.display().to_string());
    spec
}

fn hire(house: &mut House) -> Hired {
    let settings = house.settings();
    let drivers = drivers_of(house);
    house.hire_as(settings, drivers)
}

fn drivers_of(house: &House) -> Drivers {
    let sessions = house.path().join("sessions");
    std::fs::create_dir_all(&sessions).unwrap();
    let commands = Commands {
        url: None,
        environment: vec![("FAKE_HOME".into(), sessions.into())],
    };
    let models = Models::new(reqwest::Client::new(), Vendors::new());
    Drivers {
        coding: CodingAgents {
            commands: commands.clone(),
            data: house.path().to_owned(),
        },
        ..drivers(models, commands)
    }
}

/// A repository with one commit.
fn repository(house: &House) -> PathBuf {
    let path = house.path().join("repository");
    std::fs::create_dir(&path).unwrap();
    std::fs::write(path.join("README"), "hello\n").unwrap();
    git(&path, &["init", "-q", "-b", "main"]);
    git(&path, &["config", "user.name", "Ada"]);
    git(&path, &["config", "user.email", "ada@example.com"]);
    git(&path, &["add", "."]);
    git(&path, &["commit", "-q", "-m", "first"]);
    path
}

fn git(path: &Path, args: &[&str]) -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "it ends at once and starts nothing"
    )]
    let output = Command::new("git").current_dir(path).args(args).output();
    let output = output.unwrap();
    assert!(
        output.status.success(),
        "git {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn alive(house: &House, run: RunId) -> usize {
    let mark = Mark::new(house.store.instance()).unwrap();
    agent::alive(&mark.run(&run.to_string()).unwrap()).len()
}

/// Waits for the end and checks that the run has left no process.
async fn ends_as(house: &House, run: RunId, status: Status, reason: &str) -> String {
    let (control, text) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (status, reason), "{control:#?}");
    assert_eq!(alive(house, run), 0, "a process lives");
    text
}

/// The code of the run's error.
async fn error(house: &House, run: RunId) -> run::ErrorInfo {
    let control = house.control(run).await;
    let run::State::Final(outcome) = &control.state else {
        panic!("not final")
    };
    outcome.error.clone().unwrap()
}

async fn count(house: &House, run: RunId, kind: &str) -> usize {
    let kinds = house.kinds(run).await;
    kinds.iter().filter(|known| *known == kind).count()
}

/// A tool is at work.
fn is_running(event: &Event) -> bool {
    matches!(event, Event::ToolRunning(_))
}
