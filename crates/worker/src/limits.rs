//! Every bound of this crate. Hitting one is an event, an error or a wait, never a silent cut.

use std::time::Duration;

/// Messages of a driver that wait for its attempt before the driver waits for room.
pub const MAILBOX: usize = 64;

/// Events that an attempt gathers while an append is under way before its driver waits for room.
pub const OUTBOX_EVENTS: usize = 1024;

/// The same in bytes, about.
pub const OUTBOX_BYTES: usize = 512 * 1024;

/// Events of one append.
pub const APPEND_EVENTS: usize = 1024;

/// Bytes of one append, about. One event may be larger.
pub const APPEND_BYTES: usize = 256 * 1024;

/// Adjacent deltas are joined up to so many bytes of text.
pub const JOINED_BYTES: usize = 16 * 1024;

/// A longer text of a delta is split. Printed as JSON a byte may take six, and the whole must fit into
/// [`run::MAX_EVENT_BYTES`].
pub const DELTA_BYTES: usize = 128 * 1024;

/// A script's text is written in pieces of so many bytes at most.
pub const SCRIPT_PIECE_BYTES: usize = 4 * 1024;

/// Words of a script without a rate that are written at once.
pub const SCRIPT_WORDS: usize = 64;

/// A scripted message that has grown so long is completed, and the next one goes on.
pub const SCRIPT_MESSAGE_BYTES: usize = 128 * 1024;

/// Bytes of a message that are repeated in its `message.completed`; of a longer one what the deltas said stays.
pub const COMPLETED_BYTES: usize = 128 * 1024;

/// Bytes of the arguments of one tool call. Printed they have to fit into [`run::MAX_EVENT_BYTES`].
pub const CALL_ARGS_BYTES: usize = 768 * 1024;

/// Bytes of the result of a tool call as its event prints it: with what is around it, it must fit into
/// [`run::MAX_EVENT_BYTES`].
pub const RESULT_EVENT_BYTES: usize = 1000 * 1024;

/// Tool calls of one run that are performed at once.
pub const CALLS_AT_ONCE: usize = 8;

/// Bytes that wait in each pipe between an MCP server's process and its client.
pub const SERVER_PIPE_BYTES: usize = 64 * 1024;

/// Bytes of a line of an MCP server's standard error that goes to the server's own log.
pub const COMPLAINT_BYTES: usize = 8 * 1024;
/// Bytes of the end of what an MCP server says on its standard error that are told when it does not start.
pub const LAST_WORDS_BYTES: usize = 1024;

/// Lines of a running tool (progress, log lines) that wait to be written.
pub const TOOL_NOTICES: usize = 64;

/// Bytes of such lines of one call that go into the log.
pub const TOOL_NOTICE_BYTES: usize = 256 * 1024;

/// Bytes of an answer that does not fit its schema which the model is shown again.
pub const REPAIR_BYTES: usize = 256 * 1024;

/// Bytes of output of one command that go into the log as they come. Of what is more, the end is kept.
pub const OUTPUT_BYTES: usize = 8 * 1024 * 1024;

/// Bytes of the end of a longer output.
pub const OUTPUT_END_BYTES: usize = 64 * 1024;

/// Bytes of a rendered command line that an event can show; a longer one is refused, for what runs is never cut.
pub const COMMAND_BYTES: usize = 128 * 1024;

/// Characters of the line that stands for a command or a call.
pub const TITLE_CHARS: usize = 200;

/// Characters of one argument in the line that stands for a call.
pub const ARGUMENT_CHARS: usize = 40;

/// Runs that are claimed at once.
pub const CLAIM_RUNS: usize = 64;

/// Pauses before a failed write is tried again: the first, and the longest.
pub const WRITE_PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(5));

/// How long a stop of the server waits for writes, after its attempts have ended, before it gives them up.
pub const LAST_WRITES: Duration = Duration::from_secs(5);

/// How long an attempt may take to end after it was cancelled because the server stops.
pub const HAND_OVER: Duration = Duration::from_secs(3);

/// How often is looked whether anybody follows a run that may not be left alone for long.
pub const FOLLOWERS_EVERY: Duration = Duration::from_millis(250);

/// Events read at once when a driver looks for answers in the log.
pub const HEARING_EVENTS: usize = 1024;

/// Bytes of a rendered prompt as its event prints it: with what is around it, it must fit into
/// [`run::MAX_EVENT_BYTES`].
pub const PROMPT_EVENT_BYTES: usize = 1000 * 1024;

/// Runs of a thread that are looked through for its history, however small they are.
pub const HISTORY_RUNS: usize = 256;

/// Bytes of a tool's result that a later run is told.
pub const HISTORY_RESULT_BYTES: usize = 16 * 1024;

/// Where history is summarised instead of dropped, so many times its budget of tokens is read at most.
pub const HISTORY_READ_FACTOR: u64 = 4;

/// Most tokens of a summary; else it has a quarter of the budget.
pub const SUMMARY_TOKENS: u32 = 4 * 1024;

/// How long a model may take for a summary of older history.
pub const SUMMARY_TIME: Duration = Duration::from_mins(2);

/// Different ids of messages, or of calls, that one run of an AG-UI agent may use; one with more fails. They are needed to
/// know what is said again.
pub const UPSTREAM_IDS: usize = 20_000;

/// Messages of an AG-UI agent that are open at once; the first one is ended for one more. Fewer than a run may have.
pub const UPSTREAM_MESSAGES: usize = 48;

/// Calls of an AG-UI agent that wait for their results at once; the first one ends as unknown for one more.
pub const UPSTREAM_CALLS: usize = 200;

/// Bytes of a value of an AG-UI agent (state, result, activity) as printed. With what is around it, it must fit into
/// [`run::MAX_EVENT_BYTES`].
pub const UPSTREAM_VALUE_BYTES: usize = 768 * 1024;

/// Bytes of the conversation that an AG-UI agent is sent; of a longer one the oldest runs are left out.
pub const UPSTREAM_HISTORY_BYTES: usize = 1024 * 1024;

/// Events of an AG-UI agent that cannot be read as JSON before its run fails.
pub const UPSTREAM_GARBAGE: u32 = 100;

/// Bytes of an error's body that are read and told.
pub const UPSTREAM_ERROR_BYTES: usize = 2 * 1024;

/// How long telling an AG-UI agent to stop may take.
pub const UPSTREAM_STOP: Duration = Duration::from_secs(3);

/// How long a silent connection to an AG-UI agent is kept before it is looked at.
pub const UPSTREAM_KEEPALIVE: Duration = Duration::from_secs(30);

/// Processes of an agent that may break off in one turn before its run fails.
pub const AGENT_PROCESSES: u32 = 3;

/// Frames that wait for an agent to read them. One that reads none of so many never will.
pub const AGENT_FRAMES: usize = 1024;

/// How long an agent may take for the end of an interrupted turn, and again for its own end, before signals follow.
pub const AGENT_GOODBYE: Duration = Duration::from_secs(2);

/// Bytes of what is to be approved, as JSON. It has to fit into an event whole, because it is never cut.
pub const APPROVAL_BYTES: usize = 960 * 1024;

/// Bytes of what a new session is told of the one before it.
pub const HAND_OVER_BYTES: usize = 24 * 1024;

/// Bytes of one message or call of that.
pub const HAND_OVER_ITEM_BYTES: usize = 2 * 1024;

/// Bytes of a run's diff that are kept as text.
pub const DIFF_BYTES: usize = 4 * 1024 * 1024;

/// Changed files that a `diff.updated` names.
pub const DIFF_FILES: usize = 300;

/// Uncommitted files that the refusal of a merge names.
pub const NAMED_DIRTY: usize = 5;

/// How often the directory of worktrees is looked through.
pub const HOUSEKEEPING: Duration = Duration::from_mins(1);

/// How long the removal of a worktree waits for the end of a preview in it.
pub const PREVIEW_STOP: Duration = Duration::from_secs(30);
