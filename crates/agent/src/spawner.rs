//! The thread that starts every child and collects every orphan.
//!
//! One thread for the whole process, because the kernel ties two things to it:
//! - A child can ask to be told when its parent dies, but "parent" is the *thread* that forked. The runtime's threads
//!   come and go; this one stays.
//! - This process becomes a subreaper: a daemon that a child leaves behind becomes our child instead of going to the
//!   system's first process, and is collected here: see the orphans.

use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};

use crate::leash::Leash;
use crate::limits::STARTS;
use crate::marker::Marker;
#[cfg(target_os = "linux")]
use crate::orphans;
use crate::pid::{Identity, Pid};
use crate::sweep::sweep;
use crate::table;

/// A child as it comes into the world.
pub(crate) struct Born {
    pub(crate) child: Child,
    pub(crate) leash: Leash,
}

/// A child to start.
pub(crate) struct Order {
    pub(crate) command: Command,
    pub(crate) cwd: Option<PathBuf>,
    pub(crate) marker: Marker,
}

/// Why it was not started.
#[derive(Debug)]
pub(crate) enum Failed {
    Cwd(io::Error),
    Start(io::Error),
}

struct Start {
    order: Order,
    runtime: Handle,
    reply: oneshot::Sender<Result<Born, Failed>>,
    /// Its place in the queue, kept even if the caller stops waiting.
    _turn: SemaphorePermit<'static>,
}

/// The children that were started here and whose status belongs to who started them.
static OWN: Mutex<Option<HashSet<Identity>>> = Mutex::new(None);

static SPAWNER: Mutex<Option<SyncSender<Start>>> = Mutex::new(None);

/// As many as the queue to the thread holds, so that nobody blocks on it.
static STARTS_FREE: Semaphore = Semaphore::const_new(STARTS);

/// Starts a child. Whoever stops waiting for it does not leave it behind: nobody takes it, so its leash kills it.
pub(crate) async fn start(order: Order) -> Result<Born, Failed> {
    let gone = || {
        Failed::Start(io::Error::other(
            "the thread that starts children has ended",
        ))
    };
    let turn = STARTS_FREE.acquire().await.map_err(|_| gone())?;
    let (reply, born) = oneshot::channel();
    let runtime = Handle::current();
    let start = Start {
        order,
        runtime,
        reply,
        _turn: turn,
    };
    spawner()
        .map_err(Failed::Start)?
        .try_send(start)
        .map_err(|_| gone())?;
    born.await.map_err(|_| gone())?
}

/// Gives up the claim to a child's status: nobody waits for it any more.
pub(crate) fn disown(child: Identity) {
    own().get_or_insert_default().remove(&child);
}

/// Collects a dead process that is known to be an orphan of a run, unless it was started here.
#[cfg(target_os = "linux")]
pub(crate) fn collect_orphan(orphan: Identity) {
    let own = own();
    if !own.as_ref().is_some_and(|own| own.contains(&orphan)) {
        orphans::collect(orphan.pid);
    }
}

/// Orphans go to the system's first process.
#[cfg(not(target_os = "linux"))]
pub(crate) fn collect_orphan(_: Identity) {}

fn own() -> MutexGuard<'static, Option<HashSet<Identity>>> {
    OWN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn spawner() -> io::Result<SyncSender<Start>> {
    let mut spawner = SPAWNER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(starts) = &*spawner {
        return Ok(starts.clone());
    }
    become_subreaper();
    let (sender, starts) = sync_channel(STARTS);
    let thread = std::thread::Builder::new().name("children".to_owned());
    thread.spawn(move || run(&starts))?;
    *spawner = Some(sender.clone());
    Ok(sender)
}

fn run(starts: &Receiver<Start>) {
    #[cfg(target_os = "linux")]
    let mut orphans = orphans::Orphans::default();
    loop {
        #[cfg(target_os = "linux")]
        let look_again = orphans::look_again();
        #[cfg(not(target_os = "linux"))]
        let look_again = None;
        let next = match look_again {
            Some(later) => starts.recv_timeout(later),
            None => starts.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match next {
            Ok(Start {
                order,
                runtime,
                reply,
                _turn,
            }) => {
                // If nobody wants it any more, it is dropped here, and its leash with it.
                let _ = reply.send(bear(order, &runtime));
            }
            Err(RecvTimeoutError::Timeout) => {}
            // The sender is never dropped.
            Err(RecvTimeoutError::Disconnected) => return,
        }
        let mut own = own();
        let own = own.get_or_insert_default();
        // A status that was taken needs no keeping.
        own.retain(|child| table::entry(child.pid).is_some_and(|entry| entry.identity == *child));
        #[cfg(target_os = "linux")]
        orphans.collect(own);
    }
}

fn bear(mut order: Order, runtime: &Handle) -> Result<Born, Failed> {
    // Asked first, because `exec` reports a missing directory like a missing program.
    if let Some(cwd) = &order.cwd {
        let folder = std::fs::metadata(cwd).map_err(Failed::Cwd)?;
        if !folder.is_dir() {
            return Err(Failed::Cwd(io::ErrorKind::NotADirectory.into()));
        }
        order.command.current_dir(cwd);
    }
    let _context = runtime.enter();
    // Held until the child is known as ours: it may be dead by then, and must not pass for an orphan.
    let mut own = own();
    let child = order.command.spawn();
    let born = child.and_then(|child| {
        let pid = child.id().and_then(|id| Pid::new(i32::try_from(id).ok()?));
        let entry = pid.and_then(table::entry);
        let identity = entry
            .ok_or_else(|| io::Error::other("the child cannot be seen"))?
            .identity;
        Ok((child, identity))
    });
    match born {
        Ok((child, identity)) => {
            own.get_or_insert_default().insert(identity);
            let leash = Leash::new(order.marker, identity);
            Ok(Born { child, leash })
        }
        Err(error) => {
            drop(own);
            // The runtime can fail after the fork, at its own bookkeeping, and then forgets the child.
            if !matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied
            ) {
                let _ = sweep(&order.marker);
            }
            Err(Failed::Start(error))
        }
    }
}

#[cfg(target_os = "linux")]
fn become_subreaper() {
    if let Err(error) = rustix::process::set_child_subreaper(Some(Pid::own().0)) {
        tracing::warn!(%error, "orphans of agents will not become children of this server");
    }
}

#[cfg(not(target_os = "linux"))]
fn become_subreaper() {}
