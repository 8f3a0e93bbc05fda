//! What is promised, as checks on what was seen.

mod log;
mod losses;

mod text;
mod writes;

mod refusals;
mod threads;
mod times;

mod witness;

pub use log::Log;
pub use losses::losses;
pub use refusals::{command_refused, concurrency, start_refused};
pub use text::text;
pub use threads::{Place, Threads};
pub use times::times;
pub use witness::Witness;
pub use writes::Writes;
