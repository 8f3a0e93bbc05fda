//! What is too long for every change: the tests that choose by a seed, with more choices and another seed each time; and the
//! real coding agents, each several times.

use std::hash::{BuildHasher as _, RandomState};

use crate::program::{Program, cargo};
use crate::setup;

/// Cuts of the streams of each client.
const CUTS: u32 = 50;

/// Rounds of the real coding agents.
const ROUNDS: u32 = 3;

/// Runs all of it with a seed, else with one that nobody has chosen.
pub(crate) fn nightly(seed: Option<u32>) -> anyhow::Result<()> {
    let seed = match seed {
        Some(seed) => seed,
        None => u32::try_from(RandomState::new().hash_one(CUTS) >> 32)?,
    };
    setup::nightly()?;
    println!("seed {seed} (again with: cargo xtask nightly --seed {seed})");
    let faces = tests("cuts")
        .env("FACES_CUTS", &CUTS.to_string())
        .env("FACES_SEED", &seed.to_string())
        .run();
    let agents = tests("coding").args(["--stress-count", &ROUNDS.to_string()]);
    let agents = agents.env("CODING_SEED", &seed.to_string()).run();
    // One that fails does not hide the other.
    faces.and(agents)
}

/// Those in modules of this name.
fn tests(module: &str) -> Program {
    let filter = format!("test(/(^|::){module}::/)");
    let tests = cargo([
        "nextest",
        "run",
        "-p",
        "outlive",
        "--profile",
        "nightly",
        "-E",
    ]);
    tests.args([filter])
}
