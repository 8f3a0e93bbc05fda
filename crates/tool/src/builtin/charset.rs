//! From a body's bytes to text.

use encoding_rs::{Encoding, UTF_8};

/// How far a page is searched for a word about its own encoding.
const SNIFF_BYTES: usize = 1024;

/// Decodes by the byte order mark, the header's `charset`, the page's own `charset`, or as UTF-8, in this order. What
/// cannot be read becomes `U+FFFD`.
pub(super) fn decode(bytes: &[u8], content_type: &str) -> String {
    let named = |text: &str| Encoding::for_label(label(text)?.as_bytes());
    let sniffed = || {
        let beginning = &bytes[..bytes.len().min(SNIFF_BYTES)];
        named(&String::from_utf8_lossy(beginning))
    };
    let encoding = named(content_type)
        .or_else(|| content_type.contains("html").then(sniffed)?)
        .unwrap_or(UTF_8);
    // A mark at the beginning wins over both.
    encoding.decode(bytes).0.into_owned()
}

/// What follows `charset=`.
fn label(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    let (_, rest) = text.split_once("charset")?;
    let rest = rest.trim_start().strip_prefix('=')?.trim_start();
    let rest = rest.trim_start_matches(['"', '\'']);
    let end = rest.find(|it: char| !(it.is_ascii_alphanumeric() || "-_.:+".contains(it)));
    let found = &rest[..end.unwrap_or(rest.len())];
    (!found.is_empty()).then(|| found.to_owned())
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[track_caller]
    fn check(bytes: &[u8], content_type: &str, expected: &str) {
        assert_eq!(decode(bytes, content_type), expected);
    }

    #[test]
    fn the_encoding_is_found_where_it_is_said() {
        check("ä".as_bytes(), "text/plain", "ä");
        check(b"\xe4", "text/plain; charset=ISO-8859-1", "ä");
        check(b"\xe4", "text/plain; Charset=\"latin1\"; x=y", "ä");
        check(b"\xef\xbb\xbf\xc3\xa4", "text/plain; charset=latin1", "ä");
        check(
            b"<meta charset='windows-1252'>\x80",
            "text/html",
            "<meta charset='windows-1252'>€",
        );
        check(
            b"charset=latin1 \xe4",
            "text/plain",
            "charset=latin1 \u{fffd}",
        );
        check(b"a\xff", "text/plain; charset=nonsense", "a\u{fffd}");
        check(b"\xff\xfea\0", "text/plain", "a");
    }
}
