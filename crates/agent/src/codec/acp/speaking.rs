//! What an agent of the Agent Client Protocol is told.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::updates::{Call, Speech};
use crate::Exit;
use crate::codec::odd::Odd;
use crate::codec::open::{Open, Stage};
use crate::codec::rpc::{Rpc, Version};
use crate::codec::{
    Can, Capabilities, Codec, Command, Decision, InputId, Moves, Said, Settings, Steer, Waiting,
};

/// The codec of the Agent Client Protocol.
#[derive(Debug)]
pub(crate) struct Acp {
    pub(super) settings: Settings,
    pub(super) open: Open<Permission>,
    pub(super) odd: Odd,
    pub(super) rpc: Rpc<Ask>,
    pub(super) can: Capabilities,
    /// How it reopens a session.
    pub(super) reopen: Option<&'static str>,
    pub(super) session: Option<String>,
    pub(super) is_resumable: bool,
    /// Settings of the session that it has not answered.
    pub(super) n_settings: u32,
    pub(super) speech: Option<Speech>,
    pub(super) calls: BTreeMap<String, Call>,
    pub(super) cost_usd: Option<f64>,
    /// The prompt of the turn, until the agent shows that it has it.
    pub(super) prompted: Option<InputId>,
}

/// What a call was about.
#[derive(Debug)]
pub(super) enum Ask {
    Initialize,
    Session,
    /// A setting of the session, by its name.
    Setting(&'static str),
    Prompt(InputId),
    Steer(InputId),
}

/// An open request for a permission.
#[derive(Debug)]
pub(super) struct Permission {
    /// The id of its request.
    pub(super) id: Value,
    pub(super) call: Option<String>,
    /// Its options: kind and id.
    pub(super) options: Vec<(String, Value)>,
}

impl Permission {
    /// The option of the first of these kinds that it has.
    pub(super) fn option(&self, kinds: &[&str]) -> Option<&Value> {
        kinds.iter().find_map(|kind| {
            let mut options = self.options.iter();
            options.find(|(of, _)| of == kind).map(|(_, id)| id)
        })
    }
}

impl Acp {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            open: Open::new(),
            odd: Odd::new(settings.raw),
            rpc: Rpc::new(Version::Said),
            can: Self::CAPABILITIES,
            reopen: None,
            session: None,
            is_resumable: false,
            n_settings: 0,
            speech: None,
            calls: BTreeMap::new(),
            cost_usd: None,
            prompted: None,
            settings,
        }
    }

    fn prompt(&self, said: &Said) -> Value {
        let images = said
            .images
            .iter()
            .map(|image| json!({"type": "image", "mimeType": image.mime, "data": image.base64}));
        let prompt: Value = [json!({"type": "text", "text": said.text})]
            .into_iter()
            .chain(images.filter(|_| self.can.images == Can::Yes))
            .collect();
        json!({"sessionId": self.session, "prompt": prompt})
    }

    /// Chooses an option, or none of them.
    pub(super) fn choose(&self, id: &Value, option: Option<&Value>, moves: &mut Moves) {
        let outcome = match option {
            Some(option) => json!({"outcome": "selected", "optionId": option}),
            None => json!({"outcome": "cancelled"}),
        };
        self.rpc.respond(id, &json!({ "outcome": outcome }), moves);
    }

    fn approve(&mut self, request: String, decision: Decision, moves: &mut Moves) {
        let Some(permission) = self.open.answered(&request) else {
            moves.stale(request);
            return;
        };
        let kinds: &[&str] = match decision {
            Decision::Allow => &["allow_once"],
            Decision::AllowForThread => &["allow_always", "allow_once"],
            Decision::Deny => &["reject_once", "reject_always"],
            Decision::Cancel => &[],
        };
        if let Some(call) = &permission.call {
            match decision {
                Decision::Allow | Decision::AllowForThread => self.open.running(call, moves),
                Decision::Deny | Decision::Cancel => {
                    if let Some(call) = self.calls.get_mut(call) {
                        call.was_denied = true;
                    }
                }
            }
        }
        self.choose(&permission.id, permission.option(kinds), moves);
        if decision == Decision::Cancel {
            self.interrupt(moves);
        }
    }

    fn interrupt(&mut self, moves: &mut Moves) {
        if !self.open.interrupt() {
            return;
        }
        let params = json!({"sessionId": self.session});
        self.rpc.notify("session/cancel", Some(params), moves);
        // The protocol wants an answer to each of them.
        for request in self.open.requests() {
            if let Some(permission) = self.open.about(&request) {
                let id = permission.id.clone();
                self.choose(&id, None, moves);
                self.open
                    .request_closed(&request, "the turn was interrupted", moves);
            }
        }
    }
}

impl Codec for Acp {
    fn capabilities(&self) -> Capabilities {
        self.can.clone()
    }

    fn outgoing(&mut self, command: Command) -> Moves {
        let mut moves = Moves::default();
        match command {
            Command::Start => {
                if self.open.stage() == Stage::New {
                    self.open.set_up();
                    let version = &self.settings.version;
                    let params = json!({
                        "protocolVersion": 1,
                        "clientCapabilities": {
                            "fs": {"readTextFile": false, "writeTextFile": false},
                            "terminal": false,
                        },
                        "clientInfo": {"name": "outlive", "title": "Outlive", "version": version},
                    });
                    self.rpc
                        .call("initialize", &params, Ask::Initialize, &mut moves);
                }
            }
            Command::Prompt(said) => {
                if self.open.prompt(said.input, &mut moves) {
                    let params = self.prompt(&said);
                    self.prompted = Some(said.input);
                    self.rpc.call(
                        "session/prompt",
                        &params,
                        Ask::Prompt(said.input),
                        &mut moves,
                    );
                }
            }
            Command::Steer(said) => {
                if self.can.steer == Steer::No {
                    moves.returned(said.input, "the agent cannot be steered");
                } else if self.open.offer(said.input, &mut moves) {
                    let mut params = self.prompt(&said);
                    // Where no turn is under way any more, it must not begin one.
                    params["_meta"] = json!({"steering": {"idleBehavior": "promptRequired"}});
                    let about = Ask::Steer(said.input);
                    self.rpc
                        .call("_session/steering", &params, about, &mut moves);
                }
            }
            Command::FollowUp(said) => {
                moves.returned(said.input, "the agent has no queue for it");
            }
            Command::Interrupt => self.interrupt(&mut moves),
            Command::Approve {
                request, decision, ..
            } => self.approve(request, decision, &mut moves),
            Command::Answer { request, .. } => moves.stale(request),
            Command::Ask | Command::Shutdown => {}
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
        self.close_speech(&mut moves);
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
