//! `outlive completions`: what a shell needs to complete our command line.

use clap::CommandFactory;

use crate::args::{Arguments, Completions};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::print;

pub(super) fn run(args: &Completions) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(
        args.shell,
        &mut Arguments::command(),
        "outlive",
        &mut script,
    );
    print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Succeeded)
}
