//! What a turn of codex is made of, item by item.

use serde_json::Value;

use super::speaking::Codex;
use crate::codec::json::{list, number, owned, text};
use crate::codec::{Event, Moves, Part};
use crate::limits::OPEN_ITEMS;

/// What is remembered of an open item.
#[derive(Debug)]
pub(super) enum Item {
    /// A message, by its id of ours, and what its parts are.
    Message(String, Vec<(&'static str, u64)>),
    /// What a change of files would change, for the request behind it.
    Changes(Value),
}

impl Codex {
    pub(super) fn item_started(&mut self, params: &Value, moves: &mut Moves) {
        let item = &params["item"];
        let id = owned(item, "/id");
        match text(item, "/type").unwrap_or_default() {
            // Ours.
            "userMessage" => {}
            "agentMessage" | "plan" | "reasoning" => {
                self.open.step(self.model.clone(), moves);
                self.message_again(&id, "the agent begins it again", moves);
            }
            _ => {
                self.open.step(self.model.clone(), moves);
                self.tool_started(&id, item, moves);
            }
        }
    }

    pub(super) fn item_completed(&mut self, params: &Value, moves: &mut Moves) {
        let item = &params["item"];
        let id = owned(item, "/id");
        match text(item, "/type").unwrap_or_default() {
            "userMessage" => return,
            "agentMessage" => {
                let said = owned(item, "/text");
                self.message_completed(&id, vec![Part::Text(said)], moves);
            }
            "plan" => {
                let markdown = owned(item, "/text");
                self.message_completed(&id, vec![Part::Text(markdown.clone())], moves);
                moves.say(Event::PlanProposed { markdown });
            }
            "reasoning" => self.reasoning_completed(&id, item, moves),
            "contextCompaction" => moves.say(Event::Compacted {
                before_tokens: None,
                after_tokens: None,
                summary: None,
            }),
            _ => self.tool_completed(&id, item, moves),
        }
        self.resumable(moves);
    }

    pub(super) fn text_delta(&mut self, params: &Value, moves: &mut Moves) {
        if let Some((message, part)) = self.part(params, "text", 0, moves) {
            let text = owned(params, "/delta");
            moves.say(Event::TextDelta {
                message,
                part,
                text,
            });
        }
    }

    pub(super) fn reasoning_delta(
        &mut self,
        params: &Value,
        index: &'static str,
        moves: &mut Moves,
    ) {
        let n = number(params, index).unwrap_or(0);
        if let Some((message, part)) = self.part(params, index, n, moves) {
            let text = owned(params, "/delta");
            moves.say(Event::ReasoningDelta {
                message,
                part,
                text,
            });
        }
    }

    /// The message of an item, which begins with its first delta, and the part of it.
    fn part(
        &mut self,
        params: &Value,
        kind: &'static str,
        n: u64,
        moves: &mut Moves,
    ) -> Option<(String, u32)> {
        let id = owned(params, "/itemId");
        if !self.open.in_turn() || (self.items.len() >= OPEN_ITEMS && !self.items.contains_key(&id))
        {
            return None;
        }
        let item = self
            .items
            .entry(id)
            .or_insert_with(|| Item::Message(self.open.message(moves), Vec::new()));
        let Item::Message(message, parts) = item else {
            return None;
        };
        let known = parts.iter().position(|part| *part == (kind, n));
        let part = match known {
            Some(part) => part,
            None if parts.len() >= OPEN_ITEMS => return None,
            None => {
                parts.push((kind, n));
                parts.len() - 1
            }
        };
        Some((message.clone(), u32::try_from(part).ok()?))
    }

    fn message_completed(&mut self, id: &str, parts: Vec<Part>, moves: &mut Moves) {
        let message = match self.items.remove(id) {
            Some(Item::Message(message, _)) => message,
            Some(Item::Changes(_)) | None if !self.open.in_turn() => return,
            Some(Item::Changes(_)) | None => self.open.message(moves),
        };
        self.open.message_completed(message, Some(parts), moves);
    }

    fn reasoning_completed(&mut self, id: &str, item: &Value, moves: &mut Moves) {
        let streamed = match self.items.get(id) {
            Some(Item::Message(_, parts)) => parts.clone(),
            Some(Item::Changes(_)) | None => Vec::new(),
        };
        let all = [("/summaryIndex", "/summary"), ("/contentIndex", "/content")]
            .into_iter()
            .flat_map(|(kind, at)| {
                let texts = list(item, at).iter().zip(0u64..);
                texts.filter_map(move |(text, n)| Some(((kind, n), text.as_str()?)))
            });
        let mut all: Vec<_> = all.collect();
        // In the order in which they were streamed, for that numbers the parts; the others behind.
        all.sort_by_key(|(part, _)| {
            let place = streamed.iter().position(|known| known == part);
            place.unwrap_or(usize::MAX)
        });
        let parts: Vec<_> = all
            .into_iter()
            .map(|(_, text)| Part::Reasoning(text.to_owned()))
            .collect();
        if !parts.is_empty() || self.items.contains_key(id) {
            self.message_completed(id, parts, moves);
        }
    }

    fn message_again(&mut self, id: &str, why: &str, moves: &mut Moves) {
        if let Some(Item::Message(message, _)) = self.items.get(id) {
            let message = message.clone();
            self.items.remove(id);
            self.open.message_discarded(message, why, moves);
        }
    }

    /// A call of the model is made again: what it had begun to say is forgotten.
    pub(super) fn messages_again(&mut self, why: &str, moves: &mut Moves) {
        let messages = self.items.iter().filter_map(|(id, item)| match item {
            Item::Message(..) => Some(id.clone()),
            Item::Changes(_) => None,
        });
        for id in messages.collect::<Vec<_>>() {
            self.message_again(&id, why, moves);
        }
    }
}
