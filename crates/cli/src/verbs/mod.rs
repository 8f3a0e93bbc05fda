//! One file per verb.

mod again;
mod agents;
mod answer;
mod apply;
mod approve;
mod attach;
mod backup;
mod completions;
mod demo;
mod diff;
mod doctor;
mod keys;
mod ls;
mod preview;
mod rm;
mod secrets;
mod serve;
mod show;
mod start;
mod steer;
mod stop;
mod worktree;

use crate::args::{Demo, Verb};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::session::Session;

/// Does what the command line asks for.
pub(crate) async fn perform(session: &Session, verb: Verb) -> Result<Exit, Failure> {
    match verb {
        Verb::Run(args) => start::run(session, args).await,
        Verb::Attach(args) => attach::run(session, args).await,
        Verb::Ls(args) => ls::run(session, args).await,
        Verb::Show(args) => show::run(session, args).await,
        Verb::Stop(args) => stop::run(session, args).await,
        Verb::Steer(args) => steer::run(session, args).await,
        Verb::Approve(args) => approve::run(session, args).await,
        Verb::Answer(args) => answer::run(session, args).await,
        Verb::Refine(args) => again::refine(session, args).await,
        Verb::Diff(args) => diff::run(session, args).await,
        Verb::Worktree { verb } => worktree::run(session, verb).await,
        Verb::Preview(args) => preview::run(session, args).await,
        Verb::Retry(args) => again::retry(session, args).await,
        Verb::Apply(args) => apply::run(session, args).await,
        Verb::Rm(args) => rm::run(session, args).await,
        Verb::Agents { verb } => agents::run(session, verb).await,
        Verb::Completions(args) => completions::run(&args),
        Verb::Keys { verb } => keys::run(session, verb).await,
        Verb::Secrets { verb } => secrets::run(session, verb).await,
        Verb::Backup(args) => backup::backup(session, args).await,
        Verb::Restore(args) => backup::restore(session, args).await,
        Verb::Serve(args) => serve::run(session, args).await,
        Verb::Doctor(args) => doctor::run(session, args).await,
        Verb::Demo(Demo {}) => demo::run(session).await,
    }
}
