//! Errors in this protocol's form.

use serde::{Deserialize, Serialize};

use crate::Problem;

/// The body of an error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErrorBody {
    /// The error.
    pub error: ErrorDetail,
}

/// An error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErrorDetail {
    /// What was wrong, for people.
    pub message: String,
    /// The protocol's word for its kind.
    #[serde(rename = "type")]
    pub kind: String,
    /// The parameter that is wrong.
    pub param: Option<String>,
    /// Our stable code.
    pub code: String,
    /// The run it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
}

impl ErrorBody {
    /// A problem in this protocol's form.
    pub fn of(problem: &Problem) -> Self {
        let kind = match problem.status {
            401 => "authentication_error",
            403 => "permission_error",
            429 => "rate_limit_error",
            500.. => "server_error",
            _ => "invalid_request_error",
        };
        Self {
            error: ErrorDetail {
                message: problem.detail.clone(),
                kind: kind.to_owned(),
                param: problem.path.as_deref().map(param),
                code: problem.code.clone(),
                run_id: problem.run_id.clone(),
            },
        }
    }
}

/// A place in our own body by the name that it has here.
fn param(path: &str) -> String {
    match path {
        "agent" => "model".to_owned(),
        "thread_id" => "conversation".to_owned(),
        _ => match (
            path.strip_prefix("settings."),
            path.strip_prefix("output_schema"),
        ) {
            (Some(setting), _) => setting.to_owned(),
            (None, Some(rest)) => format!("text.format.schema{rest}"),
            (None, None) => path.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Code;

    #[track_caller]
    fn check(code: Code, path: Option<&str>, expected: (&str, Option<&str>)) {
        let mut problem = Problem::new(code, "why");
        problem.path = path.map(str::to_owned);
        let ErrorBody { error } = ErrorBody::of(&problem);
        assert_eq!(
            (error.message.as_str(), &*error.code),
            ("why", code.as_str())
        );
        assert_eq!((&*error.kind, error.param.as_deref()), expected);
    }

    #[test]
    fn an_error_has_the_protocols_kind_and_our_code() {
        let invalid = "invalid_request_error";
        check(Code::AgentUnknown, Some("agent"), (invalid, Some("model")));
        check(
            Code::SettingNotOverridable,
            Some("settings.temperature"),
            (invalid, Some("temperature")),
        );
        check(
            Code::SchemaInvalid,
            Some("output_schema/type"),
            (invalid, Some("text.format.schema/type")),
        );
        check(
            Code::InvalidRequest,
            Some("input[0]"),
            (invalid, Some("input[0]")),
        );
        check(Code::NotFound, None, (invalid, None));
        check(Code::RunAlreadyActive, None, (invalid, None));
        check(
            Code::CredentialUnknown,
            None,
            ("authentication_error", None),
        );
        check(Code::NotAllowed, None, ("permission_error", None));
        check(Code::QueueFull, None, ("rate_limit_error", None));
        check(Code::StoreUnavailable, None, ("server_error", None));
    }
}
