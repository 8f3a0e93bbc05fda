//! Getting an agent of the Agent Client Protocol ready: handshake, session, settings.

use serde_json::{Value, json};

use super::speaking::{Acp, Ask};
use crate::codec::json::{list, owned, text};
use crate::codec::rpc::Fault;
use crate::codec::{Can, Event, Failure, FailureCode, Level, Moves, Steer};

impl Acp {
    pub(super) fn initialized(&mut self, result: &Value, moves: &mut Moves) {
        if result["protocolVersion"] != 1 {
            let text = format!(
                "the agent speaks version {} of the protocol, not 1",
                result["protocolVersion"]
            );
            self.no_setup(&text, moves);
            return;
        }
        let can = &result["agentCapabilities"];
        self.can.images = (can["promptCapabilities"]["image"] == true).into();
        if result["_meta"]["steering"]["supported"] == true {
            self.can.steer = Steer::InTurn;
        }
        // Without a replay of all that was said, where there is a choice.
        self.reopen = if can["sessionCapabilities"]["resume"].is_object() {
            Some("session/resume")
        } else if can["loadSession"] == true {
            Some("session/load")
        } else {
            None
        };
        self.can.resume = self.reopen.is_some().into();
        let mut params = json!({"cwd": self.settings.cwd, "mcpServers": []});
        let method = match (&self.settings.resume, self.reopen) {
            (None, _) => "session/new",
            (Some(session), Some(method)) => {
                params["sessionId"] = session.as_str().into();
                method
            }
            (Some(_), None) => {
                let why = "the agent cannot reopen a session".to_owned();
                self.open.broken(Event::SessionGone { why }, moves);
                return;
            }
        };
        self.rpc.call(method, &params, Ask::Session, moves);
    }

    pub(super) fn no_setup(&mut self, why: &str, moves: &mut Moves) {
        let failure = Failure::new(FailureCode::SetupFailed, why);
        self.open.broken(Event::SetupFailed { failure }, moves);
    }

    pub(super) fn session_opened(&mut self, outcome: Result<Value, Fault>, moves: &mut Moves) {
        let result = match outcome {
            Ok(result) => result,
            Err(fault) if self.settings.resume.is_some() => {
                let why = fault.message;
                self.open.broken(Event::SessionGone { why }, moves);
                return;
            }
            Err(fault) => {
                self.no_setup(&fault.message, moves);
                return;
            }
        };
        let session = text(&result, "/sessionId").or(self.settings.resume.as_deref());
        let Some(session) = session.map(str::to_owned) else {
            self.no_setup("the agent's session has no id", moves);
            return;
        };
        self.session = Some(session.clone());
        let model = option(&result, "model").and_then(|option| text(option, "/currentValue"));
        moves.say(Event::SessionStarted {
            native_id: session,
            model: model.map(str::to_owned),
        });
        if self.settings.resume.is_some() {
            self.resumable(moves);
        }
        self.send_settings(&result, moves);
        self.set_up_done(moves);
    }

    /// What the agent stored, it can reopen, if it can do that at all.
    pub(super) fn resumable(&mut self, moves: &mut Moves) {
        if self.can.resume == Can::Yes
            && let Some(session) = &self.session
            && !std::mem::replace(&mut self.is_resumable, true)
        {
            let reference = session.clone();
            moves.say(Event::SessionResumable { reference });
        }
    }

    /// Mode, model and effort, where the session has a setting for them.
    fn send_settings(&mut self, session: &Value, moves: &mut Moves) {
        let wanted = self.settings.clone();
        if let Some(mode) = &wanted.mode {
            let known_modes = list(session, "/modes/availableModes");
            if known_modes.iter().any(|known| known["id"] == mode.as_str()) {
                let params = json!({"sessionId": self.session, "modeId": mode});
                self.set("session/set_mode", "mode", &params, moves);
            } else {
                let text = format!("the agent has no mode {mode}");
                moves.notice(Level::Warning, "setting_unknown", text);
            }
        }
        let others = [
            ("model", "model", &wanted.model),
            ("effort", "thought_level", &wanted.effort),
        ];
        for (name, category, value) in others {
            let Some(value) = value else {
                continue;
            };
            if let Some(option) = option(session, category) {
                let params = json!({
                    "sessionId": self.session,
                    "configId": owned(option, "/id"),
                    "value": value,
                });
                self.set("session/set_config_option", name, &params, moves);
            } else {
                let text = format!("the agent has no setting for its {name}");
                moves.notice(Level::Warning, "setting_unknown", text);
            }
        }
    }

    fn set(&mut self, method: &str, name: &'static str, params: &Value, moves: &mut Moves) {
        self.n_settings += 1;
        self.rpc.call(method, params, Ask::Setting(name), moves);
    }

    pub(super) fn set_was(&mut self, name: &str, outcome: Result<Value, Fault>, moves: &mut Moves) {
        if let Err(fault) = outcome {
            let text = format!("the agent did not take its {name}: {}", fault.message);
            moves.notice(Level::Warning, "setting_refused", text);
        }
        self.n_settings = self.n_settings.saturating_sub(1);
        self.set_up_done(moves);
    }

    fn set_up_done(&mut self, moves: &mut Moves) {
        if self.n_settings == 0 {
            self.open.ready(moves);
        }
    }
}

/// The setting of a session of this category.
fn option<'a>(session: &'a Value, category: &str) -> Option<&'a Value> {
    let mut options = list(session, "/configOptions").iter();
    options.find(|option| option["category"] == category || option["id"] == category)
}
