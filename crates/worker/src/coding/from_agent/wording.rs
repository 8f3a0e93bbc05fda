//! Words of the codecs in the words of the log, and back.

use agent::codec::{self, Event as Heard};
use run::event::{Decision, Question, ToolKind};
use run::snapshot::Asked;
use run::{MAX_EVENT_BYTES, MAX_WHY_BYTES, Part, Usage, bounded_text};
use serde_json::{Value, json};

pub(super) fn usage_of(usage: codec::Usage) -> Usage {
    Usage {
        input_tokens: usage.input_tokens,
        output_tokens: usage.output_tokens,
        reasoning_tokens: usage.reasoning_tokens,
        cached_input_tokens: usage.cached_input_tokens,
        cost_usd: usage.cost_usd,
    }
}

pub(super) fn parts_of(parts: Vec<codec::Part>) -> Vec<Part> {
    let parts = parts.into_iter().map(|part| match part {
        codec::Part::Text(text) => Part::text(text),
        codec::Part::Reasoning(text) => Part::reasoning(text),
    });
    parts.collect()
}

pub(super) fn kind_of(kind: codec::ToolKind) -> ToolKind {
    match kind {
        codec::ToolKind::Command => ToolKind::Command,
        codec::ToolKind::FileChange => ToolKind::FileChange,
        codec::ToolKind::FileRead => ToolKind::FileRead,
        codec::ToolKind::Search => ToolKind::Search,
        codec::ToolKind::Web => ToolKind::Web,
        codec::ToolKind::Mcp => ToolKind::Mcp,
        codec::ToolKind::Subagent => ToolKind::Subagent,
        codec::ToolKind::Image => ToolKind::Image,
        codec::ToolKind::Other => ToolKind::Other,
    }
}

/// The word that stands for it in events.
pub(super) fn word_of(kind: ToolKind) -> String {
    let word = serde_json::to_value(kind).ok();
    let word = word.as_ref().and_then(Value::as_str);
    word.unwrap_or("other").to_owned()
}

pub(super) fn decision_of(decision: codec::Decision) -> Decision {
    match decision {
        codec::Decision::Allow => Decision::Allow,
        codec::Decision::AllowForThread => Decision::AllowForThread,
        codec::Decision::Deny => Decision::Deny,
        codec::Decision::Cancel => Decision::Cancel,
    }
}

pub(super) fn question_of(question: codec::Question) -> Question {
    Question {
        id: question.id,
        text: question.text,
        options: question.options,
        multiple: question.multiple,
    }
}

/// What it asks, as a snapshot has it; nothing if it asks nothing.
pub(in crate::coding) fn asked_of(heard: &Heard) -> Option<Asked> {
    match heard {
        Heard::ApprovalRequested {
            kind,
            title,
            detail,
            options,
            ..
        } => Some(Asked::Approval {
            of: word_of(kind_of(*kind)),
            title: bounded_text(title.clone(), MAX_WHY_BYTES),
            detail: detail.clone(),
            options: options.iter().copied().map(decision_of).collect(),
        }),
        Heard::QuestionAsked { questions, .. } => Some(Asked::Question {
            questions: questions.iter().cloned().map(question_of).collect(),
        }),
        _ => None,
    }
}

/// A decision in the codec's words.
pub(in crate::coding) fn decided(decision: Decision) -> codec::Decision {
    match decision {
        Decision::Allow => codec::Decision::Allow,
        Decision::AllowForThread => codec::Decision::AllowForThread,
        Decision::Deny => codec::Decision::Deny,
        Decision::Cancel => codec::Decision::Cancel,
    }
}

pub(super) fn fits(parts: &[Part], max_bytes: usize) -> bool {
    serde_json::to_vec(parts).is_ok_and(|json| json.len() <= max_bytes.min(MAX_EVENT_BYTES))
}

/// A value that fits into an event: a longer one is named by its size and how it begins.
pub(super) fn bounded(value: Value, max_bytes: usize) -> Value {
    let printed = value.to_string();
    if printed.len() <= max_bytes {
        return value;
    }
    let n_bytes = printed.len();
    let begin = bounded_text(printed, max_bytes / 8);
    json!({ "truncated": true, "bytes": n_bytes, "begin": begin })
}
