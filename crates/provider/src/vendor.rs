//! Where a model is served and how to speak to it.

use reqwest::Url;

use crate::{Error, Secret, secret::Redactor};

/// The protocol that a vendor speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wire {
    /// OpenAI's chat completions: OpenAI, Ollama under `/v1`, vLLM, OpenRouter and many others.
    OpenAi,
}

/// A model vendor: a protocol, an address and what opens the door.
#[derive(Debug, Clone)]
pub struct Vendor {
    /// The protocol.
    pub wire: Wire,
    /// The address up to and with the version, as `https://api.openai.com/v1`. A query in it is kept.
    pub base_url: String,
    /// Sent as a bearer token. A local vendor may want none.
    pub key: Option<Secret>,
    /// More headers by name. Their values are treated as secrets; one named `authorization` takes the key's place.
    pub headers: Vec<(String, Secret)>,
}

impl Vendor {
    /// A vendor that speaks chat completions at `base_url`, without a key.
    pub fn openai(base_url: impl Into<String>) -> Self {
        Self {
            wire: Wire::OpenAi,
            base_url: base_url.into(),
            key: None,
            headers: Vec::new(),
        }
    }

    /// The same vendor with a key.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<Secret>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// The address of `path` (segments with `/` between) below the base URL.
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
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path.split('/'));
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
