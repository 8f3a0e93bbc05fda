//! Threads: what runs belong to.

use run::{RunId, Tenant, ThreadId, Timestamp, User};
use serde_json::{Map, Value};

/// A thread.
#[derive(Debug, Clone, PartialEq)]
pub struct ThreadRecord {
    /// Its id.
    pub id: ThreadId,
    /// Whose it is.
    pub tenant: Tenant,
    /// Who in the tenant.
    pub created_by: Option<User>,
    /// A line for people.
    pub title: Option<String>,
    /// A longer text.
    pub body: Option<String>,
    /// Words to find it by.
    pub labels: Vec<String>,
    /// The client's own data.
    pub metadata: Map<String, Value>,
    /// Its column on the board.
    pub column: Option<String>,
    /// Its place in the column.
    pub position: Option<f64>,
    /// The agent of runs that name none.
    pub agent: Option<String>,
    /// The thread above it.
    pub parent: Option<ThreadId>,
    /// When it was put away.
    pub archived_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it or one of its runs last changed its state.
    pub updated_at: Timestamp,
    /// Its current run.
    pub current_run: Option<RunId>,
}

/// A thread to be made.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NewThread {
    /// A line for people.
    pub title: Option<String>,
    /// A longer text.
    pub body: Option<String>,
    /// Words to find it by.
    pub labels: Vec<String>,
    /// The client's own data.
    pub metadata: Map<String, Value>,
    /// Its column on the board.
    pub column: Option<String>,
    /// Its place in the column.
    pub position: Option<f64>,
    /// The agent of runs that name none.
    pub agent: Option<String>,
    /// The thread above it.
    pub parent: Option<ThreadId>,
}

/// Changes of a thread: what is `None` stays, `Some(None)` is cleared.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ThreadPatch {
    /// A line for people.
    pub title: Option<Option<String>>,
    /// A longer text.
    pub body: Option<Option<String>>,
    /// Words to find it by.
    pub labels: Option<Vec<String>>,
    /// The client's own data; replaces all of it.
    pub metadata: Option<Map<String, Value>>,
    /// Its column on the board.
    pub column: Option<Option<String>>,
    /// Its place in the column.
    pub position: Option<Option<f64>>,
    /// The agent of runs that name none.
    pub agent: Option<Option<String>>,
    /// Put away or taken out again.
    pub archived: Option<bool>,
}

/// Which threads to list, the last changed first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ThreadFilter {
    /// With this label.
    pub label: Option<String>,
    /// In this column.
    pub column: Option<String>,
    /// Below this thread. Else threads below others are left out, unless they are cards.
    pub parent: Option<ThreadId>,
    /// Also those that were put away.
    pub with_archived: bool,
}
