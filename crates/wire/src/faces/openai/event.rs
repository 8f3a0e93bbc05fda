//! Events of a response's stream, and how they are printed.

use std::io::Write;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use super::item::{Content, Item};

/// Numbers that the events of one event of the log may take.
pub const NUMBERS_PER_EVENT: u64 = 64;

/// What state of the whole response an event tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifecycle {
    /// It exists.
    Created,
    /// It waits for a worker.
    Queued,
    /// It is under way.
    InProgress,
    /// It ended well, or waits for its client.
    Completed,
    /// It ended with an error.
    Failed,
    /// It was cut short: by a bound, or because somebody cancelled it. There is no event of its own for the latter; the
    /// response in it says `cancelled`.
    Incomplete,
}

/// Where in a response a piece of text belongs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Place {
    /// The item.
    pub item_id: Arc<str>,
    /// Its index in the output.
    pub output_index: u32,
    /// The index of the piece in it.
    pub content_index: usize,
}

/// An item by its id and index.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ItemPlace {
    /// The item.
    pub item_id: Arc<str>,
    /// Its index in the output.
    pub output_index: u32,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// To the response.
    Lifecycle(Lifecycle, Box<Value>),
    /// An item appears.
    ItemAdded(u32, Item),
    /// An item is as it stays.
    ItemDone(u32, Item),
    /// A piece appears.
    PartAdded(Place, Content),
    /// A piece is as it stays.
    PartDone(Place, Content),
    /// More text.
    TextDelta(Place, String),
    /// All of it.
    TextDone(Place, String),
    /// More thoughts.
    ReasoningDelta(Place, String),
    /// All of them.
    ReasoningDone(Place, String),
    /// More of a refusal.
    RefusalDelta(Place, String),
    /// All of it.
    RefusalDone(Place, String),
    /// More arguments of a function.
    ArgumentsDelta(ItemPlace, String),
    /// All of them.
    ArgumentsDone(ItemPlace, String),
    /// A tool of ours is called.
    McpInProgress(ItemPlace),
    /// Its arguments.
    McpArgumentsDelta(ItemPlace, String),
    /// All of them.
    McpArgumentsDone(ItemPlace, String),
    /// It is done.
    McpCompleted(ItemPlace),
    /// It failed.
    McpFailed(ItemPlace),
}

/// An event with its number.
#[derive(Debug, Clone, PartialEq)]
pub struct Numbered {
    /// Its number in the response; strictly increasing, with gaps.
    pub sequence_number: u64,
    /// What happened.
    pub event: Event,
}

impl Event {
    /// The type on the wire.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Lifecycle(lifecycle, _) => match lifecycle {
                Lifecycle::Created => "response.created",
                Lifecycle::Queued => "response.queued",
                Lifecycle::InProgress => "response.in_progress",
                Lifecycle::Completed => "response.completed",
                Lifecycle::Failed => "response.failed",
                Lifecycle::Incomplete => "response.incomplete",
            },
            Self::ItemAdded(..) => "response.output_item.added",
            Self::ItemDone(..) => "response.output_item.done",
            Self::PartAdded(..) => "response.content_part.added",
            Self::PartDone(..) => "response.content_part.done",
            Self::TextDelta(..) => "response.output_text.delta",
            Self::TextDone(..) => "response.output_text.done",
            Self::ReasoningDelta(..) => "response.reasoning_text.delta",
            Self::ReasoningDone(..) => "response.reasoning_text.done",
            Self::RefusalDelta(..) => "response.refusal.delta",
            Self::RefusalDone(..) => "response.refusal.done",
            Self::ArgumentsDelta(..) => "response.function_call_arguments.delta",
            Self::ArgumentsDone(..) => "response.function_call_arguments.done",
            Self::McpInProgress(_) => "response.mcp_call.in_progress",
            Self::McpArgumentsDelta(..) => "response.mcp_call_arguments.delta",
            Self::McpArgumentsDone(..) => "response.mcp_call_arguments.done",
            Self::McpCompleted(_) => "response.mcp_call.completed",
            Self::McpFailed(_) => "response.mcp_call.failed",
        }
    }

    /// Its members but type and number.
    fn write_members(&self, out: &mut Vec<u8>) -> serde_json::Result<()> {
        let text = match self {
            Self::Lifecycle(_, response) => {
                return serde_json::to_writer(out, &Whole { response });
            }
            Self::ItemAdded(output_index, item) | Self::ItemDone(output_index, item) => {
                let output_index = *output_index;
                return serde_json::to_writer(out, &OfItem { output_index, item });
            }
            Self::PartAdded(place, part) | Self::PartDone(place, part) => {
                let of_part = OfPart {
                    item_id: &place.item_id,
                    output_index: place.output_index,
                    content_index: place.content_index,
                    part,
                };
                return serde_json::to_writer(out, &of_part);
            }
            Self::TextDelta(place, delta) => OfText {
                delta: Some(delta),
                logprobs: Some([]),
                ..of_text(place)
            },
            Self::TextDone(place, text) => OfText {
                text: Some(text),
                logprobs: Some([]),
                ..of_text(place)
            },
            Self::ReasoningDelta(place, delta) | Self::RefusalDelta(place, delta) => OfText {
                delta: Some(delta),
                ..of_text(place)
            },
            Self::ReasoningDone(place, text) => OfText {
                text: Some(text),
                ..of_text(place)
            },
            Self::RefusalDone(place, refusal) => OfText {
                refusal: Some(refusal),
                ..of_text(place)
            },
            Self::ArgumentsDelta(place, delta) | Self::McpArgumentsDelta(place, delta) => OfText {
                delta: Some(delta),
                ..of_item(place)
            },
            Self::ArgumentsDone(place, arguments) | Self::McpArgumentsDone(place, arguments) => {
                OfText {
                    arguments: Some(arguments),
                    ..of_item(place)
                }
            }
            Self::McpInProgress(place) | Self::McpCompleted(place) | Self::McpFailed(place) => {
                of_item(place)
            }
        };
        serde_json::to_writer(out, &text)
    }
}

#[derive(Serialize)]
struct Whole<'e> {
    response: &'e Value,
}
#[derive(Serialize)]
struct OfItem<'e> {
    output_index: u32,
    item: &'e Item,
}
#[derive(Serialize)]
struct OfPart<'e> {
    item_id: &'e str,
    output_index: u32,
    content_index: usize,
    part: &'e Content,
}
#[derive(Serialize)]
struct OfText<'e> {
    item_id: &'e str,
    output_index: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delta: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<[(); 0]>,
}
fn of_text(place: &Place) -> OfText<'_> {
    OfText {
        content_index: Some(place.content_index),
        ..bare(&place.item_id, place.output_index)
    }
}
fn of_item(place: &ItemPlace) -> OfText<'_> {
    bare(&place.item_id, place.output_index)
}
fn bare(item_id: &str, output_index: u32) -> OfText<'_> {
    OfText {
        item_id,
        output_index,
        content_index: None,
        delta: None,
        text: None,
        refusal: None,
        arguments: None,
        logprobs: None,
    }
}

impl Numbered {
    /// Prints it as a frame of the stream. It has no `id`: a client that keeps the last one, as OpenAI's for Python does,
    /// would take each comment behind it for an event.
    pub fn print(&self, out: &mut Vec<u8>) {
        let kind = self.event.kind().as_bytes();
        for piece in [b"event: ", kind, b"\ndata: {\"type\":\"", kind] {
            out.extend_from_slice(piece);
        }
        write!(out, "\",\"sequence_number\":{}", self.sequence_number)
            .expect("a Vec takes all bytes");
        let opening = out.len();
        let written = self.event.write_members(out);
        written.expect("events have string keys and a Vec takes all bytes");
        // The members follow those that are printed above: a comma in place of their bracket.
        out[opening] = b',';
        out.extend_from_slice(b"\n\n");
    }
}
