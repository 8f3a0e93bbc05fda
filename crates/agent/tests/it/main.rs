//! Real processes: started, read, stopped and swept. On Linux, where all of it holds; other systems keep the unit tests.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

mod agents;
mod crash;
mod end;
mod namespace;
mod output;
mod retained;
mod shell;
mod start;
mod stop;
mod sweep;
mod talk;
