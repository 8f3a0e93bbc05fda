//! The thread that starts every child and collects every orphan.
//!
//! One thread for the whole process, because the kernel ties two things to it:
//! - A child can ask to be told when its parent dies, but "parent" is the *thread* that forked. The runtime's threads
//!   come and go; this one stays.
//! - This process becomes a subreaper: a daemon that a child leaves behind becomes our child instead of going to the
//!   system's first process. When it dies, somebody here has to collect it.
//!
//! Collecting must not take a status from anybody who waits for it: the async runtime and the standard library wait
//! for the children they started by number, and so do the other parts of the server. A dead child is therefore only
//! collected when it provably is an orphan: it was not started here, and it is in a session that is neither ours nor
//! its own. A direct child begins in our session and can only leave it by becoming the leader of a new one. What
//! cannot be told apart (an orphan that led a session) is collected after a patience that no waiter needs.

#[cfg(target_os = "linux")]
use std::collections::HashMap;
use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
#[cfg(target_os = "linux")]
use std::time::Instant;

use rustix::process::{WaitOptions, waitpid};
use tokio::process::{Child, Command};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, SemaphorePermit, oneshot};

use crate::leash::Leash;
use crate::limits::STARTS;
use crate::marker::Marker;
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
pub(crate) fn collect_orphan(orphan: Identity) {
    let own = own();
    if !own.as_ref().is_some_and(|own| own.contains(&orphan)) {
        collect(orphan.pid);
    }
}

fn collect(pid: Pid) {
    // Somebody may have been quicker: no child of ours is left by that number, which is as good.
    let _ = waitpid(Some(pid.0), WaitOptions::NOHANG);
}

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
    let mut orphans = Orphans::default();
    loop {
        let next = match Orphans::look_again() {
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
        orphans.collect();
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

/// Dead children that may be orphans.
#[cfg(target_os = "linux")]
#[derive(Debug, Default)]
struct Orphans {
    /// Dead ones that may be somebody else's, and since when.
    doubtful: HashMap<Identity, Instant>,
}

#[cfg(target_os = "linux")]
impl Orphans {
    /// When to look for dead children again; None while there are no children at all.
    fn look_again() -> Option<Duration> {
        use rustix::process::{WaitId, WaitIdOptions, waitid};
        let peek = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let childless =
            waitid(WaitId::All, peek).is_err_and(|error| error == rustix::io::Errno::CHILD);
        (!childless).then_some(crate::limits::REAP_EVERY)
    }

    fn collect(&mut self) {
        use crate::limits::REAP_PATIENCE;
        let children = table::children();
        let mut own = own();
        let own = own.get_or_insert_default();
        let now = Instant::now();
        let our_session = rustix::process::getsid(None).ok();
        let entries: Vec<_> = children.into_iter().filter_map(table::entry).collect();
        // Statuses that were taken need no keeping. The kernel's list is not exact, so each is asked for by itself.
        own.retain(|child| table::entry(child.pid).is_some_and(|entry| entry.identity == *child));
        self.doubtful
            .retain(|child, _| entries.iter().any(|entry| entry.identity == *child));
        for entry in entries
            .iter()
            .filter(|entry| entry.dead && !own.contains(&entry.identity))
        {
            let session = entry.session.map(|session| session.0);
            let orphan = session != our_session && entry.session != Some(entry.pid());
            let since = *self.doubtful.entry(entry.identity).or_insert(now);
            if orphan || now - since > REAP_PATIENCE {
                collect(entry.pid());
            }
        }
    }
}

/// Without a subreaper there are no orphans here, and the runtime collects our children.
#[cfg(not(target_os = "linux"))]
#[derive(Debug, Default)]
struct Orphans;

#[cfg(not(target_os = "linux"))]
impl Orphans {
    fn look_again() -> Option<Duration> {
        None
    }

    fn collect(&mut self) {
        own()
            .get_or_insert_default()
            .retain(|child| table::entry(child.pid).is_some_and(|entry| entry.identity == *child));
    }
}
