//! The OpenAI Responses protocol: a response is a segment of a run.
//!
//! The one rule: ids and numbers follow from the log. `resp_…` names a run and the first event of a segment; the
//! `sequence_number` of an event is (its event's `seq` − that of the first) × 64 + its place among the events of that one.
//! So a response can be read, streamed and resumed by any server, whoever started the run. A replay has the deltas of the live
//! stream, not joined ones: the helpers of OpenAI's clients read it from the beginning and leave out what they have by number.

mod about;
mod event;
mod ids;
mod item;
mod outcome;

mod numbers;
mod output;
mod translate;

mod calls;
mod delta_line;
mod deltas;
mod events;
mod speech;

mod conversation;
mod fault;
mod input;
mod input_items;
mod models;
mod request;

#[cfg(test)]
mod tests;

pub use about::{About, Echo, FACE};
pub use conversation::conversation;
pub use event::{Event, ItemPlace, Lifecycle, NUMBERS_PER_EVENT, Numbered, Place};
pub use fault::{ErrorBody, ErrorDetail};
pub use ids::{AskedId, ResponseId};
pub use input::{Given, Reply, Says};
pub use input_items::{InputItems, ItemList, Order};
pub use item::{ASK_USER, Annotation, Content, Item, ItemStatus, SERVER_LABEL, ToolError};
pub use models::{Model, ModelList};
pub use outcome::Standing;
pub use request::{CreateResponse, INSTRUCTIONS, Unfit, instructed};
pub use translate::{Phase, Translation};
