//! A store under test, with a clock of its own, and the words that the tests are written in.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use run::event::{ApprovalRequested, Decision, MessageStarted, TextDelta};
use run::{
    AgentSpec, AppendNo, Envelope, Event, Fence, Input, MessageId, NodeId, Outcome, RequestId,
    Role, RunId, ScriptStep, Seq, Status, Tenant, ThreadId, Timestamp, User, WaitMode, Work,
    WorkerId, frame,
};
use store::{
    Append, Appended, Claim, Claimed, Location, OnConflict, Options, Scope, Start, Store,
    WorkError, Worked,
};

/// Where an empty store can be made, and what keeps it there.
pub(crate) struct Place {
    pub(crate) location: Location,
    pub(crate) _keep: Box<dyn Any + Send + Sync>,
}

/// The time at which every test begins.
pub(crate) const BEGIN_MS: i64 = 1_795_168_800_000;

/// A store and its clock.
pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) place: Place,
    pub(crate) options: Options,
    now_ms: Arc<AtomicI64>,
}

impl World {
    pub(crate) async fn open(place: Place) -> Self {
        Self::with(place, |_| {}).await
    }

    /// With other options.
    pub(crate) async fn with(place: Place, change: impl FnOnce(&mut Options)) -> Self {
        let now_ms = Arc::new(AtomicI64::new(BEGIN_MS));
        let reads = Arc::clone(&now_ms);
        let mut options = Options {
            clock: Arc::new(move || Timestamp::from_ms(reads.load(Ordering::SeqCst))),
            wal_bytes: 0,
            compact_after_ms: None,
            ..Options::default()
        };
        change(&mut options);
        Self {
            store: Store::open(&place.location, options.clone()).await.unwrap(),
            place,
            options,
            now_ms,
        }
    }

    /// Closes the store and opens it again.
    pub(crate) async fn reopen(&mut self) {
        self.store.close().await;
        self.store = Store::open(&self.place.location, self.options.clone())
            .await
            .unwrap();
    }

    pub(crate) fn advance(&self, ms: i64) {
        self.now_ms.fetch_add(ms, Ordering::SeqCst);
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.now_ms.load(Ordering::SeqCst))
    }

    /// Starts a run on a free thread.
    pub(crate) async fn run(&self, thread: &str) -> RunId {
        self.store
            .start(start(thread, OnConflict::Reject))
            .await
            .unwrap()
            .run
            .id
    }

    /// Gives a worker a lease of five seconds.
    pub(crate) async fn worker(&self, name: &str) -> WorkerId {
        let worker = WorkerId::parse(name).unwrap();
        let node = NodeId::parse("n1").unwrap();
        self.store.register(&worker, &node, 5_000).await.unwrap();
        worker
    }

    pub(crate) async fn claim(&self, worker: &str, max: usize) -> Vec<Claimed> {
        let worker = WorkerId::parse(worker).unwrap();
        self.store.claim(Claim { worker, max }).await.unwrap()
    }

    /// Starts a run on a free thread and claims it.
    pub(crate) async fn attempt(&self, thread: &str) -> Attempt {
        let run = self.run(thread).await;
        self.worker("w1").await;
        let claimed = self.claim("w1", 1).await;
        assert_eq!(claimed.len(), 1);
        assert_eq!(claimed[0].run.id, run, "the only due run");
        Attempt::of(&claimed[0])
    }

    pub(crate) async fn status(&self, run: RunId) -> Status {
        let record = self.store.run(&Scope::local(), run).await.unwrap();
        record.control.status()
    }

    /// All that the log has now, in pages.
    pub(crate) async fn log(&self, run: RunId) -> Vec<u8> {
        let mut log = Vec::new();
        let mut after = Seq::ZERO;
        loop {
            let page = self
                .store
                .events(&Scope::local(), run, after, 1_000)
                .await
                .unwrap();
            log.extend_from_slice(&page.frames);
            if page.next == after || page.is_final {
                return log;
            }
            after = page.next;
        }
    }

    pub(crate) async fn events(&self, run: RunId) -> Vec<Envelope> {
        let log = self.log(run).await;
        frame::split(&log)
            .map(|frame| frame::parse(frame).unwrap())
            .collect()
    }

    /// The types of all events.
    pub(crate) async fn kinds(&self, run: RunId) -> Vec<String> {
        let events = self.events(run).await;
        events
            .iter()
            .map(|envelope| envelope.event.kind().to_owned())
            .collect()
    }

    /// Waits until something holds, for at most ten seconds.
    pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut looks = tokio::time::interval(Duration::from_millis(5));
        while !holds().await {
            assert!(Instant::now() < deadline, "waited too long until {what}");
            looks.tick().await;
        }
    }
}

/// The attempt of one worker.
#[derive(Clone)]
pub(crate) struct Attempt {
    pub(crate) run: RunId,
    pub(crate) fence: Fence,
    pub(crate) no: u64,
    n_messages: u32,
}

impl Attempt {
    pub(crate) fn of(claimed: &Claimed) -> Self {
        Self {
            run: claimed.run.id,
            fence: claimed.fence,
            no: 0,
            n_messages: claimed.run.control.n_messages,
        }
    }

    pub(crate) async fn append(
        &mut self,
        world: &World,
        events: Vec<Event>,
    ) -> Result<Appended, WorkError> {
        self.no += 1;
        self.repeat(world, events).await
    }

    /// Appends under the number that was used last.
    pub(crate) async fn repeat(
        &self,
        world: &World,
        events: Vec<Event>,
    ) -> Result<Appended, WorkError> {
        let append = Append {
            run: self.run,
            fence: self.fence,
            append_no: AppendNo(self.no),
            events,
        };
        world.store.append(append).await
    }

    /// Says something in the open message, which the first call opens.
    pub(crate) async fn say(&mut self, world: &World, said: &str) -> Appended {
        let mut events = Vec::new();
        if self.n_messages == 0 {
            self.n_messages = 1;
            events.push(
                MessageStarted {
                    message: MessageId::nth(1),
                    role: Role::Assistant,
                }
                .into(),
            );
        }
        events.push(text(said));
        self.append(world, events).await.unwrap()
    }

    pub(crate) async fn work(&self, world: &World, work: Work) -> Result<Worked, WorkError> {
        world.store.work(self.run, self.fence, work).await
    }

    pub(crate) async fn finish(&self, world: &World) {
        let done = Work::Finish(Outcome::completed());
        self.work(world, done).await.unwrap();
    }

    /// Asks for an approval and waits for it.
    pub(crate) async fn ask_and_wait(&mut self, world: &World, mode: WaitMode) {
        self.append(world, vec![approval(1, None)]).await.unwrap();
        let wait = Work::Wait { mode, due_at: None };
        assert!(self.work(world, wait).await.unwrap().wrote);
    }
}

/// A delta of the first message.
pub(crate) fn text(said: &str) -> Event {
    TextDelta {
        message: MessageId::nth(1),
        part: 0,
        text: said.to_owned(),
    }
    .into()
}

/// The `n`-th request of a run: an approval.
pub(crate) fn approval(n: u32, expires_at: Option<Timestamp>) -> Event {
    ApprovalRequested {
        request: RequestId::nth(n),
        kind: "command".to_owned(),
        title: "May I?".to_owned(),
        detail: serde_json::Value::Null,
        options: vec![Decision::Allow, Decision::Deny],
        call: None,
        expires_at,
        grants: None,
    }
    .into()
}

/// A start with an id of its own.
pub(crate) fn start(thread: &str, on_conflict: OnConflict) -> Start {
    static N: AtomicU64 = AtomicU64::new(0);
    let n = N.fetch_add(1, Ordering::Relaxed);
    let mut random = [0; 10];
    random[2..].copy_from_slice(&n.to_be_bytes());
    Start {
        on_conflict,
        ..Start::new(
            RunId::new(Timestamp::from_ms(BEGIN_MS), random),
            Scope::local(),
            ThreadId::parse(thread).unwrap(),
            "demo".into(),
            AgentSpec::scripted(vec![ScriptStep {
                text: Some("hi".into()),
                ..ScriptStep::default()
            }]),
            Input::text("hello"),
        )
    }
}

/// What a user of a tenant sees.
pub(crate) fn scope_of(tenant: &str, user: Option<&str>) -> Scope {
    Scope {
        tenant: Tenant::parse(tenant).unwrap(),
        user: user.map(|user| User::parse(user).unwrap()),
    }
}

/// The numbers of frames.
pub(crate) fn numbers(log: &[u8]) -> Vec<u64> {
    frame::split(log)
        .map(|frame| frame::seq(frame).unwrap().0)
        .collect()
}
