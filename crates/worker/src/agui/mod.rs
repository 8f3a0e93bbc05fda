//! The `agui` driver: an agent of another program that speaks AG-UI. Outlive is the client that never goes away.
//!
//! One attempt is one run of the protocol at most. **Where it goes on follows from the log**: a connection that is lost is
//! asked for again under the same name with all that was said so far; what the agent waits for parks the run, and the answers
//! go with the next run of the protocol.

mod beginning;
mod ending;
mod endpoint;
mod fold;
mod names;
mod past;
mod pending;
mod place;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::HeaderMap;
use run::event::{RetryScheduled, SessionStarted, StepFinished, StepStarted, ToolCalled};
use run::{
    AgentSpec, ErrorInfo, Event, MAX_WHY_BYTES, Outcome, Reason, StepId, Usage, WaitMode,
    bounded_text,
};
use serde_json::Value;
use wire::faces::agui::decode::{Finish, Heard};

use self::beginning::Beginning;
use self::ending::{outcome, wait_for};
use self::endpoint::{Endpoint, NoStream, Stream};
use self::fold::Fold;
use self::place::Place;
use crate::context::{Context, Over, Waited};
use crate::driver::{Driver, Ending};

/// Performs runs of agents that speak AG-UI.
#[derive(Debug, Clone)]
pub struct AguiAgents {
    endpoint: Endpoint,
    /// For headers, by the names that agents give.
    environment: Vec<(OsString, OsString)>,
}

impl AguiAgents {
    /// Reaches public addresses, those of `allow_hosts`, and the hosts that these agents name: naming an address in the
    /// configuration is allowing it. Headers come from the environment.
    pub fn new(
        agents: &BTreeMap<String, AgentSpec>,
        allow_hosts: &[String],
        environment: Vec<(OsString, OsString)>,
    ) -> Result<Self, String> {
        let named = agents.values().flat_map(|spec| [&spec.url, &spec.stop_url]);
        let hosts = named.flatten().filter_map(|url| host_of(url));
        let hosts: Vec<String> = allow_hosts.iter().cloned().chain(hosts).collect();
        Ok(Self {
            endpoint: Endpoint::new(&hosts)?,
            environment,
        })
    }
}

fn host_of(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let host = url.host_str()?;
    Some(
        host.trim_start_matches('[')
            .trim_end_matches(']')
            .to_owned(),
    )
}

impl Driver for AguiAgents {
    async fn perform(&self, mut context: Context) -> Ending {
        let mut attempt = Attempt {
            endpoint: &self.endpoint,
            headers: HeaderMap::new(),
            is_told: None,
        };
        match endpoint::headers(&context.run().spec.headers_env, &self.environment) {
            Ok(headers) => attempt.headers = headers,
            Err(error) => return Ending::Finished(Outcome::failed(Reason::Error, error)),
        }
        let ending = match attempt.run(&mut context).await {
            Ok(ending) => ending,
            Err(over) => over.into(),
        };
        if ending == Ending::Cancelled {
            attempt.stop(&context).await;
        }
        ending
    }
}

/// One attempt under way.
struct Attempt<'a> {
    endpoint: &'a Endpoint,
    headers: HeaderMap,
    /// The run of the protocol that the agent was asked for and has not ended.
    is_told: Option<String>,
}

/// How a run of the protocol ended.
enum End {
    Finished(Finish),
    Failed(Outcome, Usage),
    Lost(String),
}

impl Attempt<'_> {
    async fn run(&mut self, context: &mut Context) -> Result<Ending, Over> {
        loop {
            if let Some(ending) = self.ask(context).await? {
                return Ok(ending);
            }
        }
    }

    /// One run of the protocol. Nothing when what it waits for was there in the same moment.
    async fn ask(&mut self, context: &mut Context) -> Result<Option<Ending>, Over> {
        let Beginning {
            mut log,
            place,
            body,
            mut fold,
        } = Beginning::begin(context).await?;
        let Some(url) = context.run().spec.url.clone() else {
            let error = ErrorInfo::new("url_missing", "the agent has no url");
            return Ok(Some(Ending::Finished(Outcome::failed(
                Reason::Error,
                error,
            ))));
        };
        let step = StepId::nth(log.counts.steps + 1);
        let started = StepStarted {
            step: step.clone(),
            model: None,
        };
        // Durable before the agent hears of it: then the next attempt asks under the same name.
        let opening = log.take(vec![session(&place), started.into()]);
        context.emit_durable(opening).await?;
        let stream = match self.connect(context, &url, &body).await? {
            Ok(stream) => stream,
            Err(outcome) => return Ok(Some(Ending::Finished(outcome))),
        };
        self.is_told = Some(place.name().to_owned());
        let end = listen(context, stream, &mut fold).await?;
        self.is_told = None;
        let (end, usage) = match end {
            End::Finished(finish) => {
                let usage = finish.usage;
                (Ok(finish), usage)
            }
            End::Failed(outcome, usage) => (Err(outcome), usage),
            // What is open is closed with the attempt.
            End::Lost(why) => {
                return Ok(Some(Ending::Lost {
                    why: bounded_text(why, MAX_WHY_BYTES),
                }));
            }
        };
        let mut events = fold.finish();
        let finish_reason = None;
        let finished = StepFinished {
            step,
            usage,
            finish_reason,
        };
        events.push(finished.into());
        let next_request = log.counts.requests + 1;
        let waits = end.and_then(|finish| {
            let waits = wait_for(&finish, &mut fold, &place, next_request)?;
            Ok((finish, waits))
        });
        let (finish, waits) = match waits {
            Ok(waits) => waits,
            Err(outcome) => {
                context.emit(events).await?;
                return Ok(Some(Ending::Finished(outcome)));
            }
        };
        if waits.is_empty() {
            events.extend(fold.finish());
            let (outcome, notice) = outcome(finish);
            events.extend(notice);
            context.emit(events).await?;
            return Ok(Some(Ending::Finished(outcome)));
        }
        events.extend(waits);
        context.emit(events).await?;
        Ok(match context.wait(WaitMode::Parked).await? {
            Waited::Parked => Some(Ending::Settled),
            Waited::Held | Waited::Answered if context.is_cancelled() => Some(Ending::Cancelled),
            Waited::Held | Waited::Answered => None,
        })
    }

    /// Asks until the agent answers with a stream or there is no use in another try. The inner error is the run's end.
    async fn connect(
        &self,
        context: &Context,
        url: &str,
        body: &Value,
    ) -> Result<Result<Stream, Outcome>, Over> {
        let spec = &context.run().spec;
        for n_try in 1.. {
            let opened = tokio::select! {
                biased;
                () = context.cancelled() => return Err(Over),
                opened = self.endpoint.open(url, self.headers.clone(), body) => opened,
            };
            let (why, after, outcome) = match opened {
                Ok(stream) => return Ok(Ok(stream)),
                Err(NoStream::Never(outcome)) => return Ok(Err(outcome)),
                Err(NoStream::Later {
                    why,
                    after,
                    outcome,
                }) => (why, after, outcome),
            };
            if n_try >= spec.max_tries {
                return Ok(Err(outcome));
            }
            let after_ms = after.and_then(|after| u64::try_from(after.as_millis()).ok());
            let delay_ms = spec.backoff.delay_ms(n_try, after_ms);
            tracing::info!(run.id = %context.run().id, delay_ms, "an agent did not answer and is asked again: {why}");
            let why = bounded_text(why, MAX_WHY_BYTES);
            let scheduled = RetryScheduled { delay_ms, why };
            context.emit(vec![scheduled.into()]).await?;
            context.rest(Duration::from_millis(delay_ms)).await?;
        }
        Err(Over)
    }

    /// Tells the agent that its run is over, where it has an address for that. Not when the server only stops: then the next
    /// attempt goes on.
    async fn stop(&self, context: &Context) {
        let is_meant = context.control().stop.is_some() || !context.is_draining();
        let Some(name) = self.is_told.as_deref().filter(|_| is_meant) else {
            return;
        };
        let run = context.run();
        if let Some(url) = &run.spec.stop_url {
            let thread = run.thread.as_str();
            self.endpoint
                .stop(url, self.headers.clone(), thread, name)
                .await;
        }
    }
}

/// Passes on what the agent says, to the end of its run.
async fn listen(context: &Context, mut stream: Stream, fold: &mut Fold) -> Result<End, Over> {
    let tool_time = Duration::from_millis(context.run().spec.tools.timeout_ms);
    loop {
        let heard = tokio::select! {
            biased;
            () = context.cancelled() => return Err(Over),
            heard = stream.next() => heard,
        };
        let heard = match heard {
            Ok(Heard::RunFinished(finish)) => return Ok(End::Finished(finish)),
            Ok(Heard::RunError {
                message,
                code,
                usage,
            }) => {
                let code = code.unwrap_or_else(|| "upstream_error".to_owned());
                let error = ErrorInfo::new(bounded_text(code, run::MAX_NAME_BYTES), message);
                let outcome = Outcome::failed(Reason::Error, error);
                return Ok(End::Failed(outcome, usage));
            }
            Ok(heard) => heard,
            Err(endpoint::Over::Lost(why)) => return Ok(End::Lost(why)),
            Err(endpoint::Over::Garbage(outcome)) => {
                return Ok(End::Failed(outcome, Usage::default()));
            }
        };
        let Ok(events) = fold.take(heard) else {
            let error = ErrorInfo::new(
                "upstream_too_long",
                "the agent uses too many ids in one run",
            );
            let outcome = Outcome::failed(Reason::Error, error);
            return Ok(End::Failed(outcome, Usage::default()));
        };
        // The agent runs its tool now, and may take its time.
        let is_called = events
            .iter()
            .any(|event| matches!(event, Event::ToolCalled(ToolCalled { .. })));
        context.emit(events).await?;
        if is_called {
            context.excuse_silence(tool_time).await?;
        }
    }
}

fn session(place: &Place) -> Event {
    SessionStarted {
        native_id: place.name().to_owned(),
        resume_ref: Some(place.print()),
        model: None,
    }
    .into()
}
