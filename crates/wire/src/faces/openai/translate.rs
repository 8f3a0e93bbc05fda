//! A run's log as the events of one response.
//!
//! The log is taken from its beginning: what an answer or a result belongs to may stand in an earlier segment. Only the
//! wanted response is written.

use std::collections::{BTreeMap, BTreeSet};

use run::event::{RunCreated, RunFinished};
use run::{CallId, Envelope, MessageId, Seq, Timestamp, Usage, WaitMode};
use serde_json::Value;

use super::about::{About, Echo, FACE, Moment};
use super::calls::Call;
use super::delta_line::DeltaLine;
use super::event::{Event, Lifecycle, Numbered};
use super::ids::ResponseId;
use super::item::Item;
use super::numbers::Numbers;
use super::outcome::Standing;
use super::output::Output;
use super::speech::Spoken;
use crate::faces::{SegmentEnd, SegmentEnds};
use crate::{OPENAI_KEPT_BYTES, OPENAI_REPLAY_KEPT_BYTES};

/// Where a translation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Before the wanted response.
    Before,
    /// In it.
    Within,
    /// Behind its end.
    Over,
    /// There is no such response: no segment of the run begins there.
    Missed,
}

/// A log on its way to the events of one response.
pub struct Translation {
    pub(super) about: About,
    pub(super) numbers: Numbers,
    pub(super) output: Output,
    pub(super) messages: BTreeMap<MessageId, Spoken>,
    pub(super) calls: BTreeMap<CallId, Call>,
    pub(super) client_tools: BTreeSet<String>,
    wanted: Seq,
    phase: Phase,
    ends: SegmentEnds,
    /// Whether the next event begins a response, and how the run waited before it.
    begins: Option<WaitMode>,
    /// The response before this one.
    previous: Option<Seq>,
    echo: Echo,
    begun_at: Timestamp,
    standing: Standing,
    usage: Usage,
    usage_before: Usage,
    ended: Option<Ended>,
    pub(super) line: DeltaLine,
}

/// The end of the wanted response.
#[derive(Debug, Clone, Copy)]
struct Ended {
    sequence_number: u64,
    seq: Seq,
    at: Timestamp,
}

impl Translation {
    /// The events of a response behind the number that the reader has. Finished items are kept within a bound; behind it
    /// [`Translation::end`] has nothing, and the whole response is to be had from [`Translation::whole`].
    pub fn new(about: About, wanted: Seq, after: Option<u64>) -> Self {
        Self::with(about, wanted, after, OPENAI_KEPT_BYTES)
    }

    /// The same of a run that had ended when the reader came: its stream is over as soon as it is read, and more is kept.
    pub fn replay(about: About, wanted: Seq, after: Option<u64>) -> Self {
        Self::with(about, wanted, after, OPENAI_REPLAY_KEPT_BYTES)
    }

    /// A response with all of its output, and without the events that led there.
    pub fn whole(about: About, wanted: Seq) -> Self {
        Self::with(about, wanted, Some(u64::MAX), usize::MAX)
    }

    fn with(about: About, wanted: Seq, after: Option<u64>, max_bytes: usize) -> Self {
        Self {
            numbers: Numbers::new(about.run, after),
            output: Output::new(max_bytes),
            messages: BTreeMap::new(),
            calls: BTreeMap::new(),
            client_tools: about.tools.iter().map(|tool| tool.name.clone()).collect(),
            wanted,
            phase: Phase::Before,
            ends: SegmentEnds::default(),
            begins: Some(WaitMode::Parked),
            previous: None,
            echo: Echo::default(),
            begun_at: Timestamp::default(),
            standing: Standing::Queued,
            usage: Usage::default(),
            usage_before: Usage::default(),
            ended: None,
            line: DeltaLine::default(),
            about,
        }
    }

    /// Where it is.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The number of the last event of the log that belongs to the response, once it has ended.
    pub fn last_seq(&self) -> Option<Seq> {
        self.ended.map(|ended| ended.seq)
    }

    /// Whether the next event is one of a response that has begun and not ended.
    pub(super) fn goes_on(&self) -> bool {
        self.phase == Phase::Within && self.begins.is_none()
    }

    /// Takes the next event of the log.
    pub fn take(&mut self, envelope: Envelope) {
        if matches!(self.phase, Phase::Over | Phase::Missed) {
            return;
        }
        let Envelope { seq, at, event, .. } = envelope;
        self.numbers.move_to(seq);
        if let run::Event::RunCreated(created) = &event {
            self.echo = echo(created);
        }
        if let Some(mode) = self.begins.take() {
            self.begin(seq, at, mode);
        }
        let end = self.ends.take(&event);
        let finished = self.translate(event);
        match (end, finished) {
            (Some(SegmentEnd::Finished), Some(finished)) => {
                self.finish(Standing::of(&finished), seq, at);
            }
            (Some(SegmentEnd::Waits { mode, .. }), _) => {
                self.begins = Some(mode);
                self.finish(Standing::Completed, seq, at);
            }
            (Some(SegmentEnd::Finished) | None, _) => {}
        }
    }

    /// The events that came of what was taken, but for the end.
    pub fn drain(&mut self) -> impl Iterator<Item = Numbered> {
        self.numbers.drain()
    }

    /// The last event of the stream, once the response has ended and unless the reader has it. The inner option is empty
    /// when the output was too large to be kept along: then [`Translation::last`] of a whole one has it.
    pub fn end(&self) -> Option<Option<Numbered>> {
        let last = self.ended?;
        if !self.numbers.wants(last.sequence_number) {
            return None;
        }
        Some(if self.output.is_cut {
            None
        } else {
            self.last()
        })
    }

    /// The last event, once the response has ended.
    pub fn last(&self) -> Option<Numbered> {
        Some(Numbered {
            sequence_number: self.ended?.sequence_number,
            event: Event::Lifecycle(self.standing.lifecycle(), Box::new(self.response())),
        })
    }

    /// The response as it stands.
    pub fn response(&self) -> Value {
        let mut open: BTreeMap<u32, Item> = BTreeMap::new();
        open.extend(self.messages.values().filter_map(Spoken::open_item));
        open.extend(self.calls.values().filter_map(Call::open_item));
        let mut output: BTreeMap<u32, &Item> = self.output.iter().collect();
        output.extend(open.iter().map(|(index, item)| (*index, item)));
        self.told(output.into_values().collect())
    }

    fn told(&self, output: Vec<&Item>) -> Value {
        let id = |first: Seq| ResponseId {
            run: self.about.run,
            first,
        };
        self.about.response(&Moment {
            id: id(self.numbers.first()),
            previous: self.previous.map(id),
            echo: &self.echo,
            begun_at: self.begun_at,
            ended_at: self.ended.map(|ended| ended.at),
            standing: &self.standing,
            output,
            usage: self.ended.map(|_| since(&self.usage_before, &self.usage)),
        })
    }

    /// A response begins.
    fn begin(&mut self, seq: Seq, at: Timestamp, mode: WaitMode) {
        if seq > Seq(1) {
            self.previous = Some(self.numbers.first());
        }
        self.numbers.begin();
        self.output.clear();
        self.begun_at = at;
        self.usage_before = self.usage;
        self.standing = match mode {
            WaitMode::Parked => Standing::Queued,
            WaitMode::Held => Standing::InProgress,
        };
        if seq == self.wanted {
            self.phase = Phase::Within;
            self.numbers.shows = true;
        } else if seq > self.wanted {
            self.phase = Phase::Missed;
        }
        self.tell(Lifecycle::Created);
        self.tell(self.standing.lifecycle());
    }

    /// An attempt begins, the first of the response or another one.
    pub(super) fn go_on(&mut self) {
        if self.standing == Standing::Queued {
            self.standing = Standing::InProgress;
            self.tell(Lifecycle::InProgress);
        }
    }

    fn tell(&mut self, lifecycle: Lifecycle) {
        let response = Box::new(self.told(Vec::new()));
        self.numbers.push(Event::Lifecycle(lifecycle, response));
    }

    /// A response ends with the event under way.
    fn finish(&mut self, standing: Standing, seq: Seq, at: Timestamp) {
        self.close_messages();
        self.close_calls();
        if self.phase == Phase::Within {
            self.standing = standing;
            self.phase = Phase::Over;
            self.ended = Some(Ended {
                sequence_number: self.numbers.next(),
                seq,
                at,
            });
        }
    }

    /// An item is as it stays.
    pub(super) fn done(&mut self, index: u32, item: Item) {
        if self.phase == Phase::Within && !self.numbers.hides {
            self.output.keep(index, &item);
        }
        self.numbers.push(Event::ItemDone(index, item));
    }

    /// An item is to be forgotten: it stays in its place, empty, and out of the response.
    pub(super) fn withdraw(&mut self, index: u32, item: Item) {
        self.output.forget(index);
        self.numbers.push_bare(Event::ItemDone(index, item));
    }

    /// Adds to what was consumed.
    pub(super) fn consume(&mut self, usage: &Usage) {
        self.usage = self.usage.plus(usage);
    }

    /// What was consumed, as its source counts it.
    pub(super) fn recount(&mut self, totals: &Usage) {
        self.usage = self.usage.replaced_by(totals);
    }

    /// What was consumed in all.
    pub(super) fn conclude(&mut self, finished: &RunFinished) {
        self.usage = finished.usage;
    }
}

fn echo(created: &RunCreated) -> Echo {
    let kept = created.client.get(FACE);
    kept.and_then(|kept| serde_json::from_value(kept.clone()).ok())
        .unwrap_or_default()
}

fn since(before: &Usage, now: &Usage) -> Usage {
    Usage {
        input_tokens: now.input_tokens.saturating_sub(before.input_tokens),
        output_tokens: now.output_tokens.saturating_sub(before.output_tokens),
        reasoning_tokens: now.reasoning_tokens.saturating_sub(before.reasoning_tokens),
        cached_input_tokens: now
            .cached_input_tokens
            .saturating_sub(before.cached_input_tokens),
        cost_usd: None,
    }
}
