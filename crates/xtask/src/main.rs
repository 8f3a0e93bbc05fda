//! Automation: `cargo xtask <command>`. `check` is all that a change must pass, here as in CI.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer's tool speaks to its terminal"
)]

mod check;
mod nightly;
mod program;
mod setup;
mod test;
mod tidy;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

use crate::program::cargo;

/// Automation of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Task {
    /// Install what the tests need; quick when nothing is missing.
    Setup,
    /// Run the tests.
    Test {
        /// Leave out the heavy tests (`load_…`) and the doc tests.
        #[arg(long)]
        fast: bool,
    },
    /// Run exactly what CI runs.
    Check,
    /// Run what is too long for every change: clients that are cut at random places, and real coding agents.
    Nightly {
        /// Where to cut and when to kill; one that nobody has chosen if missing.
        #[arg(long)]
        seed: Option<u32>,
    },
    /// Look for what the compiler cannot see: dependencies, lengths, names, golden files, links.
    Tidy,
    /// Run the simulator: `--seed N`, `--seeds A..B`, `--steps N`.
    #[command(disable_help_flag = true)]
    Sim {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
    /// Run the benchmarks, built for release; all arguments are theirs.
    #[command(disable_help_flag = true)]
    Bench {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<OsString>,
    },
}

fn main() -> ExitCode {
    perform(Task::parse()).unwrap_or_else(|why| {
        eprintln!("error: {why:#}");
        ExitCode::FAILURE
    })
}

fn perform(task: Task) -> anyhow::Result<ExitCode> {
    match task {
        Task::Setup => setup::setup()?,
        Task::Test { fast: true } => test::fast()?,
        Task::Test { fast: false } => test::all("default")?,
        Task::Check => return Ok(check::check()),
        Task::Nightly { seed } => nightly::nightly(seed)?,
        Task::Tidy => tidy::tidy()?,
        Task::Sim { args } => cargo(["run", "-q", "-p", "outlive-sim", "--bin", "sim", "--"])
            .args(args)
            .run()?,
        Task::Bench { args } => cargo(["run", "--release", "-q", "-p", "outlive-bench", "--"])
            .args(args)
            .run()?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The root of the repository.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors()
        .nth(2)
        .expect("this crate lies two folders below the root")
        .to_owned()
}
