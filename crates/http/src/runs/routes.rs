//! The addresses of runs.

use axum::http::Method;
use axum::routing::{delete, get, post};
use wire::{
    ApplyRun, Code, DiffBody, EventsPage, InputAnswer, InputList, OnWorktree, RefineRun,
    RequestAnswer, RunBody, RunList, SendInput, SendNotice, StartRun, StopAnswer, StopRun,
};

use crate::reference::{Doc, Group};
use crate::routes::{CURSOR, IDEMPOTENCY_KEY, LIMIT, Route, TOKEN, WAIT, route};
use crate::{feed, runs};

/// All of them.
pub(crate) fn routes() -> Vec<Route> {
    let mut routes = run_routes();
    routes.extend(result_routes());
    routes.extend(file_routes());
    routes.extend(event_routes());
    routes.extend(steering_routes());
    routes
}

fn run_routes() -> Vec<Route> {
    let start = Doc::new(Group::Runs, "Starts a run")
        .text("With `Accept: text/event-stream` it starts the run and streams it in one call; a start that is refused answers its error all the same. `Location` and `x-run-id` name the run.")
        .right("start")
        .header("Idempotency-Key", IDEMPOTENCY_KEY)
        .body::<StartRun>()
        .json::<RunBody>(201, "there is a new run")
        .json::<RunBody>(200, "the key was used before, for this run")
        .json::<InputAnswer>(202, "`on_conflict` is `steer` and the current run got the input")
        .codes(&[
            Code::InvalidJson, Code::InvalidRequest, Code::InvalidHeader, Code::BodyTooLarge, Code::UnsupportedMediaType,
            Code::AgentUnknown, Code::AgentNotAllowed, Code::SettingNotOverridable, Code::SchemaInvalid, Code::RefinesUnknown, Code::RefinesOtherThread, Code::RunOpen, Code::RunAlreadyActive, Code::SupersedeMismatch,
            Code::IdempotencyKeyReused, Code::SecretsDisabled, Code::InputNotAccepted, Code::TooManyInputs, Code::QueueFull, Code::TooManyStreams, Code::NotFound,
        ]);
    let list = Doc::new(Group::Runs, "Lists runs, newest first")
        .right("read")
        .query("thread_id", "of this thread")
        .query("agent", "of this agent")
        .query(
            "status",
            "in these states, for example `queued,running`; `open` for all that have not ended",
        )
        .query("parent", "started by agents for calls of this run")
        .query("ephemeral", "`true` also lists runs of ephemeral agents")
        .query("cursor", CURSOR)
        .query("limit", LIMIT)
        .json::<RunList>(200, "the runs, without snapshots")
        .codes(&[Code::InvalidQuery, Code::CursorUnknown, Code::NotFound]);
    let show = Doc::new(Group::Runs, "One run and what its log folds to")
        .text("The snapshot is never behind the run; its `last_seq` is the cursor from which to follow. For a run with an `output_schema` it has `output_preview`: the valid part of the output so far, null while there is none.")
        .right("read")
        .query("wait", WAIT)
        .query("after", "with `wait`: what the client has; the run as it is now if missing")
        .json::<RunBody>(200, "the run with `snapshot`")
        .codes(&[Code::InvalidId, Code::InvalidQuery, Code::CursorUnknown, Code::NotFound]);
    let remove = Doc::new(Group::Runs, "Deletes a run that has ended, with its log")
        .text("The worktree that it owns goes soon after it; what is in no branch is saved under `refs/outlive/saved/` first.")
        .right("manage")
        .empty(204, "it is gone")
        .codes(&[Code::InvalidId, Code::NotFound, Code::RunOpen, Code::WorktreeInUse]);
    vec![
        route(Method::POST, "/v1/runs", post(runs::start), start),
        route(Method::GET, "/v1/runs", get(runs::list), list),
        route(Method::GET, "/v1/runs/{run}", get(runs::show), show),
        route(
            Method::DELETE,
            "/v1/runs/{run}",
            delete(runs::delete),
            remove,
        ),
    ]
}

/// What becomes of a run that has ended.
fn result_routes() -> Vec<Route> {
    let retry = Doc::new(Group::Runs, "Starts the same again")
        .text("A new run on the same thread with the same agent, input, output schema and metadata. The agent is taken as it is configured now; `credentials` of the run were erased at its end and are not carried over.")
        .right("start")
        .header("Idempotency-Key", IDEMPOTENCY_KEY)
        .json::<RunBody>(201, "there is a new run")
        .json::<RunBody>(200, "the key was used before, for this run")
        .codes(&[
            Code::InvalidId, Code::NotFound, Code::RunOpen, Code::RunAlreadyActive, Code::AgentUnknown, Code::AgentNotAllowed,
            Code::InvalidHeader, Code::IdempotencyKeyReused, Code::QueueFull,
        ]);
    let refine = Doc::new(Group::Runs, "Refines the result of a run")
        .text("A new run on the same thread whose input is a conversation: what the run was asked, its output (or `output`, as a person edited it) and the instruction. A coding agent goes on in its own session and worktree instead, whatever the end of the run was, and is told the instruction alone; without one it reviews what it did. The agent is taken as it is configured now; the output schema is that of the run.")
        .right("start")
        .header("Idempotency-Key", IDEMPOTENCY_KEY)
        .body::<RefineRun>()
        .json::<RunBody>(201, "there is a new run; its `refines` is the earlier one")
        .json::<RunBody>(200, "the key was used before, for this run")
        .codes(&[
            Code::InvalidId, Code::InvalidJson, Code::InvalidRequest, Code::InvalidHeader, Code::BodyTooLarge, Code::UnsupportedMediaType,
            Code::NotFound, Code::RunOpen, Code::NotSucceeded, Code::OutputInvalid, Code::InputNotAccepted, Code::RunAlreadyActive, Code::AgentUnknown,
            Code::AgentNotAllowed, Code::IdempotencyKeyReused, Code::QueueFull, Code::SessionGone, Code::WorktreeGone,
        ]);
    let blob = Doc::new(Group::Runs, "A file that the run's log names")
        .text(
            "Where an event has `blob:HASH` as an address: pictures and documents that tools gave.",
        )
        .right("read")
        .empty(200, "the bytes, with their media type")
        .codes(&[Code::InvalidId, Code::NotFound]);
    let apply = Doc::new(
        Group::Runs,
        "Remembers that the result of a succeeded run was used",
    )
    .text("Once: a repeat answers what was remembered first.")
    .right("manage")
    .optional_body::<ApplyRun>()
    .json::<RunBody>(200, "the run")
    .codes(&[
        Code::InvalidId,
        Code::InvalidJson,
        Code::InvalidRequest,
        Code::NotFound,
        Code::NotSucceeded,
    ]);
    vec![
        route(
            Method::POST,
            "/v1/runs/{run}/retry",
            post(runs::retry),
            retry,
        ),
        route(
            Method::POST,
            "/v1/runs/{run}/refine",
            post(runs::refine),
            refine,
        ),
        route(
            Method::POST,
            "/v1/runs/{run}/apply",
            post(runs::apply),
            apply,
        ),
        route(
            Method::GET,
            "/v1/runs/{run}/blobs/{blob}",
            get(runs::blob),
            blob,
        ),
    ]
}

/// The files that a coding agent has worked in.
fn file_routes() -> Vec<Route> {
    let diff = Doc::new(Group::Runs, "What a run has changed in its repository")
        .text("Since its worktree began, untracked files included, as it was at the end of its last turn. With `Accept: text/x-diff` the text alone, as `git diff` prints it.")
        .right("read")
        .query("checkpoint", "what changed in the turn that this checkpoint closed, for example `w2`")
        .json::<DiffBody>(200, "the diff")
        .codes(&[Code::InvalidId, Code::InvalidQuery, Code::NotFound, Code::DiffMissing]);
    let worktree = Doc::new(Group::Runs, "Does something with the worktree of a run that has ended")
        .text("Merges it, commits what is left, keeps or restores a checkpoint, removes it. Each is a run of its own on the same thread, without an agent, and is answered once it has ended; its `output` says what came of it. Conflicts of a merge are an output too: `{outcome: \"conflicts\", conflicts: [{path, kind}]}`.")
        .right("manage")
        .query("wait", "how long to wait for the end, at most 60 s; 20 s if missing")
        .header("Idempotency-Key", IDEMPOTENCY_KEY)
        .body::<OnWorktree>()
        .json::<RunBody>(201, "the run that does it; it has ended, or took longer than `wait`")
        .json::<RunBody>(200, "the key was used before, for this run")
        .codes(&[
            Code::InvalidId, Code::InvalidQuery, Code::InvalidJson, Code::InvalidRequest, Code::InvalidHeader, Code::BodyTooLarge, Code::UnsupportedMediaType,
            Code::NotFound, Code::WorktreeMissing, Code::WorktreeGone, Code::WorktreeInUse, Code::WorktreeNotOwned, Code::IdempotencyKeyReused, Code::QueueFull,
        ]);
    let preview = Doc::new(Group::Runs, "Starts a preview of a run's work")
        .text("A command of `[repositories.NAME.previews.PREVIEW]` in the run's worktree, also while the agent is at work. It is a run of its own on a thread below the run's; the run's `previews` name it. It ends with its process, by a stop, and before the worktree goes.")
        .right("start")
        .header("Idempotency-Key", IDEMPOTENCY_KEY)
        .json::<RunBody>(201, "the preview's run")
        .json::<RunBody>(200, "the key was used before, for this run")
        .codes(&[
            Code::InvalidId, Code::InvalidHeader, Code::NotFound, Code::PreviewUnknown, Code::PreviewRunning, Code::WorktreeMissing, Code::WorktreeGone,
            Code::AgentNotAllowed, Code::IdempotencyKeyReused, Code::QueueFull,
        ]);
    let end_preview = Doc::new(Group::Runs, "Stops a preview")
        .right("stop")
        .json::<StopAnswer>(200, "`stopped` is false when it was not running")
        .codes(&[
            Code::InvalidId,
            Code::NotFound,
            Code::PreviewUnknown,
            Code::WorktreeMissing,
            Code::WorktreeGone,
        ]);
    vec![
        route(Method::GET, "/v1/runs/{run}/diff", get(runs::diff), diff),
        route(
            Method::POST,
            "/v1/runs/{run}/worktree",
            post(runs::worktree),
            worktree,
        ),
        route(
            Method::POST,
            "/v1/runs/{run}/previews/{preview}",
            post(runs::start_preview),
            preview,
        ),
        route(
            Method::DELETE,
            "/v1/runs/{run}/previews/{preview}",
            delete(runs::stop_preview),
            end_preview,
        ),
    ]
}

fn event_routes() -> Vec<Route> {
    let events = Doc::new(Group::Events, "A run's events, as a stream or in pages")
        .text("A stream with `Accept: text/event-stream`, else a page.")
        .right("read")
        .header(
            "Last-Event-ID",
            "the number of the last event that the client has; wins over `after`",
        )
        .query("after", "the same in the query")
        .query(
            "wait",
            "of a page: how long to wait when there is nothing behind the cursor; at most 60 s",
        )
        .query(
            "preview",
            "of a stream: `true` adds `event: preview` with the output so far, for a run with an `output_schema`",
        )
        .query("limit", "of a page: most events, from 1 to 1000")
        .query("token", TOKEN)
        .stream("the events behind the cursor, to the end of the run")
        .json::<EventsPage>(200, "a page; about 256 KiB at most")
        .empty(
            204,
            "a stream was asked for and the cursor has seen the end of the run",
        )
        .codes(&[
            Code::InvalidId,
            Code::InvalidQuery,
            Code::CursorUnknown,
            Code::NotFound,
            Code::LogExpired,
            Code::TooManyStreams,
        ]);
    let several = Doc::new(Group::Events, "One stream over several runs")
        .text("It ends when all of them have ended. Data begins with `run_id`; an `id` has one number per run, in the order of `runs`.")
        .right("read")
        .query("runs", "ids, separated by commas; at most 50")
        .required()
        .header("Last-Event-ID", "the last `id` of the stream; wins over `after`")
        .query("after", "the same in the query, for example `12,0`; 0 for the beginning of all")
        .query("token", TOKEN)
        .stream("the events of all the runs")
        .empty(204, "the cursor has seen the end of every run")
        .codes(&[Code::InvalidQuery, Code::CursorUnknown, Code::NotFound, Code::LogExpired, Code::TooManyStreams]);
    let feed = Doc::new(Group::Events, "Changes of runs and threads, for boards")
        .text("`event: run` and `event: thread` say that something changed, without numbers: fetch what you show, and fetch everything again after a reconnect or an `event: reset`.")
        .right("read")
        .query("ephemeral", "`true` also tells of runs of ephemeral agents")
        .query("token", TOKEN)
        .stream("changes from now on, each `{thread_id, run_id?, status?}`")
        .codes(&[Code::InvalidQuery, Code::TooManyStreams]);
    vec![
        route(
            Method::GET,
            "/v1/runs/{run}/events",
            get(runs::events),
            events,
        ),
        route(
            Method::GET,
            "/v1/events",
            get(runs::events_of_several),
            several,
        ),
        route(Method::GET, "/v1/feed", get(feed::feed), feed),
    ]
}

fn steering_routes() -> Vec<Route> {
    let stop = Doc::new(Group::Steering, "Stops a run")
        .text("A queued or parked run ends at once; another is told to, and ends a little later. Safe to repeat.")
        .right("stop")
        .optional_body::<StopRun>()
        .json::<StopAnswer>(200, "`stopped` is false for a run that had ended; it is left as it is")
        .codes(&[Code::InvalidId, Code::InvalidJson, Code::InvalidRequest, Code::NotFound]);
    let send = Doc::new(Group::Steering, "Sends a message to an open run")
        .right("input")
        .body::<SendInput>()
        .json::<InputAnswer>(
            202,
            "it was accepted; an `input.consumed` or `input.returned` event says what became of it",
        )
        .codes(&[
            Code::InvalidId,
            Code::InvalidJson,
            Code::InvalidRequest,
            Code::BodyTooLarge,
            Code::UnsupportedMediaType,
            Code::NotFound,
            Code::RunFinal,
            Code::InputNotAccepted,
            Code::TooManyInputs,
        ]);
    let notify = Doc::new(Group::Steering, "Leaves a notice in the log of an open run")
        .text("For people who look at the run: the agent does not hear it. It is a `notice` event with the code `told`, whose `detail.by` says from whom. An agent's process may do so with its own token.")
        .right("input")
        .body::<SendNotice>()
        .json::<RunBody>(201, "it stands in the log; the run behind it")
        .codes(&[
            Code::InvalidId, Code::InvalidJson, Code::InvalidRequest, Code::BodyTooLarge, Code::UnsupportedMediaType,
            Code::NotFound, Code::RunFinal, Code::TooManyNotices,
        ]);
    let list = Doc::new(Group::Steering, "Lists the messages to a run")
        .right("read")
        .json::<InputList>(200, "all of them, each with where it is")
        .codes(&[Code::InvalidId, Code::NotFound]);
    let take_back = Doc::new(Group::Steering, "Takes back a message that waits")
        .right("input")
        .json::<InputAnswer>(200, "it will not be heard")
        .codes(&[Code::InvalidId, Code::NotFound, Code::InputNotPending]);
    let answer = Doc::new(
        Group::Steering,
        "Answers an approval, questions or a client-side tool call",
    )
    .text("The first answer wins.")
    .right("answer")
    .body::<RequestAnswer>()
    .json::<RunBody>(200, "the run behind the answer")
    .codes(&[
        Code::InvalidId,
        Code::InvalidJson,
        Code::InvalidRequest,
        Code::BodyTooLarge,
        Code::UnsupportedMediaType,
        Code::NotFound,
        Code::RequestUnknown,
        Code::RequestAnswered,
        Code::RequestExpired,
        Code::AnswerUnfit,
        Code::RunFinal,
    ]);
    vec![
        route(Method::POST, "/v1/runs/{run}/stop", post(runs::stop), stop),
        route(
            Method::POST,
            "/v1/runs/{run}/inputs",
            post(runs::send_input),
            send,
        ),
        route(
            Method::POST,
            "/v1/runs/{run}/notices",
            post(runs::notify),
            notify,
        ),
        route(
            Method::GET,
            "/v1/runs/{run}/inputs",
            get(runs::list_inputs),
            list,
        ),
        route(
            Method::DELETE,
            "/v1/runs/{run}/inputs/{input}",
            delete(runs::take_back),
            take_back,
        ),
        route(
            Method::POST,
            "/v1/runs/{run}/requests/{request}",
            post(runs::answer),
            answer,
        ),
    ]
}
