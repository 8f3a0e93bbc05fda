//! The conversation as an agent tells it at once.

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use wire::faces::agui::decode::content;

use super::super::names::TooMany;
use super::Fold;

impl Fold {
    /// What was not said in pieces: some agents tell what they say only here, and others repeat it.
    pub(super) fn conversation(&mut self, messages: &[Value]) -> Result<(), TooMany> {
        let asked = messages
            .iter()
            .rposition(|message| message["role"] == "user");
        for message in &messages[asked.map_or(0, |n| n + 1)..] {
            let Some(id) = message["id"].as_str() else {
                continue;
            };
            match message["role"].as_str() {
                Some("assistant") => {
                    let text = content(&message["content"]);
                    let hash: [u8; 32] = Sha256::digest(text.as_bytes()).into();
                    let is_said = self.said.contains(&hash) || self.open.contains_key(id);
                    if !text.is_empty() && !is_said {
                        self.begin_text(id, true)?;
                        self.add(id, &text, false)?;
                        self.end(id);
                    }
                    for call in message["toolCalls"].as_array().into_iter().flatten() {
                        let Some(call_id) = call["id"].as_str() else {
                            continue;
                        };
                        if self.calls.contains_key(call_id) {
                            continue;
                        }
                        let name = call["function"]["name"].as_str().unwrap_or("tool");
                        self.begin_call(call_id, name, Some(id))?;
                        let args = call["function"]["arguments"].as_str();
                        self.args(call_id, args.unwrap_or_default().to_owned());
                        self.end_call(call_id);
                    }
                }
                Some("tool") => {
                    let call = message["toolCallId"].as_str();
                    if let Some(call) = call.filter(|call| self.calls.contains_key(*call)) {
                        self.result(call, content(&message["content"]))?;
                    }
                }
                Some(_) | None => {}
            }
        }
        Ok(())
    }
}
