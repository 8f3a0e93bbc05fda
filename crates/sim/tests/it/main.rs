//! Seeds keep every promise, a seed is its history, and each check catches what it is there for.
#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

mod found;
mod seeds;
mod teeth;
mod told;
