//! Ids and times that the server itself makes.

use std::time::{SystemTime, UNIX_EPOCH};

use run::{RunId, ThreadId, Timestamp};

use crate::error::Error;

pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_ms(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// Bytes that nobody can guess.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        tracing::error!("failed to draw random bytes: {error}");
        Error::internal()
    })?;
    Ok(bytes)
}

pub(crate) fn new_run_id() -> Result<RunId, Error> {
    Ok(RunId::new(now(), random()?))
}

/// A thread id of ours, for a client that has none.
pub(crate) fn new_thread_id() -> Result<ThreadId, Error> {
    Ok(ThreadId::parse(new_run_id()?.to_string())?)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
