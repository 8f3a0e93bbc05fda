//! What can go wrong with a model call, told apart by who can do something about it.

use std::time::Duration;

/// Why a model call failed. No variant contains the vendor's key: where a vendor repeats it, it is blotted out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The request or the vendor's settings cannot be sent at all.
    #[error("invalid model request: {0}")]
    Invalid(String),

    /// The vendor does not accept the key (401, or another status that says so).
    #[error("the vendor did not accept the key: {message}")]
    Unauthorized {
        /// The vendor's words.
        message: String,
    },

    /// The vendor has no such model.
    #[error("the vendor does not know the model {model}: {message}")]
    UnknownModel {
        /// The model asked for.
        model: String,
        /// The vendor's words.
        message: String,
    },

    /// Too many requests or tokens (429). An exhausted account is [`Error::Rejected`].
    #[error("the vendor limits the rate: {message}")]
    RateLimited {
        /// The vendor's words.
        message: String,
        /// How long the vendor wants to be left alone.
        retry_after: Option<Duration>,
    },

    /// The vendor failed on its side (5xx, 408, 409, or an error in the middle of its stream).
    #[error("the vendor failed{}: {message}", InBrackets(status.as_ref()))]
    Overloaded {
        /// The HTTP status, or the one that an error inside the stream named.
        status: Option<u16>,
        /// The vendor's words.
        message: String,
        /// How long the vendor wants to be left alone.
        retry_after: Option<Duration>,
    },

    /// The vendor refuses this request and would refuse it again.
    #[error("the vendor rejected the request{}: {message}", InBrackets(code.as_ref()))]
    Rejected {
        /// The HTTP status, or the one that an error inside the stream named.
        status: Option<u16>,
        /// The vendor's code or type of the error.
        code: Option<String>,
        /// The vendor's words.
        message: String,
    },

    /// No connection to the vendor came about.
    #[error("could not connect to the vendor")]
    Connect {
        /// Why; its chain holds what a guarded resolver said.
        #[source]
        source: reqwest::Error,
    },

    /// The connection broke, or the stream ended, before the answer was complete.
    #[error("the vendor's stream ended before the answer was complete")]
    Disconnected {
        /// Why; none where the vendor itself ended the stream.
        #[source]
        source: Option<reqwest::Error>,
    },

    /// The vendor sent what cannot be read.
    #[error("the vendor sent what cannot be read: {detail}")]
    Garbage {
        /// What, with the beginning of it.
        detail: String,
    },

    /// Nothing came for too long.
    #[error("the vendor sent nothing for {} ms", after.as_millis())]
    Stalled {
        /// How long was waited.
        after: Duration,
    },
}

impl Error {
    /// Whether the same request may well succeed later.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::RateLimited { .. }
            | Self::Overloaded { .. }
            | Self::Connect { .. }
            | Self::Disconnected { .. }
            | Self::Garbage { .. }
            | Self::Stalled { .. } => true,
            Self::Invalid(_)
            | Self::Unauthorized { .. }
            | Self::UnknownModel { .. }
            | Self::Rejected { .. } => false,
        }
    }

    /// How long the vendor wants to be left alone, if it said so.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. } | Self::Overloaded { retry_after, .. } => {
                *retry_after
            }
            _ => None,
        }
    }

    /// What the vendor said, in its words.
    pub fn vendor_message(&self) -> Option<&str> {
        match self {
            Self::Unauthorized { message }
            | Self::UnknownModel { message, .. }
            | Self::RateLimited { message, .. }
            | Self::Overloaded { message, .. }
            | Self::Rejected { message, .. } => Some(message),
            Self::Invalid(_)
            | Self::Connect { .. }
            | Self::Disconnected { .. }
            | Self::Garbage { .. }
            | Self::Stalled { .. } => None,
        }
    }

    /// Reads what the HTTP client reports. The address goes: it may have a key in its query.
    pub(crate) fn from_http(error: reqwest::Error, waited: Duration) -> Self {
        let error = error.without_url();
        if error.is_builder() {
            Self::Invalid(error.to_string())
        } else if error.is_connect() {
            Self::Connect { source: error }
        } else if error.is_timeout() {
            Self::Stalled { after: waited }
        } else {
            Self::Disconnected {
                source: Some(error),
            }
        }
    }
}

/// Shows ` (x)`, or nothing.
struct InBrackets<'a, T>(Option<&'a T>);

impl<T: std::fmt::Display> std::fmt::Display for InBrackets<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(inner) => write!(f, " ({inner})"),
            None => Ok(()),
        }
    }
}
