//! What a protocol is to a fake agent.

use std::io::Write as _;
use std::path::PathBuf;

use serde_json::Value;

/// What a frame means.
pub(crate) enum Heard {
    Nothing,
    Prompt,
    /// Heard within the turn, and how to say so.
    Steer(String),
    Interrupt,
    Answer(bool),
    /// The answer to a question.
    Word(String),
}

/// How a turn ends.
pub(crate) enum End<'a> {
    Well,
    Failed(&'a str),
    Interrupted,
}

/// A protocol, from the agent's side. Frames go out as they are said.
pub(crate) trait Voice {
    /// Understands a frame and answers it where that is all there is to do.
    fn hear(&mut self, frame: &Value) -> Heard;
    /// Where its session is stored, once there is one.
    fn session(&self) -> Option<PathBuf>;
    fn begin(&mut self);
    fn message(&mut self, n: usize);
    /// A word of message `n`, of which `so_far` was said. With `whole`, everything is said again.
    fn word(&mut self, n: usize, word: &str, so_far: &str, whole: bool);
    fn thought(&mut self, n: usize, word: &str);
    fn message_end(&mut self, n: usize, text: &str, thought: &str);
    fn retry(&mut self, n: usize, why: &str);
    fn tool(&mut self, call: &str, command: &str);
    /// A tool is at work.
    fn running(&mut self, _call: &str) {}
    /// A line of a tool's output, of which `so_far` was shown.
    fn output(&mut self, call: &str, line: &str, so_far: &str);
    fn tool_end(&mut self, call: &str, output: &str, how: &ToolEnd);
    fn ask(&mut self, call: &str, command: &str);
    /// Asks a person. Protocols that cannot are not asked to.
    fn question(&mut self, _call: &str, _text: &str) {
        std::process::exit(68);
    }
    fn question_end(&mut self, _call: &str, _answer: &str) {}
    fn plan(&mut self, steps: &[&str]);
    /// The last frame of the turn comes last, and is the one that may be cut or said twice.
    fn end(&mut self, end: &End<'_>) -> Vec<Value>;
}

/// How a tool ends.
pub(crate) enum ToolEnd {
    Well,
    Denied,
    Interrupted,
}

/// Says a frame. An agent that nobody hears ends.
pub(crate) fn say(frame: &Value) {
    let mut line = frame.to_string();
    line.push('\n');
    print(line.as_bytes());
}

pub(crate) fn print(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    if out.write_all(bytes).and_then(|()| out.flush()).is_err() {
        std::process::exit(67);
    }
}

/// The text at a pointer.
pub(crate) fn text<'a>(frame: &'a Value, at: &str) -> &'a str {
    frame
        .pointer(at)
        .and_then(Value::as_str)
        .unwrap_or_default()
}
