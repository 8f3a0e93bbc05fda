//! What lies before the stretch that is told.

use run::{Envelope, Event, Seq};

use super::super::ids;
use super::super::interrupt::Asked;
use super::super::open::Stage;
use super::Translator;

impl Translator {
    /// What lies before the stretch.
    pub(super) fn before(&mut self, event: &Event) {
        self.usage(event);
        match event {
            Event::MessageStarted(started) => {
                self.keep_named(started.message.as_str());
                self.start_message(&started.message, started.role, false);
            }
            Event::MessageCompleted(done) => drop(self.messages.remove(&done.message)),
            Event::MessageDiscarded(done) => drop(self.messages.remove(&done.message)),
            Event::InputReceived(input) => self.keep_named(input.input.as_str()),
            Event::ToolStarted(started) => {
                self.keep_named(started.call.as_str());
                self.start_call(started);
            }
            Event::ToolCalled(called) => {
                if let Some(call) = self.calls.get_mut(&called.call) {
                    call.stage = Stage::Ended;
                }
            }
            Event::ToolCompleted(done) => {
                self.keep_named(&ids::result(done.call.as_str()));
                self.calls.remove(&done.call);
            }
            Event::StateSnapshot(_) | Event::StateDelta(_) => self.share(event),
            Event::ApprovalRequested(asked) => {
                self.ask(&asked.request, Asked::Approval(asked.clone().into()));
            }
            Event::QuestionAsked(asked) => {
                self.ask(&asked.request, Asked::Question(asked.clone().into()));
            }
            Event::ClientToolCalled(asked) => {
                self.ask(&asked.request, Asked::ClientTool(asked.clone()));
            }
            Event::ApprovalResolved(done) => self.answered(&done.request),
            Event::QuestionAnswered(done) => self.answered(&done.request),
            Event::ClientToolAnswered(done) => self.answered(&done.request),
            Event::RequestExpired(done) => self.answered(&done.request),
            Event::TurnStarted(started) => self.model(started.model.as_ref()),
            Event::StepStarted(started) => self.model(started.model.as_ref()),
            // Told in its own segment, and nothing later needs it.
            Event::RunCreated(_)
            | Event::AttemptStarted(_)
            | Event::AttemptEnded(_)
            | Event::RunWaiting(_)
            | Event::StopRequested(_)
            | Event::RunFinished(_)
            | Event::InputConsumed(_)
            | Event::InputReturned(_)
            | Event::SessionStarted(_)
            | Event::SessionChanged(_)
            | Event::SessionExited(_)
            | Event::PromptRendered(_)
            | Event::TurnCompleted(_)
            | Event::StepFinished(_)
            | Event::TextDelta(_)
            | Event::ReasoningDelta(_)
            | Event::ToolArgsDelta(_)
            | Event::ToolRunning(_)
            | Event::ToolOutput(_)
            | Event::ToolUpdated(_)
            | Event::PlanUpdated(_)
            | Event::PlanProposed(_)
            | Event::PlanImplemented(_)
            | Event::TaskStarted(_)
            | Event::TaskProgress(_)
            | Event::TaskCompleted(_)
            | Event::UsageUpdated(_)
            | Event::ContextCompacted(_)
            | Event::RetryScheduled(_)
            | Event::WorktreeReady(_)
            | Event::DiffUpdated(_)
            | Event::CheckpointCaptured(_)
            | Event::WorktreeSettled(_)
            | Event::Notice(_)
            | Event::Raw(_)
            | Event::Custom(_)
            | Event::Unknown(_) => {}
        }
    }

    pub(super) fn keep_named(&mut self, key: &str) {
        if self.named_by_client.contains(key) {
            self.from_before.insert(key.to_owned());
        }
    }

    /// The state that the agent shares, as it was before the stretch.
    pub(super) fn share(&mut self, event: &Event) {
        self.shared.apply(&Envelope {
            seq: Seq::ZERO,
            at: run::Timestamp::default(),
            attempt: 0,
            event: event.clone(),
        });
    }
}
