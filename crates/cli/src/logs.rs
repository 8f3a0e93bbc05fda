//! The log of a server, and of any verb when `RUST_LOG` asks for it.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

use crate::config::LogFormat;

/// What a server logs unless `RUST_LOG` says otherwise.
const FOREGROUND: &str = "info,hyper=warn,reqwest=warn,rmcp=warn";
/// The same without a line per request: nobody rotates the file of a server in the background while it runs.
const BACKGROUND: &str = "info,hyper=warn,reqwest=warn,rmcp=warn,http::access_log=warn";

/// Begins a server's log on standard error.
pub(crate) fn of_server(format: LogFormat, in_background: bool) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| {
        EnvFilter::new(if in_background {
            BACKGROUND
        } else {
            FOREGROUND
        })
    });
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr);
    match format {
        LogFormat::Auto => log.with_ansi(stderr().is_terminal()).init(),
        LogFormat::Text => log.with_ansi(false).init(),
        LogFormat::Json => log.json().init(),
    }
}

/// Begins a log for a client, if `RUST_LOG` asks for one.
pub(crate) fn of_client() {
    if let Ok(filter) = EnvFilter::try_from_default_env() {
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(stderr)
            .with_ansi(stderr().is_terminal())
            .init();
    }
}
