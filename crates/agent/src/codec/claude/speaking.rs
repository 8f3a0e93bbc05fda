//! What claude is told.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::streamed::Speech;
use crate::Exit;
use crate::codec::json::set;
use crate::codec::odd::Odd;
use crate::codec::open::{Open, Stage};
use crate::codec::{
    Capabilities, Codec, Command, Decision, InputId, Moves, Said, Settings, Waiting,
};
use crate::limits::OPEN_ITEMS;

/// The codec of `claude` with stream-json in and out.
#[derive(Debug)]
pub(crate) struct Claude {
    pub(super) settings: Settings,
    pub(super) open: Open<Wish>,
    pub(super) odd: Odd,
    pub(super) last_id: u64,
    pub(super) asked: BTreeMap<String, Ask>,
    /// The id of the session, once it was said.
    pub(super) session: Option<String>,
    pub(super) is_resumable: bool,
    /// Whether the agent has begun with the turn: a result before that is one of the turn before.
    pub(super) has_begun: bool,
    pub(super) speech: Option<Speech>,
    /// Calls that were not allowed.
    pub(super) denied: BTreeSet<String>,
    /// Tokens in the context, as of the last step.
    pub(super) context_tokens: Option<u64>,
}

/// What a control request of ours was about.
#[derive(Debug)]
pub(super) enum Ask {
    Initialize,
    Interrupt,
    Alive,
}

/// What claude waits for.
#[derive(Debug)]
pub(super) enum Wish {
    /// Whether it may use a tool.
    Permission {
        call: Option<String>,
        /// The arguments, which come back with a yes.
        input: Value,
        /// The rules that would allow it for the session.
        rules: Value,
    },
    /// Answers, which come back within the arguments.
    Answers { input: Value },
}

impl Claude {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            open: Open::new(),
            odd: Odd::new(settings.raw),
            last_id: 0,
            asked: BTreeMap::new(),
            session: None,
            is_resumable: settings.resume.is_some(),
            has_begun: false,
            speech: None,
            denied: BTreeSet::new(),
            context_tokens: None,
            settings,
        }
    }

    fn control(&mut self, subtype: &str, about: Ask, moves: &mut Moves) {
        self.last_id += 1;
        if self.asked.len() >= OPEN_ITEMS {
            self.asked.pop_first();
        }
        let id = format!("outlive-{}", self.last_id);
        moves.send(&json!({
            "type": "control_request",
            "request_id": id,
            "request": {"subtype": subtype},
        }));
        self.asked.insert(id, about);
    }

    fn say(&self, said: &Said, moves: &mut Moves) {
        let images = said.images.iter().map(|image| {
            let source = json!({"type": "base64", "media_type": image.mime, "data": image.base64});
            json!({"type": "image", "source": source})
        });
        let content: Value = [json!({"type": "text", "text": said.text})]
            .into_iter()
            .chain(images)
            .collect();
        moves.send(&json!({
            "type": "user",
            "message": {"role": "user", "content": content},
            "parent_tool_use_id": null,
            "session_id": self.session.as_deref().unwrap_or_default(),
            "uuid": self.uuid(said.input),
        }));
    }

    /// It forgets lines whose id it has seen, in earlier processes too.
    fn uuid(&self, input: InputId) -> String {
        format!(
            "{:08x}-0000-4000-8000-{:012x}",
            self.settings.nonce,
            input.0 & 0xffff_ffff_ffff
        )
    }

    /// Which input an echo is of.
    pub(super) fn echoed(&self, uuid: &str) -> Option<InputId> {
        let (_, input) = uuid.rsplit_once('-')?;
        let input = InputId(u64::from_str_radix(input, 16).ok()?);
        (self.uuid(input) == uuid).then_some(input)
    }

    fn approve(
        &mut self,
        request: String,
        decision: Decision,
        note: Option<String>,
        moves: &mut Moves,
    ) {
        let Some(Wish::Permission { .. }) = self.open.about(&request) else {
            moves.stale(request);
            return;
        };
        let Some(Wish::Permission { call, input, rules }) = self.open.answered(&request) else {
            return;
        };
        let no = note.unwrap_or_else(|| "A person did not allow this.".to_owned());
        let answer = match decision {
            Decision::Allow => json!({"behavior": "allow", "updatedInput": input}),
            Decision::AllowForThread => json!({
                "behavior": "allow",
                "updatedInput": input,
                "updatedPermissions": rules,
            }),
            Decision::Deny => json!({"behavior": "deny", "message": no}),
            Decision::Cancel => json!({"behavior": "deny", "message": no, "interrupt": true}),
        };
        if let Some(call) = call {
            match decision {
                Decision::Allow | Decision::AllowForThread => self.open.running(&call, moves),
                Decision::Deny | Decision::Cancel => {
                    self.denied.insert(call);
                }
            }
        }
        respond(&request, &answer, moves);
    }
}

/// Answers a control request.
pub(super) fn respond(request: &str, answer: &Value, moves: &mut Moves) {
    let response = json!({"subtype": "success", "request_id": request, "response": answer});
    moves.send(&json!({"type": "control_response", "response": response}));
}

impl Codec for Claude {
    fn capabilities(&self) -> Capabilities {
        Self::CAPABILITIES
    }

    fn outgoing(&mut self, command: Command) -> Moves {
        let mut moves = Moves::default();
        match command {
            Command::Start => {
                if self.open.stage() == Stage::New {
                    self.open.set_up();
                    self.control("initialize", Ask::Initialize, &mut moves);
                }
            }
            Command::Prompt(said) => {
                if self.open.prompt(said.input, &mut moves) {
                    self.has_begun = false;
                    self.say(&said, &mut moves);
                }
            }
            Command::Steer(said) => {
                if self.open.offer(said.input, &mut moves) {
                    self.say(&said, &mut moves);
                }
            }
            Command::FollowUp(said) => {
                moves.returned(said.input, "the agent has no queue for it");
            }
            Command::Interrupt => {
                if self.open.interrupt() {
                    self.control("interrupt", Ask::Interrupt, &mut moves);
                }
            }
            Command::Approve {
                request,
                decision,
                note,
            } => self.approve(request, decision, note, &mut moves),
            Command::Answer { request, answers } => {
                if let Some(Wish::Answers { .. }) = self.open.about(&request)
                    && let Some(Wish::Answers { mut input }) = self.open.answered(&request)
                {
                    let answers: Value = answers
                        .into_iter()
                        .map(|(id, answers)| (id, answers.join(", ")))
                        .collect();
                    set(&mut input, "answers", answers);
                    let answer = json!({"behavior": "allow", "updatedInput": input});
                    respond(&request, &answer, &mut moves);
                } else {
                    moves.stale(request);
                }
            }
            Command::Ask => self.control("mcp_status", Ask::Alive, &mut moves),
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
        if self.open.waiting() == Waiting::Handshake {
            self.open.setup_overdue(&mut moves);
        }
        moves
    }
}
