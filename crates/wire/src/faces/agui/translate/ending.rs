//! How a stretch ends: by a wait for the client, or with the run.

use run::event::{AttemptEnd, RunFinished};
use run::{CallId, Envelope, Event, Reason, RequestId, Seq, Status, Usage};
use serde_json::{Value, json};

use super::super::event::{Event as Agui, Outcome, TokenUsage, ours, token_usage};
use super::super::open::Shown;
use super::super::view::Extent;
use super::super::{ids, interrupt};
use super::inside::custom;
use super::{Flow, Translator};
use crate::faces::SegmentEnd;

impl Translator {
    /// Ends what is told with its segment. A wait that was over when a whole run was looked at ends nothing.
    pub(super) fn end(
        &mut self,
        end: Option<SegmentEnd>,
        envelope: &Envelope,
        out: &mut Vec<Agui>,
    ) -> Flow {
        match end {
            Some(SegmentEnd::Finished) => Flow::Ended,
            Some(SegmentEnd::Waits { on, .. }) if !self.is_over(&on, envelope.seq) => {
                self.wait(&on, out);
                Flow::Ended
            }
            Some(SegmentEnd::Waits { .. }) | None => {
                let is_wait = matches!(&envelope.event, Event::RunWaiting(_));
                // How a wait is, is no news: those who read see the wait.
                let is_break = matches!(&envelope.event, Event::AttemptEnded(ended) if ended.end != AttemptEnd::Parked);
                if is_wait || is_break {
                    out.push(custom(&envelope.event));
                }
                Flow::GoOn
            }
        }
    }

    fn is_over(&self, on: &[RequestId], seq: Seq) -> bool {
        match &self.view.extent {
            Extent::Segment { .. } => false,
            Extent::Run { open, as_of } => seq <= *as_of && !on.iter().any(|it| open.contains(it)),
        }
    }

    /// The run waits for its client.
    fn wait(&mut self, on: &[RequestId], out: &mut Vec<Agui>) {
        self.close(out);
        self.requests.retain(|request, _| on.contains(request));
        let calls = &self.calls;
        let call_id = |call: &CallId| {
            calls
                .get(call)
                .map_or_else(|| ids::call(&self.run, call), |call| call.id.clone())
        };
        let outcome = interrupt::outcome(
            self.view.run,
            &self.requests,
            self.view.client_tools,
            call_id,
        );
        let status = json!({ "run": self.run, "status": "waiting" });
        out.push(self.finished(outcome, None, &status));
    }

    pub(super) fn finish(&mut self, finished: &RunFinished, out: &mut Vec<Agui>) {
        self.close(out);
        let mut metadata = json!({
            "run": self.run,
            "status": finished.status,
            "reason": finished.reason,
        });
        if let Some(word) = &finished.finish_reason {
            metadata["finish_reason"] = word.clone().into();
        }
        if let Some(cost) = finished.usage.cost_usd {
            metadata["cost_usd"] = cost.into();
        }
        let outcome = match (finished.status, finished.reason) {
            (Status::Succeeded, _) => Outcome::Success {
                pending_tool_call_ids: Vec::new(),
            },
            // Somebody ended it, and it did not fail.
            (Status::Aborted, Reason::Stopped | Reason::Superseded | Reason::Unwatched) => {
                Outcome::Cancelled
            }
            (
                Status::Failed
                | Status::Aborted
                | Status::Queued
                | Status::Running
                | Status::Waiting,
                _,
            ) => {
                let error = finished.error.as_ref();
                out.push(Agui::RunError {
                    message: error.map_or_else(
                        || format!("the run ended as {} ({})", finished.status, finished.reason),
                        |error| error.message.clone(),
                    ),
                    code: error
                        .map_or_else(|| finished.reason.to_string(), |error| error.code.clone()),
                    usage: self.consumed(),
                    metadata: ours(&metadata),
                });
                return;
            }
        };
        let result = finished.output.clone().filter(|output| !output.is_null());
        out.push(self.finished(outcome, result, &metadata));
    }

    pub(super) fn finished(
        &self,
        outcome: Outcome,
        result: Option<Value>,
        metadata: &Value,
    ) -> Agui {
        Agui::RunFinished {
            thread_id: self.view.thread_id.clone(),
            run_id: self.view.run_id.clone(),
            result,
            outcome,
            usage: self.consumed(),
            metadata: ours(metadata),
        }
    }

    /// What this stretch consumed: a client adds its runs up.
    pub(super) fn consumed(&self) -> Vec<TokenUsage> {
        token_usage(
            &minus(&self.usage, &self.usage_before),
            self.model.as_deref(),
        )
    }

    /// Ends what is open.
    pub(super) fn close(&mut self, out: &mut Vec<Agui>) {
        let messages = self.messages.values_mut();
        for message in messages.filter(|message| message.shown == Shown::Yes) {
            message.end(None, out);
        }
        for call in self.calls.values_mut().filter(|call| !call.is_hidden) {
            call.end(out);
        }
        self.end_step(None, out);
        for step_name in std::mem::take(&mut self.named) {
            out.push(Agui::StepFinished {
                step_name,
                metadata: None,
            });
        }
    }
}

fn minus(all: &Usage, before: &Usage) -> Usage {
    Usage {
        input_tokens: all.input_tokens.saturating_sub(before.input_tokens),
        output_tokens: all.output_tokens.saturating_sub(before.output_tokens),
        reasoning_tokens: all.reasoning_tokens.saturating_sub(before.reasoning_tokens),
        cached_input_tokens: all
            .cached_input_tokens
            .saturating_sub(before.cached_input_tokens),
        cost_usd: None,
    }
}
