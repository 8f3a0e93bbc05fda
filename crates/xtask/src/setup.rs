//! What the tests need on a machine. Looking costs milliseconds; only what is missing is installed.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, bail};

use crate::program::{cargo, program};
use crate::root;

/// The version that the profiles in `.config/nextest.toml` were written for. Any that is there already will do.
const NEXTEST: &str = "0.9.143";

/// A program of the system.
struct Tool {
    /// It is there when this answers.
    asks: [&'static str; 2],
    /// Its package for apt-get.
    package: &'static str,
    needed_for: &'static str,
}

const TOOLS: &[Tool] = &[
    Tool {
        asks: ["git", "--version"],
        package: "git",
        needed_for: "worktrees, and the list of files that tidy reads",
    },
    Tool {
        asks: ["cc", "--version"],
        package: "gcc",
        needed_for: "SQLite, zstd and TLS, which are built from C",
    },
    Tool {
        asks: ["setsid", "--version"],
        package: "util-linux",
        needed_for: "tests that put a child in a session of its own",
    },
    Tool {
        asks: ["node", "--version"],
        package: "nodejs",
        needed_for: "the servers and clients that tests talk to",
    },
    Tool {
        asks: ["npm", "--version"],
        package: "npm",
        needed_for: "installing the servers and clients that tests talk to",
    },
    Tool {
        asks: ["python3", "--version"],
        package: "python3-venv",
        needed_for: "the clients and agents in Python that tests run with the server",
    },
];

/// Where packages from npm are listed, with their versions and digests, and where they go: servers that tests talk to, and
/// clients that talk to ours.
const NPM: &[&str] = &[
    "tests/npm",
    "tests/agents",
    "tests/faces/agui",
    "tests/faces/aisdk",
    "tests/faces/openai",
];

/// What only the nightly tests need.
const NIGHTLY_NPM: &str = "tests/agents-nightly";

/// Where packages for Python are listed, with their versions, and the environment that they go to.
const PYTHON: &[(&str, &str)] = &[
    (
        "tests/faces/openai/requirements.txt",
        "target/python/openai",
    ),
    (
        "tests/upstream/pydantic_ai/requirements.txt",
        "target/python/pydantic_ai",
    ),
];

/// Installs what is missing, or says what it could not install.
pub(crate) fn setup() -> anyhow::Result<()> {
    system_tools()?;
    nextest()?;
    NPM.iter().try_for_each(|folder| npm(folder))?;
    PYTHON
        .iter()
        .try_for_each(|(list, environment)| python(list, environment))
}

/// The same for the nightly tests.
pub(crate) fn nightly() -> anyhow::Result<()> {
    setup()?;
    npm(NIGHTLY_NPM)
}

fn system_tools() -> anyhow::Result<()> {
    let missing = || {
        TOOLS
            .iter()
            .filter(|tool| !program(tool.asks[0], [tool.asks[1]]).answers())
    };
    if missing().next().is_none() {
        return Ok(());
    }
    if program("apt-get", ["--version"]).answers() {
        println!(
            "installing {}",
            missing()
                .map(|tool| tool.package)
                .collect::<Vec<_>>()
                .join(", ")
        );
        let installed = program("apt-get", ["update", "-qq"]).run().and_then(|()| {
            let apt = program(
                "apt-get",
                ["install", "-y", "-qq", "--no-install-recommends"],
            );
            apt.env("DEBIAN_FRONTEND", "noninteractive")
                .args(missing().map(|tool| tool.package))
                .run()
        });
        if let Err(why) = installed {
            println!("{why:#}");
        }
    }
    let lines: Vec<_> = missing()
        .map(|tool| {
            format!(
                "\n  {} (package {}), for {}",
                tool.asks[0], tool.package, tool.needed_for
            )
        })
        .collect();
    if !lines.is_empty() {
        bail!("missing on this machine:{}", lines.concat());
    }
    Ok(())
}

fn nextest() -> anyhow::Result<()> {
    if cargo(["nextest", "--version"]).answers() {
        return Ok(());
    }
    println!("installing cargo-nextest {NEXTEST}");
    cargo(["install", "cargo-nextest", "--locked", "--version", NEXTEST]).run()
}

/// Installs what the lock file says, unless that is there already. A script of a package is not run.
fn npm(folder: &str) -> anyhow::Result<()> {
    let place = root().join(folder);
    let lock = place.join("package-lock.json");
    let installed = place.join("node_modules/.installed-lock.json");
    unless_there(&lock, &installed, || {
        println!("installing the packages of {folder}");
        program("npm", ["ci", "--ignore-scripts", "--prefix", folder]).run()
    })
}

/// Installs what a list says into an environment of its own, unless that is there already.
fn python(list: &str, environment: &str) -> anyhow::Result<()> {
    let place = root().join(environment);
    unless_there(&root().join(list), &place.join("installed.txt"), || {
        println!("installing the packages of {list}");
        program("python3", ["-m", "venv", "--clear", environment]).run()?;
        let pip = program(place.join("bin/pip"), ["install", "-q", "--no-deps", "-r"]);
        pip.args([list]).run()
    })
}

/// Installs what a file lists. The copy that says that it is there is written last: an installation that was cut short is
/// done again.
fn unless_there(
    list: &Path,
    installed: &Path,
    install: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let wanted = fs::read(list).with_context(|| format!("failed to read {}", list.display()))?;
    if fs::read(installed).is_ok_and(|found| found == wanted) {
        return Ok(());
    }
    install()?;
    fs::write(installed, wanted)
        .with_context(|| format!("failed to note that {} is there", list.display()))
}
