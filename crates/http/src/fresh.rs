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

/// Reads what [`hex`] prints, of exactly so many bytes.
pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digit = |at: usize| char::from(digits[at]).to_digit(16);
        *byte = u8::try_from(digit(0)? << 4 | digit(1)?).ok()?;
    }
    Some(bytes)
}
