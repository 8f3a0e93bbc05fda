//! What is too long for every change: the tests that choose by a seed, with more choices and another seed each time.

use std::hash::{BuildHasher as _, RandomState};

use crate::program::cargo;

/// Cuts of the streams of each client.
const CUTS: u32 = 50;

/// Runs them with a seed, else with one that nobody has chosen.
pub(crate) fn nightly(seed: Option<u32>) -> anyhow::Result<()> {
    let seed = match seed {
        Some(seed) => seed,
        None => u32::try_from(RandomState::new().hash_one(CUTS) >> 32)?,
    };
    println!("seed {seed} (again with: cargo xtask nightly --seed {seed})");
    cargo(["nextest", "run", "-p", "outlive", "--profile", "nightly"])
        .env("FACES_CUTS", &CUTS.to_string())
        .env("FACES_SEED", &seed.to_string())
        .run()
}
