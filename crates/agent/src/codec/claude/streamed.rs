//! Messages of claude, as they are streamed and as they are told block by block.

use std::collections::BTreeMap;

use serde_json::Value;

use super::speaking::Claude;
use crate::codec::grown::Grown;
use crate::codec::json::{list, number, owned, sum, text};
use crate::codec::{Approval, Event, Moves, Part, PlanStep, PlanStepStatus, Usage, tool_name};
use crate::limits::OPEN_ITEMS;

/// The message under way.
#[derive(Debug, Default)]
pub(super) struct Speech {
    /// Its id of the vendor.
    native: String,
    /// Its id of ours, once it has said anything.
    message: Option<String>,
    blocks: BTreeMap<u64, Block>,
    n_parts: u32,
    /// What was told of it for good.
    told: Vec<(u32, Part)>,
    tokens: Usage,
    stop: Option<String>,
}

/// A block that is streamed.
#[derive(Debug)]
enum Block {
    Text { part: u32, seen: Grown },
    Reasoning { part: u32, seen: Grown },
    Call(String),
}

impl Claude {
    pub(super) fn streamed(&mut self, frame: &Value, bytes: &[u8], moves: &mut Moves) {
        let event = &frame["event"];
        let index = number(event, "/index").unwrap_or(0);
        match text(event, "/type").unwrap_or_default() {
            "message_start" => self.message_started(&event["message"], moves),
            "content_block_start" => self.block_started(index, &event["content_block"], moves),
            "content_block_delta" => self.block_delta(index, &event["delta"], moves),
            "message_delta" => {
                if let Some(speech) = &mut self.speech {
                    speech.stop = text(event, "/delta/stop_reason").map(str::to_owned);
                    let output = number(event, "/usage/output_tokens");
                    speech.tokens.output_tokens = output.unwrap_or(speech.tokens.output_tokens);
                }
            }
            "message_stop" => self.message_stopped(moves),
            _ => self.odd.aside(bytes, moves),
        }
    }

    fn message_started(&mut self, message: &Value, moves: &mut Moves) {
        self.open.begin(moves);
        self.has_begun = true;
        self.message_cut("the agent says it again", moves);
        let model = text(message, "/model").map(str::to_owned);
        self.open.step(model, moves);
        self.speech = Some(Speech {
            native: owned(message, "/id"),
            tokens: tokens(&message["usage"]),
            ..Speech::default()
        });
    }

    fn block_started(&mut self, index: u64, block: &Value, moves: &mut Moves) {
        let kind = text(block, "/type").unwrap_or_default();
        if matches!(kind, "tool_use" | "server_tool_use" | "mcp_tool_use") {
            let call = owned(block, "/id");
            self.call(&call, &owned(block, "/name"), &Value::Null, moves);
            self.remember(index, Block::Call(call));
        }
    }

    fn block_delta(&mut self, index: u64, delta: &Value, moves: &mut Moves) {
        match text(delta, "/type").unwrap_or_default() {
            "text_delta" => {
                if let Some(Block::Text { part, seen }) = self.block(index, new_text, moves) {
                    let (part, text) = (*part, owned(delta, "/text"));
                    seen.add(&text);
                    self.say_text(part, text, moves);
                }
            }
            "thinking_delta" => {
                if let Some(Block::Reasoning { part, seen }) =
                    self.block(index, new_reasoning, moves)
                {
                    let (part, text) = (*part, owned(delta, "/thinking"));
                    seen.add(&text);
                    self.say_reasoning(part, text, moves);
                }
            }
            "input_json_delta" => {
                let text = owned(delta, "/partial_json");
                let speech = self.speech.as_ref();
                if let Some(Block::Call(call)) = speech.and_then(|speech| speech.blocks.get(&index))
                    && self.open.has_call(call)
                    && !text.is_empty()
                {
                    let call = call.clone();
                    moves.say(Event::ToolArgsDelta { call, text });
                }
            }
            _ => {}
        }
    }

    /// A block of the message under way, new if it is not known.
    fn block(
        &mut self,
        index: u64,
        new: fn(u32) -> Block,
        moves: &mut Moves,
    ) -> Option<&mut Block> {
        if !self.open.in_turn() {
            return None;
        }
        let speech = self.speech.get_or_insert_default();
        if speech.message.is_none() {
            speech.message = Some(self.open.message(moves));
        }
        if !speech.blocks.contains_key(&index) {
            if speech.blocks.len() >= OPEN_ITEMS {
                return None;
            }
            speech.blocks.insert(index, new(speech.n_parts));
            speech.n_parts += 1;
        }
        speech.blocks.get_mut(&index)
    }

    fn remember(&mut self, index: u64, block: Block) {
        if let Some(speech) = &mut self.speech
            && speech.blocks.len() < OPEN_ITEMS
        {
            speech.blocks.insert(index, block);
        }
    }

    fn say_text(&self, part: u32, text: String, moves: &mut Moves) {
        let message = self
            .speech
            .as_ref()
            .and_then(|speech| speech.message.clone());
        if let Some(message) = message
            && !text.is_empty()
        {
            moves.say(Event::TextDelta {
                message,
                part,
                text,
            });
        }
    }

    fn say_reasoning(&self, part: u32, text: String, moves: &mut Moves) {
        let message = self
            .speech
            .as_ref()
            .and_then(|speech| speech.message.clone());
        if let Some(message) = message
            && !text.is_empty()
        {
            moves.say(Event::ReasoningDelta {
                message,
                part,
                text,
            });
        }
    }

    /// A block is told for good. It may be more than what was streamed of it.
    pub(super) fn said(&mut self, frame: &Value, bytes: &[u8], moves: &mut Moves) {
        let message = &frame["message"];
        // Words of the program, not of the model; its result has them too.
        if text(message, "/model") == Some("<synthetic>") {
            self.odd.aside(bytes, moves);
            return;
        }
        self.has_begun = true;
        if let Some(reference) = self.session.clone()
            && !std::mem::replace(&mut self.is_resumable, true)
        {
            moves.say(Event::SessionResumable { reference });
        }
        let native = text(message, "/id").unwrap_or_default();
        if self
            .speech
            .as_ref()
            .is_none_or(|speech| speech.native != native)
        {
            self.message_started(message, moves);
        }
        for block in list(message, "/content") {
            match text(block, "/type").unwrap_or_default() {
                "text" => self.told(owned(block, "/text"), Part::Text, new_text, moves),
                "thinking" => {
                    let thought = owned(block, "/thinking");
                    self.told(thought, Part::Reasoning, new_reasoning, moves);
                }
                "tool_use" | "server_tool_use" | "mcp_tool_use" => self.tool_used(block, moves),
                _ => self.odd.aside(bytes, moves),
            }
        }
    }

    fn told(
        &mut self,
        whole: String,
        part_of: fn(String) -> Part,
        new: fn(u32) -> Block,
        moves: &mut Moves,
    ) {
        let Some(speech) = &self.speech else {
            return;
        };
        // The first of its kind that was streamed and not told yet, or one that never was streamed.
        let is_kind =
            |block: &Block| std::mem::discriminant(block) == std::mem::discriminant(&new(0));
        let streamed = speech.blocks.iter().find(|(_, block)| {
            is_kind(block)
                && !speech
                    .told
                    .iter()
                    .any(|(part, _)| block.part() == Some(*part))
        });
        let last = speech.blocks.keys().next_back();
        let index = match streamed {
            Some((index, _)) => *index,
            None => last.map_or(0, |last| last + 1),
        };
        let Some(block) = self.block(index, new, moves) else {
            return;
        };
        match block {
            Block::Text { part, seen } => {
                let (part, more) = (*part, seen.next(&whole).to_owned());
                self.say_text(part, more, moves);
                self.keep(part, part_of(whole));
            }
            Block::Reasoning { part, seen } => {
                let (part, more) = (*part, seen.next(&whole).to_owned());
                self.say_reasoning(part, more, moves);
                self.keep(part, part_of(whole));
            }
            Block::Call(_) => {}
        }
    }

    fn keep(&mut self, part: u32, what: Part) {
        if let Some(speech) = &mut self.speech {
            speech.told.push((part, what));
        }
    }

    fn tool_used(&mut self, block: &Value, moves: &mut Moves) {
        let call = owned(block, "/id");
        let name = owned(block, "/name");
        let args = block["input"].clone();
        if !self.call(&call, &name, &args, moves) {
            return;
        }
        self.open.called(&call, &args, moves);
        if self.settings.approval == Approval::Full {
            self.open.running(&call, moves);
        }
        match &*name {
            "TodoWrite" => moves.say(plan(&args)),
            "ExitPlanMode" => {
                let markdown = owned(&args, "/plan");
                moves.say(Event::PlanProposed { markdown });
            }
            _ => {}
        }
    }

    pub(super) fn call(&mut self, id: &str, name: &str, args: &Value, moves: &mut Moves) -> bool {
        let title = tool_name::title(args);
        let is_new = !self.open.has_call(id);
        let is_open = self
            .open
            .call(id, name, tool_name::kind(name), title.clone(), moves);
        // It began without its arguments.
        if is_open && !is_new && title.is_some() {
            moves.say(Event::ToolUpdated {
                call: id.to_owned(),
                title,
                detail: None,
            });
        }
        is_open
    }

    fn message_stopped(&mut self, moves: &mut Moves) {
        let Some(speech) = self.speech.take() else {
            return;
        };
        if let Some(message) = speech.message {
            let mut told = speech.told;
            told.sort_by_key(|(part, _)| *part);
            let is_whole = told.len() == speech.n_parts as usize;
            let parts = told.into_iter().map(|(_, part)| part).collect();
            self.open
                .message_completed(message, is_whole.then_some(parts), moves);
        }
        let tokens = speech.tokens;
        self.context_tokens = Some(sum([tokens.input_tokens, tokens.output_tokens]));
        self.open.step_ended(Some(tokens), speech.stop, moves);
    }

    /// The message under way will not be ended by a word of its own: what was told for good stays, the rest is said
    /// again.
    pub(super) fn message_cut(&mut self, why: &str, moves: &mut Moves) {
        let Some(speech) = &mut self.speech else {
            return;
        };
        if speech.told.is_empty() {
            if let Some(message) = speech.message.take() {
                self.open.message_discarded(message, why, moves);
            }
        } else {
            self.message_stopped(moves);
        }
        self.speech = None;
    }
}

impl Block {
    fn part(&self) -> Option<u32> {
        match self {
            Self::Text { part, .. } | Self::Reasoning { part, .. } => Some(*part),
            Self::Call(_) => None,
        }
    }
}

fn new_text(part: u32) -> Block {
    let seen = Grown::default();
    Block::Text { part, seen }
}

fn new_reasoning(part: u32) -> Block {
    let seen = Grown::default();
    Block::Reasoning { part, seen }
}

fn plan(args: &Value) -> Event {
    let steps = list(args, "/todos").iter().map(|todo| PlanStep {
        text: owned(todo, "/content"),
        status: match text(todo, "/status") {
            Some("completed") => PlanStepStatus::Completed,
            Some("in_progress") => PlanStepStatus::InProgress,
            Some(_) | None => PlanStepStatus::Pending,
        },
    });
    Event::PlanUpdated {
        steps: steps.collect(),
        explanation: None,
    }
}

/// Its input leaves out what the cache had.
pub(super) fn tokens(usage: &Value) -> Usage {
    let count = |what| number(usage, what).unwrap_or(0);
    let cached = count("/cache_read_input_tokens");
    Usage {
        input_tokens: sum([
            count("/input_tokens"),
            cached,
            count("/cache_creation_input_tokens"),
        ]),
        output_tokens: count("/output_tokens"),
        reasoning_tokens: 0,
        cached_input_tokens: cached,
        cost_usd: None,
    }
}
