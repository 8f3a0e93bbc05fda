//! A vendor's error, in an answer's body or inside a stream, and what it means.

use std::time::Duration;

use serde_json::Value;

use crate::secret::Redactor;
use crate::{Error, limits};

/// What a vendor said about a failure, cleaned of secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    status: Option<u16>,
    code: Option<String>,
    message: String,
    retry_after: Option<Duration>,
}

impl Fault {
    /// Reads the body of an answer with an error status. A body that is not JSON is the vendor's words as it stands.
    pub(crate) fn of_answer(status: reqwest::StatusCode, body: &str, redactor: &Redactor) -> Self {
        let mut fault = match serde_json::from_str::<Value>(body) {
            Ok(value) => Self::of_value(&value, redactor),
            Err(_) => Self::of_text(body, redactor),
        };
        fault.status = Some(status.as_u16());
        if fault.message.is_empty() {
            fault.message = format!("HTTP {status}");
        }
        fault
    }

    /// Reads an error inside a stream that had begun well: its status is the one it names itself, if any.
    pub(crate) fn of_event(value: &Value, redactor: &Redactor) -> Self {
        let mut fault = Self::of_value(value, redactor);
        if fault.message.is_empty() {
            fault.message =
                redactor.clean_and_cut(&value.to_string(), limits::VENDOR_MESSAGE_BYTES);
        }
        fault
    }

    /// Words without any form.
    pub(crate) fn of_text(text: &str, redactor: &Redactor) -> Self {
        Self {
            status: None,
            code: None,
            message: redactor.clean_and_cut(text, limits::VENDOR_MESSAGE_BYTES),
            retry_after: None,
        }
    }

    /// Knows `{"error": {message, code, type}}` (OpenAI, Anthropic and most), `{"error": {message, code, status,
    /// details}}` alone or in a list (Gemini), `{"error": "…"}` (Ollama), the error without a wrapper (vLLM, Mistral) and
    /// `{"detail": …}` (servers built on `FastAPI`).
    fn of_value(value: &Value, redactor: &Redactor) -> Self {
        let value = value.get(0).unwrap_or(value);
        let error = value
            .get("error")
            .filter(|error| !error.is_null())
            .unwrap_or(value);
        let text = |value: &Value| match value {
            Value::Null => None,
            Value::String(text) if text.is_empty() => None,
            Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        };
        let mut message = match error {
            Value::String(text) => text.clone(),
            _ => ["message", "detail", "msg"]
                .iter()
                .find_map(|name| text(&error[*name]))
                .unwrap_or_default(),
        };
        // OpenRouter says "Provider returned error" and puts the words that matter here.
        if let Some(raw) = error.pointer("/metadata/raw").and_then(text) {
            message = format!("{message}: {raw}");
        }
        // A number says less than a type; it is the status again (vLLM, OpenRouter, Gemini) or a private one (Mistral).
        let code = text(&error["code"]);
        let number = code.as_deref().and_then(|code| code.parse::<u16>().ok());
        let code = match number {
            Some(_) => text(&error["type"])
                .or_else(|| error["status"].as_str().map(str::to_owned))
                .or(code),
            None => code.or_else(|| text(&error["type"])),
        };
        // Ollama's errors in a stream carry the status beside the words.
        let number = number.or_else(|| value["status"].as_u64()?.try_into().ok());
        Self {
            status: number.filter(|number| (400..600).contains(number)),
            retry_after: retry_delay(error),
            code: code.map(|code| redactor.clean_and_cut(&code, limits::SNIPPET_BYTES)),
            message: redactor.clean_and_cut(&message, limits::VENDOR_MESSAGE_BYTES),
        }
    }

    /// What the failure means for the caller of `model`.
    pub(crate) fn into_error(self, model: &str, retry_after: Option<Duration>) -> Error {
        let meaning = self.meaning();
        let Self {
            status,
            code,
            message,
            retry_after: told,
        } = self;
        let retry_after = retry_after.or(told);
        match meaning {
            Meaning::Unauthorized => Error::Unauthorized { message },
            Meaning::UnknownModel => Error::UnknownModel {
                model: model.to_owned(),
                message,
            },
            Meaning::RateLimited => Error::RateLimited {
                message,
                retry_after,
            },
            Meaning::Overloaded => Error::Overloaded {
                status,
                message,
                retry_after,
            },
            Meaning::Rejected => Error::Rejected {
                status,
                code,
                message,
            },
        }
    }

    fn meaning(&self) -> Meaning {
        let code = self
            .code
            .as_deref()
            .unwrap_or_default()
            .to_ascii_lowercase();
        let words = self.message.to_ascii_lowercase();
        let says = |any: &[&str]| any.iter().any(|part| words.contains(part));
        let is = |any: &[&str]| any.iter().any(|part| code.contains(part));

        // Some vendors refuse a bad key with 400 (Gemini, xAI).
        let about_key = says(&["api key", "api_key"])
            && says(&["not valid", "invalid", "incorrect", "not found", "expired"]);
        let refused = matches!(self.status, Some(400 | 403) | None);
        if self.status == Some(401)
            || is(&[
                "invalid_api_key",
                "authentication_error",
                // Anthropic and Gemini: a key that may not do this.
                "permission_error",
                "permission_denied",
                "unauthenticated",
            ])
            || (refused && about_key)
        {
            return Meaning::Unauthorized;
        }
        // The code is OpenAI's and Groq's, `invalid_model` Mistral's; the others only say it in words.
        let about_model = says(&["model"])
            && says(&[
                "not found",
                "not exist",
                "not a valid model",
                "invalid model",
                "unknown model",
            ]);
        let maybe_missing = matches!(self.status, Some(400 | 404) | None);
        // Anthropic's words are "model: " and the name.
        let is_missing = is(&["not_found_error"]) && words.starts_with("model:");
        if is(&["model_not_found", "invalid_model"])
            || is_missing
            || (maybe_missing && (about_model || says(&["no endpoints found for"])))
        {
            return Meaning::UnknownModel;
        }
        // OpenAI sends 429 for an empty account as well; waiting does not fill it.
        if is(&["insufficient_quota", "billing"]) {
            return Meaning::Rejected;
        }
        match self.status {
            Some(429) => Meaning::RateLimited,
            Some(408 | 409 | 425 | 500..) => Meaning::Overloaded,
            Some(_) => Meaning::Rejected,
            None if is(&["rate_limit", "ratelimit", "resource_exhausted"]) => Meaning::RateLimited,
            None if is(&[
                "invalid_request",
                "badrequest",
                "context_length",
                "content_filter",
                "policy",
            ]) =>
            {
                Meaning::Rejected
            }
            // The request was accepted and then failed: that is the vendor's side.
            None => Meaning::Overloaded,
        }
    }
}

/// Whether an `error` member tells of an error: some vendors always have one.
pub(crate) fn is_fault(error: &Value) -> bool {
    match error {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Object(members) => !members.is_empty(),
        _ => true,
    }
}

/// Gemini's `RetryInfo` among the details of an error: `{"retryDelay": "34.07s"}`.
fn retry_delay(error: &Value) -> Option<Duration> {
    let details = error["details"].as_array()?;
    let delay = details
        .iter()
        .find_map(|detail| detail["retryDelay"].as_str())?;
    let seconds: f64 = delay.strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds)
        .ok()
        .filter(|wait| *wait <= limits::RETRY_AFTER_MAX)
}

enum Meaning {
    Unauthorized,
    UnknownModel,
    RateLimited,
    Overloaded,
    Rejected,
}

#[cfg(test)]
#[path = "fault_tests.rs"]
mod tests;
