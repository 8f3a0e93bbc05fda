//! Everything that is worth one line and no more.

use run::Event;
use run::event::{AttemptEnd, PlanStepStatus, TurnStatus};

use super::live::LINE_CHARS;
use super::style::Tone;
use super::words::{brief, count, counted, duration};

/// Everything that is worth one line and no more.
pub(super) fn one_line(event: &Event) -> Option<(Tone, String)> {
    let dim = |text: String| Some((Tone::Dim, text));
    match event {
        Event::AttemptStarted(_)
        | Event::RunWaiting(_)
        | Event::InputConsumed(_)
        | Event::SessionStarted(_)
        | Event::SessionChanged(_)
        | Event::PromptRendered(_)
        | Event::TurnStarted(_)
        | Event::StepStarted(_)
        | Event::StepFinished(_)
        | Event::UsageUpdated(_)
        | Event::StateSnapshot(_)
        | Event::StateDelta(_) => None,
        Event::AttemptEnded(end) => match end.end {
            AttemptEnd::Parked => None,
            AttemptEnd::HandedOver => dim(format!("↻ handed over: {}", end.why)),
            AttemptEnd::Lost => Some((Tone::Warn, format!("↻ the attempt was lost: {}", end.why))),
        },
        Event::StopRequested(stop) => {
            let why = stop
                .why
                .as_deref()
                .map_or(String::new(), |why| format!(": {why}"));
            Some((
                Tone::Warn,
                format!("■ stop requested by {}{why}", stop.by.0),
            ))
        }
        Event::SessionExited(exit) => dim(format!("· the agent's process ended ({})", exit.kind)),
        Event::TurnCompleted(turn) => match (turn.status, &turn.error) {
            (TurnStatus::Failed, Some(error)) => {
                Some((Tone::Bad, format!("✗ the turn failed: {}", error.message)))
            }
            (TurnStatus::Failed, None) => Some((Tone::Bad, "✗ the turn failed".to_owned())),
            (TurnStatus::Completed | TurnStatus::Interrupted | TurnStatus::Cancelled, _) => None,
        },
        Event::ContextCompacted(context) => dim(format!(
            "· older history was left out: {} instead of {}",
            counted(context.after_tokens, "token"),
            count(context.before_tokens)
        )),
        Event::RetryScheduled(retry) => Some((
            Tone::Warn,
            format!("↻ again in {}: {}", duration(retry.delay_ms), retry.why),
        )),
        Event::WorktreeReady(worktree) => dim(format!("· worktree {}", worktree.path)),
        Event::DiffUpdated(diff) => dim(format!(
            "· {} changed, +{} −{}",
            counted(diff.files.len() as u64, "file"),
            count(diff.additions),
            count(diff.deletions)
        )),
        Event::CheckpointCaptured(checkpoint) => dim(format!(
            "· checkpoint {} ({})",
            checkpoint.checkpoint, checkpoint.status
        )),
        Event::WorktreeSettled(worktree) => dim(format!("· worktree at {}", worktree.head)),
        Event::Raw(raw) => dim(format!(
            "· {}: {}",
            raw.source,
            brief(&raw.payload, LINE_CHARS)
        )),
        Event::Custom(custom) => dim(format!(
            "· {}: {}",
            custom.name,
            brief(&custom.value, LINE_CHARS)
        )),
        // A type of a later server is shown as it is.
        event => plan(event).or_else(|| {
            let mut data = Vec::new();
            event.write_data(&mut data);
            let data = String::from_utf8_lossy(&data);
            dim(format!("· {} {data}", event.kind()))
        }),
    }
}

/// Plans and background tasks.
fn plan(event: &Event) -> Option<(Tone, String)> {
    let dim = |text: String| Some((Tone::Dim, text));
    match event {
        Event::PlanUpdated(plan) => {
            let steps = plan.steps.iter().map(|step| {
                let sign = match step.status {
                    PlanStepStatus::Pending => '☐',
                    PlanStepStatus::InProgress => '◐',
                    PlanStepStatus::Completed => '☑',
                };
                format!("{sign} {}", step.text)
            });
            dim(format!("plan: {}", steps.collect::<Vec<_>>().join("  ")))
        }
        Event::PlanProposed(plan) => Some((
            Tone::Person,
            format!("plan {} is proposed; its text is above", plan.plan),
        )),
        Event::PlanImplemented(plan) => {
            dim(format!("· carries out plan {} of {}", plan.plan, plan.of))
        }
        Event::TaskStarted(task) => dim(format!("· task {}: {}", task.task, task.title)),
        Event::TaskProgress(task) => task
            .summary
            .as_ref()
            .and_then(|summary| dim(format!("· task {}: {summary}", task.task))),
        Event::TaskCompleted(task) => {
            let summary = task.summary.as_deref().unwrap_or_default();
            dim(format!("· task {} {:?} {summary}", task.task, task.status))
        }
        _ => None,
    }
}
