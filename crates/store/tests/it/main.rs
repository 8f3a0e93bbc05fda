//! The promises of the store, tried on every backend that is there.

mod conformance;
mod embedded;
