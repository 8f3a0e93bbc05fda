//! From what went wrong to what the client reads. Every error of the API passes through here.

use axum::Json;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use run::{InvalidId, Refused, RunId, Status};
use store::{
    CommandError, DeleteError, FollowError, InvalidCursor, ReadError, Right, StartError,
    ThreadError, Unavailable,
};
use wire::structured::{SchemaProblem, Violation, sentence};
use wire::{Code, PROBLEM_MEDIA_TYPE, Problem, Unreadable};

use crate::limits::RETRY_AFTER_SECONDS;

/// An answer that is not what was asked for.
#[derive(Debug)]
pub(crate) struct Error {
    code: Code,
    problem: Box<Problem>,
}

impl Error {
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            problem: Box::new(Problem::new(code, detail)),
        }
    }

    /// There is no such thing. What exists for others reads exactly the same.
    pub(crate) fn not_found() -> Self {
        Self::new(
            Code::NotFound,
            "there is no such run, thread or input, or not for this caller",
        )
    }

    pub(crate) fn invalid(path: &str, message: impl AsRef<str>) -> Self {
        let mut error = Self::new(
            Code::InvalidRequest,
            format!("{path}: {}", message.as_ref()),
        );
        error.problem.path = Some(path.to_owned());
        error
    }

    pub(crate) fn query(name: &str, message: impl AsRef<str>) -> Self {
        let mut error = Self::new(Code::InvalidQuery, format!("{name} {}", message.as_ref()));
        error.problem.path = Some(name.to_owned());
        error
    }

    /// A schema that came with a run and cannot be used.
    pub(crate) fn schema_invalid(problem: &SchemaProblem) -> Self {
        let error = Self::new(Code::SchemaInvalid, format!("output_schema: {problem}"));
        error.with_path(&format!("output_schema{}", problem.path))
    }

    /// An output that does not fit its schema.
    pub(crate) fn output_invalid(violations: &[Violation]) -> Self {
        let mut error = Self::new(Code::OutputInvalid, sentence(violations));
        if let Some(first) = violations.first() {
            error.problem.path = Some(first.path.clone());
            error.problem.rule = Some(first.rule.clone());
        }
        error
    }

    /// A run that would have to have ended.
    pub(crate) fn run_open(run: RunId) -> Self {
        Self::new(Code::RunOpen, "the run has not ended; stop it first").with_run(run)
    }

    /// A run that would have to have succeeded.
    pub(crate) fn not_succeeded(status: Status, detail: &str) -> Self {
        let mut error = Self::new(Code::NotSucceeded, detail);
        error.problem.run_status = Some(status.as_str().to_owned());
        error
    }

    pub(crate) fn not_allowed(right: Right) -> Self {
        let word = right_word(right);
        let mut error = Self::new(
            Code::NotAllowed,
            format!("the credential does not have the right `{word}`"),
        );
        error.problem.right = Some(word.to_owned());
        error
    }

    pub(crate) fn body_too_large(max_bytes: usize) -> Self {
        let mut error = Self::new(
            Code::BodyTooLarge,
            format!("the body has more than {max_bytes} bytes"),
        );
        error.problem.max_bytes = u64::try_from(max_bytes).ok();
        error
    }

    /// A query that does not fit, and the name that was probably meant.
    pub(crate) fn invalid_query(detail: impl Into<String>, suggestion: Option<String>) -> Self {
        let mut error = Self::new(Code::InvalidQuery, detail);
        error.problem.suggestion = suggestion;
        error
    }

    pub(crate) fn agent_unknown(name: &str, suggestion: Option<&str>) -> Self {
        let hint = suggestion.map_or(String::new(), |name| format!("; did you mean `{name}`?"));
        let mut error = Self::new(
            Code::AgentUnknown,
            format!("there is no agent `{name}`{hint}"),
        );
        error.problem.path = Some("agent".to_owned());
        error.problem.suggestion = suggestion.map(str::to_owned);
        error
    }

    pub(crate) fn preview_unknown(detail: impl Into<String>, suggestion: Option<&str>) -> Self {
        let mut error = Self::new(Code::PreviewUnknown, detail);
        error.problem.suggestion = suggestion.map(str::to_owned);
        error
    }

    pub(crate) fn cursor_unknown(detail: impl Into<String>, last: Option<u64>) -> Self {
        let mut error = Self::new(Code::CursorUnknown, detail);
        error.problem.last = last;
        error
    }

    /// A fault of ours: the log has the details, the client does not.
    pub(crate) fn internal() -> Self {
        Self::new(Code::Internal, "the server failed; its log says why")
    }

    pub(crate) fn with_run(mut self, run: RunId) -> Self {
        self.problem.run_id = Some(run.to_string());
        self
    }

    pub(crate) fn with_path(mut self, path: &str) -> Self {
        self.problem.path = Some(path.to_owned());
        self
    }

    /// Whether it has this code.
    pub(crate) fn is(&self, code: Code) -> bool {
        self.code == code
    }

    #[cfg(test)]
    pub(crate) fn code(&self) -> Code {
        self.code
    }
}

fn right_word(right: Right) -> &'static str {
    match right {
        Right::Start => "start",
        Right::Read => "read",
        Right::Stop => "stop",
        Right::Input => "input",
        Right::Answer => "answer",
        Right::Manage => "manage",
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = (status, Json(&self.problem)).into_response();
        // For a face that says it in its own words.
        response.extensions_mut().insert(self.problem);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_MEDIA_TYPE));
        if matches!(
            self.code,
            Code::QueueFull
                | Code::StoreUnavailable
                | Code::ShuttingDown
                | Code::TooManyConnections
        ) {
            headers.insert(RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS));
        }
        response
    }
}

impl From<Unavailable> for Error {
    fn from(why: Unavailable) -> Self {
        // The database's words stay in the log: they may name files.
        tracing::warn!(
            store.code = why.code,
            "the store is unavailable: {}",
            why.message
        );
        let mut error = Self::new(
            Code::StoreUnavailable,
            "the store does not work now; it is not known whether the request took effect",
        );
        error.problem.why = Some(why.code.to_owned());
        error
    }
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Unknown => Self::not_found(),
            ReadError::Unavailable(why) => why.into(),
        }
    }
}

impl From<FollowError> for Error {
    fn from(error: FollowError) -> Self {
        let text = error.to_string();
        match error {
            FollowError::Unknown => Self::not_found(),
            FollowError::CursorUnknown { last, .. } => Self::cursor_unknown(text, Some(last.0)),
            FollowError::LogExpired => Self::new(Code::LogExpired, text),
            FollowError::Unavailable(why) => why.into(),
        }
    }
}

impl From<StartError> for Error {
    fn from(error: StartError) -> Self {
        let text = error.to_string();
        match error {
            StartError::AlreadyActive { run, .. } => {
                Self::new(Code::RunAlreadyActive, text).with_run(run)
            }
            StartError::SupersedeMismatch { current } => {
                let error = Self::new(Code::SupersedeMismatch, text);
                match current {
                    Some(run) => error.with_run(run),
                    None => error,
                }
            }
            StartError::Unknown => Self::not_found(),
            StartError::Refused(refused) => refused.into(),
            StartError::QueueFull { .. } => Self::new(Code::QueueFull, text),
            StartError::KeyReused { run } => {
                Self::new(Code::IdempotencyKeyReused, text).with_run(run)
            }
            StartError::Unavailable(why) => why.into(),
        }
    }
}

impl From<CommandError> for Error {
    fn from(error: CommandError) -> Self {
        let text = error.to_string();
        match error {
            CommandError::Unknown => Self::not_found(),
            CommandError::Refused(refused) => refused.into(),
            CommandError::NotSucceeded(status) => {
                let mut error = Self::new(Code::NotSucceeded, text);
                error.problem.run_status = Some(status.as_str().to_owned());
                error
            }
            CommandError::Unavailable(why) => why.into(),
        }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        let text = refused.to_string();
        match refused {
            Refused::Final(status) => {
                let mut error = Self::new(Code::RunFinal, text);
                error.problem.run_status = Some(status.as_str().to_owned());
                error
            }
            Refused::InputNotAccepted { .. } => Self::new(Code::InputNotAccepted, text),
            Refused::TooManyNotices { .. } => Self::new(Code::TooManyNotices, text),
            Refused::TooManyInputs { .. } => Self::new(Code::TooManyInputs, text),
            Refused::InputNotPending(_) => Self::new(Code::InputNotPending, text),
            Refused::RequestUnknown(_) => Self::new(Code::RequestUnknown, text),
            Refused::RequestAnswered(_) => Self::new(Code::RequestAnswered, text),
            Refused::RequestExpired(_) => Self::new(Code::RequestExpired, text),
            Refused::AnswerUnfit(_) => Self::new(Code::AnswerUnfit, text),
            // Refusals of a worker's writes; a client's command cannot meet them.
            Refused::Fenced { .. }
            | Refused::NotDue
            | Refused::InputsPending(_)
            | Refused::Unfit(_) => {
                tracing::error!("a client's command was refused like a worker's: {text}");
                Self::internal()
            }
        }
    }
}

impl From<DeleteError> for Error {
    fn from(error: DeleteError) -> Self {
        let text = error.to_string();
        match error {
            DeleteError::Unknown => Self::not_found(),
            DeleteError::Open(run) => Self::new(Code::RunOpen, text).with_run(run),
            DeleteError::WorktreeInUse(run) => Self::new(Code::WorktreeInUse, text).with_run(run),
            DeleteError::Unavailable(why) => why.into(),
        }
    }
}

impl From<ThreadError> for Error {
    fn from(error: ThreadError) -> Self {
        let text = error.to_string();
        match error {
            ThreadError::Unknown => Self::not_found(),
            ThreadError::Exists(_) => Self::new(Code::ThreadExists, text),
            ThreadError::ParentUnknown => {
                Self::new(Code::ParentUnknown, text).with_path("parent_id")
            }
            ThreadError::Unavailable(why) => why.into(),
        }
    }
}

impl From<Unreadable> for Error {
    fn from(error: Unreadable) -> Self {
        match error {
            Unreadable::NotJson(text) => Self::new(Code::InvalidJson, text),
            Unreadable::Unfit {
                path,
                message,
                suggestion,
            } => {
                let mut error = Self::new(Code::InvalidRequest, message);
                error.problem.path = (!path.is_empty()).then_some(path);
                error.problem.suggestion = suggestion;
                error
            }
        }
    }
}

impl From<InvalidId> for Error {
    fn from(error: InvalidId) -> Self {
        Self::new(Code::InvalidId, error.to_string())
    }
}

impl From<InvalidCursor> for Error {
    fn from(error: InvalidCursor) -> Self {
        Self::cursor_unknown(error.to_string(), None)
    }
}
