//! What can go wrong with a server, told apart by who can do something about it.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use rmcp::ServiceError;
use rmcp::model::ErrorCode;
use rmcp::service::ClientInitializeError;
use rmcp::transport::streamable_http_client::StreamableHttpError;

use crate::secret::Redactor;
use crate::{Refused, limits};

/// Marks errors that we put in place of an answer that cannot be read.
pub(super) const BROKEN: ErrorCode = ErrorCode(-32_099);

/// Why a server or a call of it failed. The text is for the model and for people; no header's value is in it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The guard refuses the server's address.
    #[error("MCP server {server}: {refused}")]
    Refused {
        /// The server.
        server: String,
        /// Why.
        refused: Refused,
    },
    /// The configuration of the server, or the arguments of the call, cannot be sent.
    #[error("MCP server {server}: {detail}")]
    Invalid {
        /// The server.
        server: String,
        /// What is wrong.
        detail: String,
    },
    /// The server does not accept the credentials.
    #[error("MCP server {server} did not accept the credentials")]
    Unauthorized {
        /// The server.
        server: String,
    },
    /// The server has ended, or its connection.
    #[error("MCP server {server} closed the connection before it answered")]
    Gone {
        /// The server.
        server: String,
    },
    /// HTTP failed.
    #[error("MCP server {server} could not be reached: {detail}")]
    Http {
        /// The server.
        server: String,
        /// How.
        detail: String,
    },
    /// The server answered with an error of the protocol.
    #[error("MCP server {server} answered with error {code}: {message}")]
    Answered {
        /// The server.
        server: String,
        /// The code of JSON-RPC.
        code: i32,
        /// The server's words.
        message: String,
    },
    /// The server sent what cannot be read, or too much of it.
    #[error("MCP server {server} sent what cannot be read: {detail}")]
    Garbage {
        /// The server.
        server: String,
        /// What.
        detail: String,
    },
    /// No answer came in time.
    #[error("MCP server {server} did not answer {request} within {} ms", after.as_millis())]
    Timeout {
        /// The server.
        server: String,
        /// What was asked.
        request: String,
        /// How long was waited.
        after: Duration,
    },
}

impl Error {
    /// A stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Refused { refused, .. } => refused.code(),
            Self::Invalid { .. } => "mcp_invalid",
            Self::Unauthorized { .. } => "mcp_unauthorized",
            Self::Gone { .. } => "mcp_gone",
            Self::Http { .. } => "mcp_unreachable",
            Self::Answered { .. } => "mcp_error",
            Self::Garbage { .. } => "mcp_garbage",
            Self::Timeout { .. } => "tool_timeout",
        }
    }

    /// Whether the server may have begun with what it was asked. After such an error a call that is not idempotent is
    /// not made again.
    pub fn may_have_run(&self) -> bool {
        match self {
            Self::Refused { .. } | Self::Invalid { .. } | Self::Unauthorized { .. } => false,
            Self::Gone { .. }
            | Self::Http { .. }
            | Self::Answered { .. }
            | Self::Garbage { .. }
            | Self::Timeout { .. } => true,
        }
    }
}

/// Reads the SDK's errors of one server.
#[derive(Debug, Clone)]
pub(super) struct Reader {
    pub(super) server: String,
    pub(super) redactor: Redactor,
}

impl Reader {
    pub(super) fn timeout(&self, request: impl Into<String>, after: Duration) -> Error {
        Error::Timeout {
            server: self.server.clone(),
            request: request.into(),
            after,
        }
    }

    pub(super) fn garbage(&self, detail: &str) -> Error {
        Error::Garbage {
            server: self.server.clone(),
            detail: self.redactor.message(detail),
        }
    }

    pub(super) fn invalid(&self, detail: impl Into<String>) -> Error {
        Error::Invalid {
            server: self.server.clone(),
            detail: detail.into(),
        }
    }

    pub(super) fn gone(&self) -> Error {
        Error::Gone {
            server: self.server.clone(),
        }
    }

    pub(super) fn refused(&self, refused: Refused) -> Error {
        Error::Refused {
            server: self.server.clone(),
            refused,
        }
    }

    fn answered(&self, error: &rmcp::ErrorData) -> Error {
        if error.code == BROKEN {
            return self.garbage(&error.message);
        }
        Error::Answered {
            server: self.server.clone(),
            code: error.code.0,
            message: self.redactor.message(&error.message),
        }
    }

    /// Of a request after the handshake.
    pub(super) fn service(&self, error: &ServiceError) -> Error {
        match error {
            ServiceError::McpError(error) => self.answered(error),
            ServiceError::TransportSend(error) => self.transport(error.error.as_ref()),
            ServiceError::UnexpectedResponse => self.garbage("not the answer to the request"),
            ServiceError::TransportClosed | ServiceError::Cancelled { .. } => self.gone(),
            other => self.garbage(&other.to_string()),
        }
    }

    /// Of the handshake.
    pub(super) fn handshake(&self, error: &ClientInitializeError) -> Error {
        match error {
            ClientInitializeError::JsonRpcError(error) => self.answered(error),
            ClientInitializeError::TransportError { error, .. } => {
                self.transport(error.error.as_ref())
            }
            ClientInitializeError::ConnectionClosed(_) | ClientInitializeError::Cancelled => {
                self.gone()
            }
            // These show a whole message of the server.
            ClientInitializeError::ExpectedInitResponse(_)
            | ClientInitializeError::ExpectedInitResult(_) => {
                self.garbage("not the answer to initialize")
            }
            other => self.garbage(&other.to_string()),
        }
    }

    fn transport(&self, error: &(dyn StdError + 'static)) -> Error {
        if error.is::<io::Error>() {
            return self.gone();
        }
        let server = self.server.clone();
        let http = |detail: &str| Error::Http {
            server: server.clone(),
            detail: self.redactor.message(detail),
        };
        let Some(error) = error.downcast_ref::<StreamableHttpError<reqwest::Error>>() else {
            return http(&error.to_string());
        };
        match error {
            StreamableHttpError::Client(error) => match Refused::behind(error) {
                Some(refused) => self.refused(refused.clone()),
                None => http(&client(error)),
            },
            StreamableHttpError::AuthRequired(_) | StreamableHttpError::InsufficientScope(_) => {
                Error::Unauthorized { server }
            }
            StreamableHttpError::UnexpectedServerResponse(text)
                if text.starts_with("HTTP 401") || text.starts_with("HTTP 403") =>
            {
                Error::Unauthorized { server }
            }
            StreamableHttpError::UnexpectedServerResponse(text) if text.starts_with("HTTP ") => {
                http(text)
            }
            StreamableHttpError::UnexpectedServerResponse(text) => self.garbage(text),
            StreamableHttpError::ReservedHeaderConflict(name) => {
                self.invalid(format!("the header {name} belongs to the protocol"))
            }
            StreamableHttpError::ReinitializationFailed(error) => self.answered(error),
            StreamableHttpError::ResponseBodyTooLarge { max_size } => {
                self.garbage(&format!("an answer of more than {max_size} bytes"))
            }
            StreamableHttpError::Deserialize(_) => self.garbage(&error.to_string()),
            StreamableHttpError::UnexpectedContentType(kind) => {
                let kind = kind.as_deref().unwrap_or("none");
                self.garbage(&format!("an answer of content type {kind}"))
            }
            StreamableHttpError::TransportChannelClosed => self.gone(),
            other => http(&other.to_string()),
        }
    }
}

/// What the HTTP client says, without the address: it may have a key in its query.
fn client(error: &reqwest::Error) -> String {
    if let Some(status) = error.status() {
        return format!("HTTP {status}");
    }
    let text = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "no connection"
    } else {
        "the exchange broke"
    };
    // What is between only says that it passes on an error.
    let mut cause = error.source();
    while let Some(deeper) = cause.and_then(StdError::source) {
        cause = Some(deeper);
    }
    match cause {
        Some(cause) => format!("{text}: {cause}"),
        None => text.to_owned(),
    }
}

/// What stands in place of a message that is too long.
pub(super) fn too_long() -> String {
    format!("a message of more than {} bytes", limits::MESSAGE_BYTES)
}
