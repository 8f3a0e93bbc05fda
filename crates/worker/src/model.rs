//! The `model` driver: one streaming call of a model, tried again where that may help.

use std::collections::BTreeMap;
use std::time::Duration;

use provider::{Client, Error, EventStream, Request, Vendor};
use run::event::{MessageDiscarded, RetryScheduled, StepFinished, StepStarted, TurnStarted};
use run::{
    ErrorInfo, Event, MAX_WHY_BYTES, MessageId, Outcome, Reason, StepId, TurnId, Usage,
    bounded_text,
};

use crate::answered;
use crate::context::{Context, Over};
use crate::driver::{Driver, Ending};
use crate::fault::source_chain;
use crate::from_provider::{Answer, Ended};
use crate::prompt;
use crate::structured::{Judge, judged, repair};

/// The vendors of a server, by the names that its configuration gives them.
pub type Vendors = BTreeMap<String, Vendor>;

/// Calls models.
#[derive(Debug, Clone)]
pub struct Models {
    client: Client,
    vendors: Vendors,
}

/// One call that did not come to its end.
enum Broken {
    By(Error),
    Over(Over),
}

impl From<Over> for Broken {
    fn from(over: Over) -> Self {
        Self::Over(over)
    }
}

impl Models {
    /// Calls these vendors over one HTTP client, which guards outgoing addresses.
    pub fn new(http: reqwest::Client, vendors: Vendors) -> Self {
        Self {
            client: Client::new(http),
            vendors,
        }
    }

    async fn model(&self, context: &mut Context) -> Result<Ending, Over> {
        let failed = |error| Ending::Finished(Outcome::failed(Reason::Error, error));
        let mut judge = match Judge::of(&context.run().spec) {
            Ok(judge) => judge,
            Err(error) => return Ok(failed(error)),
        };
        if context.resumes()
            && let Some(outcome) = answered::outcome(&context.snapshot().await?, judge.as_ref())
        {
            return Ok(Ending::Finished(outcome));
        }
        let (vendor, mut request) = match self.prepare(context) {
            Ok(prepared) => prepared,
            Err(error) => return Ok(failed(error)),
        };
        let control = context.control();
        let model = context.run().spec.model.clone();
        // An attempt before this one may have begun the turn.
        if control.turn.is_none() {
            let started = TurnStarted {
                turn: TurnId::nth(control.n_turns + 1),
                input: None,
                model: model.clone(),
            };
            context.emit(vec![started.into()]).await?;
        }
        let (mut n_steps, mut n_messages) = (control.n_steps, control.n_messages);
        loop {
            n_steps += 1;
            let step = StepId::nth(n_steps);
            let started = StepStarted {
                step: step.clone(),
                model: model.clone(),
            };
            context.emit(vec![started.into()]).await?;
            let answered = self.answer(context, vendor, &request, n_messages).await?;
            n_messages = answered.n_messages;
            let mut ended = answered.ended;
            let fault = judged(judge.as_mut(), &mut ended);
            let Ended {
                mut events,
                finish_reason,
                outcome,
                text,
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

    fn prepare(&self, context: &Context) -> Result<(&Vendor, Request), ErrorInfo> {
        let record = context.run();
        let model = record.spec.model_spec().ok_or_else(|| {
            ErrorInfo::new(
                "model_missing",
                "the agent's model must be \"vendor/model\"",
            )
        })?;
        let vendor = self.vendors.get(&model.vendor).ok_or_else(|| {
            let known: Vec<&str> = self.vendors.keys().map(String::as_str).collect();
            let message = format!(
                "there is no vendor {:?}; the vendors are {}",
                model.vendor,
                known.join(", ")
            );
            ErrorInfo::new("vendor_unknown", message)
        })?;
        let request = prompt::request(&record.spec, &model, &record.input)?;
        Ok((vendor, request))
    }

    /// Calls until there is an answer or there is no use in another try.
    async fn answer(
        &self,
        context: &Context,
        vendor: &Vendor,
        request: &Request,
        n_messages: u32,
    ) -> Result<Answered, Over> {
        let spec = &context.run().spec;
        let mut usage = Usage::default();
        let mut n_begun = n_messages;
        for n_try in 1.. {
            let mut answer = Answer::new(MessageId::nth(n_begun + 1));
            let broken = self.call(context, vendor, request, &mut answer).await;
            usage = usage.plus(&answer.usage());
            let error = match broken {
                Ok(()) => {
                    n_begun += u32::from(answer.begun().is_some());
                    let ended = answer.end();
                    return Ok(Answered {
                        ended,
                        usage,
                        n_messages: n_begun,
                    });
                }
                Err(Broken::Over(over)) => return Err(over),
                Err(Broken::By(error)) => error,
            };
            let why = bounded_text(source_chain(&error), MAX_WHY_BYTES);
            if n_try >= spec.max_tries || !error.is_retryable() {
                return Ok(Answered {
                    ended: Ended::without_answer(failed(&error, why)),
                    usage,
                    n_messages: n_begun,
                });
            }
            let mut events = Vec::new();
            // Before any new text: what is said again must not stand beside what was said.
            if let Some(message) = answer.begun() {
                n_begun += 1;
                events.push(Event::from(MessageDiscarded {
                    message: message.clone(),
                    why: why.clone(),
                }));
            }
            let asked_ms = error
                .retry_after()
                .and_then(|wait| u64::try_from(wait.as_millis()).ok());
            let delay_ms = spec.backoff.delay_ms(n_try, asked_ms);
            tracing::info!(run.id = %context.run().id, delay_ms, "a call of a model failed and is tried again: {why}");
            events.push(RetryScheduled { delay_ms, why }.into());
            context.emit(events).await?;
            context.rest(Duration::from_millis(delay_ms)).await?;
        }
        Err(Over)
    }

    /// One call. Dropping it, or the stream in it, closes the connection to the vendor.
    async fn call(
        &self,
        context: &Context,
        vendor: &Vendor,
        request: &Request,
        answer: &mut Answer,
    ) -> Result<(), Broken> {
        let mut stream: EventStream = tokio::select! {
            biased;
            () = context.cancelled() => return Err(Over.into()),
            stream = self.client.stream(vendor, request) => stream.map_err(Broken::By)?,
        };
        loop {
            let event = tokio::select! {
                biased;
                () = context.cancelled() => return Err(Over.into()),
                event = stream.next() => event,
            };
            match event {
                Some(Ok(event)) => context.emit(answer.take(event)).await?,
                Some(Err(error)) => return Err(Broken::By(error)),
                None => return Ok(()),
            }
        }
    }
}

struct Answered {
    ended: Ended,
    usage: Usage,
    /// Messages of the run so far.
    n_messages: u32,
}

impl Driver for Models {
    async fn perform(&self, mut context: Context) -> Ending {
        match self.model(&mut context).await {
            Ok(ending) => ending,
            Err(over) => over.into(),
        }
    }
}

/// How a run ends whose last try failed.
fn failed(error: &Error, message: String) -> Outcome {
    let (reason, code) = match error {
        Error::Invalid(_) => (Reason::Rejected, "request_invalid"),
        Error::Unauthorized { .. } => (Reason::Rejected, "vendor_unauthorized"),
        Error::UnknownModel { .. } => (Reason::Rejected, "model_unknown"),
        Error::Rejected { .. } => (Reason::Rejected, "vendor_rejected"),
        Error::RateLimited { .. } => (Reason::Error, "vendor_rate_limited"),
        Error::Overloaded { .. } => (Reason::Error, "vendor_failed"),
        Error::Connect { .. } => (Reason::Error, "vendor_unreachable"),
        Error::Disconnected { .. } => (Reason::Error, "vendor_disconnected"),
        Error::Garbage { .. } => (Reason::Error, "vendor_garbage"),
        Error::Stalled { .. } => (Reason::Error, "vendor_stalled"),
        _ => (Reason::Error, "vendor_error"),
    };
    Outcome::failed(reason, ErrorInfo::new(code, message))
}
