//! Real processes: started, read, stopped and swept.

#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

mod crash;
mod end;
mod output;
mod shell;
mod start;
mod stop;
mod sweep;
