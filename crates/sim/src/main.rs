//! `sim`: runs seeds, and says how to replay the one that fails.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a developer's tool speaks to its terminal"
)]

use std::process::ExitCode;

use clap::Parser;
use sim::{Failure, simulate};

/// Lines of a history that are shown when it fails.
const LAST_LINES: usize = 30;

/// Runs seeded simulations of the store and its workers.
#[derive(Parser)]
#[command(name = "sim", bin_name = "cargo xtask sim")]
struct Args {
    /// One seed.
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Seeds from A to B, B not included, as A..B.
    #[arg(long, value_parser = seeds)]
    seeds: Option<(u64, u64)>,
    /// Steps before the quiet end.
    #[arg(long, default_value_t = 400)]
    steps: u64,
    /// Print the history.
    #[arg(long)]
    verbose: bool,
}

fn seeds(text: &str) -> Result<(u64, u64), String> {
    let form = || "give two numbers as A..B".to_owned();
    let (from, to) = text.split_once("..").ok_or_else(form)?;
    let read = |number: &str| number.trim().parse::<u64>().map_err(|_| form());
    Ok((read(from)?, read(to)?))
}

fn main() -> ExitCode {
    let args = Args::parse();
    let (from, to) = match (args.seed, args.seeds) {
        (Some(seed), _) => (seed, seed + 1),
        (None, Some(seeds)) => seeds,
        (None, None) => (1, 101),
    };
    let mut n_failed = 0;
    for seed in from..to {
        match simulate(seed, args.steps) {
            Ok(history) => {
                if args.verbose {
                    println!("{}", history.lines().join("\n"));
                }
                if from + 1 == to {
                    let n = history.lines().len();
                    println!("seed {seed}: {n} lines, history {:016x}", history.hash());
                }
            }
            Err(failure) => {
                n_failed += 1;
                show(&failure, args.verbose);
            }
        }
    }
    if n_failed == 0 {
        println!("{} seeds, every promise held", to.saturating_sub(from));
        ExitCode::SUCCESS
    } else {
        eprintln!("{n_failed} of {} seeds failed", to.saturating_sub(from));
        ExitCode::FAILURE
    }
}

fn show(failure: &Failure, all: bool) {
    let lines = failure.history.lines();
    let first = if all {
        0
    } else {
        lines.len().saturating_sub(LAST_LINES)
    };
    eprintln!("{}", lines[first..].join("\n"));
    eprintln!("broken: {}", failure.violation.promise);
    eprintln!("found: {}", failure.violation.what);
    eprintln!(
        "again with: cargo xtask sim --seed {} --steps {}\n",
        failure.seed, failure.steps
    );
}
