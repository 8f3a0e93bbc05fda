//! Child processes that are agents, or any command: starting them, reading them, and ending them so that nothing is
//! left.
//!
//! [`Process`] is one child. A task of its own looks after it ([`Process::stop`] works while nobody reads), its output
//! is read only when asked for, and its end does not wait for pipes that its own children hold open. [`Lines`] and
//! [`Utf8Decoder`] make lines and text of what it says.
//!
//! **Nothing is left.** Agents start their tools in sessions of their own; signals to a group do not reach them, and
//! SIGKILL of the agent orphans them. So a child and everything it starts carry a [`Marker`] in their environment, this
//! process is a subreaper (orphans become its children and are collected here), and the end of a process is a
//! [`sweep`](fn@sweep) over all processes of the machine until none is found. The same sweep after a crash of the server needs
//! nothing but the marker.
//!
//! What the agents among them say, and how they are spoken to, is in [`codec`].
//!
//! What escapes: a process that has no marker (it cleared its environment or wrote over it), *and* is in a session whose
//! leader has none either or is dead, *and* whose parent was dead at the first look. A stop looks before each signal, so
//! that is what an agent had cut loose before; after an agent's own end there is only the look of the sweep. A control
//! group of its own for each run (cgroup v2) would close that: membership cannot be shed, `cgroup.procs` names all
//! members, and `cgroup.kill` ends them in one step that no fork escapes. It needs a delegated subtree, which a server
//! without rights has only under systemd, so it could only be an addition.
//!
//! Linux is what this is made for. On other Unix systems an environment cannot be read: see `table/ps.rs` for what is
//! lost.

pub mod codec;
pub mod limits;

mod frame;
mod utf8;

mod marker;
mod spec;

mod exit;
mod pipes;
mod process;
mod stop;

mod keeper;
mod leash;

mod detach;
#[cfg(target_os = "linux")]
mod orphans;
mod spawner;

mod pid;
mod signal;
mod sweep;
mod table;

pub use self::exit::Exit;
pub use self::frame::{Line, Lines};
pub use self::marker::{BadMarker, MARK, Mark, Marker, PART, RUN_ID};
pub use self::pid::Pid;
pub use self::pipes::{Output, Stream};
pub use self::process::{Ended, Input, Process, SpawnError, Stopper};
pub use self::spec::{HARMLESS, HARMLESS_PREFIXES, Spec, Stdin, inherited};
pub use self::stop::StopSteps;
pub use self::sweep::{Swept, alive, alive_all, sweep, sweep_all};
pub use self::utf8::Utf8Decoder;
