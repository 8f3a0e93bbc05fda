//! Text of others on our terminal: nothing in it may drive the terminal or hide what stands there.

use std::borrow::Cow;

/// Makes control characters visible. Line breaks and tabs stay; `\r\n` is a line break.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\r' if chars.peek() == Some(&'\n') => {}
            c if is_unsafe(c) => out.push(picture(c)),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// The same on one line: line breaks and tabs become blanks, and what is longer than `max` characters is cut visibly.
pub(crate) fn clean_line(text: &str, max: usize) -> String {
    let mut out = String::new();
    for (n, c) in text.trim().chars().enumerate() {
        if n == max {
            out.push('…');
            break;
        }
        out.push(match c {
            '\n' | '\r' | '\t' => ' ',
            c if is_unsafe(c) => picture(c),
            c => c,
        });
    }
    out
}

/// Control characters, and the marks that make a terminal show text in another order than it has.
fn is_unsafe(c: char) -> bool {
    let control = c.is_control() && c != '\n' && c != '\t';
    control
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A sign for a control character (Unicode block "Control Pictures").
fn picture(c: char) -> char {
    match u32::from(c) {
        code @ 0..=0x1f => char::from_u32(0x2400 + code).unwrap_or('\u{fffd}'),
        0x7f => '\u{2421}',
        _ => '\u{fffd}',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(clean(text), expected);
    }

    #[test]
    fn no_control_character_reaches_the_terminal() {
        check("a\tb\r\nc\n", "a\tb\nc\n");
        check("\u{1b}[2J\u{1b}]52;c;x\u{7}", "␛[2J␛]52;c;x␇");
        check("a\rb\u{8}c\u{7f}", "a␍b␈c␡");
        check("\u{9b}31m", "\u{fffd}31m");
        check("rm \u{202e}txt", "rm \u{fffd}txt");
    }

    #[test]
    fn a_line_is_one_line() {
        assert_eq!(clean_line(" a\nb\u{1b}c\td ", 20), "a b␛c d");
        assert_eq!(clean_line("abcdef", 3), "abc…");
    }
}
