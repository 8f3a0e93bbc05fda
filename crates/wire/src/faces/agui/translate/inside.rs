//! One event of the log inside of the stretch that is told.

use run::{Envelope, Event, text_of};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::super::event::{Event as Agui, TextRole, ours};
use super::super::interrupt::Asked;
use super::super::open::{OpenMessage, Stage};
use super::super::patch::is_patch;
use super::super::{STEP, activity, ids};
use super::Translator;

impl Translator {
    #[expect(
        clippy::too_many_lines,
        reason = "one arm for each event type, so that the compiler asks for a new one"
    )]
    pub(super) fn translate(&mut self, envelope: &Envelope, out: &mut Vec<Agui>) {
        match &envelope.event {
            // The hot path first.
            Event::TextDelta(delta) => {
                if let Some(message) = self.shown_message(&delta.message, None) {
                    message.text(&delta.text, out);
                }
            }
            Event::ReasoningDelta(delta) => {
                if let Some(message) = self.shown_message(&delta.message, Some(delta.part)) {
                    message.think(delta.part, &delta.text, out);
                }
            }
            Event::ToolArgsDelta(delta) => {
                if let Some(call) = self.shown_call(&delta.call) {
                    call.args(&delta.text, out);
                }
            }

            Event::MessageStarted(started) => {
                let is_forgotten = envelope.seq > self.view.start()
                    && self.view.discarded.contains(&started.message);
                self.start_message(&started.message, started.role, is_forgotten);
            }
            Event::MessageCompleted(done) => self.complete_message(done, envelope.seq, out),
            Event::MessageDiscarded(done) => self.discard(done, out),

            Event::ToolStarted(started) => {
                self.start_call(started);
                if let Some(call) = self.shown_call(&started.call) {
                    call.begin(out);
                }
            }
            Event::ToolCalled(called) => {
                if let Some(call) = self.shown_call(&called.call) {
                    if call.stage == Stage::Unknown {
                        call.begin(out);
                    }
                    if !call.has_args {
                        call.args(&called.args.to_string(), out);
                    }
                    call.end(out);
                }
            }
            Event::ToolCompleted(done) => self.complete_call(done, out),

            // The message is part of the conversation from here on, also for those who did not send it.
            Event::InputReceived(input) => {
                let text = text_of(&input.parts);
                let id = ids::input(&self.run, &input.input);
                let mut message = OpenMessage::new(id, TextRole::User);
                message.text(&text, out);
                message.end(None, out);
            }
            Event::InputReturned(input) => self.withdraw(&input.input, out),

            Event::StepStarted(started) => {
                self.model(started.model.as_ref());
                self.end_step(None, out);
                self.step = Some(started.step.to_string());
                out.push(Agui::StepStarted {
                    step_name: started.step.to_string(),
                });
            }
            Event::StepFinished(finished) => {
                let metadata = json!({
                    "usage": finished.usage,
                    "finish_reason": finished.finish_reason,
                });
                self.end_step(Some(ours(&metadata)), out);
            }

            Event::StateSnapshot(snapshot) => out.push(Agui::StateSnapshot {
                snapshot: snapshot.state.clone(),
            }),
            Event::StateDelta(delta) if is_patch(&delta.patch) => out.push(Agui::StateDelta {
                delta: delta.patch.clone(),
            }),

            // Told by the interrupt that the wait for it becomes.
            Event::ApprovalRequested(asked) => {
                self.ask(&asked.request, Asked::Approval(asked.clone().into()));
            }
            Event::QuestionAsked(asked) => {
                self.ask(&asked.request, Asked::Question(asked.clone().into()));
            }
            Event::ClientToolCalled(asked) => {
                self.ask(&asked.request, Asked::ClientTool(asked.clone()));
            }
            Event::ApprovalResolved(done) => self.close_request(&done.request, &envelope.event, out),
            Event::QuestionAnswered(done) => self.close_request(&done.request, &envelope.event, out),
            Event::ClientToolAnswered(done) => {
                self.close_request(&done.request, &envelope.event, out);
            }
            Event::RequestExpired(done) => self.close_request(&done.request, &envelope.event, out),
            Event::RunFinished(finished) => self.finish(finished, out),
            // A step belongs to its attempt.
            Event::AttemptEnded(_) => self.end_step(None, out),

            Event::PlanUpdated(plan) => out.push(activity::plan(&self.run, plan)),
            Event::PlanProposed(plan) => out.push(activity::proposed(&self.run, plan)),
            Event::TaskStarted(task) => out.push(activity::task(&self.run, task)),
            Event::TaskProgress(task) => out.push(activity::progress(&self.run, task)),
            Event::TaskCompleted(task) => out.push(activity::completed(&self.run, task)),
            Event::DiffUpdated(diff) => out.push(activity::diff(&self.run, diff)),
            Event::CheckpointCaptured(kept) => out.push(activity::checkpoint(&self.run, kept)),
            Event::WorktreeReady(ready) => out.push(activity::worktree(&self.run, ready)),
            Event::WorktreeSettled(settled) => out.push(activity::settled(&self.run, settled)),

            Event::Raw(raw) => out.push(Agui::Raw {
                event: raw.payload.clone(),
                source: raw.source.clone(),
            }),
            Event::Custom(said) => match activity::from_behind(&self.run, &said.name, &said.value) {
                Some(event) => out.push(event),
                None if said.name == STEP => self.named_step(&said.value, out),
                None => out.push(Agui::Custom {
                    name: said.name.clone(),
                    value: raw(said.value.to_string()),
                }),
            },

            Event::TurnStarted(started) => self.model(started.model.as_ref()),

            // For who cares, under our names: the protocol has none for it.
            Event::AttemptStarted(_)
            | Event::StopRequested(_)
            | Event::ToolRunning(_)
            | Event::ToolOutput(_)
            | Event::ToolUpdated(_)
            | Event::PlanImplemented(_)
            | Event::UsageUpdated(_)
            | Event::ContextCompacted(_)
            | Event::RetryScheduled(_)
            | Event::Notice(_)
            | Event::StateDelta(_)
            | Event::Unknown(_) => out.push(custom(&envelope.event)),

            // The beginning of the run is `RUN_STARTED`.
            Event::RunCreated(_)
            // Told as the end of its segment, or by the way: see `end`.
            | Event::RunWaiting(_)
            // The input is told when it is received.
            | Event::InputConsumed(_)
            // A turn has no place in the protocol: the messages in it say all of it.
            | Event::TurnCompleted(_)
            // The operator's prompt and the agent's own session are no matter of the client.
            | Event::PromptRendered(_)
            | Event::SessionStarted(_)
            | Event::SessionChanged(_)
            | Event::SessionExited(_) => {}
        }
    }

    /// A step that an agent behind the run has named.
    pub(super) fn named_step(&mut self, value: &Value, out: &mut Vec<Agui>) {
        let name = value["name"].as_str().unwrap_or_default().to_owned();
        let is_ours = self.step.as_ref() == Some(&name);
        if value["status"] == "finished" {
            if self.named.remove(&name) {
                out.push(Agui::StepFinished {
                    step_name: name,
                    metadata: None,
                });
            }
        } else if !is_ours && self.named.len() < NAMED_STEPS && self.named.insert(name.clone()) {
            out.push(Agui::StepStarted { step_name: name });
        }
    }
}

/// Most named steps that are open at once; more are not told.
const NAMED_STEPS: usize = 64;

/// An event of ours for which the protocol has no word.
pub(super) fn custom(event: &Event) -> Agui {
    let mut data = Vec::new();
    event.write_data(&mut data);
    Agui::Custom {
        name: format!("outlive.{}", event.kind()),
        value: raw(String::from_utf8(data).unwrap_or_default()),
    }
}

pub(super) fn raw(json: String) -> Box<RawValue> {
    RawValue::from_string(json).unwrap_or_default()
}
