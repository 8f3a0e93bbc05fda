//! Structured output on the worker's side: the model is asked for it, its answer is judged, and it may repair it.
//! Pure; what JSON and schemas are is in `wire::structured`.

mod ask;
mod judge;
mod repair;

pub(crate) use ask::ask;
pub(crate) use judge::{Judge, judged};
pub(crate) use repair::repair;
