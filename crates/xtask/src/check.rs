//! All that a change must pass: the one list of steps, for CI and for a desk.

use std::hash::{BuildHasher as _, RandomState};
use std::process::ExitCode;
use std::time::Instant;

use crate::program::cargo;
use crate::{setup, test, tidy};

/// Seeds that every change runs, so that two builds can be compared.
const SEEDS: [u32; 3] = [1, 2, 3];

type Step = (&'static str, fn() -> anyhow::Result<()>);

/// In the order of what fails soonest. All share one profile and one target folder.
const STEPS: &[Step] = &[
    ("setup", setup::setup),
    ("format", || cargo(["fmt", "--all", "--check"]).run()),
    ("clippy", || {
        cargo([
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ])
        .run()
    }),
    ("tidy", tidy::tidy),
    ("test", || test::all("ci")),
    ("sim", sim),
    ("doc", || {
        cargo(["doc", "--workspace", "--no-deps"])
            .env("RUSTDOCFLAGS", "-D warnings")
            .run()
    }),
];

/// Runs every step, also behind one that failed, and ends with a line of counts.
pub(crate) fn check() -> ExitCode {
    let mut steps = STEPS.to_vec();
    let deny = cargo(["deny", "--version"]).answers();
    if deny {
        steps.push(("deny", || cargo(["deny", "check"]).run()));
    }
    let mut outcomes = Vec::new();
    for (name, step) in steps {
        println!("\n== {name}");
        let begin = Instant::now();
        let result = step();
        let seconds = begin.elapsed().as_secs_f64();
        let word = if result.is_ok() { "passed" } else { "failed" };
        if let Err(why) = &result {
            println!("{why:#}");
        }
        println!("== {name} {word} in {seconds:.1} s");
        outcomes.push((name, result.is_ok(), seconds));
    }

    println!();
    for (name, passed, seconds) in &outcomes {
        println!(
            "{} {name:8} {seconds:7.1} s",
            if *passed { "ok    " } else { "FAILED" }
        );
    }
    if !deny {
        println!("-      deny     skipped: cargo-deny is not installed");
    }
    let failed = outcomes.iter().filter(|(_, passed, _)| !passed).count();
    println!("{} passed, {failed} failed", outcomes.len() - failed);
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The fixed seeds and one that nobody has chosen; a failing one names the command that replays it.
fn sim() -> anyhow::Result<()> {
    let random = u32::try_from(RandomState::new().hash_one(SEEDS) >> 32)?;
    for seed in SEEDS.into_iter().chain([random]) {
        println!("seed {seed} (again with: cargo xtask sim --seed {seed})");
        cargo([
            "run",
            "-q",
            "-p",
            "outlive-sim",
            "--bin",
            "sim",
            "--",
            "--seed",
            &seed.to_string(),
        ])
        .run()?;
    }
    Ok(())
}
