//! The binary `outlive`.

fn main() {}
