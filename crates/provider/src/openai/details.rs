//! What a vendor wants back with its reasoning, gathered while it streams.

use serde_json::{Map, Value};

use super::ECHO;
use crate::limits;

/// OpenRouter's `reasoning_details`, and the field that the reasoning came in.
#[derive(Debug, Default)]
pub(super) struct Details {
    entries: Vec<Value>,
    bytes: usize,
    field: Option<&'static str>,
}

impl Details {
    /// Remembers in which field reasoning came.
    pub(super) fn came_in(&mut self, field: &'static str) {
        self.field = Some(field);
    }

    /// Adds the details of one chunk. Pieces of one entry (same `index` and `type`) are joined, as the vendor's own
    /// clients do: their texts grow, what else they have is set. An error says what is wrong with the vendor.
    pub(super) fn add(&mut self, pieces: Vec<Value>) -> Result<(), String> {
        for piece in pieces {
            self.bytes += piece.to_string().len();
            if self.bytes > limits::VENDOR_DATA_BYTES {
                return Err(format!(
                    "more than {} bytes of reasoning details",
                    limits::VENDOR_DATA_BYTES
                ));
            }
            let open = self.entries.iter_mut().rev().find(|entry| {
                !piece["index"].is_null()
                    && entry["index"] == piece["index"]
                    && entry["type"] == piece["type"]
            });
            match (open, piece) {
                (Some(Value::Object(entry)), Value::Object(piece)) => join(entry, piece),
                (_, piece) => self.entries.push(piece),
            }
        }
        Ok(())
    }

    /// The data for the reasoning part. Reasoning in a field of its own is wanted back only within a loop of tools:
    /// `DeepSeek` and Moonshot refuse to go on without it there, and `DeepSeek` refused it elsewhere.
    pub(super) fn take(&mut self, calls_tools: bool) -> Option<Value> {
        let mut data = Map::new();
        if !self.entries.is_empty() {
            data.insert(
                "reasoning_details".into(),
                std::mem::take(&mut self.entries).into(),
            );
        } else if let Some(field) = self.field.filter(|_| calls_tools) {
            data.insert(ECHO.into(), field.into());
        }
        (!data.is_empty()).then(|| data.into())
    }
}

fn join(entry: &mut Map<String, Value>, piece: Map<String, Value>) {
    for (name, value) in piece {
        match (entry.get_mut(&name), value) {
            (_, Value::Null) => {}
            (Some(Value::String(text)), Value::String(more))
                if matches!(&*name, "text" | "summary" | "data") =>
            {
                text.push_str(&more);
            }
            (_, value) => {
                entry.insert(name, value);
            }
        }
    }
}
