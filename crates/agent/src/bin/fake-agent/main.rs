//! An agent for tests: speaks all four protocols and does on demand what real agents do wrong.
//!
//! `fake-agent WIRE SCRIPT [what the wire's launch adds]`. A script is turns separated by `|`, each of them words
//! separated by `;` (see `script.rs`); a prompt plays the next turn, the last one again and again. Sessions are files in
//! `$FAKE_HOME`: a session that is reopened goes on with the turn behind the last one that it finished. To make it
//! ignore SIGTERM, start it from a shell that does.

mod acp;
mod claude;
mod codex;
mod ears;
mod pi;
mod play;
mod script;
mod session;
mod voice;

use crate::play::Stage;
use crate::voice::Voice;

fn main() {
    let mut args = std::env::args().skip(1);
    let wire = args.next().unwrap_or_default();
    let script = args.next().unwrap_or_default();
    let rest: Vec<_> = args.collect();
    let option = |name: &str| {
        let at = rest.iter().position(|arg| arg == name)?;
        rest.get(at + 1).cloned()
    };
    let voice: Box<dyn Voice> = match wire.as_str() {
        "pi" => Box::new(pi::Pi::new(option("--session"))),
        "codex" => Box::new(codex::Codex::default()),
        "claude" => Box::new(claude::Claude::new(option("--resume"))),
        "acp" => Box::new(acp::Acp::default()),
        _ => std::process::exit(64),
    };
    let code = Stage::new(voice, script::read(&script)).play();
    std::process::exit(code);
}
