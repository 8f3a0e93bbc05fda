//! Who a server is: a machine that keeps its name, and a worker that is new with every start.

use std::io;
use std::path::Path;

use run::{NodeId, WorkerId};

use crate::fresh::random_hex;

/// The file of the machine's name in the data directory.
const FILE: &str = "node";
/// Random bytes of a name.
const RANDOM_BYTES: usize = 8;

/// The machine's name, made when it is first asked for.
pub(crate) fn node(data: &Path) -> io::Result<NodeId> {
    let path = data.join(FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => NodeId::parse(text.trim()).map_err(|error| invalid(&error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let name = NodeId::parse(format!("n-{}", random_hex::<RANDOM_BYTES>()?))
                .map_err(|error| invalid(&error))?;
            let new = path.with_extension("new");
            std::fs::write(&new, format!("{name}\n"))?;
            std::fs::rename(&new, &path)?;
            Ok(name)
        }
        Err(error) => Err(error),
    }
}

/// A name for a worker that no other one has had.
pub(crate) fn worker() -> io::Result<WorkerId> {
    WorkerId::parse(format!(
        "w-{}-{}",
        std::process::id(),
        random_hex::<RANDOM_BYTES>()?
    ))
    .map_err(|error| invalid(&error))
}

fn invalid(error: &run::InvalidId) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_keeps_its_name_and_a_worker_does_not() {
        let data = tempfile::tempdir().unwrap();
        let first = node(data.path()).unwrap();
        assert_eq!(node(data.path()).unwrap(), first);
        assert_ne!(worker().unwrap(), worker().unwrap());
    }
}
