//! The real binary: servers, runs and terminals' pipes.

mod every_wire;
mod framework;
mod house;
mod model;
mod stub;
mod watched;
mod worktrees;

mod agents;
mod agui;
mod aisdk;
mod background;
mod coding;
mod conflict;
mod copies;
mod demo;
mod detach;
mod faces;
mod failures;
mod keys;
mod loops;
mod openai;
mod output;
mod requests;
mod restart;
mod runs;
mod secrets;
mod serve;
