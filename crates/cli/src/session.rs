//! What every verb is given: where it runs and what the command line says everywhere.

use std::io::{self, IsTerminal, Read, Write, stderr, stdin, stdout};

use crate::args::Global;
use crate::client::{Client, Connection, NoServer, limits};
use crate::config::{self, Config, Flags, Surroundings};
use crate::failure::Failure;
use crate::render::{Tone, clean_line, no_color, paint};

/// One call of the program.
pub(crate) struct Session {
    pub(crate) surroundings: Surroundings,
    pub(crate) global: Global,
}

impl Session {
    pub(crate) fn new(global: Global) -> Self {
        Self {
            surroundings: Surroundings::of_process(),
            global,
        }
    }

    /// The configuration under the flags that every verb has.
    pub(crate) fn config(&self) -> Result<Config, Failure> {
        self.config_with(Flags::default())
    }

    /// The configuration under more flags.
    pub(crate) fn config_with(&self, flags: Flags) -> Result<Config, Failure> {
        let flags = Flags {
            config: self.global.config.clone(),
            ..flags
        };
        Ok(config::load(&self.surroundings, &flags)?)
    }

    /// The server that is named, if one is.
    pub(crate) fn named_server(&self) -> Result<Option<Connection>, Failure> {
        let named = Connection::named(self.global.url.as_deref(), &self.surroundings);
        Ok(named.transpose()?)
    }

    /// The server that is named, else the one of the data directory.
    pub(crate) async fn connect(&self) -> Result<Connection, Failure> {
        if let Some(connection) = self.named_server()? {
            return Ok(connection);
        }
        let config = self.config()?;
        match Connection::of_store(&config, &self.surroundings).await? {
            Some((connection, _)) => Ok(connection),
            None => Err(NoServer {
                store: config.store,
            }
            .into()),
        }
    }

    /// The same where only calls are made.
    pub(crate) async fn client(&self) -> Result<Client, Failure> {
        Ok(self.connect().await?.client)
    }

    /// A line for the person at the terminal, not for a pipe.
    pub(crate) fn tell(&self, text: &str) {
        self.say(Tone::Dim, text);
    }

    /// A line that somebody should read.
    pub(crate) fn warn(&self, text: &str) {
        self.say(Tone::Warn, text);
    }

    /// Why nothing came of it, and what to do.
    pub(crate) fn fail(&self, failure: &Failure) {
        for line in failure.to_string().lines() {
            self.say(Tone::Bad, &format!("outlive: {line}"));
        }
        if let Some(hint) = failure.hint() {
            self.tell(&format!("         {hint}"));
        }
    }

    fn say(&self, tone: Tone, text: &str) {
        let colour = self.global.color.wanted(stderr().is_terminal(), no_color());
        // Nobody is left to be told when this fails.
        let _ = writeln!(
            stderr(),
            "{}",
            paint(colour, tone, &clean_line(text, usize::MAX))
        );
    }

    /// Whether what is printed is coloured.
    pub(crate) fn colour(&self) -> bool {
        self.global.color.wanted(stdout().is_terminal(), no_color())
    }
}

/// Prints to standard output.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut out = stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(Failure::io("failed to write"))
}

/// Prints a line to standard output.
pub(crate) fn print_line(text: &str) -> Result<(), Failure> {
    print(&format!("{text}\n"))
}

/// The text that words of the command line make, or standard input where they are `-` or, on a pipe, missing.
pub(crate) fn text_of(words: &[String]) -> Result<String, Failure> {
    let from_pipe = match words {
        [] if !stdin().is_terminal() => true,
        [] => {
            return Err(Failure::Usage(
                "there is no TEXT; write it behind the command, or `-` to read standard input"
                    .into(),
            ));
        }
        [dash] => dash == "-",
        _ => false,
    };
    if !from_pipe {
        return Ok(words.join(" "));
    }
    read_stdin().map_err(Failure::io("failed to read standard input"))
}

fn read_stdin() -> io::Result<String> {
    let mut text = String::new();
    let n = stdin()
        .lock()
        .take(limits::STDIN_BYTES + 1)
        .read_to_string(&mut text)?;
    if n as u64 > limits::STDIN_BYTES {
        let why = format!("more than {} bytes", limits::STDIN_BYTES);
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    Ok(text)
}
