//! Short ways into JSON of others.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::limits::SHOWN_BYTES;

/// The text at a pointer.
pub(crate) fn text<'a>(value: &'a Value, at: &str) -> Option<&'a str> {
    value.pointer(at).and_then(Value::as_str)
}

/// The text at a pointer, owned; empty if there is none.
pub(crate) fn owned(value: &Value, at: &str) -> String {
    text(value, at).unwrap_or_default().to_owned()
}

/// The number at a pointer.
pub(crate) fn number(value: &Value, at: &str) -> Option<u64> {
    value
        .pointer(at)
        .and_then(|value| value.as_u64().or_else(|| value.as_f64().and_then(whole)))
}

/// Counters of others are what they say, however much that is.
pub(crate) fn sum<const N: usize>(counts: [u64; N]) -> u64 {
    counts.into_iter().fold(0, u64::saturating_add)
}

/// A JSON number that was written with a fraction. Counters of agents are far below 2^53.
fn whole(number: f64) -> Option<u64> {
    let number = number.round();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is in the range"
    )]
    (0.0..9e15).contains(&number).then_some(number as u64)
}

/// The list at a pointer; empty if there is none.
pub(crate) fn list<'a>(value: &'a Value, at: &str) -> &'a [Value] {
    value
        .pointer(at)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// Sets a field of an object; of anything else it makes one that has that field alone.
pub(crate) fn set(value: &mut Value, name: &str, field: Value) {
    if !value.is_object() {
        *value = Value::Object(serde_json::Map::new());
    }
    value[name] = field;
}

/// Any JSON, null if it is none.
pub(crate) fn value(raw: Option<&RawValue>) -> Value {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok())
        .unwrap_or(Value::Null)
}

/// The first line of a text for people, with an ellipsis where more follows; all of it is elsewhere.
pub(crate) fn line(text: &str) -> String {
    let first = text.trim().lines().next().unwrap_or_default();
    let mut chars = first.chars();
    let mut line: String = chars.by_ref().take(200).collect();
    if chars.next().is_some() || first.len() < text.trim().len() {
        line.push('…');
    }
    line
}

/// A text for a notice, which says how much it leaves out.
pub(crate) fn shown(text: &str) -> String {
    if text.len() <= SHOWN_BYTES {
        return text.to_owned();
    }
    let mut end = SHOWN_BYTES;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}… ({} bytes more)", &text[..end], text.len() - end)
}
