//! What an attempt has to say and has not written yet. Pure: no clock, no IO.
//!
//! An attempt has at most one append in flight. What its driver says meanwhile gathers here, and adjacent deltas of one
//! text become one event, so that a busy store gets fewer and larger events while no cursor changes its meaning.

#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use run::{AppendNo, Event};

use crate::limits::{
    APPEND_BYTES, APPEND_EVENTS, DELTA_BYTES, JOINED_BYTES, OUTBOX_BYTES, OUTBOX_EVENTS,
};

/// Events on their way into the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Its number within the attempt.
    pub append_no: AppendNo,
    /// What happened.
    pub events: Vec<Event>,
}

/// Gathers the events of one attempt.
#[derive(Debug)]
pub struct Outbox {
    waiting: VecDeque<Entry>,
    waiting_bytes: usize,
    flight: Flight,
    next: AppendNo,
    n_said: u64,
}

#[derive(Debug)]
struct Entry {
    event: Event,
    bytes: usize,
    /// How many events had been said when this one was last added to.
    n_said: u64,
}

#[derive(Debug)]
enum Flight {
    /// Nothing is under way.
    Idle,
    /// The store has it and has not answered.
    Flying { batch: Batch, n_said: u64 },
    /// Nobody knows whether it was written: it goes again, as it was and under its number.
    Kept { batch: Batch, n_said: u64 },
}

impl Default for Outbox {
    fn default() -> Self {
        Self::new()
    }
}

impl Outbox {
    /// An empty one; its first append has number 1.
    pub fn new() -> Self {
        Self {
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            flight: Flight::Idle,
            next: AppendNo(1),
            n_said: 0,
        }
    }

    /// Takes an event. Nothing is refused here: whoever adds looks at [`Outbox::is_full`] first.
    pub fn push(&mut self, event: Event) {
        self.n_said += 1;
        let mut rest = Some(event);
        while let Some(mut event) = rest.take() {
            if let Some(text) = delta_text(&mut event)
                && text.len() > DELTA_BYTES
            {
                let tail = text.split_off(text.floor_char_boundary(DELTA_BYTES));
                let mut next = event.clone();
                if let Some(text) = delta_text(&mut next) {
                    *text = tail;
                }
                rest = Some(next);
            }
            self.push_one(event);
        }
    }

    fn push_one(&mut self, mut event: Event) {
        if let Some(last) = self.waiting.back_mut()
            && is_same_text(&last.event, &event)
            && let Some(more) = delta_text(&mut event)
            && let Some(text) = delta_text(&mut last.event)
            && text.len() + more.len() <= JOINED_BYTES
        {
            text.push_str(more);
            last.bytes += more.len();
            last.n_said = self.n_said;
            self.waiting_bytes += more.len();
            return;
        }
        let bytes = size(&mut event);
        self.waiting_bytes += bytes;
        self.waiting.push_back(Entry {
            event,
            bytes,
            n_said: self.n_said,
        });
    }

    /// How many events were said so far: what [`Outbox::landed`] has to reach for all of them to be durable.
    pub fn n_said(&self) -> u64 {
        self.n_said
    }

    /// Whether whoever speaks has to wait.
    pub fn is_full(&self) -> bool {
        self.waiting.len() >= OUTBOX_EVENTS || self.waiting_bytes >= OUTBOX_BYTES
    }

    /// Whether everything that was said is durable.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && matches!(self.flight, Flight::Idle)
    }

    /// What is to be appended now; nothing while an append is under way.
    pub fn next_append(&mut self) -> Option<Batch> {
        match std::mem::replace(&mut self.flight, Flight::Idle) {
            flying @ Flight::Flying { .. } => {
                self.flight = flying;
                None
            }
            Flight::Kept { batch, n_said } => {
                self.flight = Flight::Flying {
                    batch: batch.clone(),
                    n_said,
                };
                Some(batch)
            }
            Flight::Idle => {
                let (batch, n_said) = self.gather()?;
                self.flight = Flight::Flying {
                    batch: batch.clone(),
                    n_said,
                };
                Some(batch)
            }
        }
    }

    fn gather(&mut self) -> Option<(Batch, u64)> {
        let mut events = Vec::new();
        let mut bytes = 0;
        let mut n_said = 0;
        while let Some(entry) = self.waiting.front() {
            let fits = events.len() < APPEND_EVENTS && bytes + entry.bytes <= APPEND_BYTES;
            if !fits && !events.is_empty() {
                break;
            }
            bytes += entry.bytes;
            n_said = entry.n_said;
            events.extend(self.waiting.pop_front().map(|entry| entry.event));
        }
        if events.is_empty() {
            return None;
        }
        self.waiting_bytes -= bytes;
        let append_no = self.next;
        self.next = AppendNo(append_no.0 + 1);
        Some((Batch { append_no, events }, n_said))
    }

    /// The append under way is durable. Gives how many of the events that were said are durable with it.
    pub fn landed(&mut self) -> u64 {
        match std::mem::replace(&mut self.flight, Flight::Idle) {
            Flight::Flying { n_said, .. } | Flight::Kept { n_said, .. } => n_said,
            Flight::Idle => 0,
        }
    }

    /// Nobody knows whether the append under way was written: [`Outbox::next_append`] gives it again.
    pub fn failed_keep(&mut self) {
        if let Flight::Flying { batch, n_said } = std::mem::replace(&mut self.flight, Flight::Idle)
        {
            self.flight = Flight::Kept { batch, n_said };
        }
    }
}

/// Whether the second adds to the very text that the first adds to.
fn is_same_text(first: &Event, second: &Event) -> bool {
    match (first, second) {
        (Event::TextDelta(a), Event::TextDelta(b)) => a.message == b.message && a.part == b.part,
        (Event::ReasoningDelta(a), Event::ReasoningDelta(b)) => {
            a.message == b.message && a.part == b.part
        }
        (Event::ToolOutput(a), Event::ToolOutput(b)) => a.call == b.call && a.stream == b.stream,
        (Event::ToolArgsDelta(a), Event::ToolArgsDelta(b)) => a.call == b.call,
        _ => false,
    }
}

fn delta_text(event: &mut Event) -> Option<&mut String> {
    match event {
        Event::TextDelta(delta) => Some(&mut delta.text),
        Event::ReasoningDelta(delta) => Some(&mut delta.text),
        Event::ToolOutput(output) => Some(&mut output.text),
        Event::ToolArgsDelta(delta) => Some(&mut delta.text),
        _ => None,
    }
}

/// About as many bytes as it takes in the log.
fn size(event: &mut Event) -> usize {
    const ENVELOPE: usize = 160;
    let text = delta_text(event).map(|text| text.len());
    let data = text.unwrap_or_else(|| {
        let mut printed = Vec::new();
        event.write_data(&mut printed);
        printed.len()
    });
    ENVELOPE + data
}
