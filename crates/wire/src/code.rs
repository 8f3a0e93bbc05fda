//! The error codes: each is a promise to clients.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Declares the codes with all that is said of them, in one table.
macro_rules! codes {
    ($($name:ident $word:literal $status:literal $title:literal $doc:literal)*) => {
        /// A stable word for what went wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Code {
            $(
                #[doc = $doc]
                #[serde(rename = $word)]
                $name,
            )*
        }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// The word.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }

            /// The HTTP status that it comes with.
            pub fn status(self) -> u16 {
                match self {
                    $(Self::$name => $status,)*
                }
            }

            /// A line for people that is the same each time.
            pub fn title(self) -> &'static str {
                match self {
                    $(Self::$name => $title,)*
                }
            }

            /// When it happens and what to do, for the reference.
            pub fn doc(self) -> &'static str {
                match self {
                    $(Self::$name => $doc,)*
                }
            }
        }
    };
}

codes! {
    InvalidJson "invalid_json" 400 "The body is not JSON"
        "The body cannot be read as JSON; `detail` says where it breaks off."
    InvalidRequest "invalid_request" 400 "The body does not fit"
        "The JSON does not have the expected form; `detail` says what is wrong and `path` where."
    InvalidQuery "invalid_query" 400 "A query parameter does not fit"
        "A parameter of the query is unknown or has a value it cannot have."
    InvalidHeader "invalid_header" 400 "A header does not fit"
        "A header such as `Idempotency-Key` has a value it cannot have."
    InvalidId "invalid_id" 400 "An id in the path is malformed"
        "An id in the path cannot be the id of anything, for example a run id that is no UUID."
    CursorUnknown "cursor_unknown" 400 "The cursor is unknown"
        "The log or list cannot have given this cursor. For a run's log `last` is the number of its last event; begin again at 0 if the cursor is not yours."
    CredentialMissing "credential_missing" 401 "A credential is needed"
        "The server wants `Authorization: Bearer …` with a key or a token."
    CredentialUnknown "credential_unknown" 401 "The credential is not valid"
        "The key or token is unknown, revoked or over."
    NotAllowed "not_allowed" 403 "The credential does not allow this"
        "The key or token lacks the right that `right` names."
    AgentNotAllowed "agent_not_allowed" 403 "The credential does not allow this agent"
        "The key or token may start other agents only."
    HostNotAllowed "host_not_allowed" 403 "The Host is not this server"
        "Without keys the server answers to its own loopback names only, so that no web page can reach it under a name of its own."
    OriginNotAllowed "origin_not_allowed" 403 "The Origin is not allowed"
        "A web page of another origin asks. Add it to `allowed_origins` if it is yours."
    NotFound "not_found" 404 "There is no such thing"
        "The run, thread or input does not exist, or not for this caller."
    RouteUnknown "route_unknown" 404 "There is no such address"
        "The path is not one of this reference."
    RequestUnknown "request_unknown" 404 "The run has no such request"
        "The run never made a request of this id."
    MethodNotAllowed "method_not_allowed" 405 "The method is not allowed here"
        "The address exists for other methods; the `Allow` header lists them."
    RequestTimeout "request_timeout" 408 "The request took too long"
        "The body did not arrive, or the answer was not ready, within the server's time. Commands are safe to repeat with an `Idempotency-Key`."
    RunAlreadyActive "run_already_active" 409 "The thread has a current run"
        "A thread has at most one current run; `run_id` names it. Attach to it, stop it, or use `on_conflict`."
    SupersedeMismatch "supersede_mismatch" 409 "Another run is current"
        "The run in `supersedes` is not the thread's current one; `run_id` names the one that is, if any."
    IdempotencyKeyReused "idempotency_key_reused" 409 "The idempotency key was used for another request"
        "The same `Idempotency-Key` came with another body; `run_id` names the run of the first use."
    RunFinal "run_final" 409 "The run has ended"
        "An ended run takes no inputs and no answers; `run_status` says how it ended."
    RunOpen "run_open" 409 "The run has not ended"
        "Only a run that has ended can be deleted, tried again or refined; `run_id` names the open one."
    NotSucceeded "not_succeeded" 409 "The run did not succeed"
        "The run did not succeed, so there is no result to apply or to refine; `run_status` says how it ended. With an `output` of your own it can be refined."
    SessionGone "session_gone" 409 "The agent's session is gone"
        "The run left no session of its agent that could be reopened, so there is nothing to refine in; start a new run."
    WorktreeGone "worktree_gone" 409 "The worktree is gone"
        "The run's worktree was removed. What was in no branch is in the repository under `refs/outlive/saved/`; start a new run."
    WorktreeMissing "worktree_missing" 409 "The run has no worktree"
        "The run is not of a coding agent, worked in the repository as it is checked out, or ended before its worktree was made."
    WorktreeInUse "worktree_in_use" 409 "A run is at work in the worktree"
        "One run at a time works in a worktree; `run_id` names the one that does. Wait for its end, or stop it."
    WorktreeNotOwned "worktree_not_owned" 409 "Another run owns the worktree"
        "The run works in the worktree of an earlier run, and only by that one it is removed; `run_id` names it."
    PreviewUnknown "preview_unknown" 404 "There is no such preview"
        "The configuration has no preview of this name for the run's repository; `suggestion` is the closest one."
    PreviewRunning "preview_running" 409 "The preview is running"
        "Each preview of a worktree runs once at a time; `run_id` names the run that it is."
    DiffMissing "diff_missing" 404 "The run has no diff"
        "The run works in no repository, or has not come to the end of its first turn."
    RequestAnswered "request_answered" 409 "The request has been answered"
        "Somebody else was first. The answer is in the run's events."
    InputNotPending "input_not_pending" 409 "The input does not wait"
        "The input is unknown, was heard or was returned, so it cannot be taken back."
    ThreadExists "thread_exists" 409 "The thread exists already"
        "The tenant has a thread with this id; use that one if it is yours, or another id."
    LogExpired "log_expired" 410 "The events are gone"
        "The run's events were deleted by the retention setting; the run itself is still there."
    RequestExpired "request_expired" 410 "The request has expired"
        "The time for an answer is over, or the run no longer waits for it."
    BodyTooLarge "body_too_large" 413 "The body is too large"
        "The body has more bytes than the server takes; `max_bytes` says how many those are."
    UnsupportedMediaType "unsupported_media_type" 415 "The body has another media type"
        "The body must be JSON and say so: `content-type: application/json`."
    AgentUnknown "agent_unknown" 422 "There is no such agent"
        "The catalogue has no agent of this name; `suggestion` is the closest one."
    SettingNotOverridable "setting_not_overridable" 422 "The agent does not let this be overridden"
        "The agent does not list the setting under `overridable`."
    InputNotAccepted "input_not_accepted" 422 "The agent takes no such input"
        "The agent's driver cannot hear inputs of this mode, or holds no conversation that could be refined."
    AnswerUnfit "answer_unfit" 422 "The answer does not fit the request"
        "The answer is of the wrong kind, or not among the options."
    SchemaInvalid "schema_invalid" 422 "The schema cannot be used"
        "`output_schema` is no JSON Schema (2020-12), is too large or refers to another document, which is never fetched; `path` says where."
    OutputInvalid "output_invalid" 422 "The output does not fit the schema"
        "The edited `output` breaks the schema of the run; `path` (a JSON pointer into the output) says where and `rule` which keyword."
    RefinesUnknown "refines_unknown" 422 "The run to refine is unknown"
        "There is no run with the id in `refines`, or not for this caller."
    RefinesOtherThread "refines_other_thread" 422 "The run to refine is on another thread"
        "A run refines a run of its own thread only."
    ParentUnknown "parent_unknown" 422 "The parent thread is unknown"
        "The parent does not exist, or would be its own ancestor."
    SecretsDisabled "secrets_disabled" 422 "The server keeps no secrets"
        "The server has no key to encrypt with. Set `OUTLIVE_SECRET_KEY` to 32 random bytes in base64 or hex where it runs, and start it again."
    TooManySecrets "too_many_secrets" 422 "The tenant has too many secrets"
        "A tenant has at most 1000 secrets; delete some."
    QueueFull "queue_full" 429 "Too many runs are queued"
        "The queue has its bound; try again after `Retry-After`."
    TooManyInputs "too_many_inputs" 429 "Too many inputs wait"
        "The run has not heard the earlier ones; try again when it has."
    TooManyNotices "too_many_notices" 429 "The run has too many notices"
        "A run's log takes 1000 notices from outside."
    TooManyStreams "too_many_streams" 429 "Too many streams are open"
        "The credential has as many streams open as it may; close some, or read several runs in one."
    TooManyConnections "too_many_connections" 503 "Too many connections are open"
        "The server has as many connections open as it may; try again after `Retry-After`."
    Internal "internal" 500 "The server failed"
        "A fault of the server. Its log has the details under the request's id."
    StoreUnavailable "store_unavailable" 503 "The store does not work now"
        "Nothing can be read or written at the moment; try again after `Retry-After`. `why` is a word for the cause, for example `disk_full`."
    ShuttingDown "shutting_down" 503 "The server is going down"
        "The server takes nothing new while it goes down; try again."
}

impl Code {
    /// Whether the same request may succeed later.
    pub fn is_transient(self) -> bool {
        matches!(self.status(), 408 | 429 | 503)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_one_word_and_reads_back() {
        let mut words: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        for code in Code::ALL {
            let json = serde_json::to_string(code).unwrap();
            assert_eq!(json, format!("\"{code}\""));
            assert_eq!(serde_json::from_str::<Code>(&json).unwrap(), *code);
            assert!((400..600).contains(&code.status()));
        }
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Code::ALL.len());
    }
}
