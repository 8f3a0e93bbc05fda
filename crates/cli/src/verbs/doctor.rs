//! `outlive doctor`: looks at everything that has to be right, and says what is not.

use std::path::Path;

use run::AgentSpec;
use serde::Serialize;
use store::OpenError;
use store::sqlite;

use crate::args::Doctor;
use crate::client::{Announcement, Client, key};
use crate::config::Config;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::render::{Tone, count, paint};
use crate::session::{Session, print, print_line};

/// Free bytes below which the disk is called nearly full: some hours of a busy server.
const FREE_BYTES: u64 = 1024 * 1024 * 1024;

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Verdict {
    Good,
    Odd,
    Bad,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    verdict: Verdict,
    what: String,
}

/// What was looked at.
#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn good(&mut self, what: impl Into<String>) {
        self.add(Verdict::Good, what);
    }

    fn odd(&mut self, what: impl Into<String>) {
        self.add(Verdict::Odd, what);
    }

    fn bad(&mut self, what: impl Into<String>) {
        self.add(Verdict::Bad, what);
    }

    fn add(&mut self, verdict: Verdict, what: impl Into<String>) {
        let what = what.into();
        self.0.push(Finding { verdict, what });
    }
}

pub(super) async fn run(session: &Session, args: Doctor) -> Result<Exit, Failure> {
    let mut findings = Findings::default();
    match session.config() {
        Ok(config) => {
            configuration(session, &config, &mut findings);
            directory(&config, &mut findings);
            let held = server(session, &config, &mut findings).await;
            data(&config, held, &mut findings).await?;
        }
        Err(failure) => findings.bad(format!("the configuration is wrong:\n{failure}")),
    }
    report(session, &findings, args.json)?;
    let is_bad = findings.0.iter().any(|it| it.verdict == Verdict::Bad);
    Ok(if is_bad {
        Exit::Failed
    } else {
        Exit::Succeeded
    })
}

fn report(session: &Session, findings: &Findings, as_json: bool) -> Result<(), Failure> {
    if as_json {
        return print_line(&serde_json::to_string_pretty(&findings.0).unwrap_or_default());
    }
    for Finding { verdict, what } in &findings.0 {
        let (sign, tone) = match verdict {
            Verdict::Good => ("✓", Tone::Good),
            Verdict::Odd => ("!", Tone::Warn),
            Verdict::Bad => ("✗", Tone::Bad),
        };
        let what = what.replace('\n', "\n  ");
        print(&format!("{} {what}\n", paint(session.colour(), tone, sign)))?;
    }
    Ok(())
}

fn configuration(session: &Session, config: &Config, findings: &mut Findings) {
    let name = config
        .file
        .as_ref()
        .map_or("no file, only defaults".to_owned(), |path| {
            path.display().to_string()
        });
    findings.good(format!(
        "configuration: {name}, {} agents",
        config.agents.len()
    ));
    for warning in config.missing_keys(&session.surroundings) {
        findings.odd(warning);
    }
    let path = session.surroundings.var("PATH").unwrap_or_default();
    for (name, spec) in &config.agents {
        if let Some(problem) = program_problem(spec, path) {
            findings.bad(format!("agent {name}: {problem}"));
        }
    }
}

/// Whether the program of a command can be found. One that is a template is only known when a run renders it.
fn program_problem(spec: &AgentSpec, path: &str) -> Option<String> {
    let program = spec.command_spec()?.program;
    if program.contains("{{") || program.contains("{%") {
        return None;
    }
    let found = if program.contains('/') {
        let directory = spec.directory.as_deref().unwrap_or(".");
        Path::new(directory).join(&program).is_file()
    } else {
        path.split(':')
            .any(|directory| Path::new(directory).join(&program).is_file())
    };
    (!found).then(|| format!("there is no program {program}"))
}

fn directory(config: &Config, findings: &mut Findings) {
    use std::os::unix::fs::PermissionsExt;
    let directory = config.data_directory();
    let shown = directory.display();
    let Ok(metadata) = std::fs::metadata(directory) else {
        findings.good(format!(
            "data directory {shown}: not there yet, the first start makes it"
        ));
        return;
    };
    match rustix::fs::access(directory, rustix::fs::Access::WRITE_OK) {
        Ok(()) => findings.good(format!("data directory {shown}")),
        Err(error) => findings.bad(format!("data directory {shown} cannot be written: {error}")),
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        findings.odd(format!(
            "others on this machine can look into {shown}; chmod 700 keeps them out"
        ));
    }
    if let Ok(disk) = rustix::fs::statvfs(directory) {
        let free = disk.f_bavail.saturating_mul(disk.f_frsize);
        let mib = free / (1024 * 1024);
        if free < FREE_BYTES {
            findings.odd(format!("the disk has {} MiB left", count(mib)));
        } else {
            findings.good(format!("the disk has {} MiB left", count(mib)));
        }
    }
}

/// Looks for a server; `true` when one has the data.
async fn server(session: &Session, config: &Config, findings: &mut Findings) -> bool {
    let key = key(&session.surroundings);
    let Some(said) = Announcement::find(&config.store, key.as_deref()).await else {
        findings.good("no server is running");
        return false;
    };
    findings.good(format!(
        "a server runs at {} (process {})",
        said.url, said.pid
    ));
    if said.version != env!("CARGO_PKG_VERSION") {
        findings.odd(format!(
            "the server has version {}, this program {}",
            said.version,
            env!("CARGO_PKG_VERSION")
        ));
    }
    if let Ok(client) = Client::new(&said.url, key) {
        match client.ready().await {
            Ok(()) => findings.good("the server can store"),
            Err(error) => findings.bad(format!("the server is not ready: {error}")),
        }
    }
    true
}

/// Rebuilds what the log folds to and compares; only while nobody has the data.
async fn data(config: &Config, held: bool, findings: &mut Findings) -> Result<(), Failure> {
    if held {
        findings.odd("the data was not examined: the server has it; end it and come back for that");
        return Ok(());
    }
    if !config.store.exists() {
        findings.good(format!("no data yet at {}", config.store.display()));
        return Ok(());
    }
    let path = config.store.clone();
    let examined = tokio::task::spawn_blocking(move || sqlite::doctor(&path))
        .await
        .map_err(|error| Failure::Failed(error.to_string()))?;
    match examined {
        Ok(report) => {
            findings.good(format!(
                "{}: {} runs, {} events read",
                config.store.display(),
                count(report.n_runs),
                count(report.n_events)
            ));
            if report.findings.is_empty() {
                findings.good("every run is what its log folds to");
            }
            for found in report.findings {
                let run = found
                    .run
                    .map_or(String::new(), |run| format!("run {run}: "));
                findings.bad(format!("{run}{}", found.what));
            }
        }
        Err(error @ OpenError::Held { .. }) => findings.odd(error.to_string()),
        Err(error) => findings.bad(error.to_string()),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use run::DriverKind;

    #[test]
    fn the_program_of_a_command_must_be_there() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("tool"), "").unwrap();
        let path = format!("/nowhere:{}", directory.path().display());
        let problem = |program: &str| {
            let spec = AgentSpec {
                command: vec![program.to_owned()],
                directory: Some(directory.path().display().to_string()),
                ..AgentSpec::new(DriverKind::Command)
            };
            program_problem(&spec, &path)
        };
        assert_eq!(problem("tool"), None);
        assert_eq!(problem("./tool"), None);
        assert_eq!(problem("{{program}}"), None);
        assert_eq!(problem("tol").as_deref(), Some("there is no program tol"));
    }
}
