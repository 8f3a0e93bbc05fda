//! What a person most likely meant, and serde's words for an unknown key in ours.

use wire::closest;

/// `; did you mean "x"?`, or what there is to choose from, or nothing.
pub(crate) fn hint(given: &str, candidates: &[&str]) -> String {
    match closest(given, candidates.iter().copied()) {
        Some(meant) => format!("; did you mean \"{meant}\"?"),
        None if candidates.is_empty() => String::new(),
        None => format!("; known here: {}", candidates.join(", ")),
    }
}

/// Says what serde says about an unknown key or word in our manner; other messages stay as they are.
pub(crate) fn explain(message: &str) -> String {
    let (what, rest) = if let Some(rest) = message.strip_prefix("unknown field ") {
        ("unknown key", rest)
    } else if let Some(rest) = message.strip_prefix("unknown variant ") {
        ("unknown word", rest)
    } else {
        return message.to_owned();
    };
    let mut words = rest.split('`').skip(1).step_by(2);
    let Some(given) = words.next() else {
        return message.to_owned();
    };
    let known: Vec<&str> = words.collect();
    format!("{what} \"{given}\"{}", hint(given, &known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(message: &str, expected: &str) {
        assert_eq!(explain(message), expected);
    }

    #[test]
    fn an_unknown_key_comes_with_what_was_meant() {
        check(
            "unknown field `lisen`, expected one of `listen`, `store`, `public_url`",
            "unknown key \"lisen\"; did you mean \"listen\"?",
        );
        check(
            "unknown field `colour`, expected `listen` or `store`",
            "unknown key \"colour\"; known here: listen, store",
        );
        check(
            "unknown variant `scrpted`, expected one of `model`, `command`, `scripted`",
            "unknown word \"scrpted\"; did you mean \"scripted\"?",
        );
        check(
            "invalid type: integer `5`, expected a string",
            "invalid type: integer `5`, expected a string",
        );
    }
}
