//! What a fake agent hears.

use std::io::BufRead as _;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use serde_json::Value;

/// Its input, line by line.
pub(crate) struct Ears(Receiver<Value>);

/// What there was to hear.
pub(crate) enum Sound {
    Frame(Value),
    Nothing,
    /// Its input has ended.
    End,
}

impl Ears {
    pub(crate) fn new() -> Self {
        let (heard, ears) = channel();
        std::thread::spawn(move || {
            for line in std::io::stdin().lock().lines().map_while(Result::ok) {
                let Ok(frame) = serde_json::from_str(&line) else {
                    std::process::exit(66);
                };
                if heard.send(frame).is_err() {
                    return;
                }
            }
        });
        Self(ears)
    }

    pub(crate) fn listen(&self, patience: Duration) -> Sound {
        match self.0.recv_timeout(patience) {
            Ok(frame) => Sound::Frame(frame),
            Err(RecvTimeoutError::Timeout) => Sound::Nothing,
            Err(RecvTimeoutError::Disconnected) => Sound::End,
        }
    }
}
