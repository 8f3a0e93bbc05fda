//! The whole world: one store on a real file, workers, clients, followers, a clock, and a witness to all of it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use run::{RunId, Seq, Timestamp};
use store::sqlite::{Batch, Core, FailAt, Reader, doctor};
use store::{CommandError, Options, RunRecord, Scope};
use tempfile::TempDir;

use crate::check::{Log, Witness, command_refused, start_refused};
use crate::client::Clients;
use crate::crew::Worker;
use crate::disk::{Crash, FILE, Image};
use crate::hands::{Hands, unreadable};
use crate::history::{self, BEGIN, History};
use crate::op::{Answer, Errand, Heard, Op, Who};
use crate::{Rng, Violation};

const OPENS: &str = "a store opens after any crash";
const HIDDEN: &str = "what is somebody else's is unknown";
const NO_FAULT: &str = "the store works while nothing is wrong with the disk";
const TO_THE_END: &str = "who follows a run gets to its end";
const HEALTHY: &str = "the doctor finds nothing";

/// What happens to a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Fine,
    /// It happens and some answers are lost.
    AnswersLost,
    Fails(FailAt),
    Crashes(Crash),
}

/// A cursor of somebody who watches.
struct Follower {
    run: RunId,
    cursor: Seq,
    /// Gone after a crash, until it connects again.
    reader: Option<Reader>,
}

/// The whole world.
pub(crate) struct World {
    pub(crate) rng: Rng,
    pub(crate) step: u64,
    clock: Arc<AtomicI64>,
    dir: TempDir,
    n_boots: u32,
    max_queued: u32,
    /// Gone only while the process is down.
    core: Option<Core>,
    pub(crate) workers: Vec<Worker>,
    pub(crate) clients: Clients,
    followers: Vec<Follower>,
    pub(crate) witness: Witness,
    pub(crate) history: History,
}

/// A directory in memory where there is one: what is simulated is the loss, not the speed of the disk.
fn directory() -> std::io::Result<TempDir> {
    let shared_memory = Path::new("/dev/shm");
    if shared_memory.is_dir() {
        tempfile::tempdir_in(shared_memory)
    } else {
        tempfile::tempdir()
    }
}

impl World {
    pub(crate) fn new(seed: u64) -> Result<Self, Violation> {
        let mut rng = Rng::new(seed);
        let dir = directory().map_err(|error| Violation::new(OPENS, error.to_string()))?;
        let n_workers = rng.below(3) + 1;
        let mut world = Self {
            rng,
            step: 0,
            clock: Arc::new(AtomicI64::new(BEGIN.as_ms())),
            dir,
            n_boots: 0,
            max_queued: 0,
            core: None,
            workers: (0..n_workers).map(Worker::new).collect(),
            clients: Clients::default(),
            followers: Vec::new(),
            witness: Witness::default(),
            history: History::default(),
        };
        let path = world.dir.path().join(FILE);
        world.boot(&path)?;
        Ok(world)
    }

    fn boot(&mut self, path: &Path) -> Result<(), Violation> {
        let clock = Arc::clone(&self.clock);
        self.max_queued = [3, 10_000, 10_000][self.rng.below(3)];
        let options = Options {
            clock: Arc::new(move || Timestamp::from_ms(clock.load(Ordering::Relaxed))),
            queued_runs: self.max_queued,
            wal_bytes: 0,
            fold_age_ms: [0, 50, 2_000][self.rng.below(3)],
            holder: "a simulation".to_owned(),
            ..Options::default()
        };
        let core = Core::open(path, options);
        self.core = Some(core.map_err(|error| Violation::new(OPENS, error.to_string()))?);
        Ok(())
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.clock.load(Ordering::Relaxed))
    }

    /// Moves the clock, forward or backward.
    pub(crate) fn pass(&mut self, ms: i64) {
        self.clock.fetch_add(ms, Ordering::Relaxed);
    }

    pub(crate) fn note(&mut self, line: &str) {
        let now = self.now();
        self.history.note(self.step, now, line);
    }

    pub(crate) fn core(&mut self) -> &mut Core {
        self.core.as_mut().expect("the process runs between steps")
    }

    pub(crate) fn hands(&mut self) -> Hands<'_> {
        let now = self.now();
        Hands {
            core: self.core.as_mut().expect("the process runs between steps"),
            witness: &mut self.witness,
            rng: &mut self.rng,
            now,
        }
    }

    /// What a worker does with its turn.
    pub(crate) fn worker_turn(&mut self, n: usize) -> Result<Option<Errand>, Violation> {
        let mut worker = std::mem::replace(&mut self.workers[n], Worker::new(n));
        let errand = worker.turn(&mut self.hands());
        self.workers[n] = worker;
        errand
    }

    /// Every run, oldest first, as readers see them.
    pub(crate) fn records(&mut self) -> Result<Vec<RunRecord>, Violation> {
        self.core().runs().map_err(|why| unreadable(&why))
    }

    /// Has several operations done in one commit.
    pub(crate) fn commit(&mut self, errands: Vec<Errand>, fate: Fate) -> Result<(), Violation> {
        for errand in &errands {
            self.witness_asks(errand);
        }
        let lines: Vec<String> = errands
            .iter()
            .map(|errand| {
                let op = history::asked(&errand.op, &self.witness);
                format!("{:?} {op}", errand.who)
            })
            .collect();
        let dir = self.boot_dir();
        let before = match fate {
            Fate::Crashes(_) => Some(image(&dir)?),
            _ => None,
        };
        let mut batch = Batch::default();
        let waiting: Vec<_> = errands
            .iter()
            .map(|errand| errand.op.clone().add_to(&mut batch))
            .collect();
        if let Fate::Fails(at) = fate {
            batch.fail(at);
        }
        self.core().perform_together(batch);
        let mut heard: Vec<Heard> = waiting.into_iter().map(crate::op::Waiting::take).collect();
        match (fate, before) {
            (Fate::Crashes(crash), Some(before)) => {
                heard.fill_with(|| Heard::Nothing);
                let after = image(&dir)?;
                let left = Image::crashed(before, after, crash, &mut self.rng);
                self.note(&format!("the process dies: {crash:?}"));
                self.reopen(&left)?;
            }
            (Fate::AnswersLost, _) => {
                for (errand, heard) in errands.iter().zip(&mut heard) {
                    if may_lose_its_answer(&errand.op) && self.rng.percent(70) {
                        *heard = Heard::Nothing;
                    }
                }
            }
            _ => {}
        }
        let is_alone = errands.len() == 1;
        for ((errand, heard), line) in errands.into_iter().zip(heard).zip(lines) {
            let answer = history::heard(&heard, &self.witness);
            self.note(&format!("{line}: {answer}"));
            if let (Heard::Failed(why), false) = (&heard, matches!(fate, Fate::Fails(_))) {
                return Err(Violation::new(NO_FAULT, why.to_string()));
            }
            if is_alone {
                self.check_refusal(&errand.op, &heard)?;
            }
            self.hear(&errand, heard)?;
        }
        Ok(())
    }

    fn witness_asks(&mut self, errand: &Errand) {
        match &errand.op {
            Op::Start(start) => self.witness.asks_to_start(start),
            Op::Command {
                scope,
                run,
                command,
            } if !is_stranger(scope) => self.witness.asks(*run, command),
            Op::Append {
                run,
                fence,
                append_no,
                events,
            } => self.witness.writes.asked(*run, *fence, *append_no, events),
            _ => {}
        }
    }

    fn hear(&mut self, errand: &Errand, heard: Heard) -> Result<(), Violation> {
        match errand.who {
            Who::Sweeper => Ok(()),
            Who::Client => self.client_hears(&errand.op, heard),
            Who::Worker(n) => {
                let mut worker = std::mem::replace(&mut self.workers[n], Worker::new(n));
                let result = worker.hear(&errand.op, heard, &mut self.hands());
                self.workers[n] = worker;
                result
            }
        }
    }

    fn client_hears(&mut self, op: &Op, heard: Heard) -> Result<(), Violation> {
        match (op, heard) {
            (Op::Start(start), Heard::Answer(Answer::Started(answer))) => match *answer {
                Ok(started) => self.witness.was_started(start, &started),
                Err(_) => Ok(()),
            },
            (Op::Start(start), Heard::Failed(_) | Heard::Nothing)
                if start.idempotency.is_some() =>
            {
                self.clients.to_repeat.push((**start).clone());
                Ok(())
            }
            (
                Op::Command {
                    scope,
                    run,
                    command,
                },
                Heard::Answer(Answer::Commanded(answer)),
            ) => {
                let is_unknown = matches!(*answer, Err(CommandError::Unknown));
                if is_unknown != is_stranger(scope) {
                    let what = format!("{}: {answer:?}", self.witness.name(*run));
                    return Err(Violation::new(HIDDEN, what));
                }
                match *answer {
                    Ok(commanded) => self.witness.was_told(command, commanded),
                    Err(_) => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }

    /// What a client is told about the runs has to be true. Only where nothing else happened in the same commit.
    fn check_refusal(&mut self, op: &Op, heard: &Heard) -> Result<(), Violation> {
        match (op, heard) {
            (Op::Start(start), Heard::Answer(Answer::Started(answer))) => match &**answer {
                Ok(_) => Ok(()),
                Err(error) => {
                    let records = self.records()?;
                    start_refused(start, error, self.max_queued, &records)
                }
            },
            (
                Op::Command {
                    scope,
                    run,
                    command,
                },
                Heard::Answer(Answer::Commanded(answer)),
            ) if !is_stranger(scope) => match &**answer {
                Ok(_) => Ok(()),
                Err(error) => match self.core().run(*run).map_err(|why| unreadable(&why))? {
                    Some(record) => command_refused(command, error, &record),
                    None => Ok(()),
                },
            },
            _ => Ok(()),
        }
    }

    fn boot_dir(&self) -> std::path::PathBuf {
        match self.n_boots {
            0 => self.dir.path().to_owned(),
            n => self.dir.path().join(format!("boot {n}")),
        }
    }

    /// The process dies between two commits.
    pub(crate) fn crash(&mut self) -> Result<(), Violation> {
        let left = image(&self.boot_dir())?;
        self.note("the process dies");
        self.reopen(&left)
    }

    /// Everything in memory is lost; another process opens what is left on the disk.
    fn reopen(&mut self, left: &Image) -> Result<(), Violation> {
        for follower in &mut self.followers {
            follower.reader = None;
        }
        self.core = None;
        for worker in &mut self.workers {
            worker.die();
        }
        if self.n_boots > 0 {
            let old = self.boot_dir();
            std::fs::remove_dir_all(old)
                .map_err(|error| Violation::new(OPENS, error.to_string()))?;
        }
        self.n_boots += 1;
        let path = left
            .put(&self.boot_dir())
            .map_err(|error| Violation::new(OPENS, error.to_string()))?;
        self.boot(&path)?;
        if self.rng.percent(15) {
            // It dies again while it opens, or right behind that.
            let after = image(&self.boot_dir())?;
            let crash = [Crash::Torn, Crash::After][self.rng.below(2)];
            let left = Image::crashed(left.clone(), after, crash, &mut self.rng);
            self.note(&format!("the process dies at its start: {crash:?}"));
            return self.reopen(&left);
        }
        Ok(())
    }

    /// Somebody begins to watch, or reads on.
    pub(crate) fn follow(&mut self) -> Result<(), Violation> {
        if self.followers.len() < 6 && self.rng.percent(30) {
            let records = self.records()?;
            let Some(run) = self.rng.pick(&records).map(|record| record.id) else {
                return Ok(());
            };
            let seen = self.witness.seen(run).0;
            // From the beginning, or with a cursor that somebody got before.
            let cursor = if self.rng.percent(50) {
                Seq::ZERO
            } else {
                Seq(self.rng.between(0, seen))
            };
            self.followers.push(Follower {
                run,
                cursor,
                reader: None,
            });
            return Ok(());
        }
        if self.followers.is_empty() {
            return Ok(());
        }
        let at = self.rng.below(self.followers.len());
        let mut follower = self.followers.swap_remove(at);
        let mut reader = match follower.reader.take() {
            Some(reader) => reader,
            None => self.hands().follow(follower.run, follower.cursor)?,
        };
        let n_pages = self.rng.between(1, 3);
        for _ in 0..n_pages {
            self.hands().page(follower.run, &mut reader)?;
        }
        follower.cursor = reader.cursor();
        match self.rng.below(10) {
            0 => {}
            1 | 2 => self.followers.push(follower),
            _ => {
                follower.reader = Some(reader);
                self.followers.push(follower);
            }
        }
        Ok(())
    }

    /// Everybody who watches reads to the end, once all runs have ended.
    pub(crate) fn follow_to_the_ends(&mut self) -> Result<(), Violation> {
        for mut follower in std::mem::take(&mut self.followers) {
            let run = follower.run;
            let mut reader = match follower.reader.take() {
                Some(reader) => reader,
                None => self.hands().follow(run, follower.cursor)?,
            };
            while self.hands().page(run, &mut reader)?.is_some() {}
            if self.witness.log(run).map(Log::last) != Some(reader.cursor()) {
                let what = format!("{} at {}", self.witness.name(run), reader.cursor());
                return Err(Violation::new(TO_THE_END, what));
            }
        }
        Ok(())
    }

    /// The writer's idle moments, and the upkeep of what has ended.
    pub(crate) fn rest(&mut self) -> Result<(), Violation> {
        let rested = self.core().rest();
        rested.map_err(|why| Violation::new(NO_FAULT, why.to_string()))?;
        if self.rng.percent(40) {
            let records = self.records()?;
            let ended: Vec<&RunRecord> = records
                .iter()
                .filter(|record| record.control.is_final())
                .collect();
            if let Some(record) = self.rng.pick(&ended) {
                let run = record.id;
                self.note(&format!("compact {}", self.witness.name(run)));
                let packed = self.core().compact(run);
                packed.map_err(|why| Violation::new(NO_FAULT, why.to_string()))?;
            }
        }
        Ok(())
    }

    /// Checks how all runs stand.
    pub(crate) fn look(&mut self) -> Result<Vec<RunRecord>, Violation> {
        let records = self.records()?;
        self.witness.check_records(&records)?;
        Ok(records)
    }

    /// Reads every log from its beginning and checks all of it.
    pub(crate) fn read_all(&mut self) -> Result<Vec<RunRecord>, Violation> {
        let records = self.records()?;
        for record in &records {
            self.hands().read(record.id, Seq::ZERO)?;
        }
        self.witness.check_records(&records)?;
        self.witness.check_logs()?;
        Ok(records)
    }

    /// Has the doctor look at a copy.
    pub(crate) fn examine(&mut self) -> Result<(), Violation> {
        let found = |what: String| Violation::new(HEALTHY, what);
        let copy = self.dir.path().join("doctor");
        let path = image(&self.boot_dir())?
            .put(&copy)
            .map_err(|error| found(error.to_string()))?;
        let report = doctor(&path).map_err(|error| found(error.to_string()))?;
        std::fs::remove_dir_all(copy).map_err(|error| found(error.to_string()))?;
        match report.findings.first() {
            None => Ok(()),
            Some(finding) => Err(found(format!("{finding:?}"))),
        }
    }
}

fn image(dir: &Path) -> Result<Image, Violation> {
    Image::of(dir).map_err(|error| Violation::new(OPENS, error.to_string()))
}

fn is_stranger(scope: &Scope) -> bool {
    scope
        .user
        .as_ref()
        .is_some_and(|user| user.as_str() == "a stranger")
}

/// Whether whoever asked can ask again without knowing what became of it. All others hear an answer or are gone.
fn may_lose_its_answer(op: &Op) -> bool {
    match op {
        Op::Start(_) | Op::Command { .. } | Op::Append { .. } => true,
        Op::Work { work, .. } => matches!(work, run::Work::Finish(_)),
        Op::Claim { .. } | Op::Sweep | Op::Register(_) | Op::Renew(_) | Op::Release(_) => false,
    }
}
