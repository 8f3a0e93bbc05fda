//! The `model` driver: one streaming call of a model, tried again where that may help.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use provider::{Client, Error, EventStream, Request, Vendor};
use run::event::{MessageDiscarded, RetryScheduled, StepFinished, StepStarted, TurnStarted};
use run::snapshot::{Progress, Snapshot};
use run::{
    ErrorInfo, Event, MAX_WHY_BYTES, MessageId, ModelSpec, Outcome, Reason, Role, StepId, TurnId,
    Usage, bounded_text,
};

use wire::Credentials;

use crate::context::{Context, Over};
use crate::driver::{Driver, Ending};
use crate::fault::source_chain;
use crate::from_provider::{Answer, Ended};
use crate::history::Calls;
use crate::keys::Keys;
use crate::recall::{self, Callee};
use crate::{prompt, rendered};

/// The vendors of a server, by the names that its configuration gives them.
pub type Vendors = BTreeMap<String, Vendor>;

/// Calls models.
#[derive(Debug, Clone)]
pub struct Models {
    client: Client,
    vendors: Vendors,
    keys: Keys,
}

/// What a run calls.
pub(crate) struct Calling {
    /// Vendor and model by name.
    pub(crate) model: ModelSpec,
    /// The vendor, with the key that the run calls it with.
    pub(crate) vendor: Vendor,
    /// What the run brought along.
    #[expect(
        dead_code,
        reason = "headers of MCP servers are for drivers with tools"
    )]
    pub(crate) credentials: Credentials,
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
            keys: Keys::default(),
        }
    }

    /// The same with keys from the store, before those that the vendors have.
    #[must_use]
    pub fn with_keys(mut self, keys: Keys) -> Self {
        self.keys = keys;
        self
    }

    async fn model(&self, context: &mut Context) -> Result<Ending, Over> {
        let snapshot = context.snapshot().await?;
        if has_answered(&snapshot) {
            // The answer is in the log; only the end was not written.
            return Ok(Ending::Finished(Outcome::completed()));
        }
        let Calling { model, vendor, .. } = match self.calling(context).await? {
            Ok(calling) => calling,
            Err(error) => return Ok(not_begun(error)),
        };
        let rendered = match rendered::prompt(context, &snapshot).await? {
            Ok(rendered) => rendered,
            Err(error) => return Ok(not_begun(error)),
        };
        let told = match prompt::told(&context.run().input, &rendered) {
            Ok(told) => told,
            Err(error) => return Ok(not_begun(error)),
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
            client: &self.client,
            vendor: &vendor,
            model: &model,
            calls: Calls::AsText,
        };
        let recalled = recall::history(context, &snapshot, callee, control.n_steps).await?;
        let request = prompt::request(&spec, &model, &rendered, recalled.messages, told);
        let step = StepId::nth(control.n_steps + recalled.n_steps + 1);
        let started = StepStarted {
            step: step.clone(),
            model: spec.model.clone(),
        };
        context.emit(vec![started.into()]).await?;
        let ended = self
            .answer(context, &vendor, &request, control.n_messages)
            .await?;
        let Ended {
            mut events,
            finish_reason,
            outcome,
        } = ended.ended;
        events.push(Event::from(StepFinished {
            step,
            usage: ended.usage,
            finish_reason: Some(finish_reason).filter(|word| !word.is_empty()),
        }));
        context.emit(events).await?;
        Ok(Ending::Finished(outcome))
    }

    /// What the run calls. An error is the run's.
    pub(crate) async fn calling(
        &self,
        context: &Context,
    ) -> Result<Result<Calling, ErrorInfo>, Over> {
        let Some(model) = context.run().spec.model_spec() else {
            let message = "the agent's model must be \"vendor/model\"";
            return Ok(Err(ErrorInfo::new("model_missing", message)));
        };
        let Some(vendor) = self.vendors.get(&model.vendor) else {
            let known: Vec<&str> = self.vendors.keys().map(String::as_str).collect();
            let message = format!(
                "there is no vendor {:?}; the vendors are {}",
                model.vendor,
                known.join(", ")
            );
            return Ok(Err(ErrorInfo::new("vendor_unknown", message)));
        };
        let credentials = match self.keys.credentials(context).await? {
            Ok(credentials) => credentials,
            Err(error) => return Ok(Err(error)),
        };
        let name = &model.vendor;
        let vendor = self
            .keys
            .vendor(context, &credentials, name, vendor)
            .await?;
        Ok(vendor.map(|vendor| Calling {
            model,
            vendor,
            credentials,
        }))
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
                    let ended = answer.end();
                    return Ok(Answered { ended, usage });
                }
                Err(Broken::Over(over)) => return Err(over),
                Err(Broken::By(error)) => error,
            };
            let why = bounded_text(source_chain(&error), MAX_WHY_BYTES);
            if n_try >= spec.max_tries || !error.is_retryable() {
                let outcome = failed(&error, why);
                let ended = Ended {
                    events: Vec::new(),
                    finish_reason: String::new(),
                    outcome,
                };
                return Ok(Answered { ended, usage });
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

/// The end of a run that no model was called for.
fn not_begun(error: ErrorInfo) -> Ending {
    Ending::Finished(Outcome::failed(Reason::Error, error))
}

struct Answered {
    ended: Ended,
    usage: Usage,
}

impl Driver for Models {
    async fn perform(&self, mut context: Context) -> Ending {
        match self.model(&mut context).await {
            Ok(ending) => ending,
            Err(over) => over.into(),
        }
    }
}

/// Whether the log has a whole answer.
fn has_answered(snapshot: &Snapshot) -> bool {
    snapshot
        .messages
        .iter()
        .any(|message| message.role == Role::Assistant && message.progress == Progress::Completed)
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
