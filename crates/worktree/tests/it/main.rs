//! Real repositories and the real git: every operation, what it leaves as it was, and what it does about trouble.
#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

mod ground;

mod checkpoint;
mod crash;
mod create;
mod disk;
mod merge;
mod nested;
mod open;
mod random;
mod remove;
mod restore;
mod settle;
mod start_point;
