//! AG-UI 1.0: what a client sends ([`RunAgentInput`]), what it reads ([`Event`]), and the way from our log to that
//! ([`Translator`]). The generated schemas of `@ag-ui/core` are the reference; its client refuses what is out of order.
//!
//! Ids that a client sees begin with the run's id, because they have to be unique in a conversation and ours are unique
//! in a run only: `{run}:m1` is a message, `{run}:m1:r0` a thought in it, `{run}:c1` a call, `{run}:c1:result` what came
//! of it, `{run}:q1` an interrupt. See [`ids`].

mod activity;
pub mod decode;
mod event;
pub mod ids;
mod input;
mod interrupt;
mod open;
mod patch;
mod resume;
mod sent;
mod stream;
mod told;
mod translate;
mod view;

#[cfg(test)]
mod client;
#[cfg(test)]
mod tests;

pub use event::{Event, Interrupt, Outcome, ReasoningRole, TextRole, TokenUsage, ToolRole, write};
pub use input::{AguiContext, AguiTool, Options, ResumeEntry, ResumeStatus, RunAgentInput};
pub use resume::{Resumed, answer_of};
pub use stream::Reading;
pub use told::{PastMessage, PastRun, Said, Told, read_messages, tell};
pub use translate::{Flow, Translator};
pub use view::{ClientTools, Cursor, Extent, View};

/// The version of the protocol.
pub const PROTOCOL_VERSION: &str = "1.0";
/// The word for this face in the names of segments.
pub const FACE: &str = "agui";
/// The name of a custom event that is a step of an agent behind the run: `{name, status: started | finished}`.
pub const STEP: &str = "agui.step";
/// The name of a custom event that is an activity of an agent behind the run.
pub const ACTIVITY: &str = "agui.activity";
