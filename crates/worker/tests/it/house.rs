//! A store in a directory of its own, workers on it, and the questions that tests ask.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use run::event::{Decision, InputMode};
use run::{
    AgentSpec, Answer, By, Command, Envelope, Event, Input, NodeId, Part, RequestId, Run, RunId,
    ScriptStep, Seq, Snapshot, Status, ThreadId, Timestamp, WorkerId, frame,
};
use store::{Location, OnConflict, Options, RunRecord, Scope, Sealed, Start, Store};
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval};
use tokio_util::sync::CancellationToken;
use worker::{
    AguiAgents, CodingAgents, Commands, Driver, Drivers, Loops, McpServers, Models, Scripted,
    Settings, Worker,
};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct House {
    pub(crate) store: Store,
    directory: tempfile::TempDir,
    n_workers: u32,
    n_runs: u64,
    /// The run that the next one refines.
    pub(crate) refines: Option<RunId>,
}

/// All drivers, with these models and commands and without MCP servers and further agents.
pub(crate) fn drivers(models: Models, commands: Commands) -> Drivers {
    let loops = Loops::new(
        models.clone(),
        commands.clone(),
        McpServers::new(),
        Arc::default(),
        &[],
    );
    Drivers {
        models,
        loops: loops.unwrap(),
        coding: CodingAgents {
            commands: commands.clone(),
            data: std::env::temp_dir(),
        },
        commands,
        agui: AguiAgents::new(&BTreeMap::new(), &[], Vec::new()).unwrap(),
    }
}

/// A worker at work.
pub(crate) struct Hired {
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

pub(crate) fn script(steps: &str) -> AgentSpec {
    let script: Vec<ScriptStep> = serde_json::from_str(steps).unwrap();
    let spec = AgentSpec::scripted(script);
    assert_eq!(spec.problems(), Vec::<String>::new());
    spec
}

impl House {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let location = Location::Sqlite(directory.path().join("store.db"));
        let options = Options {
            wal_bytes: 0,
            ..Options::default()
        };
        Self {
            store: Store::open(&location, options).await.unwrap(),
            directory,
            n_workers: 0,
            n_runs: 0,
            refines: None,
        }
    }

    /// Settings under which things happen soon.
    pub(crate) fn settings(&mut self) -> Settings {
        self.n_workers += 1;
        let worker = WorkerId::parse(format!("w{}", self.n_workers)).unwrap();
        Settings {
            lease: Duration::from_millis(500),
            renew: Duration::from_millis(100),
            sweep: Duration::from_millis(50),
            drain: Duration::from_millis(300),
            ..Settings::new(worker, NodeId::parse("node").unwrap())
        }
    }

    pub(crate) fn hire(&mut self) -> Hired {
        let settings = self.settings();
        self.hire_as(settings, Scripted)
    }

    pub(crate) fn hire_as(&mut self, settings: Settings, drivers: impl Driver) -> Hired {
        let worker = Worker::new(self.store.clone(), settings, drivers).unwrap();
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(worker.run(shutdown.clone()));
        Hired { shutdown, task }
    }

    pub(crate) async fn start(&mut self, spec: AgentSpec) -> RunId {
        self.start_on("thread", spec, Input::text("go")).await
    }

    pub(crate) async fn start_on(&mut self, thread: &str, spec: AgentSpec, input: Input) -> RunId {
        let credentials = None::<fn(RunId) -> Sealed>;
        self.start_with(thread, spec, input, credentials).await
    }

    /// Starts a run with what it brings along, sealed for it.
    pub(crate) async fn start_sealed(
        &mut self,
        thread: &str,
        spec: AgentSpec,
        seal: Option<impl FnOnce(RunId) -> Sealed>,
    ) -> RunId {
        self.start_with(thread, spec, Input::text("go"), seal).await
    }

    async fn start_with(
        &mut self,
        thread: &str,
        spec: AgentSpec,
        input: Input,
        seal: Option<impl FnOnce(RunId) -> Sealed>,
    ) -> RunId {
        self.n_runs += 1;
        let mut random = [7; 10];
        random[2..].copy_from_slice(&self.n_runs.to_be_bytes());
        let run = RunId::new(Timestamp::from_ms(1_000), random);
        let start = Start {
            on_conflict: OnConflict::Enqueue,
            refines: self.refines.take(),
            credentials: seal.map(|seal| seal(run)),
            ..Start::new(
                run,
                Scope::local(),
                ThreadId::parse(thread).unwrap(),
                "agent".to_owned(),
                spec,
                input,
            )
        };
        self.store.start(start).await.unwrap();
        run
    }

    /// Where its data is.
    pub(crate) fn path(&self) -> &std::path::Path {
        self.directory.path()
    }

    /// Closes the store and gives its directory.
    pub(crate) async fn close(self) -> tempfile::TempDir {
        self.store.close().await;
        self.directory
    }

    pub(crate) async fn command(&self, run: RunId, command: Command) {
        let scope = Scope::local();
        self.store.command(&scope, run, command).await.unwrap();
    }

    pub(crate) async fn stop(&self, run: RunId) {
        let command = Command::Stop {
            by: by(),
            why: None,
            superseded_by: None,
        };
        self.command(run, command).await;
    }

    pub(crate) async fn decide(&self, run: RunId, request: u32, decision: Decision) {
        let command = Command::Answer {
            request: RequestId::nth(request),
            answer: Answer::Decision {
                decision,
                note: None,
            },
            by: by(),
        };
        self.command(run, command).await;
    }

    pub(crate) async fn input(&self, run: RunId, mode: InputMode, text: &str) {
        let parts = vec![Part::text(text)];
        let by = by();
        self.command(run, Command::Input { mode, parts, by }).await;
    }

    pub(crate) async fn record(&self, run: RunId) -> RunRecord {
        self.store.run(&Scope::local(), run).await.unwrap()
    }

    pub(crate) async fn control(&self, run: RunId) -> Arc<Run> {
        self.record(run).await.control
    }

    pub(crate) async fn snapshot(&self, run: RunId) -> Snapshot {
        self.store.snapshot(&Scope::local(), run).await.unwrap()
    }

    pub(crate) async fn events(&self, run: RunId) -> Vec<Envelope> {
        let mut after = Seq::ZERO;
        let mut events = Vec::new();
        loop {
            let scope = Scope::local();
            let page = self.store.events(&scope, run, after, 1000).await.unwrap();
            if page.frames.is_empty() {
                break;
            }
            let frames = frame::split(&page.frames);
            events.extend(frames.map(|frame| frame::parse(frame).unwrap()));
            after = page.next;
        }
        for (n, envelope) in events.iter().enumerate() {
            assert_eq!(envelope.seq.0, n as u64 + 1, "the log has a gap");
        }
        let n_finals = events.iter().filter(|e| e.event.is_final()).count();
        assert!(n_finals <= 1, "the log has {n_finals} ends");
        events
    }

    pub(crate) async fn kinds(&self, run: RunId) -> Vec<String> {
        let events = self.events(run).await;
        events.iter().map(|e| e.event.kind().to_owned()).collect()
    }

    /// Waits until the run is like this.
    #[track_caller]
    pub(crate) fn until(
        &self,
        run: RunId,
        what: &'static str,
        is: impl Fn(&Run) -> bool,
    ) -> impl Future<Output = Arc<Run>> {
        let at = std::panic::Location::caller();
        async move {
            let mut watch = self.store.watch(run).await.unwrap();
            let end = Instant::now() + PATIENCE;
            loop {
                let control = watch.control();
                if is(&control) {
                    return control;
                }
                tokio::select! {
                    () = watch.changed() => {}
                    () = tokio::time::sleep_until(end) => {
                        panic!("{at}: {run} is not {what}: {control:#?}");
                    }
                }
            }
        }
    }

    /// Waits for the end; gives the whole text of the run.
    #[track_caller]
    pub(crate) fn text_at_end(&self, run: RunId) -> impl Future<Output = (Arc<Run>, String)> {
        let ended = self.until(run, "final", Run::is_final);
        async move {
            let control = ended.await;
            (control, self.text(run).await)
        }
    }

    pub(crate) async fn text(&self, run: RunId) -> String {
        let snapshot = self.snapshot(run).await;
        let parts = snapshot.messages.iter().flat_map(|m| &m.parts);
        parts
            .filter_map(|part| match part {
                Part::Text { text, .. } => Some(text.as_str()),
                _ => None,
            })
            .collect()
    }

    /// Waits until so many events of a kind are in the log.
    pub(crate) async fn until_event(
        &self,
        run: RunId,
        what: &'static str,
        is: impl Fn(&Event) -> bool,
    ) {
        let mut watch = self.store.watch(run).await.unwrap();
        let end = Instant::now() + PATIENCE;
        while !self.events(run).await.iter().any(|e| is(&e.event)) {
            tokio::select! {
                () = watch.changed() => {}
                () = tokio::time::sleep_until(end) => panic!("{run} has no {what}"),
            }
        }
    }
}

impl Hired {
    /// Ends it as a crash does.
    pub(crate) async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }

    /// Stops it in good order; gives how long that took.
    pub(crate) async fn leave(self) -> Duration {
        let began = Instant::now();
        self.shutdown.cancel();
        self.task.await.unwrap();
        began.elapsed()
    }
}

pub(crate) fn by() -> By {
    By("test".to_owned())
}

pub(crate) fn outcome(run: &Run) -> (Status, &'static str) {
    match &run.state {
        run::State::Final(outcome) => (outcome.status, outcome.reason.as_str()),
        state => panic!("not final: {state:?}"),
    }
}

/// Waits until a condition holds that nothing tells of.
pub(crate) async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    let mut look = interval(Duration::from_millis(10));
    while !holds() {
        assert!(Instant::now() < end, "not in time: {what}");
        look.tick().await;
    }
}
