//! What vendors gave for parts and want back, kept apart by wire: a conversation may go on with another vendor, which
//! would refuse what it does not know.

use serde_json::Value;

use crate::Part;

/// The members that the wires give out. None of them means anything on a wire that is not their own.
const KNOWN: [&str; 6] = [
    "echo",
    "reasoning_details",
    "extra_content",
    "signature",
    "redacted_thinking",
    "thoughtSignature",
];

/// What a part carries for a wire: the wire's own members, and those that the caller laid on the part.
pub(crate) fn members<'a>(
    part: &'a Part,
    own: &'a [&str],
) -> impl Iterator<Item = (&'a String, &'a Value)> {
    part.vendor
        .as_ref()
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .filter(|(name, _)| own.contains(&name.as_str()) || !KNOWN.contains(&name.as_str()))
}
