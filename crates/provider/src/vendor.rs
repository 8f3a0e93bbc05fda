//! Where a model is served and how to speak to it.

use reqwest::Url;

use crate::{Error, Secret, secret::Redactor};

/// The protocol that a vendor speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wire {
    /// OpenAI's chat completions: OpenAI, Ollama under `/v1`, vLLM, OpenRouter and many others.
    OpenAi,
    /// Anthropic's messages.
    Anthropic,
    /// Google's Gemini.
    Gemini,
    /// Ollama's own.
    Ollama,
}

/// A model vendor: a protocol, an address and what opens the door.
#[derive(Debug, Clone)]
pub struct Vendor {
    /// The protocol.
    pub wire: Wire,
    /// The address up to and with the version, as `https://api.openai.com/v1`. A query in it is kept. On the wires whose
    /// version is part of the wire, Anthropic's (`/v1`), Gemini's (`/v1beta`) and Ollama's (`/api`), it may be left out.
    pub base_url: String,
    /// Sent in the header of the wire: as a bearer token, as `x-api-key` or as `x-goog-api-key`. A local vendor may want
    /// none.
    pub key: Option<Secret>,
    /// More headers by name. Their values are treated as secrets; one named `authorization` takes the key's place.
    pub headers: Vec<(String, Secret)>,
}

impl Vendor {
    /// A vendor at `base_url`, without a key.
    pub fn new(wire: Wire, base_url: impl Into<String>) -> Self {
        Self {
            wire,
            base_url: base_url.into(),
            key: None,
            headers: Vec::new(),
        }
    }

    /// A vendor that speaks chat completions at `base_url`, without a key.
    pub fn openai(base_url: impl Into<String>) -> Self {
        Self::new(Wire::OpenAi, base_url)
    }

    /// A vendor that speaks Anthropic's messages at `base_url`, without a key.
    pub fn anthropic(base_url: impl Into<String>) -> Self {
        Self::new(Wire::Anthropic, base_url)
    }

    /// A vendor that speaks Gemini's wire at `base_url`, without a key.
    pub fn gemini(base_url: impl Into<String>) -> Self {
        Self::new(Wire::Gemini, base_url)
    }

    /// A vendor that speaks Ollama's own wire at `base_url`, without a key.
    pub fn ollama(base_url: impl Into<String>) -> Self {
        Self::new(Wire::Ollama, base_url)
    }

    /// The same vendor with a key.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<Secret>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// The address of `path` (segments with `/` between) below the base URL and the version of the wire.
    pub(crate) fn url(&self, path: &str) -> Result<Url, Error> {
        // The address itself is not repeated in the error: people put credentials into addresses.
        let mut url = Url::parse(self.base_url.trim())
            .map_err(|error| Error::Invalid(format!("the vendor's base URL: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Error::Invalid(
                "the vendor's base URL is neither http nor https".into(),
            ));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Error::Invalid(
                "the vendor's base URL has a user or a password in it; use the key".into(),
            ));
        }
        let last = url.path().trim_end_matches('/').rsplit('/').next();
        let version = match self.wire {
            Wire::OpenAi => None,
            Wire::Anthropic => Some("v1"),
            Wire::Gemini => Some("v1beta"),
            Wire::Ollama => Some("api"),
        };
        let version = version.filter(|version| {
            // Another version of the same wire is the caller's choice.
            let may_differ = self.wire != Wire::Ollama;
            !last.is_some_and(|last| last == *version || (may_differ && is_version(last)))
        });
        if let Ok(mut segments) = url.path_segments_mut() {
            segments
                .pop_if_empty()
                .extend(version)
                .extend(path.split('/'));
        }
        url.set_fragment(None);
        Ok(url)
    }

    pub(crate) fn redactor(&self) -> Redactor {
        Redactor::new(
            self.key
                .iter()
                .chain(self.headers.iter().map(|(_, value)| value)),
        )
    }
}

/// Whether a segment of a path is a version, as `v1`.
fn is_version(segment: &str) -> bool {
    segment
        .strip_prefix('v')
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(wire: Wire, base_url: &str, expected: &str) {
        let url = Vendor::new(wire, base_url).url("a/b").unwrap();
        assert_eq!(url.as_str(), expected, "{wire:?} {base_url}");
    }

    #[test]
    fn the_version_of_a_wire_may_be_in_the_address_or_left_out() {
        check(Wire::OpenAi, "http://x", "http://x/a/b");
        check(Wire::OpenAi, "http://x/v1/", "http://x/v1/a/b");
        check(Wire::Anthropic, "http://x", "http://x/v1/a/b");
        check(Wire::Anthropic, "http://x/v1", "http://x/v1/a/b");
        check(
            Wire::Anthropic,
            "http://x/claude/?k=1",
            "http://x/claude/v1/a/b?k=1",
        );
        check(Wire::Gemini, "http://x", "http://x/v1beta/a/b");
        check(Wire::Gemini, "http://x/v1/", "http://x/v1/a/b");
        check(
            Wire::Gemini,
            "http://x/vertex",
            "http://x/vertex/v1beta/a/b",
        );
        check(Wire::Ollama, "http://x", "http://x/api/a/b");
        check(Wire::Ollama, "http://x/api/", "http://x/api/a/b");
    }
}
