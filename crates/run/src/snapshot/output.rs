//! The output of a tool call within its bound: what came last stays.

use crate::event::OutputStream;
use crate::snapshot::{Activity, OutputText};
use crate::{MAX_SNAPSHOT_OUTPUT_BYTES, MAX_SNAPSHOT_OUTPUT_STRETCHES};

impl Activity {
    /// Adds output and forgets the oldest where there is too much of it. It then forgets a quarter at once, so that
    /// the cost of moving the rest is shared by many additions.
    pub(super) fn print(&mut self, stream: OutputStream, text: &str) {
        if text.is_empty() {
            return;
        }
        match self.output.last_mut() {
            Some(last) if last.stream == stream => last.text.push_str(text),
            _ => self.output.push(OutputText {
                stream,
                text: text.to_owned(),
            }),
        }
        if self.output.len() > MAX_SNAPSHOT_OUTPUT_STRETCHES {
            self.output.drain(..MAX_SNAPSHOT_OUTPUT_STRETCHES / 4);
            self.output_cut = true;
        }
        let n_bytes: usize = self.output.iter().map(|stretch| stretch.text.len()).sum();
        if n_bytes > MAX_SNAPSHOT_OUTPUT_BYTES {
            self.forget(n_bytes - MAX_SNAPSHOT_OUTPUT_BYTES / 4 * 3);
        }
    }

    fn forget(&mut self, n_bytes: usize) {
        self.output_cut = true;
        let mut rest = n_bytes;
        let n_whole = self
            .output
            .iter()
            .take_while(|stretch| {
                let whole = stretch.text.len() <= rest;
                if whole {
                    rest -= stretch.text.len();
                }
                whole
            })
            .count();
        self.output.drain(..n_whole);
        if let Some(first) = self.output.first_mut() {
            let mut end = rest;
            while !first.text.is_char_boundary(end) {
                end += 1;
            }
            first.text.drain(..end);
        }
    }
}
