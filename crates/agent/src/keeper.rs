//! The task that looks after one child: waits for its end, stops it when told, sweeps what it left.
//!
//! It runs by itself, so that a stop takes its course while nobody reads the child's output.

use std::time::Duration;

use rustix::process::Signal;
use tokio::process::Child;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use crate::exit::Exit;
use crate::leash::Leash;
use crate::limits::PAUSE;
use crate::stop::StopSteps;
use crate::sweep::Swept;

/// What is wanted of the keeper.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Wishes {
    /// The latest stop.
    stop: Option<StopSteps>,
    /// How many there were, so that the same one twice is not taken for one.
    n_stops: u32,
    /// When the child has ended by itself, that is all: sweep.
    finish: bool,
}

impl Wishes {
    pub(crate) fn stop(&mut self, steps: StopSteps) {
        self.stop = Some(steps);
        self.n_stops = self.n_stops.wrapping_add(1);
    }

    pub(crate) fn finish(&mut self) {
        self.finish = true;
    }
}

/// How far it is.
#[derive(Debug, Default, Clone)]
pub(crate) struct Progress {
    pub(crate) exit: Option<Exit>,
    /// Nothing is left to do.
    pub(crate) swept: Option<Swept>,
}

/// Who holds the process, as the keeper sees it.
struct Caller {
    wishes: watch::Receiver<Wishes>,
    n_followed: u32,
}

pub(crate) async fn keep(
    child: Child,
    leash: Leash,
    wishes: watch::Receiver<Wishes>,
    progress: watch::Sender<Progress>,
) {
    let mut caller = Caller {
        wishes,
        n_followed: 0,
    };
    // Without a runtime to sweep on, the leash sweeps when it is dropped.
    let swept = keep_to_the_end(child, leash, &mut caller, &progress).await;
    progress.send_modify(|progress| progress.swept = Some(swept.unwrap_or_default()));
}

async fn keep_to_the_end(
    mut child: Child,
    leash: Leash,
    caller: &mut Caller,
    progress: &watch::Sender<Progress>,
) -> Option<Swept> {
    let Stopped {
        mut leash,
        exit,
        until,
    } = until_exit(&mut child, leash, caller).await?;
    if exit != Exit::Unknown {
        leash.number_is_free();
    }
    progress.send_modify(|progress| progress.exit = Some(exit));
    let leash = match until {
        Some(until) => linger(leash, until, caller).await?,
        None => until_wanted(leash, caller).await?,
    };
    Some(on_a_thread(leash, Leash::sweep).await?.1)
}

/// The child has ended or was given up.
struct Stopped {
    leash: Leash,
    exit: Exit,
    /// If it was told to: until when the rest of its group may take to end.
    until: Option<Instant>,
}

/// Waits for the child's end and stops it when that is wanted.
async fn until_exit(child: &mut Child, mut leash: Leash, caller: &mut Caller) -> Option<Stopped> {
    let mut steps = tokio::select! {
        status = child.wait() => return Some(Stopped { leash, exit: exit(status), until: None }),
        steps = caller.stop() => steps,
    };
    'again: loop {
        for (signal, grace) in steps.signals() {
            // Its number stays its own meanwhile: the runtime collects it only when it is waited for.
            leash = on_a_thread(leash, move |leash| leash.signal(signal))
                .await?
                .0;
            let until = Instant::now() + grace;
            tokio::select! {
                status = child.wait() => return Some(Stopped { leash, exit: exit(status), until: Some(until) }),
                () = sleep_until(until) => {}
                sharper = caller.stop() => {
                    steps = sharper;
                    continue 'again;
                }
            }
        }
        return Some(Stopped {
            leash,
            exit: Exit::Unknown,
            until: Some(Instant::now()),
        });
    }
}

/// After the child's own end: waits until the caller wants no more of it, and asks the rest of its group to end if the
/// caller wants that.
async fn until_wanted(leash: Leash, caller: &mut Caller) -> Option<Leash> {
    let Some(steps) = caller.stop_or_finish().await else {
        return Some(leash);
    };
    match steps.signals().next() {
        Some((signal, grace)) if signal != Signal::KILL => {
            let until = Instant::now() + grace;
            let (leash, ()) = on_a_thread(leash, move |leash| leash.signal(signal)).await?;
            linger(leash, until, caller).await
        }
        _ => Some(leash),
    }
}

/// A child that was asked to end may be gone before what it started in its group, which was asked too: a shell ends at
/// once, the server it runs closes its files first. Gives that the rest of the time.
async fn linger(mut leash: Leash, until: Instant, caller: &mut Caller) -> Option<Leash> {
    let mut pause = Duration::from_millis(2);
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Some(leash);
        }
        let (kept, empty) = on_a_thread(leash, |leash| leash.group_is_empty()).await?;
        leash = kept;
        if empty {
            return Some(leash);
        }
        tokio::select! {
            () = sleep(pause.min(left)) => pause = (pause * 2).min(PAUSE),
            // Whatever its steps are, the first ones are over.
            _ = caller.stop() => return Some(leash),
        }
    }
}

/// Looking at all processes takes milliseconds of reading. None if the runtime is being shut down; the leash is then
/// dropped and does its duty.
async fn on_a_thread<T: Send + 'static>(
    mut leash: Leash,
    look: impl FnOnce(&mut Leash) -> T + Send + 'static,
) -> Option<(Leash, T)> {
    let look = move || {
        let found = look(&mut leash);
        (leash, found)
    };
    tokio::task::spawn_blocking(look).await.ok()
}

impl Caller {
    /// The next stop. Cancel safe: one that was not given is still new.
    async fn stop(&mut self) -> StopSteps {
        let followed = self.n_followed;
        self.next(|wishes| wishes.n_stops != followed)
            .await
            .unwrap_or(StopSteps::NOW)
    }

    /// The next stop, or none if the child's own end is enough.
    async fn stop_or_finish(&mut self) -> Option<StopSteps> {
        let followed = self.n_followed;
        self.next(|wishes| wishes.n_stops != followed || wishes.finish)
            .await
    }

    async fn next(&mut self, wanted: impl FnMut(&Wishes) -> bool) -> Option<StopSteps> {
        let Ok(wishes) = self.wishes.wait_for(wanted).await.map(|wishes| *wishes) else {
            // All who could wish are gone, so nobody looks after the child any more.
            return Some(StopSteps::NOW);
        };
        let is_new = wishes.n_stops != self.n_followed;
        self.n_followed = wishes.n_stops;
        wishes.stop.filter(|_| is_new)
    }
}

fn exit(status: std::io::Result<std::process::ExitStatus>) -> Exit {
    status.map_or(Exit::Unknown, Exit::of)
}
