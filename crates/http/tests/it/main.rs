//! The API over real connections, on a real store.
#![expect(clippy::unwrap_used, reason = "a test may panic, in its tools as well")]

mod access;
mod agui;
mod aisdk;
mod blobs;
mod bounds;
mod children;
mod log;
mod openai;
mod output;
mod polls;
mod reference;
mod runs;
mod secrets;
mod server;
mod shutdown;
mod streams;
mod threads;
mod work;
mod wrong;
