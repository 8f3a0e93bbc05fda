//! Whether a change of state is one: the client ends a run over a JSON Patch (RFC 6902) of another shape.

use serde_json::Value;

/// Whether each operation has the members that it needs.
pub(super) fn is_patch(patch: &[Value]) -> bool {
    patch.iter().all(is_operation)
}

fn is_operation(operation: &Value) -> bool {
    let is_pointer =
        |name: &str| matches!(&operation[name], Value::String(text) if is_pointer(text));
    let has_value = operation.get("value").is_some();
    is_pointer("path")
        && match operation["op"].as_str() {
            Some("add" | "replace" | "test") => has_value,
            Some("remove") => true,
            Some("move" | "copy") => is_pointer("from"),
            Some(_) | None => false,
        }
}

/// RFC 6901: empty, or tokens that each begin with a slash, with `~0` and `~1` for tilde and slash.
fn is_pointer(text: &str) -> bool {
    let mut rest = text.split('~');
    let begins = text.is_empty() || text.starts_with('/');
    rest.next();
    begins && rest.all(|behind| behind.starts_with(['0', '1']))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(operation: Value, expected: bool) {
        assert_eq!(is_patch(&[operation]), expected);
    }

    #[test]
    fn an_operation_has_the_members_that_it_needs() {
        check(json!({"op": "add", "path": "/a/0", "value": null}), true);
        check(json!({"op": "remove", "path": ""}), true);
        check(json!({"op": "move", "path": "/a~1b", "from": "/c~0"}), true);
        check(json!({"op": "add", "path": "/a"}), false);
        check(json!({"op": "add", "path": "a", "value": 1}), false);
        check(json!({"op": "remove", "path": "/a~2"}), false);
        check(json!({"op": "copy", "path": "/a"}), false);
        check(json!({"op": "set", "path": "/a", "value": 1}), false);
        check(json!("x"), false);
    }
}
