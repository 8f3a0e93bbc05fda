//! A string that is not shown, and its removal from what a server says.

use std::fmt;

use serde_json::Value;

use crate::{cut, limits};

/// A value that never reaches a log, an error or a trace: both its `Debug` and its `Display` are `***`.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// Takes a secret as it comes from an environment or a file: white space around it is dropped.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(text.as_ref().trim().to_owned())
    }

    /// The secret itself, for the one place that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

/// Takes known secrets out of what a server says. It may well repeat the token that it refuses.
#[derive(Debug, Clone, Default)]
pub struct Redactor(Vec<Secret>);

impl Redactor {
    /// Looks for each secret, and for what follows its scheme (`Bearer x`).
    pub fn new<'a>(secrets: impl Iterator<Item = &'a Secret>) -> Self {
        let mut kept: Vec<Secret> = secrets
            .flat_map(|secret| {
                let bare = secret.0.split_once(' ').map(|(_, rest)| Secret::new(rest));
                [Some(secret.clone()), bare]
            })
            .flatten()
            .filter(|secret| secret.0.len() >= limits::REDACTED_BYTES_MIN)
            .collect();
        // The longest first: a secret that contains another one must go as a whole.
        kept.sort_by_key(|secret| std::cmp::Reverse(secret.0.len()));
        Self(kept)
    }

    /// The text without the secrets.
    pub fn clean(&self, mut text: String) -> String {
        for secret in &self.0 {
            if text.contains(&secret.0) {
                text = text.replace(&secret.0, "***");
            }
        }
        text
    }

    /// The text without the secrets, cut at the bound of a server's words in an error. Cleaning comes first, so that
    /// no half of a secret survives at the edge.
    pub(crate) fn message(&self, text: &str) -> String {
        let text = self.clean(text.trim().to_owned());
        cut(&text, limits::SERVER_MESSAGE_BYTES).text.into_owned()
    }

    /// The value without the secrets.
    pub(crate) fn clean_value(&self, value: Value) -> Value {
        if self.0.is_empty() {
            return value;
        }
        match value {
            Value::String(text) => Value::String(self.clean(text)),
            Value::Array(values) => values
                .into_iter()
                .map(|value| self.clean_value(value))
                .collect(),
            Value::Object(fields) => fields
                .into_iter()
                .map(|(name, value)| (self.clean(name), self.clean_value(value)))
                .collect(),
            other @ (Value::Null | Value::Bool(_) | Value::Number(_)) => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Redactor, Secret};

    #[test]
    fn a_secret_is_not_shown_and_goes_out_of_a_servers_words() {
        let secret = Secret::new(" Bearer abc-123-def\n");
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
        let redactor = Redactor::new([&secret, &"short".into()].into_iter());
        assert_eq!(
            redactor.message("bad token abc-123-def of Bearer abc-123-def, short"),
            "bad token *** of ***, short"
        );
        assert_eq!(
            redactor.clean_value(json!({"abc-123-def": ["x abc-123-def", 1, null]})),
            json!({"***": ["x ***", 1, null]})
        );
    }
}
