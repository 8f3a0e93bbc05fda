//! Messages as the text that a model summarises. Pure.

use provider::{Content, Message, Role};

use crate::history::Past;
use crate::tokens;

/// What stands where the beginning is left out.
const CUT: &str = "(the beginning is left out)";

/// The text of runs, oldest first, behind an earlier summary. Of more tokens than so many the beginning is left out; the
/// earlier summary stays.
pub(crate) fn transcript<'p>(
    earlier: Option<&str>,
    pasts: impl Iterator<Item = &'p Past>,
    max_tokens: u64,
) -> String {
    let messages = pasts.flat_map(Past::messages);
    let mut lines: Vec<String> = messages.filter_map(line).collect();
    let mut n_tokens: u64 = lines.iter().map(|line| tokens::of_text(line)).sum();
    let mut n_cut = 0;
    while n_tokens > max_tokens && n_cut < lines.len() {
        n_tokens -= tokens::of_text(&lines[n_cut]);
        n_cut += 1;
    }
    lines.drain(..n_cut);
    if n_cut > 0 {
        lines.insert(0, CUT.to_owned());
    }
    if let Some(earlier) = earlier {
        lines.insert(0, format!("Summary of what was before: {earlier}"));
    }
    lines.join("\n\n")
}

fn line(message: &Message) -> Option<String> {
    let who = match message.role {
        Role::System => "System",
        Role::User => "User",
        Role::Assistant => "Assistant",
        Role::Tool => "Result",
    };
    let said: Vec<String> = message.parts.iter().filter_map(said).collect();
    (!said.is_empty()).then(|| format!("{who}: {}", said.join("\n")))
}

fn said(part: &provider::Part) -> Option<String> {
    Some(match &part.content {
        Content::Text(text) => text.clone(),
        Content::Reasoning(_) => return None,
        Content::Image(_) => "(a picture)".to_owned(),
        Content::File { name, .. } => match name {
            Some(name) => format!("(the file {name})"),
            None => "(a file)".to_owned(),
        },
        Content::ToolCall { name, args, .. } => format!("(calls the tool {name} with {args})"),
        Content::ToolResult { output, .. } => output.clone(),
    })
}

#[cfg(test)]
mod tests {
    use run::Input;
    use run::snapshot::Snapshot;

    use super::*;
    use crate::history::{Calls, Told};

    /// Runs of which each was asked one of these, as a transcript of so many tokens.
    #[track_caller]
    fn check(earlier: Option<&str>, asked: &[&str], max_tokens: u64, expected: &str) {
        let past = |text: &&str| {
            let told = Told {
                prefix: "p",
                input: &Input::text(*text),
                by: None,
                to: "v/m",
                result_bytes: 1_000,
                calls: Calls::AsCalls,
            };
            Past::of(told, &Snapshot::default())
        };
        let pasts: Vec<Past> = asked.iter().map(past).collect();
        assert_eq!(transcript(earlier, pasts.iter(), max_tokens), expected);
    }

    #[test]
    fn the_end_of_what_is_too_long_stays_and_the_earlier_summary_too() {
        check(None, &["one", "two"], 100, "User: one\n\nUser: two");
        check(
            None,
            &["one", "two"],
            4,
            "(the beginning is left out)\n\nUser: two",
        );
        check(
            Some("They met."),
            &["one"],
            0,
            "Summary of what was before: They met.\n\n(the beginning is left out)",
        );
        check(None, &[], 100, "");
    }
}
