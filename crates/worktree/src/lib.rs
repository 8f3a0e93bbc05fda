//! Git for runs: a worktree of a run's own, checkpoints of its files, diffs, and the way of its work into a branch.
//!
//! Everything is done by the `git` command, which alone knows sparse checkouts, filters and the locks of its own files.
//! It gets a clean environment, asks nobody anything, runs no hook, fetches nothing, and is killed with its group when it
//! takes too long or nobody waits for it any more.
//!
//! **The user's things stay the user's.** Checkpoints go through an index of our own; refs of ours are under
//! `refs/outlive/` and `refs/heads/outlive/`. Only a merge that was asked for moves another branch, by compare-and-set.
//!
//! **One directory is ours**, the marked [`Place`], with a record beside each worktree that names the run that owns it.
//! The record is written before there is anything and deleted after all is gone, so a crash in between leaves nothing that
//! the next call does not know about. Before a worktree goes, what is not in a branch is saved under a ref.
//!
//! This crate performs; who may do what, and when, is decided by its caller.

pub mod limits;

mod error;
mod name;

mod child;
mod git;
mod lock;

mod checkout;
mod listed;
mod repository;

mod admin;
mod delete;
mod place;
mod worktree;

mod nested;
mod orphans;
mod remove;

mod changes;
mod checkpoint;
mod in_the_way;
mod restore;
mod settle;
mod snapshot;

mod conflict;
mod merge;

pub use self::changes::{Change, ChangeKind, Changes, DiffText, Point};
pub use self::checkout::{Checkout, Identity};
pub use self::checkpoint::{Captured, Checkpoint};
pub use self::conflict::{Conflict, ConflictKind};
pub use self::error::Error;
pub use self::git::Git;
pub use self::merge::{How, Merge};
pub use self::name::{BadRunName, ObjectId, RunName};
pub use self::orphans::{Orphan, Orphaned};
pub use self::place::Place;
pub use self::remove::{BranchFate, Removal, Removed, Saved, Unsaved};
pub use self::repository::{Base, BaseCommit, Repository};
pub use self::restore::Restored;
pub use self::settle::{Committed, Settled};
pub use self::snapshot::{Bounds, Note, NoteKind};
pub use self::worktree::Worktree;
