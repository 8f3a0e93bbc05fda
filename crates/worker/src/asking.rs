//! Calling a model: one request, tried again where that may help.

use std::collections::BTreeMap;
use std::time::Duration;

use provider::{Client, Error, EventStream, Prices, Request, Vendor};
use run::event::RetryScheduled;
use run::{ErrorInfo, MAX_WHY_BYTES, MessageId, ModelSpec, Outcome, Reason, Usage, bounded_text};
use wire::Credentials;

use crate::context::{Context, Over};
use crate::cost::priced;
use crate::fault::source_chain;
use crate::from_provider::{Answer, Ended};
use crate::keys::Keys;
use crate::toolbox::Toolbox;

/// The vendors of a server, by the names that its configuration gives them.
pub type Vendors = BTreeMap<String, Vendor>;

/// Calls models.
#[derive(Debug, Clone)]
pub struct Models {
    client: Client,
    vendors: Vendors,
    prices: Prices,
    keys: Keys,
}

/// What a run calls.
pub(crate) struct Calling {
    /// Vendor and model by name.
    pub(crate) model: ModelSpec,
    /// The vendor, with the key that the run calls it with.
    pub(crate) vendor: Vendor,
    /// What the run brought along.
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
            prices: Prices::default(),
            keys: Keys::default(),
        }
    }

    /// The same with keys from the store, before those that the vendors have.
    #[must_use]
    pub fn with_keys(mut self, keys: Keys) -> Self {
        self.keys = keys;
        self
    }

    /// The same at these prices; without them, at the built-in ones.
    #[must_use]
    pub fn with_prices(mut self, prices: Prices) -> Self {
        self.prices = prices;
        self
    }

    /// What sends the requests.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// What its calls cost.
    pub(crate) fn prices(&self) -> &Prices {
        &self.prices
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
    pub(crate) async fn answer(
        &self,
        context: &Context,
        vendor: &Vendor,
        request: &Request,
        mut begin: Begin<'_>,
    ) -> Result<Answered, Over> {
        let spec = &context.run().spec;
        let model = spec.model_spec();
        let mut usage = Usage::default();
        for n_try in 1.. {
            let mut answer = begin.answer();
            let broken = self.call(context, vendor, request, &mut answer).await;
            let spent = priced(&self.prices, model.as_ref(), answer.usage());
            usage = usage.plus(&spent);
            begin.step_over(&answer);
            let error = match broken {
                Ok(()) => {
                    return Ok(Answered {
                        ended: answer.end(),
                        usage,
                        n_messages: begin.n_messages,
                        n_calls: begin.n_calls,
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
                    n_messages: begin.n_messages,
                    n_calls: begin.n_calls,
                });
            }
            // Before any new text: what is said again must not stand beside what was said.
            let mut events = answer.withdraw(&why);
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
        answer: &mut Answer<'_>,
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

/// Where the ids of the next answer begin, and what it may call.
#[derive(Clone, Copy)]
pub(crate) struct Begin<'t> {
    n_messages: u32,
    n_calls: u32,
    tools: Option<&'t Toolbox>,
}

impl<'t> Begin<'t> {
    /// Behind so many messages and calls.
    pub(crate) fn new(n_messages: u32, n_calls: u32) -> Self {
        Self {
            n_messages,
            n_calls,
            tools: None,
        }
    }

    /// The same for a model that may call tools.
    pub(crate) fn with_tools(self, tools: &'t Toolbox) -> Self {
        Self {
            tools: Some(tools),
            ..self
        }
    }

    fn answer(&self) -> Answer<'t> {
        let answer = Answer::new(MessageId::nth(self.n_messages + 1));
        match self.tools {
            Some(tools) => answer.with_tools(tools, self.n_calls),
            None => answer,
        }
    }

    /// What the log has begun is counted, also when it is to be forgotten.
    fn step_over(&mut self, answer: &Answer<'_>) {
        let (n_messages, n_calls) = answer.n_begun();
        self.n_messages += n_messages;
        self.n_calls += n_calls;
    }
}

/// What came of a call and of all its tries.
pub(crate) struct Answered {
    pub(crate) ended: Ended,
    /// What all tries together have cost.
    pub(crate) usage: Usage,
    /// Messages of the run so far, those that are to be forgotten among them.
    pub(crate) n_messages: u32,
    /// Calls of the run so far.
    pub(crate) n_calls: u32,
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
