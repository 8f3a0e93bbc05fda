//! The suite on the embedded store, and what only it promises.

use store::{Location, Options, Store};

/// A store in a directory that goes with it.
pub(crate) struct Fresh {
    pub(crate) store: Store,
    pub(crate) dir: tempfile::TempDir,
}

pub(crate) async fn fresh() -> Fresh {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir).await;
    Fresh { store, dir }
}

pub(crate) async fn open(dir: &tempfile::TempDir) -> Store {
    let location = Location::Sqlite(dir.path().join("test.db"));
    let options = Options {
        wal_bytes: 0,
        ..Options::default()
    };
    Store::open(&location, options).await.unwrap()
}

crate::conformance::suite!(crate::embedded::fresh, crate::embedded::open);
