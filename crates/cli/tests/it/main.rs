//! The real binary: servers, runs and terminals' pipes.

mod every_wire;
mod house;
mod stub;

mod agents;
mod aisdk;
mod background;
mod conflict;
mod copies;
mod demo;
mod detach;
mod failures;
mod keys;
mod output;
mod requests;
mod restart;
mod runs;
mod secrets;
mod serve;
