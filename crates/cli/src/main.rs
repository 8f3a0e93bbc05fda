//! The binary `outlive`: reads the command line, does what it says, and ends with a documented status.

mod admin;
mod args;
mod client;
mod clock;
mod config;
mod exit;
mod failure;
mod follow;
mod fresh;
mod hidden;
mod interrupt;
mod logs;
mod render;
mod serving;
mod session;
mod verbs;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Arguments, Verb};
use crate::exit::Exit;
use crate::session::Session;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if !matches!(arguments.verb, Verb::Serve(_)) {
        logs::of_client();
    }
    let session = Session::new(arguments.global);
    let exit = match Box::pin(verbs::perform(&session, arguments.verb)).await {
        Ok(exit) => exit,
        // Whoever read our output has seen enough; a run goes on without us.
        Err(failure) if failure.is_closed_pipe() => Exit::Detached,
        Err(failure) => {
            session.fail(&failure);
            failure.exit()
        }
    };
    exit.into()
}
