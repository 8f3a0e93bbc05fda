//! From what the store knows to what clients see.

use run::{AgentSpec, Run, State, Status};
use store::{RunRecord, ThreadRecord};
use wire::{ParentBody, RunBody, ThreadBody};

/// A run without its snapshot.
pub(crate) fn run_body(record: RunRecord) -> RunBody {
    let RunRecord {
        id,
        tenant: _,
        created_by,
        thread,
        agent,
        spec,
        input: _,
        trigger,
        control,
        is_current,
        worker: _,
        output,
        refines,
        parent,
        metadata,
        applied,
        worktree_removed_at: _,
        log_expired,
    } = record;
    let outcome = match &control.state {
        State::Final(outcome) => Some(outcome),
        State::Queued { .. } | State::Running | State::Waiting { .. } => None,
    };
    RunBody {
        id,
        thread_id: thread,
        agent,
        model: spec.model.clone(),
        status: control.status(),
        reason: outcome.map(|outcome| outcome.reason),
        trigger,
        attempt: control.attempt,
        step_count: control.n_steps,
        last_seq: control.last_seq,
        summary: control.summary.clone(),
        created_by: created_by.map(String::from),
        created_at: control.created_at,
        started_at: control.started_at,
        updated_at: control.updated_at,
        // The last event of a log is its end.
        finished_at: outcome.map(|_| control.updated_at),
        stop_requested_at: control.stop.as_ref().map(|stop| stop.at),
        applied_at: applied.as_ref().map(|applied| applied.at),
        applied_by: applied.as_ref().map(|applied| applied.by.clone()),
        applied_ref: applied.and_then(|applied| applied.reference),
        usage: control.usage,
        output,
        error: outcome.and_then(|outcome| outcome.error.clone()),
        finish_reason: outcome.and_then(|outcome| outcome.finish_reason.clone()),
        refines,
        parent: parent.map(|parent| ParentBody {
            run_id: parent.run,
            call: parent.call,
            depth: parent.depth,
        }),
        can_refine: can_refine(&spec, &control),
        worktree_of: spec.task.as_ref().map(|task| task.owner),
        worktree: None,
        previews: Vec::new(),
        session: None,
        is_current,
        log_expired,
        metadata,
        snapshot: None,
    }
}

/// Whether a run can be refined as it is, as far as its row knows.
fn can_refine(spec: &AgentSpec, control: &Run) -> bool {
    if spec.driver.is_coding() {
        // However it ended: its session and its files are there.
        return control.is_final() && control.resume_ref.is_some();
    }
    control.status() == Status::Succeeded && spec.driver.can_refine()
}

/// A thread.
pub(crate) fn thread_body(record: ThreadRecord) -> ThreadBody {
    let ThreadRecord {
        id,
        tenant: _,
        created_by,
        title,
        body,
        labels,
        metadata,
        column,
        position,
        agent,
        parent,
        archived_at,
        created_at,
        updated_at,
        current_run,
    } = record;
    ThreadBody {
        id,
        title,
        body,
        labels,
        metadata,
        column,
        position,
        agent,
        parent_id: parent,
        created_by: created_by.map(String::from),
        created_at,
        updated_at,
        archived_at,
        current_run_id: current_run,
    }
}
