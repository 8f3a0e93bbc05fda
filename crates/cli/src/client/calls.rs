//! Calls of the native face, one method each.

use std::net::IpAddr;

use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use run::{RunId, Seq, Status, ThreadId};
use serde::de::DeserializeOwned;
use wire::{
    AgentList, ApplyRun, DiffBody, InputAnswer, OnWorktree, Problem, PutSecret, RefineRun,
    RequestAnswer, RunBody, RunList, SecretList, SendInput, StartRun, StopAnswer, StopRun,
    ThreadBody, ThreadRun,
};

use super::error::ClientError;
use super::limits;
use super::stream::{Events, Opened};

/// Speaks to one server. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
    key: Option<String>,
}

/// Which runs to list.
#[derive(Debug, Clone, Default)]
pub(crate) struct RunQuery {
    /// In one of these states; in any if empty.
    pub(crate) statuses: Vec<Status>,
    /// Of this agent.
    pub(crate) agent: Option<String>,
    /// Of this thread.
    pub(crate) thread: Option<String>,
    /// Also of ephemeral agents.
    pub(crate) ephemeral: bool,
    /// Where the page begins.
    pub(crate) cursor: Option<String>,
    /// Entries of the page.
    pub(crate) limit: usize,
}

/// What became of a start.
#[derive(Debug)]
pub(crate) struct Started {
    /// The run.
    pub(crate) run: RunBody,
    /// It was there already and was told the text.
    pub(crate) steered: bool,
}

impl Client {
    /// A client of the server at `url`, with a key if it wants one.
    pub(crate) fn new(url: &str, key: Option<String>) -> Result<Self, ClientError> {
        let unusable = |why: String| ClientError::Unreachable {
            url: url.to_owned(),
            why,
        };
        let base = Url::parse(url).map_err(|error| unusable(error.to_string()))?;
        if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
            return Err(unusable(
                "an address begins with http:// or https://".into(),
            ));
        }
        let mut http = reqwest::Client::builder()
            .connect_timeout(limits::CONNECT)
            .redirect(reqwest::redirect::Policy::none());
        if is_loopback(&base) {
            // A proxy of the environment cannot reach this machine's own server, and has no business with it.
            http = http.no_proxy();
        }
        let http = http.build().map_err(|error| unusable(text_of(&error)))?;
        Ok(Self { http, base, key })
    }

    /// The server's address.
    pub(crate) fn url(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// Whether a server is there and ready.
    pub(crate) async fn is_healthy(&self) -> bool {
        let call = self
            .request(Method::GET, &["healthz"])
            .timeout(limits::HEALTH);
        matches!(call.send().await, Ok(response) if response.status().is_success())
    }

    /// Whether the server can store.
    pub(crate) async fn ready(&self) -> Result<(), ClientError> {
        let call = self.request(Method::GET, &["readyz"]);
        self.send(call.timeout(limits::HEALTH)).await.map(drop)
    }

    /// The agents that this client may start.
    pub(crate) async fn agents(&self) -> Result<AgentList, ClientError> {
        self.read(self.request(Method::GET, &["v1", "agents"]))
            .await
    }

    /// Starts a run. A repeat under the same key gives the same run.
    pub(crate) async fn start(&self, body: &StartRun, key: &str) -> Result<Started, ClientError> {
        let call = self.request(Method::POST, &["v1", "runs"]);
        let call = call.header("idempotency-key", key).json(body);
        let response = self.authorized_send(call.timeout(limits::ANSWER)).await?;
        let steered = response.status() == StatusCode::ACCEPTED;
        let bytes = self.bytes(response).await?;
        let run = if steered {
            self.parsed::<InputAnswer>(&bytes)?.run
        } else {
            self.parsed(&bytes)?
        };
        Ok(Started { run, steered })
    }

    /// A new run from the result of an earlier one. A repeat under the same key gives the same run.
    pub(crate) async fn refine(
        &self,
        run: RunId,
        body: &RefineRun,
        key: &str,
    ) -> Result<RunBody, ClientError> {
        let call = self.on_run(Method::POST, run, &["refine"]);
        self.read(call.header("idempotency-key", key).json(body))
            .await
    }

    /// What a run has changed in its repository, in all or in the turn of a checkpoint.
    pub(crate) async fn diff(
        &self,
        run: RunId,
        checkpoint: Option<&str>,
    ) -> Result<DiffBody, ClientError> {
        let mut call = self.base_url(&["v1", "runs", &run.to_string(), "diff"]);
        if let Some(checkpoint) = checkpoint {
            call.query_pairs_mut().append_pair("checkpoint", checkpoint);
        }
        self.read(self.authorized(self.http.get(call))).await
    }

    /// Does something with the worktree of a run that has ended. A repeat under the same key gives the same run.
    pub(crate) async fn worktree(
        &self,
        run: RunId,
        body: &OnWorktree,
        key: &str,
    ) -> Result<RunBody, ClientError> {
        let call = self.on_run(Method::POST, run, &["worktree"]);
        self.read(call.header("idempotency-key", key).json(body))
            .await
    }

    /// Starts a preview of a run's work. A repeat under the same key gives the same run.
    pub(crate) async fn preview(
        &self,
        run: RunId,
        name: &str,
        key: &str,
    ) -> Result<RunBody, ClientError> {
        let call = self.on_run(Method::POST, run, &["previews", name]);
        self.read(call.header("idempotency-key", key)).await
    }

    /// Stops a preview of a run's work.
    pub(crate) async fn stop_preview(
        &self,
        run: RunId,
        name: &str,
    ) -> Result<StopAnswer, ClientError> {
        self.read(self.on_run(Method::DELETE, run, &["previews", name]))
            .await
    }

    /// A run once something has happened to it, or after some time.
    pub(crate) async fn moved(&self, run: RunId) -> Result<RunBody, ClientError> {
        let mut call = self.base_url(&["v1", "runs", &run.to_string()]);
        call.query_pairs_mut().append_pair("wait", "10s");
        self.read(self.authorized(self.http.get(call))).await
    }

    /// The same run again. A repeat under the same key gives the same run.
    pub(crate) async fn retry(&self, run: RunId, key: &str) -> Result<RunBody, ClientError> {
        let call = self.on_run(Method::POST, run, &["retry"]);
        self.read(call.header("idempotency-key", key)).await
    }

    /// Remembers that a run's result was used.
    pub(crate) async fn apply(&self, run: RunId, body: &ApplyRun) -> Result<RunBody, ClientError> {
        self.read(self.on_run(Method::POST, run, &["apply"]).json(body))
            .await
    }

    /// A run with its snapshot.
    pub(crate) async fn run(&self, run: RunId) -> Result<RunBody, ClientError> {
        self.read(self.on_run(Method::GET, run, &[])).await
    }

    /// A page of runs, newest first.
    pub(crate) async fn runs(&self, query: &RunQuery) -> Result<RunList, ClientError> {
        let mut pairs = vec![("limit", query.limit.to_string())];
        if !query.statuses.is_empty() {
            let words: Vec<&str> = query
                .statuses
                .iter()
                .map(|status| status.as_str())
                .collect();
            pairs.push(("status", words.join(",")));
        }
        if query.ephemeral {
            pairs.push(("ephemeral", "true".to_owned()));
        }
        pairs.extend(query.agent.iter().map(|agent| ("agent", agent.clone())));
        pairs.extend(
            query
                .thread
                .iter()
                .map(|thread| ("thread_id", thread.clone())),
        );
        pairs.extend(query.cursor.iter().map(|cursor| ("cursor", cursor.clone())));
        let mut call = self.base_url(&["v1", "runs"]);
        call.query_pairs_mut().extend_pairs(pairs);
        self.read(self.authorized(self.http.get(call))).await
    }

    /// The agent that a thread has for runs that name none; nothing if there is no such thread.
    pub(crate) async fn agent_of(&self, thread: &ThreadId) -> Result<Option<String>, ClientError> {
        let path = ["v1", "threads", thread.as_str()];
        match self
            .read::<ThreadBody>(self.request(Method::GET, &path))
            .await
        {
            Ok(thread) => Ok(thread.agent),
            Err(ClientError::Refused(problem)) if problem.status == 404 => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The latest run of a thread.
    pub(crate) async fn thread_run(&self, thread: &ThreadId) -> Result<ThreadRun, ClientError> {
        let path = ["v1", "threads", thread.as_str(), "run"];
        self.read(self.request(Method::GET, &path)).await
    }

    /// Asks for the end of a run.
    pub(crate) async fn stop(&self, run: RunId, body: &StopRun) -> Result<StopAnswer, ClientError> {
        self.read(self.on_run(Method::POST, run, &["stop"]).json(body))
            .await
    }

    /// Says something to an open run.
    pub(crate) async fn input(
        &self,
        run: RunId,
        body: &SendInput,
    ) -> Result<InputAnswer, ClientError> {
        self.read(self.on_run(Method::POST, run, &["inputs"]).json(body))
            .await
    }

    /// Answers a request.
    pub(crate) async fn answer(
        &self,
        run: RunId,
        request: &str,
        answer: &RequestAnswer,
    ) -> Result<(), ClientError> {
        let call = self.on_run(Method::POST, run, &["requests", request]);
        self.send(call.timeout(limits::ANSWER).json(answer))
            .await
            .map(drop)
    }

    /// Deletes a run that has ended.
    pub(crate) async fn delete(&self, run: RunId) -> Result<(), ClientError> {
        {
            let call = self.on_run(Method::DELETE, run, &[]);
            self.send(call.timeout(limits::ANSWER)).await.map(drop)
        }
    }

    /// Keeps a secret.
    pub(crate) async fn put_secret(&self, name: &str, body: &PutSecret) -> Result<(), ClientError> {
        let call = self.request(Method::PUT, &["v1", "secrets", name]);
        self.send(call.timeout(limits::ANSWER).json(body))
            .await
            .map(drop)
    }

    /// The secrets, without their values.
    pub(crate) async fn secrets(&self) -> Result<SecretList, ClientError> {
        self.read(self.request(Method::GET, &["v1", "secrets"]))
            .await
    }

    /// Erases a secret.
    pub(crate) async fn delete_secret(&self, name: &str) -> Result<(), ClientError> {
        let call = self.request(Method::DELETE, &["v1", "secrets", name]);
        self.send(call.timeout(limits::ANSWER)).await.map(drop)
    }

    /// Follows a run's log from behind a cursor.
    pub(crate) async fn events(&self, run: RunId, after: Seq) -> Result<Opened, ClientError> {
        let call = self
            .on_run(Method::GET, run, &["events"])
            .header("accept", "text/event-stream")
            .header("last-event-id", after.to_string());
        let response = tokio::time::timeout(limits::ANSWER, self.authorized_send(call))
            .await
            .map_err(|_| self.unreachable("no answer in time".into()))??;
        if response.status() == StatusCode::NO_CONTENT {
            return Ok(Opened::Over);
        }
        Ok(Opened::Live(Box::new(Events::new(response))))
    }

    fn on_run(&self, method: Method, run: RunId, rest: &[&str]) -> RequestBuilder {
        let run = run.to_string();
        let mut path = vec!["v1", "runs", &run];
        path.extend(rest);
        self.request(method, &path)
    }

    fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        self.authorized(self.http.request(method, self.base_url(path)))
    }

    fn base_url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    fn authorized(&self, call: RequestBuilder) -> RequestBuilder {
        match &self.key {
            Some(key) => call.bearer_auth(key),
            None => call,
        }
    }

    async fn read<T: DeserializeOwned>(&self, call: RequestBuilder) -> Result<T, ClientError> {
        let bytes = self.send(call.timeout(limits::ANSWER)).await?;
        self.parsed(&bytes)
    }

    fn parsed<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, ClientError> {
        serde_json::from_slice(bytes).map_err(|error| ClientError::Garbled {
            url: self.url().to_owned(),
            why: error.to_string(),
        })
    }

    async fn send(&self, call: RequestBuilder) -> Result<Vec<u8>, ClientError> {
        let response = self.authorized_send(call).await?;
        self.bytes(response).await
    }

    /// Sends a call and takes an error status for the error that its body tells.
    async fn authorized_send(&self, call: RequestBuilder) -> Result<Response, ClientError> {
        let response = call
            .send()
            .await
            .map_err(|error| self.unreachable(text_of(&error)))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = self.bytes(response).await?;
        Err(ClientError::Refused(Box::new(Problem::read(
            status.as_u16(),
            &body,
        ))))
    }

    async fn bytes(&self, mut response: Response) -> Result<Vec<u8>, ClientError> {
        let mut bytes = Vec::new();
        while let Some(more) = response
            .chunk()
            .await
            .map_err(|error| self.unreachable(text_of(&error)))?
        {
            if bytes.len() + more.len() > limits::ANSWER_BYTES {
                return Err(ClientError::Garbled {
                    url: self.url().to_owned(),
                    why: format!("more than {} bytes", limits::ANSWER_BYTES),
                });
            }
            bytes.extend_from_slice(&more);
        }
        Ok(bytes)
    }

    fn unreachable(&self, why: String) -> ClientError {
        ClientError::Unreachable {
            url: self.url().to_owned(),
            why,
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|it| it.is_loopback())
}

/// The innermost cause: what wraps it says only that a request failed.
pub(super) fn text_of(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no answer in time".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
