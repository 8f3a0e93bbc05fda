//! The log of every run, its writers and leases, and all that is kept beside it. The only SQL of the house.
//!
//! Nothing is visible to any reader before its commit is durable. Everything that changes a run is decided here, inside
//! a transaction, against the run's control state.

mod backend;
mod error;
mod limits;
mod options;

mod access;
mod page;
mod record;
mod scope;
mod secret;
mod segment;
mod start;
mod thread;
mod work;

mod follow;
mod health;
mod tail;
mod wake;

pub mod sqlite;

pub use access::{Credential, Key, NewKey, NewToken, Right, Target};
pub use backend::Store;
pub use error::{
    CommandError, DeleteError, FollowError, OpenError, ReadError, StartError, ThreadError,
    Unavailable, WorkError,
};
pub use follow::{EventPage, Follower, Ready};
pub use health::Health;
pub use limits::*;
pub use options::{Clock, Location, Options};
pub use page::{Cursor, InvalidCursor, Page};
pub use record::{Applied, Commanded, Compaction, Counts, RunFilter, RunRecord};
pub use scope::Scope;
pub use secret::{DataSecret, Sealed, SecretEntry};
pub use segment::{Segment, SegmentName};
pub use start::{Fate, Idempotency, OnConflict, Start, Started};
pub use thread::{NewThread, ThreadFilter, ThreadPatch, ThreadRecord};
pub use wake::{Change, RunWatch};
pub use work::{Append, Appended, Claim, Claimed, Swept, Worked};
