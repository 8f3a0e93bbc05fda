//! How many tokens a message may have. An estimate, meant to be too high rather than too low: vendors refuse a request
//! that does not fit.

use provider::{Content, Media, Message, Part};

/// Tokens of a picture, about what vendors count for a large one.
const PICTURE: u64 = 1_600;

/// Tokens around each message and part: roles, names, separators.
const FRAME: u64 = 4;

/// Tokens of a message.
pub(crate) fn of_message(message: &Message) -> u64 {
    let parts = message.parts.iter().map(of_part);
    FRAME + parts.sum::<u64>()
}

/// Tokens of a text. Vendors' own counts come to about four bytes of English a token. Other scripts have more tokens than
/// characters now and then, and never more than bytes: two bytes a token is the safe side for nearly all of them.
pub(crate) fn of_text(text: &str) -> u64 {
    let n_ascii = text.bytes().filter(u8::is_ascii).count() as u64;
    let n_other = text.len() as u64 - n_ascii;
    n_ascii.div_ceil(4) + n_other.div_ceil(2)
}

fn of_part(part: &Part) -> u64 {
    let vendor = part.vendor.as_ref();
    let vendor = vendor.map_or(0, |data| of_text(&data.to_string()));
    let content = match &part.content {
        Content::Text(text) | Content::Reasoning(text) => of_text(text),
        Content::Image(_) => PICTURE,
        Content::File { media, .. } => match media {
            Media::Url(_) => PICTURE,
            Media::Base64 { data, .. } => of_text(data),
        },
        Content::ToolCall { id, name, args } => {
            of_text(id) + of_text(name) + of_text(&args.to_string())
        }
        Content::ToolResult { call_id, output } => of_text(call_id) + of_text(output),
    };
    FRAME + content + vendor
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_scripts_count_for_more() {
        for (text, expected) in [
            ("", 0),
            ("a", 1),
            ("four", 1),
            ("eight by", 2),
            ("é", 1),
            ("日本", 3),
            ("🦀", 2),
            ("abcd日", 3),
        ] {
            assert_eq!(of_text(text), expected, "{text}");
        }
    }
}
