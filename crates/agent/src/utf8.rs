//! Text out of chunks. Pure.

/// Decodes UTF-8 that comes in pieces. A character cut between two pieces is held back until it is whole; bytes that
/// can never be a character become U+FFFD, exactly as if all had been decoded at once.
#[derive(Debug, Default)]
pub struct Utf8Decoder {
    /// The beginning of a character, at most three bytes.
    cut: Vec<u8>,
}

impl Utf8Decoder {
    /// Takes the next piece and gives the text that is certain by now.
    pub fn push(&mut self, piece: &[u8]) -> String {
        let joined;
        let bytes = if self.cut.is_empty() {
            piece
        } else {
            self.cut.extend_from_slice(piece);
            joined = std::mem::take(&mut self.cut);
            joined.as_slice()
        };
        let mut text = String::with_capacity(bytes.len());
        let mut chunks = bytes.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            text.push_str(chunk.valid());
            let invalid = chunk.invalid();
            let last = chunks.peek().is_none();
            if last && std::str::from_utf8(invalid).is_err_and(|error| error.error_len().is_none())
            {
                self.cut = invalid.to_vec();
            } else if !invalid.is_empty() {
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        text
    }

    /// The stream has ended: a character that was begun is one U+FFFD.
    pub fn finish(&mut self) -> &'static str {
        if std::mem::take(&mut self.cut).is_empty() {
            ""
        } else {
            "\u{fffd}"
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Utf8Decoder;

    fn decode(pieces: &[&[u8]]) -> Vec<String> {
        let mut decoder = Utf8Decoder::default();
        let mut texts: Vec<_> = pieces.iter().map(|piece| decoder.push(piece)).collect();
        texts.push(decoder.finish().to_owned());
        texts
    }

    #[track_caller]
    fn check(pieces: &[&[u8]], expected: &[&str]) {
        assert_eq!(decode(pieces), expected);
    }

    #[test]
    fn a_character_cut_in_two_is_held_back() {
        check(&[b"a\xe2", b"\x82", b"\xacb"], &["a", "", "€b", ""]);
        check(&[b"\xf0\x9f\x98", b"\x80"], &["", "😀", ""]);
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced_at_once() {
        check(&[b"a\xff", b"b"], &["a\u{fffd}", "b", ""]);
        check(&[b"\xe2\x82", b"b"], &["", "\u{fffd}b", ""]);
    }

    #[test]
    fn a_character_never_completed_is_replaced_at_the_end() {
        check(&[b"a\xe2\x82"], &["a", "\u{fffd}"]);
    }

    proptest! {
        #[test]
        fn pieces_do_not_change_the_text(
            bytes in proptest::collection::vec(prop_oneof![Just(b'a'), Just(0xe2), Just(0x82), Just(0xac), Just(0xf0), Just(0x9f), any::<u8>()], 0..40),
            cuts in proptest::collection::vec(0usize..40, 0..6),
        ) {
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces: Vec<_> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            prop_assert_eq!(decode(&pieces).concat(), String::from_utf8_lossy(&bytes));
        }
    }
}
