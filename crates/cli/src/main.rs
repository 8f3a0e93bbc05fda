//! The binary `outlive`.

mod config;
mod render;

fn main() {}
