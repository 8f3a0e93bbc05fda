//! The `model` driver: one answer of a model, repaired where it does not fit its schema.

use std::sync::Arc;

use run::event::{StepFinished, StepStarted, TurnStarted};
use run::{Event, Outcome, Reason, StepId, TurnId};

use crate::answered;
use crate::asking::{Begin, Calling, Models};
use crate::context::{Context, Over};
use crate::driver::{Driver, Ending};
use crate::from_provider::Ended;
use crate::history::Calls;
use crate::recall::{self, Callee};
use crate::structured::{Judge, judged, repair};
use crate::{prompt, rendered};

impl Driver for Models {
    async fn perform(&self, mut context: Context) -> Ending {
        match self.model(&mut context).await {
            Ok(ending) => ending,
            Err(over) => over.into(),
        }
    }
}

impl Models {
    async fn model(&self, context: &mut Context) -> Result<Ending, Over> {
        let failed = |error| Ending::Finished(Outcome::failed(Reason::Error, error));
        let mut judge = match Judge::of(&context.run().spec) {
            Ok(judge) => judge,
            Err(error) => return Ok(failed(error)),
        };
        let snapshot = context.snapshot().await?;
        // The answer may be in the log; only the end was not written.
        if let Some(outcome) = answered::outcome(&snapshot, judge.as_ref()) {
            return Ok(Ending::Finished(outcome));
        }
        let Calling { model, vendor, .. } = match self.calling(context).await? {
            Ok(calling) => calling,
            Err(error) => return Ok(failed(error)),
        };
        let rendered = match rendered::prompt(context, &snapshot).await? {
            Ok(rendered) => rendered,
            Err(error) => return Ok(failed(error)),
        };
        let told = match prompt::told(&context.run().input, &rendered) {
            Ok(told) => told,
            Err(error) => return Ok(failed(error)),
        };
        let control = context.control();
        let spec = Arc::clone(&context.run().spec);
        // An attempt before this one may have begun the turn.
        if control.turn.is_none() {
            let started = TurnStarted {
                turn: TurnId::nth(control.n_turns + 1),
                input: None,
                model: spec.model.clone(),
            };
            context.emit(vec![started.into()]).await?;
        }
        let callee = Callee {
            client: self.client(),
            prices: self.prices(),
            vendor: &vendor,
            model: &model,
            calls: Calls::AsText,
        };
        let recalled = recall::history(context, &snapshot, callee, control.n_steps).await?;
        let mut request = prompt::request(&spec, &model, &rendered, recalled.messages, told);
        let mut n_steps = control.n_steps + recalled.n_steps;
        let mut n_messages = control.n_messages;
        loop {
            n_steps += 1;
            let step = StepId::nth(n_steps);
            let started = StepStarted {
                step: step.clone(),
                model: spec.model.clone(),
            };
            context.emit(vec![started.into()]).await?;
            let answered = self
                .answer(
                    context,
                    &vendor,
                    &request,
                    Begin::new(n_messages, control.n_calls),
                )
                .await?;
            n_messages = answered.n_messages;
            let mut ended = answered.ended;
            let fault = judged(judge.as_mut(), &mut ended);
            let Ended {
                mut events,
                finish_reason,
                outcome,
                text,
                ..
            } = ended;
            events.push(Event::from(StepFinished {
                step,
                usage: answered.usage,
                finish_reason: Some(finish_reason).filter(|word| !word.is_empty()),
            }));
            context.emit(events).await?;
            let Some(fault) = fault else {
                return Ok(Ending::Finished(outcome));
            };
            tracing::info!(run.id = %context.run().id, "an answer is to be repaired: {}", fault.why);
            request.messages.extend(repair(&text, &fault));
        }
    }
}
