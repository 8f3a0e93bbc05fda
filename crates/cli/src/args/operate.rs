//! Arguments of the verbs that run and look after a server.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use clap_complete::Shell;

/// `outlive serve`
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  outlive serve
  outlive serve --listen 0.0.0.0:4600   needs keys: outlive keys create NAME
  RUST_LOG=debug outlive serve

SIGTERM and SIGINT end it: runs under way are handed over and go on when a server is there again.")]
pub(crate) struct Serve {
    /// Address and port
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    /// The store, as `sqlite://PATH`
    #[arg(long, value_name = "STORE")]
    pub(crate) store: Option<String>,
    /// Leave the terminal: for a server that `run` started
    #[arg(long, hide = true)]
    pub(crate) background: bool,
    /// End when standard input ends: for a server that `demo` started
    #[arg(long, hide = true)]
    pub(crate) with_parent: bool,
}

/// `outlive agents …`
#[derive(Debug, Subcommand)]
pub(crate) enum AgentsVerb {
    /// Read the configuration, call the model of each agent once, start its MCP servers and say what was found; needs no
    /// server
    Check {
        /// Read the configuration only
        #[arg(long)]
        offline: bool,
    },
}

/// `outlive keys …`
#[derive(Debug, Subcommand)]
#[command(after_long_help = "\
Examples:
  outlive keys create ci                            everything
  outlive keys create app --rights start,read,stop --agents writer
  outlive keys create ada --user ada                sees only what is ada's
  outlive keys revoke ci

A server that finds a key when it starts asks every client for one. While a server runs, these go to it through a \
socket in the data directory that only its owner can open.")]
pub(crate) enum KeysVerb {
    /// Make a key and print its secret, once
    Create {
        /// Its name, unique in the tenant
        name: String,
        /// Whose data it opens
        #[arg(long, default_value = "default")]
        tenant: String,
        /// The one user it acts as; else all of the tenant
        #[arg(long)]
        user: Option<String>,
        /// What it allows: start, read, stop, input, answer, manage; all if missing
        #[arg(long, value_delimiter = ',', value_name = "RIGHTS")]
        rights: Vec<String>,
        /// The agents it may start; all if missing
        #[arg(long, value_delimiter = ',', value_name = "NAMES")]
        agents: Vec<String>,
    },
    /// List the keys
    List {
        /// One line of JSON each
        #[arg(long)]
        json: bool,
    },
    /// End a key
    Revoke {
        /// Its name
        name: String,
        /// Its tenant
        #[arg(long, default_value = "default")]
        tenant: String,
    },
}

/// `outlive secrets …`
#[derive(Debug, Subcommand)]
#[command(after_long_help = "\
Examples:
  outlive secrets set openai                  asks for the value and does not show it
  outlive secrets set openai < key.txt
  outlive secrets ls
  outlive secrets rm openai

A model is called with the secret that has the name of its vendor, or the one that the vendor's `key_secret` names, before \
the variables of the server. The server needs OUTLIVE_SECRET_KEY: 32 random bytes, for example from `openssl rand -base64 32`. \
A value is never shown again.")]
pub(crate) enum SecretsVerb {
    /// Keep a secret; its value is asked for, or read from a pipe
    Set {
        /// Its name: usually the vendor's
        name: String,
    },
    /// List the secrets, without their values
    Ls {
        /// One line of JSON each
        #[arg(long)]
        json: bool,
    },
    /// Erase secrets
    Rm {
        /// Their names
        #[arg(value_name = "NAME", required = true)]
        names: Vec<String>,
    },
}

/// `outlive backup`
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  outlive backup /backups/outlive-$(date +%F).db

A running server writes the copy itself and goes on meanwhile.")]
pub(crate) struct Backup {
    /// The new file
    pub(crate) file: PathBuf,
}

/// `outlive restore`
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  outlive restore /backups/outlive-2026-11-20.db --replace

The server must be stopped. Every run that was open in the copy ends as aborted, reason interrupted: what it did after \
the copy was made is not known.")]
pub(crate) struct Restore {
    /// A file that `backup` wrote
    pub(crate) file: PathBuf,
    /// Replace data that is there; it is kept beside, under another name
    #[arg(long)]
    pub(crate) replace: bool,
}

/// `outlive doctor`
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Print the findings as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// `outlive demo`
#[derive(Debug, Args)]
#[command(after_long_help = "\
Starts a server of its own on a free port with its data in a temporary directory, starts a run, cuts its own connection \
in the middle, kills the server while it streams and starts it again, and compares what it saw with the log. It needs no \
key and no network. Exit code 0 only if not one event was lost or doubled.")]
pub(crate) struct Demo {}

/// `outlive completions`
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  outlive completions bash > ~/.local/share/bash-completion/completions/outlive
  outlive completions zsh > ~/.zfunc/_outlive
  outlive completions fish > ~/.config/fish/completions/outlive.fish")]
pub(crate) struct Completions {
    /// The shell
    pub(crate) shell: Shell,
}
