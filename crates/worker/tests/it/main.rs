//! Workers on a real store.

#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

mod house;

mod agui;
mod answers;
mod budgets;
mod coding;
mod commands;
mod crash;
mod drain;
mod faults;
mod lanes;
mod leases;
mod loops;
mod models;
mod stop;
mod vendor;
