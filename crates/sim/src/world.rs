//! The whole world: one store on a real file, workers, clients, followers, a clock, and a witness to all of it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use run::{Seq, Timestamp};
use store::sqlite::{Batch, Core, FailAt, doctor};
use store::{CommandError, OnConflict, RunRecord, Scope, Start, Started};
use tempfile::TempDir;

use crate::check::{Witness, command_refused, start_refused, times};
use crate::client::Clients;
use crate::crew::Worker;
use crate::disk::{Crash, FILE, Image};
use crate::hands::{Hands, unreadable};
use crate::history::{self, BEGIN, History};
use crate::op::{Answer, Errand, Heard, Op, Who};
use crate::process::{OPENS, image};
use crate::watch::Follower;
use crate::{Rng, Violation};

const HIDDEN: &str = "what is somebody else's is unknown";
const REPLACED: &str = "a run whose place is taken is told to stop in the same commit";
pub(crate) const NO_FAULT: &str = "the store works while nothing is wrong with the disk";
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

/// The whole world.
pub(crate) struct World {
    pub(crate) rng: Rng,
    pub(crate) step: u64,
    pub(crate) clock: Arc<AtomicI64>,
    pub(crate) dir: TempDir,
    pub(crate) n_boots: u32,
    pub(crate) max_queued: u32,
    /// Gone only while the process is down.
    pub(crate) core: Option<Core>,
    pub(crate) workers: Vec<Worker>,
    pub(crate) clients: Clients,
    pub(crate) followers: Vec<Follower>,
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
                self.check_alone(&errand.op, &heard)?;
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
                Ok(started) => {
                    self.witness.was_started(start, &started)?;
                    self.check_superseded(start, &started)
                }
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

    /// The run whose place was taken is told to stop in the same commit.
    fn check_superseded(&mut self, start: &Start, started: &Started) -> Result<(), Violation> {
        let OnConflict::Supersede(named) = start.on_conflict else {
            return Ok(());
        };
        let named = self.hands().control(named)?;
        if started.fate != store::Fate::Created || named.is_final() || named.stop.is_some() {
            return Ok(());
        }
        let what = format!("{} goes on: {named:?}", self.witness.name(start.run));
        Err(Violation::new(REPLACED, what))
    }

    /// What a client is told about the runs has to be true, and a sweep to be thorough. Only where nothing else happened
    /// in the same commit.
    fn check_alone(&mut self, op: &Op, heard: &Heard) -> Result<(), Violation> {
        match (op, heard) {
            (Op::Sweep, Heard::Answer(_)) => {
                let records = self.records()?;
                times(&records, self.now())
            }
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
        Op::Work { work, .. } => matches!(work, run::Work::Finish(_) | run::Work::Close(_)),
        Op::Claim { .. } | Op::Sweep | Op::Register(_) | Op::Renew(_) | Op::Release(_) => false,
    }
}
