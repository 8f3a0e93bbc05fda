//! Schemas of types that come from `run`, which knows nothing of documents.

use run::Status;
use run::event::Decision;
use serde::Serialize;
use utoipa::openapi::schema::{
    AnyOfBuilder, ArrayBuilder, KnownFormat, Object, ObjectBuilder, Schema, SchemaFormat, Type,
};

fn words(text: &str, of: impl IntoIterator<Item = impl Serialize>) -> Schema {
    let words = of
        .into_iter()
        .map(|word| serde_json::to_value(word).unwrap_or_default());
    ObjectBuilder::new()
        .schema_type(Type::String)
        .description((!text.is_empty()).then_some(text))
        .enum_values(Some(words))
        .into()
}

fn object() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Object)
}

fn text() -> Object {
    Object::with_type(Type::String)
}

fn integer() -> Object {
    ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .build()
}

fn number() -> Object {
    Object::with_type(Type::Number)
}

pub(crate) fn status() -> Schema {
    words("Where it is.", Status::ALL)
}

pub(crate) fn decision() -> Schema {
    words(
        "The decision on an approval, one of its `options`.",
        Decision::ALL,
    )
}

pub(crate) fn credentials() -> Schema {
    let strings = || object().additional_properties(Some(Schema::from(text())));
    object()
        .property("vendors", strings())
        .property("mcp", object().additional_properties(Some(strings())))
        .into()
}

pub(crate) fn trigger() -> Schema {
    words(
        "What started it.",
        ["user", "api", "autostart", "schedule", "continue"],
    )
}

pub(crate) fn input_mode() -> Schema {
    words(
        "`steer`: heard now, between two steps. `follow_up`: opens the next turn.",
        ["steer", "follow_up"],
    )
}

pub(crate) fn approval() -> Schema {
    words(
        "What a coding agent may do without asking: nothing that acts, change files where it works, everything.",
        ["ask", "auto_edits", "full"],
    )
}

pub(crate) fn worktree_use() -> Schema {
    words(
        "Where a coding agent works: in a worktree of the run's own, in the repository as it is checked out, without git.",
        ["per_run", "shared", "none"],
    )
}

pub(crate) fn cleanup() -> Schema {
    words(
        "What becomes of a worktree when its run has ended.",
        ["keep", "on_finish"],
    )
}

pub(crate) fn usage() -> Schema {
    object()
        .description(Some("What it consumed so far: `{input_tokens, output_tokens, reasoning_tokens?, cached_input_tokens?, cost_usd?}`."))
        .property("input_tokens", integer())
        .property("output_tokens", integer())
        .property("reasoning_tokens", integer())
        .property("cached_input_tokens", integer())
        .property("cost_usd", number())
        .into()
}

pub(crate) fn budget() -> Schema {
    object()
        .description(Some("What it may consume: `{tokens?, steps?, cost_usd?, wall_ms?, unwatched_ms?}`. It narrows the budget of the agent and never widens it."))
        .property("tokens", integer())
        .property("steps", integer())
        .property("cost_usd", number())
        .property("wall_ms", integer())
        .property("unwatched_ms", integer())
        .into()
}

pub(crate) fn error_info() -> Schema {
    object()
        .description(Some("What went wrong: `{code, message}`."))
        .property("code", text())
        .property("message", text())
        .into()
}

fn part() -> Object {
    let kind = words("", ["text", "reasoning", "refusal", "source", "file"]);
    object()
        .property("type", kind)
        .property("text", text())
        .property("url", text())
        .property("title", text())
        .property("media_type", text())
        .property("name", text())
        .required("type")
        .build()
}

pub(crate) fn parts() -> Schema {
    let list = ArrayBuilder::new().items(part());
    AnyOfBuilder::new()
        .description(Some("What is said: a string, or parts `{type, text}`."))
        .item(text())
        .item(list)
        .into()
}

pub(crate) fn input() -> Schema {
    let message = object()
        .property("id", text())
        .property("role", words("", ["system", "user", "assistant", "tool"]))
        .property("parts", parts());
    let tool = object()
        .property("name", text())
        .property("description", text())
        .property("parameters", object());
    let full = object()
        .property("parts", parts())
        .property("variables", object())
        .property("messages", ArrayBuilder::new().items(message))
        .property("tools", ArrayBuilder::new().items(tool));
    AnyOfBuilder::new()
        .description(Some(
            "What it is asked: a string, `{parts, variables}`, or `{messages, tools}` in place of the history.",
        ))
        .item(text())
        .item(full)
        .into()
}

pub(crate) fn envelopes() -> Schema {
    let envelope = object()
        .property("seq", integer())
        .property("at", text())
        .property("attempt", integer())
        .property("type", words("", run::event::TYPES))
        .property("data", object())
        .required("seq")
        .required("at")
        .required("attempt")
        .required("type")
        .required("data");
    ArrayBuilder::new()
        .description(Some(
            "The events, each `{seq, at, attempt, type, data}`. Types are only ever added.",
        ))
        .items(envelope)
        .into()
}

pub(crate) fn worktree_command() -> Schema {
    let command = words(
        "What is done. `check_merge` `{into?, how?}`: says what a merge would do. `merge` `{into?, how?, message?, commit?}`. \
         `commit` `{message?}`: all that is not committed. `checkpoint`. `restore` `{checkpoint, branch?}`. `remove` `{branch?, discard?}`.",
        [
            "check_merge",
            "merge",
            "commit",
            "checkpoint",
            "restore",
            "remove",
        ],
    );
    let flag = |text: &str| {
        ObjectBuilder::new()
            .schema_type(Type::Boolean)
            .description(Some(text))
    };
    let line = |text: &str| {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(text))
    };
    object()
        .property("command", command)
        .property("into", line("The branch to merge into; the one that the worktree began from if missing."))
        .property("how", words("How the branches are joined; `merge` if missing.", ["merge", "rebase"]))
        .property("message", line("The message of the commit."))
        .property("commit", flag("With `merge`: commits first what is not committed, which else refuses the merge."))
        .property("checkpoint", line("With `restore`: the id of a checkpoint, for example `w2`."))
        .property("branch", flag("With `restore`: the branch goes back, too. With `remove`: the branch goes with the worktree."))
        .property("discard", flag("With `remove`: even if there are files that cannot be saved."))
        .required("command")
        .into()
}
