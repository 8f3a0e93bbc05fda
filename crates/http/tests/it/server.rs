//! A server on a port of its own, with a store in a directory of its own, and a client.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use http::{App, Catalogue, Mode, Secret, ServeError, Settings, serve};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method, RequestBuilder, Response};
use run::{AgentSpec, DriverKind, ScriptStep, Setting, Tenant, User};
use serde_json::{Value, json};
use store::{Location, NewKey, Options, Right, Store};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use wire::sse::{Decoder, Event};

/// Long enough for a busy machine, short enough for a person.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) store: Store,
    pub(crate) client: Client,
    pub(crate) shutdown: CancellationToken,
    pub(crate) task: JoinHandle<Result<(), ServeError>>,
    pub(crate) directory: tempfile::TempDir,
}

/// An answer that was read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) async fn of(response: Response) -> Self {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let bytes = response.bytes().await.unwrap();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Self {
            status,
            headers,
            body,
        }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    #[track_caller]
    pub(crate) fn text(&self, member: &str) -> &str {
        self.body[member]
            .as_str()
            .unwrap_or_else(|| panic!("no {member} in {:?}", self.body))
    }
}

/// Agents that no worker performs: the tests write what happens.
fn catalogue() -> Catalogue {
    let scripted = AgentSpec::scripted(vec![ScriptStep {
        text: Some("Hello".to_owned()),
        ..ScriptStep::default()
    }]);
    let model = AgentSpec {
        model: Some("local/small".to_owned()),
        overridable: vec![Setting::Model],
        ..AgentSpec::new(DriverKind::Model)
    };
    let quiet = AgentSpec {
        ephemeral: true,
        ..scripted.clone()
    };
    Catalogue::new(Arc::new(BTreeMap::from([
        ("demo".to_owned(), scripted),
        ("quiet".to_owned(), quiet),
        ("writer".to_owned(), model),
    ])))
}

impl Server {
    /// An open server.
    pub(crate) async fn open() -> Self {
        Self::with(Settings::default(), Options::default()).await
    }

    /// A server with keys.
    pub(crate) async fn keyed() -> Self {
        let settings = Settings {
            mode: Mode::Keys,
            ..Settings::default()
        };
        Self::with(settings, Options::default()).await
    }

    pub(crate) async fn with(settings: Settings, options: Options) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let location = Location::Sqlite(directory.path().join("outlive.db"));
        let options = Options {
            wal_bytes: 0,
            ..options
        };
        let store = Store::open(&location, options).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shutdown = CancellationToken::new();
        let app = App::new(
            store.clone(),
            catalogue(),
            settings,
            Some(Arc::new(|| "outlive_runs 0\n".to_owned())),
        );
        let task = tokio::spawn(serve(listener, app, shutdown.clone()));
        Self {
            url,
            store,
            client: Client::builder().no_proxy().build().unwrap(),
            shutdown,
            task,
            directory,
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request(Method::GET, path).send().await.unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        let request = self.request(Method::POST, path).json(&body);
        Answer::of(request.send().await.unwrap()).await
    }

    /// Starts a run of the scripted agent and gives its id.
    pub(crate) async fn start(&self, thread: &str) -> String {
        let body = json!({"agent": "demo", "thread_id": thread, "input": "Hi"});
        let answer = self.post("/v1/runs", body).await;
        assert_eq!(answer.status, 201, "{:?}", answer.body);
        answer.text("id").to_owned()
    }

    /// A stream of a path.
    pub(crate) async fn stream(&self, path: &str, last_event_id: Option<&str>) -> Stream {
        let mut request = self
            .request(Method::GET, path)
            .header("accept", "text/event-stream");
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        Stream::of(request.send().await.unwrap())
    }

    /// Makes a key of a tenant and gives its secret.
    pub(crate) async fn key(
        &self,
        tenant: &str,
        user: Option<&str>,
        rights: &[Right],
        agents: Option<&[&str]>,
    ) -> String {
        let secret = Secret::new_key().unwrap();
        let key = NewKey {
            name: secret.expose()[7..20].to_owned(),
            hash: secret.hash(),
            tenant: Tenant::parse(tenant).unwrap(),
            user: user.map(|user| User::parse(user).unwrap()),
            rights: rights.to_vec(),
            agents: agents.map(|agents| agents.iter().map(|&agent| agent.to_owned()).collect()),
        };
        assert!(self.store.create_key(key).await.unwrap());
        secret.expose().to_owned()
    }

    /// A call with a credential.
    pub(crate) async fn call(
        &self,
        secret: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let mut request = self.request(method, path).bearer_auth(secret);
        if let Some(body) = body {
            request = request.json(&body);
        }
        Answer::of(request.send().await.unwrap()).await
    }
}

/// A stream that is being read.
pub(crate) struct Stream {
    pub(crate) response: Response,
    decoder: Decoder,
    ready: VecDeque<Event>,
}

impl Stream {
    #[track_caller]
    pub(crate) fn of(response: Response) -> Self {
        Self {
            response,
            decoder: Decoder::new(),
            ready: VecDeque::new(),
        }
    }

    pub(crate) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// The next event, heartbeats too; `None` at the end of the stream.
    pub(crate) async fn any(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk())
                .await
                .expect("the stream is silent");
            // A server that is cut off ends its streams in the middle, which reads as an end here.
            let bytes = chunk.ok()??;
            self.ready.extend(self.decoder.push(&bytes).unwrap());
        }
    }

    /// The next event of the log.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            let event = self.any().await?;
            if event.event != "heartbeat" {
                return Some(event);
            }
        }
    }

    /// So many events, as `id type`.
    pub(crate) async fn take(&mut self, n: usize) -> Vec<String> {
        let mut lines = Vec::new();
        while lines.len() < n {
            let event = self.next().await.expect("the stream has ended");
            lines.push(line(&event));
        }
        lines
    }

    /// All events to the end, as `id type`.
    pub(crate) async fn rest(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        while let Some(event) = self.next().await {
            lines.push(line(&event));
        }
        lines
    }

    pub(crate) fn retry_ms(&self) -> Option<u64> {
        self.decoder.retry_ms()
    }
}

fn line(event: &Event) -> String {
    format!("{} {}", event.id.as_deref().unwrap_or("-"), event.event)
}
