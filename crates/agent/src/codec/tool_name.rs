//! What a tool does, by its name and arguments: agents that say no kind have names that are much alike.

use serde_json::Value;

use crate::codec::ToolKind;
use crate::codec::json::{line, text};

/// Kinds by words in a tool's name. The first that fits: `web_search` reads the web, it does not search files.
const WORDS: &[(&str, ToolKind)] = &[
    ("mcp__", ToolKind::Mcp),
    ("web", ToolKind::Web),
    ("fetch", ToolKind::Web),
    ("image", ToolKind::Image),
    ("bash", ToolKind::Command),
    ("shell", ToolKind::Command),
    ("command", ToolKind::Command),
    ("exec", ToolKind::Command),
    ("edit", ToolKind::FileChange),
    ("write", ToolKind::FileChange),
    ("patch", ToolKind::FileChange),
    ("read", ToolKind::FileRead),
    ("grep", ToolKind::Search),
    ("glob", ToolKind::Search),
    ("find", ToolKind::Search),
    ("search", ToolKind::Search),
];

pub(crate) fn kind(name: &str) -> ToolKind {
    let name = name.to_ascii_lowercase();
    match name.as_str() {
        "ls" => ToolKind::Search,
        "task" | "agent" => ToolKind::Subagent,
        // They write notes of the agent's own, no files.
        "todowrite" => ToolKind::Other,
        _ => WORDS
            .iter()
            .find(|(word, _)| name.contains(word))
            .map_or(ToolKind::Other, |(_, kind)| *kind),
    }
}

/// A line about a call: what it is about, which is in one of these arguments.
pub(crate) fn title(args: &Value) -> Option<String> {
    const ABOUT: &[&str] = &[
        "/command",
        "/file_path",
        "/path",
        "/pattern",
        "/query",
        "/url",
        "/description",
    ];
    ABOUT.iter().find_map(|about| text(args, about)).map(line)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{kind, title};
    use crate::codec::ToolKind;

    #[test]
    fn a_name_tells_the_kind() {
        for (name, expected) in [
            ("Bash", ToolKind::Command),
            ("exec_command", ToolKind::Command),
            ("Write", ToolKind::FileChange),
            ("TodoWrite", ToolKind::Other),
            ("NotebookEdit", ToolKind::FileChange),
            ("Read", ToolKind::FileRead),
            ("ls", ToolKind::Search),
            ("tools", ToolKind::Other),
            ("WebSearch", ToolKind::Web),
            ("mcp__files__read", ToolKind::Mcp),
            ("Task", ToolKind::Subagent),
        ] {
            assert_eq!(kind(name), expected, "{name}");
        }
    }

    #[test]
    fn a_title_is_one_line() {
        let args = json!({"command": "make\nmake install"});
        assert_eq!(title(&args).as_deref(), Some("make…"));
        assert_eq!(title(&json!({"n": 1})), None);
    }
}
