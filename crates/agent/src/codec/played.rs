//! For tests: plays a recorded conversation with a real agent to a codec.
//!
//! A recording has commands (`> `), frames as they came (`< `), `! overdue`, and the exit (`= `). They were made by the
//! example `converse`; paths and long lists in them were shortened, nothing else.

use std::collections::BTreeSet;

use crate::codec::{Codec, Command, Event, Moves, Settings, Wire};
use crate::{Exit, Line, Lines};

/// What was said and done, one line each: frames to the agent with `>`, events as they are.
#[derive(Debug, Default)]
struct Log {
    lines: Vec<String>,
    events: Vec<Event>,
    /// Requests that were answered.
    answered: BTreeSet<String>,
}

impl Log {
    fn take(&mut self, moves: Moves) {
        for event in moves.events {
            self.lines.push(serde_json::to_string(&event).unwrap());
            self.events.push(event);
        }
        for frame in moves.frames {
            let frame = String::from_utf8(frame).unwrap();
            self.lines.push(format!("> {}", frame.trim_end()));
        }
    }

    fn command(&mut self, codec: &mut dyn Codec, command: Command) {
        if let Command::Approve { request, .. } | Command::Answer { request, .. } = &command {
            self.answered.insert(request.clone());
        }
        self.take(codec.outgoing(command));
    }

    fn output(&mut self, codec: &mut dyn Codec, lines: Vec<Line>) {
        for line in lines {
            let Line::Whole(line) = line else {
                panic!("a long line");
            };
            self.take(codec.incoming(&line));
        }
    }
}

/// How the bytes of the frames come.
#[derive(Debug, Clone, Copy)]
enum Pieces {
    Whole,
    Bytes,
}

/// Plays the first `n` lines and then the end, without the newline of the last frame.
fn play(wire: Wire, settings: &Settings, recording: &str, pieces: Pieces, n: usize) -> Log {
    let mut codec = wire.codec(settings.clone());
    let codec = &mut *codec;
    let mut log = Log::default();
    let mut lines = Lines::new(crate::limits::LINE_BYTES);
    let mut exit = Exit::Code(0);
    // A newline comes with what follows it, so that the last frame has none.
    let mut is_owed = false;
    for line in recording.lines().take(n) {
        if std::mem::take(&mut is_owed) {
            let whole = lines.push(b"\n");
            log.output(codec, whole);
        }
        let (mark, rest) = line.split_at(2);
        match mark {
            "> " => log.command(codec, serde_json::from_str(rest).unwrap()),
            "< " => {
                let size = match pieces {
                    Pieces::Whole => rest.len().max(1),
                    Pieces::Bytes => 1,
                };
                for piece in rest.as_bytes().chunks(size) {
                    let whole = lines.push(piece);
                    log.output(codec, whole);
                }
                is_owed = true;
            }
            "! " => log.take(codec.overdue()),
            "= " => exit = exit_of(rest),
            _ => panic!("no line of a recording: {line}"),
        }
    }
    let last = lines.finish();
    log.output(codec, last.into_iter().collect());
    log.take(codec.end_of_output(exit));
    log
}

fn exit_of(text: &str) -> Exit {
    let exit: serde_json::Value = serde_json::from_str(text).unwrap();
    let code = exit["code"]
        .as_i64()
        .and_then(|code| i32::try_from(code).ok());
    code.map_or(Exit::Unknown, Exit::Code)
}

/// Everything begins once and ends once, within its turn.
#[track_caller]
fn is_in_order(log: &Log) {
    let mut in_turn = false;
    let mut open = BTreeSet::new();
    let begin = |open: &mut BTreeSet<String>, id: String| {
        assert!(open.insert(id.clone()), "{id} begins twice");
    };
    for event in &log.events {
        let at = serde_json::to_string(event).unwrap();
        match event {
            Event::TurnStarted => {
                assert!(!in_turn, "two turns: {at}");
                in_turn = true;
            }
            Event::TurnEnded { .. } => {
                assert!(in_turn, "no turn ends: {at}");
                open.retain(|id: &String| {
                    !id.strip_prefix("request ")
                        .is_some_and(|id| log.answered.contains(id))
                });
                assert!(open.is_empty(), "left open: {open:?}");
                in_turn = false;
            }
            Event::StepStarted { .. } => assert!(in_turn && open.insert("step".into()), "{at}"),
            Event::StepEnded { .. } => assert!(open.remove("step"), "{at}"),
            Event::MessageStarted { message } => {
                assert!(in_turn, "{at}");
                begin(&mut open, format!("message {message}"));
            }
            Event::TextDelta { message, .. } | Event::ReasoningDelta { message, .. } => {
                assert!(open.contains(&format!("message {message}")), "{at}");
            }
            Event::MessageCompleted { message, .. } | Event::MessageDiscarded { message, .. } => {
                assert!(open.remove(&format!("message {message}")), "{at}");
            }
            Event::ToolStarted { call, .. } => {
                assert!(in_turn, "{at}");
                begin(&mut open, format!("call {call}"));
            }
            Event::ToolArgsDelta { call, .. }
            | Event::ToolCalled { call, .. }
            | Event::ToolRunning { call }
            | Event::ToolOutput { call, .. }
            | Event::ToolUpdated { call, .. } => {
                assert!(open.contains(&format!("call {call}")), "{at}");
            }
            Event::ToolCompleted { call, .. } => {
                assert!(open.remove(&format!("call {call}")), "{at}");
            }
            Event::ApprovalRequested { request, .. } | Event::QuestionAsked { request, .. } => {
                begin(&mut open, format!("request {request}"));
            }
            Event::RequestClosed { request, .. } => {
                assert!(open.remove(&format!("request {request}")), "{at}");
            }
            Event::TaskStarted { task, .. } => begin(&mut open, format!("task {task}")),
            Event::TaskCompleted { task, .. } => {
                assert!(open.remove(&format!("task {task}")), "{at}");
            }
            Event::Ready
            | Event::SessionStarted { .. }
            | Event::SessionResumable { .. }
            | Event::SessionGone { .. }
            | Event::SetupFailed { .. }
            | Event::SessionExited { .. }
            | Event::InputTaken { .. }
            | Event::InputReturned { .. }
            | Event::AnswerRefused { .. }
            | Event::PlanUpdated { .. }
            | Event::PlanProposed { .. }
            | Event::TaskProgress { .. }
            | Event::UsageUpdated { .. }
            | Event::Compacted { .. }
            | Event::Retry { .. }
            | Event::Alive { .. }
            | Event::Notice { .. }
            | Event::Raw { .. } => {}
        }
    }
    assert!(!in_turn, "a turn is left open");
    let last = log.events.last();
    assert!(
        matches!(last, Some(Event::SessionExited { .. })),
        "{last:?}"
    );
}

/// Plays a recording whole and byte by byte, which is the same; then ends it behind every line, where all that was said
/// until then stays and all that is open is closed. Returns what came of the whole.
#[track_caller]
pub(crate) fn check(wire: Wire, settings: &Settings, recording: &str) -> String {
    let n = recording.lines().count();
    let whole = play(wire, settings, recording, Pieces::Whole, n);
    is_in_order(&whole);
    let bytes = play(wire, settings, recording, Pieces::Bytes, n);
    assert_eq!(whole.lines, bytes.lines);
    for n in 1..n {
        let part = play(wire, settings, recording, Pieces::Whole, n);
        is_in_order(&part);
        let same = part
            .lines
            .iter()
            .zip(&whole.lines)
            .take_while(|(part, whole)| part == whole)
            .count();
        let rest =
            &part.events[part.events.len() - (part.lines.len() - same).min(part.events.len())..];
        let closes = |event: &Event| {
            matches!(
                event,
                Event::MessageCompleted { parts: None, .. }
                    | Event::ToolCompleted { .. }
                    | Event::RequestClosed { .. }
                    | Event::TaskCompleted { .. }
                    | Event::StepEnded { .. }
                    | Event::InputReturned { .. }
                    | Event::TurnEnded { .. }
                    | Event::SetupFailed { .. }
                    | Event::SessionExited { .. }
                    | Event::MessageCompleted { .. }
            )
        };
        assert!(rest.iter().all(closes), "cut behind line {n}: {rest:?}");
    }
    whole.lines.join("\n")
}
