//! Messages to an open run.

use run::event::InputMode;
use run::snapshot::GivenInput;
use run::{InputId, Part};
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{PARTS, RunBody};

/// The body of `POST /v1/runs/{id}/inputs`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendInput {
    /// `steer`: heard now, between two steps. `follow_up`: opens the next turn.
    #[schema(schema_with = crate::schema::input_mode)]
    pub mode: InputMode,
    /// What is said: a string, or parts.
    #[serde(deserialize_with = "parts_or_text")]
    #[schema(schema_with = crate::schema::parts)]
    pub parts: Vec<Part>,
}

/// What became of an input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InputAnswer {
    /// Its id in the run. An `input.consumed` or `input.returned` event says later what became of it.
    #[schema(value_type = String, example = "i1")]
    pub input: InputId,
    /// The run behind it.
    pub run: RunBody,
}

/// The inputs of a run, in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InputList {
    /// The inputs, each with where it is.
    #[schema(value_type = Vec<Object>)]
    pub inputs: Vec<GivenInput>,
}

/// Parts, or a plain string for one text part.
fn parts_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Part>, D::Error> {
    let parts = match Value::deserialize(deserializer)? {
        Value::String(text) => vec![Part::text(text)],
        parts => serde_json::from_value::<Vec<Part>>(parts).map_err(de::Error::custom)?,
    };
    if parts.is_empty() {
        return Err(de::Error::custom("must not be empty"));
    }
    if parts.len() > PARTS {
        return Err(de::Error::custom(format!("at most {PARTS} parts")));
    }
    Ok(parts)
}
