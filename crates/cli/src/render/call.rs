//! A tool call on one line: a sign, what was called with what, and why it did not end well.

use run::event::{ToolKind, ToolStatus};
use run::snapshot::Activity;
use serde_json::Value;

use super::style::Tone;
use super::words::{arguments, brief};

/// Characters of the arguments that are shown.
const ARGS_CHARS: usize = 80;
/// Characters of the reason that is shown.
const WHY_CHARS: usize = 200;

/// What of a call its line shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CallLine<'a> {
    pub(crate) name: &'a str,
    pub(crate) title: Option<&'a str>,
    pub(crate) kind: ToolKind,
    pub(crate) args: &'a Value,
    pub(crate) result: &'a Value,
    /// Whether what it printed stands above.
    pub(crate) printed: Printed,
}

/// Whether the output of a call was shown already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Printed {
    Yes,
    No,
}

impl<'a> CallLine<'a> {
    /// Of a call as the log folds.
    pub(crate) fn of(call: &'a Activity, printed: Printed) -> Self {
        Self {
            name: &call.name,
            title: call.title.as_deref(),
            kind: call.kind,
            args: &call.args,
            result: &call.result,
            printed,
        }
    }

    /// What was called.
    pub(crate) fn what(&self) -> String {
        let name = self.title.unwrap_or(self.name);
        // A title says what is done, except that of an MCP tool, which is the same for each call.
        let says_it = self.title.is_some() && self.kind != ToolKind::Mcp;
        let args = if says_it {
            String::new()
        } else {
            arguments(self.args, ARGS_CHARS)
        };
        if args.is_empty() {
            name.to_owned()
        } else {
            format!("{name} {args}")
        }
    }

    /// The line.
    pub(crate) fn text(&self, status: Option<ToolStatus>) -> (Tone, String) {
        let (sign, tone, word) = match status {
            Some(ToolStatus::Ok) => ("✓", Tone::Good, ""),
            Some(ToolStatus::Failed) => ("✗", Tone::Bad, "failed"),
            Some(ToolStatus::Denied) => ("✗", Tone::Bad, "denied"),
            Some(ToolStatus::Interrupted) => ("✗", Tone::Warn, "interrupted"),
            Some(ToolStatus::Unknown) => ("?", Tone::Warn, "outcome unknown"),
            None => ("…", Tone::Dim, ""),
        };
        let mut line = format!("{sign} {}", self.what());
        if !word.is_empty() {
            line = format!("{line} {word}");
            let why = self.why();
            if !why.is_empty() {
                line = format!("{line}: {why}");
            }
        }
        (tone, line)
    }

    /// What the result says of its failure, in a few words.
    fn why(&self) -> String {
        let words = [
            &self.result["error"]["message"],
            &self.result["text"],
            &self.result["reason"],
        ];
        let words = words.into_iter().find_map(Value::as_str);
        let Some(text) = words.or(self.result.as_str()) else {
            return brief(self.result, WHY_CHARS);
        };
        let text = match self.printed {
            // The last line is how it ended; the others are there to read.
            Printed::Yes => text.trim_end().lines().last().unwrap_or_default(),
            Printed::No => text,
        };
        let bare = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        brief(&Value::from(bare.unwrap_or(text)), WHY_CHARS)
    }
}

/// What a run of another agent came to, for people: the beginning of its answer.
pub(crate) fn answer_of(kind: ToolKind, result: &Value) -> Option<String> {
    let summary = result["summary"]
        .as_str()
        .filter(|it| !it.trim().is_empty());
    let summary = summary.filter(|_| kind == ToolKind::Subagent)?;
    Some(format!("│ {}", brief(&Value::from(summary), WHY_CHARS)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(call: CallLine<'_>, status: Option<ToolStatus>, expected: &str) {
        assert_eq!(call.text(status).1, expected);
    }

    #[test]
    fn a_call_says_what_it_did_and_why_it_failed() {
        let args = json!({"path": "a.md", "content": "# Notes\n".repeat(40), "n": 2});
        let nothing = Value::Null;
        let call = CallLine {
            name: "files__write_file",
            title: Some("Write File"),
            kind: ToolKind::Mcp,
            args: &args,
            result: &nothing,
            printed: Printed::No,
        };
        let written = "Write File n=2 path=a.md content=# Notes # Notes # Notes # Notes # Notes …";
        check(call, None, &format!("… {written}"));
        check(call, Some(ToolStatus::Ok), &format!("✓ {written}"));
        let result = json!("the user does not allow this: use git");
        let denied = CallLine {
            result: &result,
            title: None,
            args: &nothing,
            ..call
        };
        let line = "✗ files__write_file denied: the user does not allow this: use git";
        check(denied, Some(ToolStatus::Denied), line);
    }

    #[test]
    fn a_command_whose_output_was_shown_says_how_it_ended() {
        let args = json!({"command": "ls x"});
        let result = json!({"structured": {"exit_code": 2}, "text": "no x\n[exit code 2]"});
        let call = CallLine {
            name: "shell",
            title: None,
            kind: ToolKind::Command,
            args: &args,
            result: &result,
            printed: Printed::Yes,
        };
        let failed = Some(ToolStatus::Failed);
        check(call, failed, "✗ shell ls x failed: exit code 2");
        let printed = Printed::No;
        let line = "✗ shell ls x failed: no x [exit code 2]";
        check(CallLine { printed, ..call }, failed, line);
    }

    #[test]
    fn a_run_of_another_agent_says_what_it_came_to() {
        let args = json!({"input": "winter"});
        let result = json!({"status": "failed", "reason": "error", "error": {"code": "x", "message": "no key"}});
        let call = CallLine {
            name: "poet",
            title: None,
            kind: ToolKind::Subagent,
            args: &args,
            result: &result,
            printed: Printed::No,
        };
        let line = "✗ poet winter failed: no key";
        check(call, Some(ToolStatus::Failed), line);
        let result = json!({"status": "succeeded", "summary": "Snow,\nsnow."});
        let answer = answer_of(ToolKind::Subagent, &result);
        assert_eq!(answer.as_deref(), Some("│ Snow, snow."));
        assert_eq!(answer_of(ToolKind::Mcp, &result), None);
    }
}
