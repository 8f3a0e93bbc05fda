//! The real binary: servers, runs and terminals' pipes.

mod house;

mod agents;
mod background;
mod conflict;
mod copies;
mod demo;
mod detach;
mod failures;
mod keys;
mod requests;
mod restart;
mod runs;
mod secrets;
mod serve;
