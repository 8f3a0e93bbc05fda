//! Messages as items: a message item for text, a reasoning item for each stretch of thoughts between it.

use run::event::{MessageCompleted, MessageStarted};
use run::{MessageId, Part, Role};
use serde::de::IgnoredAny;

use super::event::{Event, ItemPlace, Place};
use super::item::{Annotation, Content, Item, ItemStatus};
use super::translate::Translation;

/// A message of the log that is open.
#[derive(Debug)]
pub(super) struct Spoken {
    role: Role,
    /// The last of its parts that was seen.
    last_part: Option<u32>,
    /// The items that it has become in this response, and whether they are thoughts.
    items: Vec<(ItemPlace, Voice)>,
    current: Option<Current>,
}

/// How a part is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Voice {
    Text,
    Reasoning,
}

/// The item under way.
#[derive(Debug)]
struct Current {
    place: ItemPlace,
    voice: Voice,
    /// Pieces that are done.
    done: Vec<Content>,
    open: Option<Piece>,
    /// Whether a text of it is not the JSON that was asked for.
    has_prose: bool,
}

/// The piece under way.
#[derive(Debug)]
struct Piece {
    part: u32,
    /// Whether all of the part is in this response; else it began in an earlier one.
    is_whole: bool,
    text: String,
    annotations: Vec<Annotation>,
}

impl Spoken {
    fn new(role: Role) -> Self {
        Self {
            role,
            last_part: None,
            items: Vec::new(),
            current: None,
        }
    }

    /// The piece under way, if it is this part.
    pub(super) fn under_way(&mut self, part: u32, voice: Voice) -> Option<(Place, &mut String)> {
        let current = self.current.as_mut().filter(|it| it.voice == voice)?;
        let at = current.at();
        let piece = current.open.as_mut().filter(|it| it.part == part)?;
        Some((at, &mut piece.text))
    }

    /// The item under way as it stands.
    pub(super) fn open_item(&self) -> Option<(u32, Item)> {
        let current = self.current.as_ref()?;
        let mut content = current.done.clone();
        content.extend(current.open.as_ref().map(|open| current.content(open)));
        let place = &current.place;
        let item = item(place, current.voice, ItemStatus::InProgress, content, None);
        Some((place.output_index, item))
    }
}

impl Current {
    fn at(&self) -> Place {
        Place {
            item_id: self.place.item_id.clone(),
            output_index: self.place.output_index,
            content_index: self.done.len(),
        }
    }

    fn content(&self, piece: &Piece) -> Content {
        match self.voice {
            Voice::Text => Content::OutputText {
                text: piece.text.clone(),
                annotations: piece.annotations.clone(),
                logprobs: [],
            },
            Voice::Reasoning => Content::ReasoningText {
                text: piece.text.clone(),
            },
        }
    }
}

fn item(
    place: &ItemPlace,
    voice: Voice,
    status: ItemStatus,
    content: Vec<Content>,
    phase: Option<&'static str>,
) -> Item {
    let id = place.item_id.clone();
    match voice {
        Voice::Text => Item::Message {
            id,
            status,
            role: "assistant",
            content,
            phase,
        },
        Voice::Reasoning => Item::Reasoning {
            id,
            status,
            summary: [],
            content,
        },
    }
}

/// What a completed message says beyond its deltas.
#[derive(Default)]
struct Rest {
    reasoning: String,
    text: String,
    refusal: String,
    sources: Vec<(String, Option<String>)>,
}

impl Rest {
    /// Parts that came without deltas. Files have no place in a message of the protocol.
    fn of(parts: Vec<Part>, n_seen: usize) -> Self {
        let mut rest = Self::default();
        for (n, part) in parts.into_iter().enumerate() {
            match part {
                Part::Text { text, .. } if n >= n_seen => rest.text.push_str(&text),
                Part::Reasoning { text, .. } if n >= n_seen => rest.reasoning.push_str(&text),
                Part::Refusal { text } => rest.refusal.push_str(&text),
                Part::Source { url, title } => rest.sources.push((url, title)),
                Part::Text { .. } | Part::Reasoning { .. } | Part::File { .. } => {}
            }
        }
        rest
    }
}

impl Translation {
    pub(super) fn message_started(&mut self, started: MessageStarted) {
        let spoken = Spoken::new(started.role);
        self.messages.insert(started.message, spoken);
    }

    pub(super) fn text(&mut self, message: MessageId, part: u32, text: String) {
        self.say(message, part, Voice::Text, text);
    }

    pub(super) fn reasoning(&mut self, message: MessageId, part: u32, text: String) {
        self.say(message, part, Voice::Reasoning, text);
    }

    fn say(&mut self, message: MessageId, part: u32, voice: Voice, text: String) {
        let mut spoken = self.opened(&message);
        // Only the agent's own words are output.
        if spoken.role == Role::Assistant {
            self.open_part(&mut spoken, part, voice);
            if let Some(current) = &mut spoken.current {
                self.add(current, text);
            }
        }
        self.messages.insert(message, spoken);
    }

    /// Takes a message out of the map, and hides what follows if it is to be forgotten.
    fn opened(&mut self, message: &MessageId) -> Spoken {
        self.numbers.hides = self.about.discarded.contains(message);
        let known = self.messages.remove(message);
        known.unwrap_or_else(|| Spoken::new(Role::Assistant))
    }

    fn add(&mut self, current: &mut Current, text: String) {
        let at = current.at();
        let Some(piece) = &mut current.open else {
            return;
        };
        piece.text.push_str(&text);
        self.numbers.push(match current.voice {
            Voice::Text => Event::TextDelta(at, text),
            Voice::Reasoning => Event::ReasoningDelta(at, text),
        });
    }

    fn open_part(&mut self, spoken: &mut Spoken, part: u32, voice: Voice) {
        let is_open = |current: &Current| {
            let same = current.open.as_ref().is_some_and(|open| open.part == part);
            same && current.voice == voice
        };
        if spoken.current.as_ref().is_some_and(is_open) {
            return;
        }
        // Thoughts of one part are one item, texts of one message are pieces of one item.
        let goes_on = |current: &Current| voice == Voice::Text && current.voice == Voice::Text;
        if spoken.current.as_ref().is_some_and(goes_on) {
            self.close_part(spoken, None);
        } else {
            self.close_item(spoken, ItemStatus::Completed, None);
        }
        let is_whole = spoken.last_part != Some(part);
        spoken.last_part = Some(part);
        if spoken.current.is_none() {
            self.open_item(spoken, voice);
        }
        if let Some(current) = &mut spoken.current {
            let empty = match voice {
                Voice::Text => Content::text(""),
                Voice::Reasoning => Content::ReasoningText {
                    text: String::new(),
                },
            };
            self.numbers.push(Event::PartAdded(current.at(), empty));
            current.open = Some(Piece {
                part,
                is_whole,
                text: String::new(),
                annotations: Vec::new(),
            });
        }
    }

    fn open_item(&mut self, spoken: &mut Spoken, voice: Voice) {
        let place = self.numbers.item(match voice {
            Voice::Text => "msg",
            Voice::Reasoning => "rs",
        });
        let empty = item(&place, voice, ItemStatus::InProgress, Vec::new(), None);
        self.numbers.add(&place, empty);
        spoken.items.push((place.clone(), voice));
        spoken.current = Some(Current {
            place,
            voice,
            done: Vec::new(),
            open: None,
            has_prose: false,
        });
    }

    /// The piece under way is done. What the completed message says of it is the truth.
    fn close_part(&mut self, spoken: &mut Spoken, truth: Option<String>) {
        let Some(current) = &mut spoken.current else {
            return;
        };
        let at = current.at();
        let Some(mut piece) = current.open.take() else {
            return;
        };
        if let Some(truth) = truth.filter(|_| piece.is_whole) {
            piece.text = truth;
        }
        let is_fit = current.voice == Voice::Reasoning || self.fit(&mut piece.text);
        let content = current.content(&piece);
        if is_fit {
            let done = match current.voice {
                Voice::Text => Event::TextDone,
                Voice::Reasoning => Event::ReasoningDone,
            };
            self.numbers.push(done(at.clone(), piece.text));
            self.numbers.push(Event::PartDone(at, content.clone()));
        } else {
            // Clients read the text of these events as the JSON that they asked for. That it is none shows in the item.
            current.has_prose = true;
        }
        current.done.push(content);
    }

    /// Makes the text of a structured response the JSON in it; false when there is none.
    fn fit(&self, text: &mut String) -> bool {
        let Some(schema) = &self.about.schema else {
            return true;
        };
        if serde_json::from_str::<IgnoredAny>(text).is_ok() {
            return true;
        }
        match schema.read(text) {
            Ok(value) => {
                *text = value.to_string();
                true
            }
            Err(_) => false,
        }
    }

    fn close_item(&mut self, spoken: &mut Spoken, status: ItemStatus, truth: Option<String>) {
        self.close_part(spoken, truth);
        let Some(current) = spoken.current.take() else {
            return;
        };
        let is_text = current.voice == Voice::Text;
        let phase = match self.about.schema {
            Some(_) if is_text && current.has_prose => Some("commentary"),
            Some(_) if is_text => Some("final_answer"),
            Some(_) | None => None,
        };
        let index = current.place.output_index;
        let item = item(&current.place, current.voice, status, current.done, phase);
        // Words beside the JSON are left out of a finished response: some clients read every text in it as the JSON.
        if current.has_prose && status == ItemStatus::Completed {
            self.numbers.push(Event::ItemDone(index, item));
        } else {
            self.done(index, item);
        }
    }

    pub(super) fn message_completed(&mut self, completed: MessageCompleted) {
        let MessageCompleted {
            message,
            parts,
            interrupted,
        } = completed;
        let mut spoken = self.opened(&message);
        if spoken.role != Role::Assistant {
            return;
        }
        let parts = parts.unwrap_or_default();
        let truth = truth(&spoken, &parts);
        let n_seen = spoken.last_part.map_or(0, |part| part as usize + 1);
        let rest = Rest::of(parts, n_seen);
        let next = spoken.last_part.map_or(0, |part| part.saturating_add(1));
        self.say_rest(&mut spoken, rest, truth, next);
        let status = if interrupted {
            ItemStatus::Incomplete
        } else {
            ItemStatus::Completed
        };
        self.close_item(&mut spoken, status, None);
    }

    /// What a completed message says beyond its deltas. Texts are joined, so that there are numbers for all of it.
    fn say_rest(&mut self, spoken: &mut Spoken, rest: Rest, truth: Option<String>, next: u32) {
        let is_reasoning = |current: &Current| current.voice == Voice::Reasoning;
        let has_more = !rest.text.is_empty() || !rest.refusal.is_empty();
        if !rest.reasoning.is_empty()
            || (has_more && spoken.current.as_ref().is_some_and(is_reasoning))
        {
            self.close_item(spoken, ItemStatus::Completed, truth);
        } else if let (Some(truth), Some(current)) = (truth, &mut spoken.current)
            && let Some(piece) = current.open.as_mut().filter(|piece| piece.is_whole)
        {
            piece.text = truth;
        }
        if !rest.reasoning.is_empty() {
            self.open_part(spoken, next, Voice::Reasoning);
            if let Some(current) = &mut spoken.current {
                self.add(current, rest.reasoning);
            }
        }
        if !rest.text.is_empty() {
            self.open_part(spoken, next.saturating_add(1), Voice::Text);
            if let Some(current) = &mut spoken.current {
                self.add(current, rest.text);
            }
        }
        if let Some(Current {
            voice: Voice::Text,
            open: Some(piece),
            ..
        }) = &mut spoken.current
        {
            let end = piece.text.chars().count();
            piece.annotations = rest.sources.into_iter().map(|it| cited(it, end)).collect();
        }
        if !rest.refusal.is_empty() {
            self.refuse(spoken, rest.refusal);
        }
    }

    /// A refusal is a piece of its own.
    fn refuse(&mut self, spoken: &mut Spoken, refusal: String) {
        self.close_part(spoken, None);
        if spoken.current.is_none() {
            self.open_item(spoken, Voice::Text);
        }
        let Some(current) = &mut spoken.current else {
            return;
        };
        let at = current.at();
        let piece = |refusal: String| Content::Refusal { refusal };
        self.numbers
            .push(Event::PartAdded(at.clone(), piece(String::new())));
        self.numbers
            .push(Event::RefusalDelta(at.clone(), refusal.clone()));
        self.numbers
            .push(Event::RefusalDone(at.clone(), refusal.clone()));
        self.numbers
            .push(Event::PartDone(at, piece(refusal.clone())));
        current.done.push(piece(refusal));
    }

    /// A message is to be forgotten: each of its items is emptied, also those that were done.
    pub(super) fn message_discarded(&mut self, message: &MessageId) {
        let Some(spoken) = self.messages.remove(message) else {
            return;
        };
        for (place, voice) in spoken.items {
            if self.numbers.room() == 0 {
                break;
            }
            let empty = item(&place, voice, ItemStatus::Incomplete, Vec::new(), None);
            self.withdraw(place.output_index, empty);
        }
    }

    /// The response ends. A message that goes on does so in the next one, in items of its own.
    pub(super) fn close_messages(&mut self) {
        let mut open = std::mem::take(&mut self.messages);
        for (message, spoken) in &mut open {
            self.numbers.hides = self.about.discarded.contains(message);
            // Without numbers for it the end of the response shows what there is.
            if self.numbers.room() < 3 {
                if let Some((index, item)) = spoken.open_item() {
                    self.output.keep(index, &item);
                }
            } else {
                self.close_item(spoken, ItemStatus::Incomplete, None);
            }
            spoken.current = None;
            spoken.items.clear();
        }
        self.numbers.hides = false;
        self.messages = open;
    }
}

/// What the completed message says of the piece under way.
fn truth(spoken: &Spoken, parts: &[Part]) -> Option<String> {
    let current = spoken.current.as_ref()?;
    let part = current.open.as_ref()?.part;
    match (parts.get(part as usize)?, current.voice) {
        (Part::Text { text, .. }, Voice::Text)
        | (Part::Reasoning { text, .. }, Voice::Reasoning) => Some(text.clone()),
        _ => None,
    }
}

fn cited((url, title): (String, Option<String>), end: usize) -> Annotation {
    Annotation {
        kind: "url_citation",
        title: title.unwrap_or_else(|| url.clone()),
        url,
        start_index: end,
        end_index: end,
    }
}
