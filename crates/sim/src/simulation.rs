//! One simulation: so many steps of anything, then quiet, until every run has ended.

use store::RunRecord;
use store::sqlite::FailAt;

use crate::client::fitting;
use crate::disk::Crash;
use crate::history::History;
use crate::op::{Errand, Op, Who};
use crate::world::{Fate, World};
use crate::{Rng, Violation};

/// Rounds in which every run has to end once nothing goes wrong any more.
const MAX_ROUNDS: u32 = 3_000;
/// Turns of one worker in one round.
const TURNS: u32 = 40;

/// A promise was broken.
#[derive(Debug, Clone, thiserror::Error)]
#[error("seed {seed}: {violation}")]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// The steps.
    pub steps: u64,
    /// The promise and what was found.
    pub violation: Violation,
    /// What happened until then.
    pub history: History,
}

/// How much goes wrong.
struct Weather {
    /// Of a thousand commits.
    crashes: u64,
    failures: u64,
    lost_answers: u64,
    /// Of a thousand steps.
    deaths: u64,
    pauses: u64,
    jumps: u64,
    /// Of a hundred commits: those of several operations.
    shared: u64,
}

impl Weather {
    fn by_chance(rng: &mut Rng) -> Self {
        let mut some = |max: u64| {
            if rng.percent(70) {
                rng.between(0, max)
            } else {
                0
            }
        };
        Self {
            crashes: some(30),
            failures: some(100),
            lost_answers: some(250),
            deaths: some(20),
            pauses: some(30),
            jumps: some(20),
            shared: some(50),
        }
    }
}

/// Runs one seed to its end.
pub fn simulate(seed: u64, steps: u64) -> Result<History, Box<Failure>> {
    let fail = |violation, history| {
        Box::new(Failure {
            seed,
            steps,
            violation,
            history,
        })
    };
    let mut world = World::new(seed).map_err(|violation| fail(violation, History::default()))?;
    match live(&mut world, steps) {
        Ok(()) => Ok(world.history),
        Err(violation) => Err(fail(violation, world.history)),
    }
}

fn live(world: &mut World, steps: u64) -> Result<(), Violation> {
    let weather = Weather::by_chance(&mut world.rng);
    for step in 1..=steps {
        world.step = step;
        one_step(world, &weather)?;
        if world.rng.percent(20) {
            world.look()?;
        }
        if world.rng.percent(3) {
            world.read_all()?;
        }
    }
    world.read_all()?;
    world.note("quiet");
    quieten(world)?;
    let records = world.read_all()?;
    world.witness.check_end(&records)?;
    world.follow_to_the_ends()?;
    world.examine()?;
    let logs: Vec<Vec<u8>> = world.witness.logs().map(|(_, log)| log.bytes()).collect();
    for log in logs {
        world.history.mix(&log);
    }
    Ok(())
}

fn one_step(world: &mut World, weather: &Weather) -> Result<(), Violation> {
    let ms = world.rng.between(0, 120);
    world.pass(ms.cast_signed());
    if world.rng.per_mille(weather.jumps) {
        jump(world);
    }
    if world.rng.per_mille(weather.deaths) {
        let n = world.rng.below(world.workers.len());
        world.note(&format!("Worker({n}) dies"));
        world.workers[n].die();
    }
    if world.rng.per_mille(weather.pauses) {
        let n = world.rng.below(world.workers.len());
        let (turns, ms) = (world.rng.between(5, 60), world.rng.between(0, 8_000));
        world.workers[n].paused = turns;
        world.pass(ms.cast_signed());
        world.note(&format!("Worker({n}) stands still"));
    }
    if world.rng.per_mille(5) {
        let n = world.rng.below(world.workers.len());
        world.note(&format!("Worker({n}) is told to leave"));
        world.workers[n].leave();
    }
    if world.rng.per_mille(weather.crashes / 4) {
        world.crash()?;
    }
    match world.rng.below(10) {
        0 | 1 => world.follow(),
        2 if world.rng.percent(40) => world.rest(),
        _ => {
            let mut errands: Vec<Errand> = Vec::new();
            errands.extend(turn(world, &errands)?);
            while world.rng.percent(weather.shared) && errands.len() < 4 {
                errands.extend(turn(world, &errands)?);
            }
            if errands.is_empty() {
                return Ok(());
            }
            let fate = fate(&mut world.rng, weather);
            world.commit(errands, fate)
        }
    }
}

fn jump(world: &mut World) {
    let ms: i64 = match world.rng.below(4) {
        0 => -world.rng.between(1, 60_000).cast_signed(),
        1 => -world.rng.between(1, 2_000).cast_signed(),
        2 => world.rng.between(1_000, 10_000).cast_signed(),
        _ => world.rng.between(1_000, 3_600_000).cast_signed(),
    };
    world.pass(ms);
    world.note(&format!("the clock jumps by {ms} ms"));
}

/// What somebody does beside what others have under way.
fn turn(world: &mut World, under_way: &[Errand]) -> Result<Option<Errand>, Violation> {
    match world.rng.below(20) {
        0..=3 => {
            let records = world.records()?;
            let now = world.now();
            Ok(world.clients.turn(&records, now, &mut world.rng))
        }
        4 => Ok(Some(Errand {
            who: Who::Sweeper,
            op: Op::Sweep,
        })),
        _ => {
            let n = world.rng.below(world.workers.len());
            if world.workers[n].paused > 0 {
                world.workers[n].paused -= 1;
                return Ok(None);
            }
            // A worker has one thing under way at a time.
            if under_way.iter().any(|errand| errand.who == Who::Worker(n)) {
                return Ok(None);
            }
            world.worker_turn(n)
        }
    }
}

fn fate(rng: &mut Rng, weather: &Weather) -> Fate {
    if rng.per_mille(weather.crashes) {
        let crash = [Crash::Before, Crash::Torn, Crash::After][rng.below(3)];
        return Fate::Crashes(crash);
    }
    if rng.per_mille(weather.failures) {
        let at = [FailAt::Work, FailAt::Commit][rng.below(2)];
        return Fate::Fails(at);
    }
    if rng.per_mille(weather.lost_answers) {
        return Fate::AnswersLost;
    }
    Fate::Fine
}

/// Nothing goes wrong any more: every run has to end by itself, in a bounded time.
fn quieten(world: &mut World) -> Result<(), Violation> {
    for worker in &mut world.workers {
        worker.paused = 0;
    }
    for round in 0..MAX_ROUNDS {
        world.step += 1;
        let records = world.look()?;
        let open: Vec<&RunRecord> = records
            .iter()
            .filter(|record| !record.control.is_final())
            .collect();
        if open.is_empty() {
            return Ok(());
        }
        answer_all(world, &open)?;
        for n in 0..world.workers.len() {
            let mut n_idle = 0;
            for _ in 0..TURNS {
                let errand = world.worker_turn(n)?;
                let is_idle = matches!(
                    &errand,
                    None | Some(Errand {
                        op: Op::Claim { .. },
                        ..
                    })
                );
                n_idle = if is_idle { n_idle + 1 } else { 0 };
                if let Some(errand) = errand {
                    world.commit(vec![errand], Fate::Fine)?;
                }
                if n_idle > 2 {
                    break;
                }
            }
        }
        let sweep = Errand {
            who: Who::Sweeper,
            op: Op::Sweep,
        };
        world.commit(vec![sweep], Fate::Fine)?;
        // After the clock went back, what is due may be far away.
        let ms = if round % 100 == 99 {
            3_600_000
        } else {
            world.rng.between(10, 1_500)
        };
        world.pass(ms.cast_signed());
    }
    let records = world.read_all()?;
    world.witness.check_end(&records)
}

fn answer_all(world: &mut World, open: &[&RunRecord]) -> Result<(), Violation> {
    for record in open {
        for (request, wanted) in &record.control.requests {
            if world.rng.percent(50) {
                continue;
            }
            let command = fitting(request, wanted, &mut world.rng);
            let scope = store::Scope::local();
            let op = Op::Command {
                scope,
                run: record.id,
                command,
            };
            let who = Who::Client;
            world.commit(vec![Errand { who, op }], Fate::Fine)?;
        }
    }
    Ok(())
}
