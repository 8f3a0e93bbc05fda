//! `[vendors.NAME]`: where models are served. Five exist without configuration.

use std::collections::BTreeMap;

use provider::Wire;
use serde::{Deserialize, Serialize};

use wire::secret_name_problem;

use super::place::Surroundings;

/// The protocol that a vendor speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WireName {
    /// OpenAI's chat completions.
    Openai,
    /// Anthropic's messages.
    Anthropic,
    /// Google's Gemini.
    Gemini,
    /// Ollama's own.
    Ollama,
}

impl WireName {
    fn as_str(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Ollama => "ollama",
        }
    }
}

/// A vendor as its section says it; what is missing comes from the built-in vendor of the same name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct VendorSection {
    /// The protocol.
    pub(crate) wire: Option<WireName>,
    /// The address up to and with the version.
    pub(crate) base_url: Option<String>,
    /// The variable of the server's environment that holds the key.
    pub(crate) key_env: Option<String>,
    /// The tenant's secret that holds the key; the one of the vendor's name if missing.
    pub(crate) key_secret: Option<String>,
}

/// A vendor that can be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Vendor {
    /// The protocol.
    pub(crate) wire: WireName,
    /// The address up to and with the version.
    pub(crate) base_url: String,
    /// The variable of the server's environment that holds the key; a local vendor wants none.
    pub(crate) key_env: Option<String>,
    /// The tenant's secret that holds the key, if it has another name than the vendor.
    pub(crate) key_secret: Option<String>,
}

impl Vendor {
    /// The vendor with its key, if the environment has one.
    pub(crate) fn resolve(&self, surroundings: &Surroundings) -> provider::Vendor {
        let wire = match self.wire {
            WireName::Openai => Wire::OpenAi,
            WireName::Anthropic => Wire::Anthropic,
            WireName::Gemini => Wire::Gemini,
            WireName::Ollama => Wire::Ollama,
        };
        let vendor = provider::Vendor::new(wire, &self.base_url);
        let key = self
            .key_env
            .as_deref()
            .and_then(|name| surroundings.var(name));
        match key {
            Some(key) => vendor.with_key(key),
            None => vendor,
        }
    }
}

/// The vendors that exist without configuration: name, protocol, address, variable of the key.
const BUILT_IN: [(&str, WireName, &str, Option<&str>); 5] = [
    (
        "openai",
        WireName::Openai,
        "https://api.openai.com/v1",
        Some("OPENAI_API_KEY"),
    ),
    (
        "anthropic",
        WireName::Anthropic,
        "https://api.anthropic.com",
        Some("ANTHROPIC_API_KEY"),
    ),
    (
        "gemini",
        WireName::Gemini,
        "https://generativelanguage.googleapis.com",
        Some("GEMINI_API_KEY"),
    ),
    (
        "openrouter",
        WireName::Openai,
        "https://openrouter.ai/api/v1",
        Some("OPENROUTER_API_KEY"),
    ),
    ("ollama", WireName::Ollama, "http://127.0.0.1:11434", None),
];

/// The built-in vendors.
pub(crate) fn built_in() -> BTreeMap<String, Vendor> {
    let vendors = BUILT_IN.map(|(name, wire, base_url, key_env)| {
        let vendor = Vendor {
            wire,
            base_url: base_url.to_owned(),
            key_env: key_env.map(str::to_owned),
            key_secret: None,
        };
        (name.to_owned(), vendor)
    });
    vendors.into()
}

impl VendorSection {
    /// The vendor that the section and the built-in one of its name make, or what is wrong.
    pub(crate) fn resolve(self, built_in: Option<&Vendor>) -> Result<Vendor, String> {
        let wire = self.wire.unwrap_or_else(|| {
            let known = built_in.map_or(WireName::Openai, |vendor| vendor.wire);
            // Under `/v1` an Ollama speaks chat completions, and only there.
            let is_v1 = |url: &String| url.trim_end_matches('/').ends_with("/v1");
            if known == WireName::Ollama && self.base_url.as_ref().is_some_and(is_v1) {
                WireName::Openai
            } else {
                known
            }
        });
        let base_url = match (self.base_url, built_in) {
            (Some(base_url), _) => base_url,
            (None, Some(vendor)) if vendor.wire == wire => vendor.base_url.clone(),
            (None, Some(vendor)) => {
                return Err(format!(
                    "wire \"{}\" needs a base_url: {} speaks \"{}\"",
                    wire.as_str(),
                    vendor.base_url,
                    vendor.wire.as_str()
                ));
            }
            (None, None) => {
                let example = "http://127.0.0.1:9000/v1";
                return Err(format!(
                    "base_url is missing, for example base_url = \"{example}\""
                ));
            }
        };
        if !(base_url.starts_with("http://") || base_url.starts_with("https://")) {
            return Err("base_url must begin with http:// or https://".to_owned());
        }
        if let Some(problem) = self.key_secret.as_deref().and_then(secret_name_problem) {
            return Err(format!("key_secret: {problem}"));
        }
        Ok(Vendor {
            wire,
            base_url,
            key_secret: self.key_secret,
            key_env: self
                .key_env
                .or_else(|| built_in.and_then(|vendor| vendor.key_env.clone())),
        })
    }
}
