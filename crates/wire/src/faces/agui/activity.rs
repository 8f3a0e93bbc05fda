//! What stands beside the conversation, as activities: plans, tasks, diffs, worktrees.

use run::event::{
    CheckpointCaptured, DiffUpdated, PlanProposed, PlanUpdated, TaskCompleted, TaskProgress,
    TaskStarted, WorktreeReady, WorktreeSettled,
};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::ACTIVITY;
use super::event::Event;
use super::ids;
use super::patch::is_patch;

fn snapshot(id: String, kind: &str, content: &impl Serialize) -> Event {
    Event::ActivitySnapshot {
        message_id: id,
        activity_type: kind.to_owned(),
        content: members(content),
        replace: true,
    }
}

fn members(content: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(content) {
        Ok(Value::Object(members)) => members,
        Ok(_) | Err(_) => Map::new(),
    }
}

/// A change of these members. `add` replaces a member that is there (RFC 6902, 4.1).
fn delta(id: String, kind: &str, content: &impl Serialize) -> Event {
    let members = members(content).into_iter();
    Event::ActivityDelta {
        message_id: id,
        activity_type: kind.to_owned(),
        patch: members
            .map(|(name, value)| json!({ "op": "add", "path": format!("/{name}"), "value": value }))
            .collect(),
    }
}

pub(super) fn plan(run: &str, plan: &PlanUpdated) -> Event {
    snapshot(ids::only(run, "plan"), "plan", plan)
}

pub(super) fn proposed(run: &str, plan: &PlanProposed) -> Event {
    snapshot(ids::only(run, plan.plan.as_str()), "proposed_plan", plan)
}

pub(super) fn task(run: &str, task: &TaskStarted) -> Event {
    snapshot(ids::only(run, task.task.as_str()), "task", task)
}

pub(super) fn progress(run: &str, task: &TaskProgress) -> Event {
    delta(ids::only(run, task.task.as_str()), "task", task)
}

pub(super) fn completed(run: &str, task: &TaskCompleted) -> Event {
    delta(ids::only(run, task.task.as_str()), "task", task)
}

pub(super) fn diff(run: &str, diff: &DiffUpdated) -> Event {
    snapshot(ids::only(run, "diff"), "diff", diff)
}

pub(super) fn checkpoint(run: &str, kept: &CheckpointCaptured) -> Event {
    snapshot(ids::only(run, kept.checkpoint.as_str()), "checkpoint", kept)
}

pub(super) fn worktree(run: &str, ready: &WorktreeReady) -> Event {
    snapshot(ids::only(run, "worktree"), "worktree", ready)
}

pub(super) fn settled(run: &str, settled: &WorktreeSettled) -> Event {
    delta(ids::only(run, "worktree"), "worktree", settled)
}

/// Takes the place of a message that is to be forgotten.
pub(super) fn discarded(message: &str, why: &str) -> Event {
    let content = json!({ "why": why });
    snapshot(message.to_owned(), "outlive.discarded", &content)
}

/// An activity of an agent behind the run, which speaks AG-UI itself.
pub(super) fn from_behind(run: &str, name: &str, value: &Value) -> Option<Event> {
    if name != ACTIVITY {
        return None;
    }
    let message_id = ids::only(run, value["messageId"].as_str()?);
    let activity_type = value["activityType"].as_str()?.to_owned();
    Some(match (&value["content"], &value["patch"]) {
        (Value::Object(content), _) => Event::ActivitySnapshot {
            message_id,
            activity_type,
            content: content.clone(),
            replace: value["replace"] != false,
        },
        (_, Value::Array(patch)) if is_patch(patch) => Event::ActivityDelta {
            message_id,
            activity_type,
            patch: patch.clone(),
        },
        _ => return None,
    })
}
