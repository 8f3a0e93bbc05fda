//! How much memory a codec takes, counted by the allocator.
#![expect(
    unsafe_code,
    reason = "an allocator is unsafe by its nature; this one passes all on"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::fmt::Write as _;

use agent::codec::{Command, Event, Said, Settings, Wire};
use agent::{Line, Lines, limits};

thread_local! {
    static LIVE: Cell<usize> = const { Cell::new(0) };
    static PEAK: Cell<usize> = const { Cell::new(0) };
}

/// Counts what each thread holds. What one thread frees for another makes its count too small, never too large; the
/// test below has one thread.
struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

fn count(grown: usize, shrunk: usize) {
    // A thread that ends frees after its counters are gone.
    let _ = LIVE.try_with(|live| {
        live.set((live.get() + grown).saturating_sub(shrunk));
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(live.get())));
    });
}

// SAFETY: all of it is the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: as promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(0, layout.size());
        // SAFETY: as promised by the caller.
        unsafe { System.dealloc(block, layout) }
    }
}

/// Feeds frames to a codec and returns their bytes, the text that came of them, and the most that was held meanwhile.
fn feed(wire: Wire, setup: &[&str], frames: impl Iterator<Item = String>) -> (usize, usize, usize) {
    let mut codec = wire.codec(Settings::new("/srv/game"));
    codec.outgoing(Command::Start);
    for frame in setup {
        codec.incoming(frame.as_bytes());
    }
    codec.outgoing(Command::Prompt(Said::text(1, "go")));
    let mut lines = Lines::new(limits::LINE_BYTES);
    let (mut bytes, mut text) = (0, 0);
    let before = LIVE.get();
    PEAK.set(before);
    let mut largest = 0;
    for mut frame in frames {
        frame.push('\n');
        bytes += frame.len();
        largest = largest.max(frame.capacity());
        for piece in frame.as_bytes().chunks(limits::READ_BYTES) {
            for line in lines.push(piece) {
                let Line::Whole(line) = line else {
                    panic!("a long line");
                };
                for event in codec.incoming(&line).events {
                    if let Event::TextDelta { text: delta, .. }
                    | Event::ToolOutput { text: delta, .. } = event
                    {
                        text += delta.len();
                    }
                }
            }
        }
    }
    // The frame that was made here, and the text it was made of, are not the codec's.
    (
        bytes,
        text,
        (PEAK.get() - before).saturating_sub(3 * largest),
    )
}

#[test]
fn an_agent_that_repeats_the_whole_message_costs_one_frame() {
    const TOKENS: usize = 4000;
    let setup = [
        r#"{"id":"1","type":"response","command":"get_state","success":true,"data":{"sessionId":"s"}}"#,
        r#"{"type":"agent_start"}"#,
        r#"{"type":"message_start","message":{"role":"assistant","content":[]}}"#,
    ];
    let mut whole = String::new();
    let frames = (0..TOKENS).map(|_| {
        whole.push_str("token ");
        format!(
            r#"{{"type":"message_update","message":{{"content":[{{"text":"{whole}"}}]}},"assistantMessageEvent":{{"type":"text_delta","contentIndex":0,"delta":"token ","partial":{{"content":[{{"text":"{whole}"}}]}}}}}}"#
        )
    });
    let (bytes, text, held) = feed(Wire::Pi, &setup, frames);
    assert!(bytes > 90_000_000, "{bytes}");
    assert_eq!(text, TOKENS * "token ".len());
    assert!(held < 500_000, "{held} bytes for {bytes} bytes of frames");
}

#[test]
fn a_tool_that_repeats_its_whole_output_costs_one_frame() {
    const LINES: usize = 5000;
    let setup = [
        r#"{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":1}}"#,
        r#"{"jsonrpc":"2.0","id":2,"result":{"sessionId":"s"}}"#,
    ];
    let first = r#"{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","update":{"sessionUpdate":"tool_call","toolCallId":"t","title":"make","kind":"execute"}}}"#;
    let mut whole = String::new();
    let frames = (0..LINES).map(|n| {
        let _ = write!(whole, "line {n}. ");
        format!(
            r#"{{"jsonrpc":"2.0","method":"session/update","params":{{"sessionId":"s","update":{{"sessionUpdate":"tool_call_update","toolCallId":"t","status":"in_progress","content":[{{"type":"content","content":{{"type":"text","text":"{whole}"}}}}]}}}}}}"#
        )
    });
    let (bytes, text, held) = feed(
        Wire::Acp,
        &setup,
        [first.to_owned()].into_iter().chain(frames),
    );
    assert!(bytes > 90_000_000, "{bytes}");
    assert_eq!(
        text,
        (0..LINES)
            .map(|n| format!("line {n}. ").len())
            .sum::<usize>()
    );
    assert!(held < 1_000_000, "{held} bytes for {bytes} bytes of frames");
}
