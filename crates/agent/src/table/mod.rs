//! The processes of this machine as the system shows them. One interface, one file per platform.

mod entry;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(test, not(target_os = "linux")))]
mod ps;

pub(crate) use self::entry::Entry;
#[cfg(target_os = "linux")]
pub(crate) use self::linux::{children, entry, environ, table};
#[cfg(not(target_os = "linux"))]
pub(crate) use self::ps::{entry, environ, table};
