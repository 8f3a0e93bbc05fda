//! Every bound of the client, named once.

use std::time::Duration;

/// For a connection to the server.
pub(crate) const CONNECT: Duration = Duration::from_secs(5);
/// For an answer that is no stream.
pub(crate) const ANSWER: Duration = Duration::from_secs(80);
/// Largest answer that is no stream, bytes.
pub(crate) const ANSWER_BYTES: usize = 256 * 1024 * 1024;
/// A stream without a sign of life for so long is taken for dead; the server gives one every 15 seconds.
pub(crate) const SILENCE: Duration = Duration::from_secs(40);
/// Between attempts to come back: the first, and the longest.
pub(crate) const PAUSE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(3));
/// How long a server is looked for before a watcher gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(90);
/// How often a start is tried when the connection fails; all tries are one run.
pub(crate) const START_TRIES: u32 = 3;
/// For a server that was started in the background to be ready.
pub(crate) const READY: Duration = Duration::from_secs(20);
/// How long a server that just took the store has to say where it is.
pub(crate) const ANNOUNCE: Duration = Duration::from_secs(5);
/// Between looks at what another process does.
pub(crate) const LOOK: Duration = Duration::from_millis(25);
/// For a health check.
pub(crate) const HEALTH: Duration = Duration::from_secs(2);
/// Runs that are looked through for an abbreviated id.
pub(crate) const ABBREVIATED_AMONG: usize = 10_000;
/// Entries of a page where most often the first one is meant.
pub(crate) const FEW: usize = 10;
/// Entries of one page of a list.
pub(crate) const PAGE: usize = 200;
/// Characters of an abbreviated id at least.
pub(crate) const ABBREVIATION: usize = 4;
/// Bytes of the background server's log beyond which a new one is begun.
pub(crate) const LOG_BYTES: u64 = 8 * 1024 * 1024;
/// Bytes of text that are read from standard input.
pub(crate) const STDIN_BYTES: u64 = 1024 * 1024;
