//! Asking a person for something that nobody should read over their shoulder.

use std::io::{self, BufRead, IsTerminal, Read, Write, stderr, stdin};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use wire::{Hidden, SECRET_BYTES};

/// Asks at the terminal without echo, or reads standard input to its end where that is a pipe. White space around it is
/// dropped.
pub(crate) fn ask(prompt: &str) -> io::Result<Hidden> {
    let text = if stdin().is_terminal() {
        at_terminal(prompt)?
    } else {
        let mut text = Hidden::default();
        let max = u64::try_from(SECRET_BYTES).unwrap_or(u64::MAX);
        // Two more, for the line's end that nearly every pipe has.
        stdin().lock().take(max + 3).read_to_string(text.as_mut())?;
        text
    };
    let trimmed = Hidden::new(text.reveal().trim());
    if trimmed.reveal().len() > SECRET_BYTES {
        let why = format!("more than {SECRET_BYTES} bytes");
        return Err(io::Error::new(io::ErrorKind::InvalidData, why));
    }
    Ok(trimmed)
}

fn at_terminal(prompt: &str) -> io::Result<Hidden> {
    write!(stderr(), "{prompt}")?;
    let silent = Silent::begin()?;
    let mut text = Hidden::default();
    let read = stdin().lock().read_line(text.as_mut());
    drop(silent);
    // The person's own line end was not shown.
    writeln!(stderr())?;
    read.map(|_| text)
}

/// A terminal that shows nothing of what is typed; as it was before once this goes.
struct Silent(Termios);

impl Silent {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(stdin())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(stdin(), OptionalActions::Flush, &silent)?;
        Ok(Self(before))
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        // Nobody is left to be told when this fails.
        let _ = tcsetattr(stdin(), OptionalActions::Now, &self.0);
    }
}
