//! Errors of the database, told apart by what a person can do about them.

use rusqlite::ErrorCode;

use crate::Unavailable;

/// A failure that undoes the whole commit.
#[derive(Debug)]
pub struct Fault(pub(crate) rusqlite::Error);

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self(error)
    }
}

impl Fault {
    /// Whether only the operation that met it is concerned: the database works and can go on in the same transaction.
    pub(crate) fn is_of_its_operation(&self) -> bool {
        self.is_undecodable()
            || self.0.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
            || self.0.sqlite_error_code() == Some(ErrorCode::TooBig)
    }
}

impl Fault {
    /// Whether a row holds what this program cannot read.
    pub(crate) fn is_undecodable(&self) -> bool {
        is_undecodable(&self.0)
    }
}

/// Whether stored values are not what they should be.
pub(crate) fn is_undecodable(error: &rusqlite::Error) -> bool {
    matches!(
        error,
        rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
    )
}

impl From<Fault> for Unavailable {
    fn from(fault: Fault) -> Self {
        unavailable(&fault.0)
    }
}

/// What a database error means to its caller.
pub(crate) fn unavailable(error: &rusqlite::Error) -> Unavailable {
    let code = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "disk_full",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "locked",
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => "read_only",
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => "corrupt",
        _ if is_undecodable(error) => "corrupt",
        _ => "io",
    };
    Unavailable {
        code,
        message: error.to_string(),
    }
}

/// The writer or a reader is gone: the store was closed.
pub(crate) fn closed() -> Unavailable {
    Unavailable {
        code: "closed",
        message: "the store was closed".to_owned(),
    }
}

/// More bytes than a blob may have.
pub(crate) fn too_large(bytes: usize) -> Unavailable {
    Unavailable {
        code: "too_large",
        message: format!(
            "a blob has at most {} bytes, this one {bytes}",
            crate::BLOB_BYTES
        ),
    }
}

/// A bug in our own code undid the commit.
pub(crate) fn internal() -> Unavailable {
    Unavailable {
        code: "internal",
        message: "an operation of the same commit failed unexpectedly".to_owned(),
    }
}

/// Whether an insert was refused because the thread has a current run.
pub(crate) fn is_current_conflict(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::SqliteFailure(failure, Some(message)) => {
            failure.extended_code == rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE
                && message.ends_with("run.thread")
        }
        _ => false,
    }
}

/// Stored text that cannot be read back, as a database error of its column.
pub(crate) fn undecodable(
    column: usize,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
}
