//! The command line.

mod operate;
mod runs;
mod worktree;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub(crate) use operate::{
    AgentsVerb, Backup, Completions, Demo, Doctor, KeysVerb, Restore, SecretsVerb, Serve,
};
pub(crate) use runs::{
    Answer, Apply, Approve, Attach, Diff, List, OnConflict, Refine, Remove, Retry, Show, Start,
    Steer, Stop, Watching,
};
pub(crate) use worktree::{Preview, WorktreeVerb};

use crate::render::Colour;

const LONG_ABOUT: &str = "\
Agent runs that outlive the request.

A run is started once, numbered event by event in a log on disk, and goes on whatever happens to the terminal, the \
connection or the server that watched it. Clients come and go; only `stop` ends a run.";

// Clap wraps what is longer than the terminal, so a paragraph is one line here and an example fits into 80 columns.
const EXAMPLES: &str = "\
Examples:
  outlive demo                            a run survives a killed server
  outlive run \"Write a line about rain\"   start a run and watch it
  outlive run --agent shell - < script    the input from a pipe
  outlive attach last                     watch the newest run, from its start
  outlive ls --status open                what is going on
  outlive serve                           a server in the foreground

Ctrl-C detaches: the run goes on. Without a server `run` starts one in the background. On a pipe only the answer's text \
is written to standard output.

Runs are named by their id, by a beginning of it that no other run shares, or by `last`.

Exit codes:
  0  succeeded                        4    no such run, thread or agent
  1  the run or the command failed    5    no server, or it cannot work now
  2  wrong command line or settings   6    something else came first (409)
  3  the run was aborted              130  detached; the run goes on

Variables:
  OUTLIVE_URL, OUTLIVE_KEY            another server, and the key for it
  OUTLIVE_CONFIG, OUTLIVE_DATA_DIR    the configuration, the data directory
  OUTLIVE_AGENT                       the agent of `run`
  OUTLIVE_SECRET_KEY                  of `serve`: what secrets are encrypted with
  OUTLIVE_SERVER_LISTEN and the like  each setting: `listen` of [server]
  NO_COLOR                            turns colours off";

/// All of it.
#[derive(Debug, Parser)]
#[command(
    name = "outlive",
    version,
    about = "Agent runs that outlive the request",
    long_about = LONG_ABOUT,
    after_long_help = EXAMPLES,
    after_help = "`outlive --help` has examples and the exit codes.",
    propagate_version = false,
    max_term_width = 100
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

/// What every verb takes.
#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// The configuration; else outlive.toml here, else the user's
    #[arg(long, global = true, value_name = "FILE", help_heading = "Everywhere")]
    pub(crate) config: Option<PathBuf>,
    /// The server to talk to; else the one of the data directory
    #[arg(long, global = true, value_name = "URL", help_heading = "Everywhere")]
    pub(crate) url: Option<String>,
    /// Colours on the terminal: auto, always or never
    #[arg(
        long,
        global = true,
        value_enum,
        hide_possible_values = true,
        default_value_t = Colour::Auto,
        value_name = "WHEN",
        help_heading = "Everywhere"
    )]
    pub(crate) color: Colour,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Start a run and watch it
    Run(Start),
    /// Watch a run, from its first event
    Attach(Attach),
    /// List runs, newest first
    Ls(List),
    /// Show a run: what was asked, said and done
    Show(Show),
    /// End a run
    Stop(Stop),
    /// Say something to a run that is under way
    Steer(Steer),
    /// Allow or deny what a run asks for
    Approve(Approve),
    /// Answer what a run asks
    Answer(Answer),
    /// Ask for another version of a run's result
    Refine(Refine),
    /// Show what a run has changed in its repository
    Diff(Diff),
    /// Merge, restore or remove the worktree of a run
    Worktree {
        #[command(subcommand)]
        verb: WorktreeVerb,
    },
    /// Try the work of a run: start a preview, or list them
    Preview(Preview),
    /// Start the same again
    Retry(Retry),
    /// Remember that a run's result was used
    Apply(Apply),
    /// Delete a run that has ended, with its events
    Rm(Remove),
    /// List the agents, or check their configuration
    Agents {
        #[command(subcommand)]
        verb: Option<AgentsVerb>,
    },
    /// Serve: HTTP and a worker in the foreground
    Serve(Serve),
    /// Make, list and revoke keys
    Keys {
        #[command(subcommand)]
        verb: KeysVerb,
    },
    /// Keep keys of vendors on the server, encrypted
    Secrets {
        #[command(subcommand)]
        verb: SecretsVerb,
    },
    /// Write a consistent copy of the data to a file
    Backup(Backup),
    /// Put a copy in the place of the data; open runs end as interrupted
    Restore(Restore),
    /// Check configuration, disk and data
    Doctor(Doctor),
    /// See it work: a run that survives a cut connection and a killed server
    Demo(Demo),
    /// Print completions for a shell
    Completions(Completions),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Arguments::command().debug_assert();
    }
}
