//! The promises of the store, tried on every backend that is there.
#![expect(clippy::unwrap_used, reason = "a failure here is a failed test")]

mod conformance;
mod embedded;
mod embedded_fault;
mod embedded_file;
mod embedded_secret;
