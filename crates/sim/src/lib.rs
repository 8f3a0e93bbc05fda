//! A seeded simulation: the store's commit core and the worker's own parts, driven synchronously with an injected clock
//! and injected ids on a real file. Everything goes wrong that can go wrong, and a witness checks that what was promised
//! holds all the same.
//!
//! A seed decides everything, so that a failing one is replayed by its number.

mod rng;
mod violation;

mod disk;
mod op;

mod script;

mod performer;

mod attempt;
mod client;
mod crew;
mod hands;

pub mod check;

mod history;

mod process;
mod simulation;
mod watch;
mod world;

pub use history::History;
pub use rng::Rng;
pub use simulation::{Failure, simulate};
pub use violation::Violation;
