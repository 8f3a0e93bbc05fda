//! What pi is told.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

use crate::Exit;
use crate::codec::odd::Odd;
use crate::codec::open::{Open, Stage};
use crate::codec::{
    Capabilities, Codec, Command, Decision, Failure, InputId, Moves, Said, Settings, TurnStatus,
    Waiting,
};
use crate::limits::OPEN_ITEMS;

/// The codec of `pi --mode rpc`.
#[derive(Debug)]
pub(crate) struct Pi {
    pub(super) settings: Settings,
    pub(super) open: Open<Dialog>,
    pub(super) odd: Odd,
    pub(super) last_id: u64,
    pub(super) asked: BTreeMap<u64, Ask>,
    /// Where its session is stored, until it was said.
    pub(super) session_file: Option<String>,
    pub(super) is_resumable: bool,
    pub(super) work: Work,
    pub(super) speech: Option<Speech>,
    /// A message that ended with an error; the next try takes it back.
    pub(super) broken_off: Option<String>,
    /// How the last message ended.
    pub(super) last_end: LastEnd,
    pub(super) steers: Queue,
    pub(super) follow_ups: Queue,
    /// Whether the queues are being cleared, so that what leaves them was not taken.
    pub(super) is_clearing: bool,
}

/// The message under way.
#[derive(Debug, Default)]
pub(super) struct Speech {
    /// Its id, once it has said anything.
    pub(super) message: Option<String>,
    /// Indexes of its contents that are text or reasoning, in the order of their parts.
    pub(super) parts: Vec<u64>,
    /// Calls by the index of their content.
    pub(super) calls: BTreeMap<u64, String>,
}

/// What the agent does about the turn, as it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// It has not begun: what sounds like an end is one of the turn before.
    NotBegun,
    UnderWay,
    /// It waits before another try.
    Retrying,
}

/// How the last message ended.
#[derive(Debug)]
pub(super) enum LastEnd {
    Well,
    /// It asks for tools, and more is to come.
    ForTools,
    Aborted,
    Failed(Failure),
}

/// Inputs in one of its queues, or on their way to it.
#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) inputs: VecDeque<InputId>,
    /// How many it said last.
    pub(super) length: usize,
    /// What left it while it was being cleared: the first of them may have been taken before.
    pub(super) unsure: Vec<InputId>,
    /// How many will leave it because it was cleared.
    pub(super) cleared: usize,
}

/// What a command was about.
#[derive(Debug)]
pub(super) enum Ask {
    Hello,
    Alive,
    /// Asked at what may be the end of a turn: its answer comes after all that belongs to it.
    Settled,
    Prompt(InputId),
    Steer(InputId),
    FollowUp(InputId),
    Clear,
    Abort,
}

/// An open dialog of an extension.
#[derive(Debug)]
pub(super) enum Dialog {
    Confirm,
    Value,
}

impl Pi {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            open: Open::new(),
            odd: Odd::new(settings.raw),
            settings,
            last_id: 0,
            asked: BTreeMap::new(),
            session_file: None,
            is_resumable: false,
            work: Work::NotBegun,
            speech: None,
            broken_off: None,
            last_end: LastEnd::Well,
            steers: Queue::default(),
            follow_ups: Queue::default(),
            is_clearing: false,
        }
    }

    pub(super) fn ask(&mut self, mut command: Value, about: Ask, moves: &mut Moves) {
        self.last_id += 1;
        if self.asked.len() >= OPEN_ITEMS {
            self.asked.pop_first();
        }
        self.asked.insert(self.last_id, about);
        command["id"] = self.last_id.to_string().into();
        moves.send(&command);
    }

    fn say(&mut self, kind: &str, said: &Said, about: Ask, moves: &mut Moves) {
        let mut command = json!({"type": kind, "message": said.text});
        if !said.images.is_empty() {
            let images = said.images.iter().map(
                |image| json!({"type": "image", "data": image.base64, "mimeType": image.mime}),
            );
            command["images"] = images.collect();
        }
        self.ask(command, about, moves);
    }

    /// Takes back what waits in its queues: an abort would go on with it.
    pub(super) fn clear(&mut self, moves: &mut Moves) {
        if !self.steers.inputs.is_empty() || !self.follow_ups.inputs.is_empty() {
            self.is_clearing = true;
            self.ask(json!({"type": "clear_queue"}), Ask::Clear, moves);
        }
    }

    fn answer(&mut self, request: String, answer: Value, moves: &mut Moves) {
        if self.open.answered(&request).is_none() {
            moves.stale(request);
            return;
        }
        let mut frame = json!({"type": "extension_ui_response", "id": request});
        if let (Some(frame), Value::Object(answer)) = (frame.as_object_mut(), answer) {
            frame.extend(answer);
        }
        moves.send(&frame);
    }
}

impl Codec for Pi {
    fn capabilities(&self) -> Capabilities {
        Self::CAPABILITIES
    }

    fn outgoing(&mut self, command: Command) -> Moves {
        let mut moves = Moves::default();
        match command {
            Command::Start => {
                if self.open.stage() == Stage::New {
                    self.open.set_up();
                    self.ask(json!({"type": "get_state"}), Ask::Hello, &mut moves);
                }
            }
            Command::Prompt(said) => {
                if self.open.prompt(said.input, &mut moves) {
                    self.work = Work::NotBegun;
                    self.last_end = LastEnd::Well;
                    self.say("prompt", &said, Ask::Prompt(said.input), &mut moves);
                }
            }
            Command::Steer(said) => {
                if self.open.offer(said.input, &mut moves) {
                    self.steers.inputs.push_back(said.input);
                    self.say("steer", &said, Ask::Steer(said.input), &mut moves);
                }
            }
            Command::FollowUp(said) => {
                if self.open.offer(said.input, &mut moves) {
                    self.follow_ups.inputs.push_back(said.input);
                    self.say("follow_up", &said, Ask::FollowUp(said.input), &mut moves);
                }
            }
            Command::Interrupt => {
                if self.open.interrupt() {
                    self.clear(&mut moves);
                    self.ask(json!({"type": "abort"}), Ask::Abort, &mut moves);
                }
            }
            Command::Approve {
                request, decision, ..
            } => match (self.open.about(&request), decision) {
                (Some(Dialog::Confirm), Decision::Allow | Decision::AllowForThread) => {
                    self.answer(request, json!({"confirmed": true}), &mut moves);
                }
                (Some(Dialog::Confirm), Decision::Deny | Decision::Cancel) => {
                    self.answer(request, json!({"confirmed": false}), &mut moves);
                }
                (Some(Dialog::Value) | None, _) => moves.stale(request),
            },
            Command::Answer { request, answers } => {
                let value = answers.into_values().next().map(|values| values.join("\n"));
                let answer = match value {
                    Some(value) => json!({ "value": value }),
                    None => json!({"cancelled": true}),
                };
                match self.open.about(&request) {
                    Some(Dialog::Value) => self.answer(request, answer, &mut moves),
                    Some(Dialog::Confirm) | None => moves.stale(request),
                }
            }
            Command::Ask => self.ask(json!({"type": "get_state"}), Ask::Alive, &mut moves),
            Command::Shutdown => {}
        }
        moves
    }

    fn incoming(&mut self, frame: &[u8]) -> Moves {
        let mut moves = Moves::default();
        self.read(frame, &mut moves);
        moves
    }

    fn too_long(&mut self, head: &[u8]) -> Moves {
        let mut moves = Moves::default();
        Odd::too_long(head, &mut moves);
        moves
    }

    fn end_of_output(&mut self, exit: Exit) -> Moves {
        let mut moves = Moves::default();
        self.open.gone(exit, self.is_resumable, &mut moves);
        moves
    }

    fn waiting(&self) -> Waiting {
        self.open.waiting()
    }

    fn overdue(&mut self) -> Moves {
        let mut moves = Moves::default();
        match self.open.waiting() {
            Waiting::Handshake => self.open.setup_overdue(&mut moves),
            Waiting::Settled => self.end_turn(&mut moves),
            Waiting::Idle | Waiting::Turn | Waiting::Answer => {}
        }
        moves
    }
}

impl LastEnd {
    /// What a turn is that ends behind it.
    pub(super) fn verdict(self, interrupted: bool) -> (TurnStatus, Option<Failure>) {
        match self {
            Self::Well => (TurnStatus::Completed, None),
            Self::Aborted => (TurnStatus::Cancelled, None),
            Self::ForTools | Self::Failed(_) if interrupted => (TurnStatus::Cancelled, None),
            Self::ForTools => (
                TurnStatus::Failed,
                Some(crate::codec::moves::failed(
                    "the agent ended with tools that it had asked for",
                )),
            ),
            Self::Failed(failure) => (TurnStatus::Failed, Some(failure)),
        }
    }
}
