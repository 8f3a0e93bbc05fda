//! What codex is told.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::item::Item;
use crate::Exit;
use crate::codec::odd::Odd;
use crate::codec::open::{Open, Stage};
use crate::codec::rpc::{Rpc, Version};
use crate::codec::{
    Capabilities, Codec, Command, Decision, InputId, Moves, Said, Settings, Usage, Waiting,
};

/// The codec of `codex app-server`.
#[derive(Debug)]
pub(crate) struct Codex {
    pub(super) settings: Settings,
    pub(super) open: Open<Wish>,
    pub(super) odd: Odd,
    pub(super) rpc: Rpc<Ask>,
    /// The id of the session.
    pub(super) thread: Option<String>,
    pub(super) is_resumable: bool,
    pub(super) model: Option<String>,
    /// The turn under way, once its id is known.
    pub(super) turn: Option<String>,
    /// What is to be said to the turn when its id is known.
    pub(super) held: Vec<Said>,
    pub(super) items: BTreeMap<String, Item>,
    /// What the session had consumed before this process.
    pub(super) before: Usage,
}

/// What a call was about.
#[derive(Debug)]
pub(super) enum Ask {
    Initialize,
    Thread,
    Turn(InputId),
    Steer(InputId),
    Interrupt,
    Alive,
}

/// What codex waits for, with the id of its request.
#[derive(Debug)]
pub(super) enum Wish {
    /// A decision, in its words.
    Decision(Value, Words),
    /// More rights, which are given by repeating them.
    Permissions(Value, Value),
    Questions(Value),
}

/// Its words for the four decisions, which differ between two generations.
#[derive(Debug, Clone, Copy)]
pub(super) enum Words {
    Now,
    Once,
}

impl Words {
    fn of(self, decision: Decision) -> &'static str {
        match (self, decision) {
            (Self::Now, Decision::Allow) => "accept",
            (Self::Now, Decision::AllowForThread) => "acceptForSession",
            (Self::Now, Decision::Deny) => "decline",
            (Self::Now, Decision::Cancel) => "cancel",
            (Self::Once, Decision::Allow) => "approved",
            (Self::Once, Decision::AllowForThread) => "approved_for_session",
            (Self::Once, Decision::Deny) => "denied",
            (Self::Once, Decision::Cancel) => "abort",
        }
    }
}

impl Codex {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            open: Open::new(),
            odd: Odd::new(settings.raw),
            rpc: Rpc::new(Version::Unsaid),
            thread: None,
            is_resumable: false,
            model: settings.model.clone(),
            turn: None,
            held: Vec::new(),
            items: BTreeMap::new(),
            before: Usage::default(),
            settings,
        }
    }

    /// Opens the session, behind the handshake.
    pub(super) fn open_thread(&mut self, moves: &mut Moves) {
        let (policy, sandbox) = Self::policy(self.settings.approval);
        let mut params = json!({
            "cwd": self.settings.cwd,
            "approvalPolicy": policy,
            "sandbox": sandbox,
        });
        if let Some(model) = &self.settings.model {
            params["model"] = model.as_str().into();
        }
        let method = match &self.settings.resume {
            Some(thread) => {
                params["threadId"] = thread.as_str().into();
                // All that was ever said would come back in one frame.
                params["excludeTurns"] = true.into();
                "thread/resume"
            }
            None => "thread/start",
        };
        self.rpc.call(method, &params, Ask::Thread, moves);
    }

    /// The id of the turn is known: what waited for it goes out.
    pub(super) fn turn_is(&mut self, turn: &str, moves: &mut Moves) {
        if self.turn.as_deref() == Some(turn) {
            return;
        }
        self.turn = Some(turn.to_owned());
        for said in std::mem::take(&mut self.held) {
            self.steer(&said, moves);
        }
        if self.open.is_interrupted() {
            self.interrupt(moves);
        }
    }

    fn steer(&mut self, said: &Said, moves: &mut Moves) {
        let params = json!({
            "threadId": self.thread,
            "expectedTurnId": self.turn,
            "input": input(said),
        });
        self.rpc
            .call("turn/steer", &params, Ask::Steer(said.input), moves);
    }

    fn interrupt(&mut self, moves: &mut Moves) {
        let params = json!({"threadId": self.thread, "turnId": self.turn});
        self.rpc
            .call("turn/interrupt", &params, Ask::Interrupt, moves);
    }

    fn approve(&mut self, request: String, decision: Decision, moves: &mut Moves) {
        if let None | Some(Wish::Questions(_)) = self.open.about(&request) {
            moves.stale(request);
            return;
        }
        match self.open.answered(&request) {
            Some(Wish::Decision(id, words)) => {
                let result = json!({"decision": words.of(decision)});
                self.rpc.respond(&id, &result, moves);
            }
            Some(Wish::Permissions(id, wanted)) => {
                let result = match decision {
                    Decision::Allow => json!({"permissions": wanted, "scope": "turn"}),
                    Decision::AllowForThread => {
                        json!({"permissions": wanted, "scope": "session"})
                    }
                    Decision::Deny | Decision::Cancel => json!({"permissions": {}}),
                };
                self.rpc.respond(&id, &result, moves);
            }
            Some(Wish::Questions(_)) | None => {}
        }
    }
}

impl Codec for Codex {
    fn capabilities(&self) -> Capabilities {
        Self::CAPABILITIES
    }

    fn outgoing(&mut self, command: Command) -> Moves {
        let mut moves = Moves::default();
        match command {
            Command::Start => {
                if self.open.stage() == Stage::New {
                    self.open.set_up();
                    let version = &self.settings.version;
                    let client = json!({"name": "outlive", "title": "Outlive", "version": version});
                    let params = json!({ "clientInfo": client });
                    self.rpc
                        .call("initialize", &params, Ask::Initialize, &mut moves);
                }
            }
            Command::Prompt(said) => {
                if self.open.prompt(said.input, &mut moves) {
                    self.turn = None;
                    let mut params = json!({"threadId": self.thread, "input": input(&said)});
                    if let Some(effort) = &self.settings.effort {
                        params["effort"] = effort.as_str().into();
                    }
                    self.rpc
                        .call("turn/start", &params, Ask::Turn(said.input), &mut moves);
                }
            }
            Command::Steer(said) => {
                if self.open.offer(said.input, &mut moves) {
                    if self.turn.is_some() {
                        self.steer(&said, &mut moves);
                    } else {
                        self.held.push(said);
                    }
                }
            }
            Command::FollowUp(said) => {
                moves.returned(said.input, "the agent has no queue for it");
            }
            Command::Interrupt => {
                if self.open.interrupt() && self.turn.is_some() {
                    self.interrupt(&mut moves);
                }
            }
            Command::Approve {
                request, decision, ..
            } => self.approve(request, decision, &mut moves),
            Command::Answer { request, answers } => {
                if let Some(Wish::Questions(_)) = self.open.about(&request)
                    && let Some(Wish::Questions(id)) = self.open.answered(&request)
                {
                    let answers: Value = answers
                        .into_iter()
                        .map(|(id, answers)| (id, json!({ "answers": answers })))
                        .collect();
                    let result = json!({ "answers": answers });
                    self.rpc.respond(&id, &result, &mut moves);
                } else {
                    moves.stale(request);
                }
            }
            Command::Ask => {
                if self.thread.is_some() {
                    let params = json!({"threadId": self.thread, "includeTurns": false});
                    self.rpc
                        .call("thread/read", &params, Ask::Alive, &mut moves);
                }
            }
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

fn input(said: &Said) -> Value {
    let images = said.images.iter().map(|image| {
        let url = format!("data:{};base64,{}", image.mime, image.base64);
        json!({"type": "image", "url": url})
    });
    [json!({"type": "text", "text": said.text})]
        .into_iter()
        .chain(images)
        .collect()
}
