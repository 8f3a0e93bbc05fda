//! Every bound of this crate. Hitting one is an error or a note that names it.

use std::time::Duration;

/// How long a call may take, unless its policy says otherwise.
pub const CALL_TIMEOUT: Duration = Duration::from_mins(15);

/// The longest time that a policy may give a call.
pub const CALL_TIMEOUT_MAX: Duration = Duration::from_hours(24);

/// Bytes of a tool's text that the log keeps.
pub const LOG_BYTES: usize = 256 << 10;

/// Bytes of a tool's text that the model gets.
pub const MODEL_BYTES: usize = 32 << 10;

/// Bytes of the name by which a model calls a tool.
pub const NAME_BYTES: usize = 64;

/// Entries of a list of allowed hosts.
pub const ALLOWED_HOSTS: usize = 1000;

/// Rules of a policy.
pub const POLICY_RULES: usize = 1000;

/// How long a connection may take, the look-up of its name included.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Redirects that are followed for one request.
pub const REDIRECTS: usize = 5;

/// Bytes of a fetched body that are read.
pub const FETCH_BYTES: usize = 1 << 20;

/// How long a fetch may take in all, unless its caller says otherwise.
pub const FETCH_TIMEOUT: Duration = Duration::from_mins(1);

/// Bytes of an address to fetch.
pub const URL_BYTES: usize = 8 << 10;

/// Bytes of a command for the shell.
pub const COMMAND_BYTES: usize = 128 << 10;

/// Questions of one `ask_user`.
pub const QUESTIONS: usize = 10;

/// Options of one question.
pub const OPTIONS: usize = 20;

/// Bytes of one text of a question.
pub const QUESTION_BYTES: usize = 8 << 10;

/// Bytes of the input of a sub-agent.
pub const INPUT_BYTES: usize = 256 << 10;

/// How long an MCP server may take to say hello.
pub const INITIALISE_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a list of tools may take, all its pages together.
pub const LIST_TIMEOUT: Duration = Duration::from_secs(30);

/// How long an MCP server's session may take to close.
pub const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Bytes of one message of an MCP server.
pub const MESSAGE_BYTES: usize = 8 << 20;

/// Pages of a list of tools.
pub const TOOL_PAGES: usize = 100;

/// Tools of one MCP server.
pub const TOOLS: usize = 1000;

/// Bytes of a tool's name as its server says it.
pub const TOOL_NAME_BYTES: usize = 256;

/// Bytes of a tool's title or description; longer ones are cut with a note.
pub const DESCRIPTION_BYTES: usize = 16 << 10;

/// Bytes of the schema of a tool's arguments; a tool with a longer one is left out of the list, by name.
pub const SCHEMA_BYTES: usize = 128 << 10;

/// Bytes of the text of a tool's result; more is cut with a note.
pub const RESULT_BYTES: usize = 4 << 20;

/// Bytes of the structured result of a tool; a longer one is left out with a note.
pub const STRUCTURED_BYTES: usize = 1 << 20;

/// Images, files and links of one result; more are left out with a note.
pub const MEDIA: usize = 32;

/// Bytes (in base64) of the images and files of one result; more are left out with a note.
pub const MEDIA_BYTES: usize = 8 << 20;

/// Bytes of one notice (progress, a log line) of a running call; more is cut with a note.
pub const NOTICE_BYTES: usize = 4 << 10;

/// Bytes of a server's words in an error.
pub const SERVER_MESSAGE_BYTES: usize = 2000;

/// Bytes that are read of the body of an HTTP error of an MCP server.
pub const ERROR_BODY_BYTES: usize = 64 << 10;

/// How often a broken event stream of an MCP server is opened again.
pub const STREAM_RETRIES: usize = 3;

/// The longest wait before a broken event stream is opened again.
pub const STREAM_RETRY_DELAY_MAX: Duration = Duration::from_secs(4);

/// Secrets shorter than this are not searched for in a server's words: they would blot out innocent text.
pub const REDACTED_BYTES_MIN: usize = 6;

/// Bytes of a line's memory that are kept for the next one.
pub const KEPT_LINE_BYTES: usize = 64 << 10;
