//! What becomes of each event type of the log.

use run::Event;
use run::event::RunFinished;

use super::translate::Translation;

impl Translation {
    #[expect(
        clippy::match_same_arms,
        reason = "what becomes of nothing says why, each kind its own reason"
    )]
    /// Translates one event; gives the end of the run back.
    pub(super) fn translate(&mut self, event: Event) -> Option<RunFinished> {
        match event {
            // The beginning of a response tells of it.
            Event::RunCreated(_) => {}
            Event::AttemptStarted(_) => self.go_on(),
            Event::RunFinished(finished) => {
                self.conclude(&finished);
                return Some(finished);
            }
            // An attempt is no concept of the protocol; what its end closes has events of its own. A wait for the client
            // ends the response, another one is silence.
            Event::AttemptEnded(_) | Event::RunWaiting(_) => {}
            // The end says that it was a stop.
            Event::StopRequested(_) => {}

            // Inputs are input items of the response, see `input_items`; its stream has output alone.
            Event::InputReceived(_) | Event::InputConsumed(_) | Event::InputReturned(_) => {}
            // The agent's own session is no concept of the protocol.
            Event::SessionStarted(_) | Event::SessionChanged(_) | Event::SessionExited(_) => {}
            // A rendered prompt belongs to the operator of the agent, who may not want to show it.
            Event::PromptRendered(_) => {}
            // A response is one turn with all its steps; the protocol has no word for either.
            Event::TurnStarted(_) | Event::TurnCompleted(_) | Event::StepStarted(_) => {}
            // The end of the response has the sum.
            Event::StepFinished(finished) => self.consume(&finished.usage),
            Event::UsageUpdated(updated) => self.recount(&updated.totals),

            Event::MessageStarted(started) => self.message_started(started),
            Event::TextDelta(delta) => self.text(delta.message, delta.part, delta.text),
            Event::ReasoningDelta(delta) => self.reasoning(delta.message, delta.part, delta.text),
            Event::MessageCompleted(completed) => self.message_completed(completed),
            Event::MessageDiscarded(discarded) => self.message_discarded(&discarded.message),

            Event::ToolStarted(started) => self.tool_started(started),
            Event::ToolArgsDelta(delta) => self.tool_args(&delta.call, &delta.text),
            Event::ToolCalled(called) => self.tool_called(&called.call, &called.args),
            Event::ToolRunning(running) => self.tool_running(&running.call),
            // The protocol knows the whole output of a tool only, in its finished item.
            Event::ToolOutput(_) | Event::ToolUpdated(_) => {}
            Event::ToolCompleted(completed) => self.tool_completed(completed),

            Event::ApprovalRequested(asked) => self.approval_requested(asked),
            Event::QuestionAsked(asked) => self.question_asked(asked),
            Event::ClientToolCalled(called) => self.client_tool_called(&called.call),
            // Answers are input items.
            Event::ApprovalResolved(_)
            | Event::QuestionAnswered(_)
            | Event::ClientToolAnswered(_) => {}
            // Nobody needs to answer what an earlier response asked; what the agent makes of it follows.
            Event::RequestExpired(_) => {}

            // Plans, tasks, worktrees, diffs and shared state have no items in the protocol, and its clients throw at
            // unknown ones. A proposed plan was streamed as text before.
            Event::PlanUpdated(_) | Event::PlanProposed(_) | Event::PlanImplemented(_) => {}
            Event::TaskStarted(_) | Event::TaskProgress(_) | Event::TaskCompleted(_) => {}
            Event::WorktreeReady(_)
            | Event::DiffUpdated(_)
            | Event::CheckpointCaptured(_)
            | Event::WorktreeSettled(_) => {}
            Event::StateSnapshot(_) | Event::StateDelta(_) => {}
            // Its compaction items are an encrypted context to send back; ours stays in the thread.
            Event::ContextCompacted(_) => {}
            // A retry shows itself by the message that is withdrawn.
            Event::RetryScheduled(_) => {}
            // Words for people and for other protocols: `error` events of this one would raise in its clients.
            Event::Notice(_) | Event::Raw(_) | Event::Custom(_) | Event::Unknown(_) => {}
        }
        None
    }
}
