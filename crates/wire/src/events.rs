//! Events outside a stream.

use run::{Envelope, Seq};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A page of a run's log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventsPage {
    /// The events, each `{seq, at, attempt, type, data}`.
    #[schema(schema_with = crate::schema::envelopes)]
    pub events: Vec<Envelope>,
    /// The cursor for the next page: `?after=`.
    #[schema(value_type = u64)]
    pub next: Seq,
    /// Whether the run's last event is among these or before them.
    #[serde(rename = "final")]
    pub is_final: bool,
}

/// The data of an un-numbered `event: store` in a stream: whether the server can store now, and so go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoreNotice {
    /// `ok`, or a word for the cause.
    pub code: String,
    /// A line for people.
    pub message: String,
}
