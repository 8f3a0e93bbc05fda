//! The suite on the embedded store.

use store::Location;

use crate::conformance::Place;

/// A file in a directory that goes with it.
pub(crate) fn place() -> Place {
    let dir = tempfile::tempdir().unwrap();
    Place {
        location: Location::Sqlite(dir.path().join("test.db")),
        _keep: Box::new(dir),
    }
}

crate::conformance::suite!(crate::embedded::place);
