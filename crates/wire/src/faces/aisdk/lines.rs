//! Chunks as the bytes of the stream, counted.

use serde::Serialize;

/// What ends a stream whose segment has ended. A stream without it was cut.
pub const DONE: &[u8] = b"data: [DONE]\n\n";

/// Gathers printed chunks.
#[derive(Debug, Default)]
pub struct Lines {
    out: Vec<u8>,
    n_chunks: u64,
    /// Chunks before this number are counted and not printed.
    from: u64,
    is_muted: bool,
}

impl Lines {
    /// Prints chunks from this number on, which is how many a client has.
    pub fn from(from: u64) -> Self {
        Self {
            from,
            ..Self::default()
        }
    }

    /// How many chunks there were.
    pub fn n_chunks(&self) -> u64 {
        self.n_chunks
    }

    /// What was printed since the last time.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// Neither counts nor prints for a while: what a client has from an earlier segment.
    pub(super) fn mute(&mut self) {
        self.is_muted = true;
    }

    pub(super) fn unmute(&mut self) {
        self.is_muted = false;
    }

    pub(super) fn put(&mut self, chunk: &impl Serialize) {
        if self.next() {
            self.out.extend_from_slice(b"data: ");
            serde_json::to_writer(&mut self.out, chunk)
                .expect("chunks have string keys and a Vec takes all bytes");
            self.out.extend_from_slice(b"\n\n");
        }
    }

    /// A delta whose text is a JSON string already: the hot path.
    pub(super) fn put_delta(&mut self, kind: &str, id: &str, json_text: &str) {
        if self.next() {
            let pieces = [
                "data: {\"type\":\"",
                kind,
                "\",\"id\":\"",
                id,
                "\",\"delta\":",
                json_text,
                "}\n\n",
            ];
            for piece in pieces {
                self.out.extend_from_slice(piece.as_bytes());
            }
        }
    }

    /// Counts a chunk; whether it is to be printed.
    fn next(&mut self) -> bool {
        if self.is_muted {
            return false;
        }
        self.n_chunks += 1;
        self.n_chunks > self.from
    }
}
