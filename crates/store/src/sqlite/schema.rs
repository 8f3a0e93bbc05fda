//! The tables, and how older files become new ones.

use rusqlite::{Connection, Transaction};

use super::fault::Fault;

/// The schema version that this program writes.
pub(crate) const VERSION: u32 = 2;

/// The steps from one version to the next. A step is never changed once it was released.
const STEPS: [&str; VERSION as usize] = [FIRST, SECOND];

const SECOND: &str = "
ALTER TABLE run ADD COLUMN worktree_removed_at INTEGER;
ALTER TABLE thread ADD COLUMN agent TEXT;
-- Runs of coding agents that were deleted here: only their worktrees are this store's to remove.
CREATE TABLE deleted_run (id BLOB PRIMARY KEY) WITHOUT ROWID;
";

const FIRST: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('instance', lower(hex(randomblob(16))));

CREATE TABLE thread (
    key INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    created_by TEXT,
    title TEXT,
    body TEXT,
    labels TEXT NOT NULL DEFAULT '[]',
    metadata TEXT NOT NULL DEFAULT '{}',
    board_column TEXT,
    position REAL,
    parent TEXT,
    archived_at INTEGER,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX thread_id ON thread (tenant, id);
CREATE INDEX thread_updated ON thread (tenant, updated_at DESC, key DESC);

-- What decisions and lists need of a run. `control` may lag behind chunks by deltas and behind the journal by
-- anything; the other columns never do.
-- A key is never used again: the journal may still hold events of a run that was deleted.
CREATE TABLE run (
    key INTEGER PRIMARY KEY AUTOINCREMENT,
    id BLOB NOT NULL,
    tenant TEXT NOT NULL,
    created_by TEXT,
    thread INTEGER NOT NULL REFERENCES thread (key),
    agent TEXT NOT NULL,
    ephemeral INTEGER NOT NULL,
    spec TEXT NOT NULL,
    input TEXT NOT NULL,
    trigger TEXT NOT NULL,
    supersedes BLOB,
    refines BLOB,
    retries BLOB,
    parent BLOB,
    parent_call TEXT,
    depth INTEGER NOT NULL DEFAULT 0,
    metadata TEXT NOT NULL,
    status TEXT NOT NULL,
    is_current INTEGER NOT NULL,
    line INTEGER,
    due_at INTEGER,
    next_at INTEGER,
    worker TEXT,
    control TEXT NOT NULL,
    append TEXT NOT NULL,
    output TEXT,
    finished_at INTEGER,
    applied_at INTEGER,
    applied_by TEXT,
    applied_ref TEXT,
    compacted INTEGER NOT NULL DEFAULT 0,
    log_expired INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX run_id ON run (id);
CREATE UNIQUE INDEX run_current ON run (thread) WHERE is_current = 1;
CREATE UNIQUE INDEX run_line ON run (thread, line) WHERE line IS NOT NULL;
CREATE INDEX run_of_thread ON run (thread, key);
-- The history of a thread, for its next run.
CREATE INDEX run_past ON run (thread, finished_at, key) WHERE finished_at IS NOT NULL AND log_expired = 0;
CREATE INDEX run_of_tenant ON run (tenant, key);
CREATE INDEX run_due ON run (due_at, key) WHERE due_at IS NOT NULL;
CREATE INDEX run_due_of_agent ON run (tenant, agent, due_at, key) WHERE due_at IS NOT NULL;
CREATE INDEX run_next ON run (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX run_retries ON run (retries) WHERE retries IS NOT NULL;
CREATE INDEX run_of_parent ON run (parent, key) WHERE parent IS NOT NULL;
CREATE INDEX run_held ON run (worker) WHERE worker IS NOT NULL;
CREATE INDEX run_open ON run (status, tenant) WHERE finished_at IS NULL;
CREATE INDEX run_uncompacted ON run (finished_at) WHERE finished_at IS NOT NULL AND compacted = 0;
CREATE INDEX run_retained ON run (finished_at) WHERE finished_at IS NOT NULL AND log_expired = 0;

-- Tools that a person has allowed to an agent for the rest of a thread.
CREATE TABLE grant_of_thread (
    thread INTEGER NOT NULL REFERENCES thread (key),
    agent TEXT NOT NULL,
    tool TEXT NOT NULL,
    PRIMARY KEY (thread, agent, tool)
) WITHOUT ROWID;

CREATE TABLE journal (off INTEGER PRIMARY KEY, packed INTEGER NOT NULL, bytes BLOB NOT NULL);
-- Ready frames of one run each. Rows are only ever added at the end, which costs one or two pages; an index finds a run's
-- own. A chunk says what the last append was when it was written: the run's row is not written for deltas, and the
-- journal forgets.
CREATE TABLE chunk (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL,
    first INTEGER NOT NULL,
    n INTEGER NOT NULL,
    packed INTEGER NOT NULL,
    fence INTEGER NOT NULL DEFAULT 0,
    append_no INTEGER NOT NULL DEFAULT 0,
    append_first INTEGER NOT NULL DEFAULT 0,
    append_last INTEGER NOT NULL DEFAULT 0,
    bytes BLOB NOT NULL
);
CREATE UNIQUE INDEX chunk_of_run ON chunk (run, first);
CREATE TABLE snapshot (run INTEGER PRIMARY KEY, seq INTEGER NOT NULL, body BLOB NOT NULL);

-- Names that clients of other protocols gave to stretches of runs.
CREATE TABLE segment (
    tenant TEXT NOT NULL,
    owner TEXT NOT NULL,
    face TEXT NOT NULL,
    id TEXT NOT NULL,
    run BLOB NOT NULL,
    first_seq INTEGER NOT NULL,
    PRIMARY KEY (tenant, owner, face, id)
) WITHOUT ROWID;
CREATE INDEX segment_of_run ON segment (run);

CREATE TABLE worker (id TEXT PRIMARY KEY, node TEXT NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE idempotency (
    tenant TEXT NOT NULL,
    owner TEXT NOT NULL,
    key TEXT NOT NULL,
    body_hash BLOB NOT NULL,
    run BLOB NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (tenant, owner, key)
) WITHOUT ROWID;
CREATE INDEX idempotency_at ON idempotency (at);

CREATE TABLE api_key (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    user TEXT,
    rights TEXT NOT NULL,
    agents TEXT,
    created_at INTEGER NOT NULL,
    revoked_at INTEGER,
    PRIMARY KEY (tenant, name)
);
CREATE TABLE token (
    hash BLOB PRIMARY KEY,
    tenant TEXT NOT NULL,
    key TEXT,
    user TEXT,
    run BLOB,
    thread TEXT,
    rights TEXT NOT NULL,
    agents TEXT,
    expires_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX token_expires ON token (expires_at);

-- What is sealed with a key that is not in this file.
CREATE TABLE secret (
    id INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    key_id TEXT NOT NULL,
    sealed BLOB NOT NULL
);
CREATE UNIQUE INDEX secret_name ON secret (tenant, name);
CREATE TABLE run_credentials (run INTEGER PRIMARY KEY, key_id TEXT NOT NULL, sealed BLOB NOT NULL);

CREATE TABLE blob (
    tenant TEXT NOT NULL,
    hash BLOB NOT NULL,
    media_type TEXT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (tenant, hash)
);
-- Whose they are: what no run has goes.
CREATE TABLE blob_of_run (
    run INTEGER NOT NULL,
    tenant TEXT NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (run, hash)
) WITHOUT ROWID;
CREATE INDEX blob_of_run_hash ON blob_of_run (tenant, hash);
";

/// The version of a file; 0 for a new one.
pub(crate) fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Brings a file to the present version, one step in one transaction each.
pub(crate) fn migrate(connection: &mut Connection) -> Result<(), Fault> {
    let found = version(connection)?;
    for (step, sql) in (found..VERSION).zip(&STEPS[found as usize..]) {
        let transaction = connection.transaction()?;
        apply(&transaction, sql, step + 1)?;
        transaction.commit()?;
    }
    Ok(())
}

fn apply(transaction: &Transaction<'_>, sql: &str, version: u32) -> rusqlite::Result<()> {
    transaction.execute_batch(sql)?;
    transaction.pragma_update(None, "user_version", version)
}
