//! What claude says, by kind of frame.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

use super::speaking::{Ask, Claude};
use crate::codec::json::{owned, text};
use crate::codec::{Event, Failure, FailureCode, Level, Moves};

#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow)]
    r#type: Cow<'a, str>,
}

impl Claude {
    pub(super) fn read(&mut self, frame: &[u8], moves: &mut Moves) {
        let Ok(Kind { r#type: kind }) = serde_json::from_slice(frame) else {
            self.odd.nonsense(frame, moves);
            return;
        };
        match &*kind {
            "stream_event"
            | "assistant"
            | "user"
            | "system"
            | "result"
            | "control_request"
            | "control_response"
            | "control_cancel_request" => {}
            "keep_alive" | "rate_limit_event" | "tool_progress" | "tool_use_summary"
            | "auth_status" | "prompt_suggestion" | "streamlined_text" | "transcript_mirror" => {
                return self.odd.aside(frame, moves);
            }
            _ => return self.odd.unknown(&kind, frame, moves),
        }
        let Ok(read) = serde_json::from_slice::<Value>(frame) else {
            self.odd.nonsense(frame, moves);
            return;
        };
        // What an agent of its own says; the task it is says enough.
        if text(&read, "/parent_tool_use_id").is_some() {
            self.odd.aside(frame, moves);
            return;
        }
        match &*kind {
            "stream_event" => self.streamed(&read, frame, moves),
            "assistant" => self.said(&read, frame, moves),
            "user" => self.heard(&read, frame, moves),
            "system" => self.system(&read, frame, moves),
            "result" => self.result(&read, moves),
            "control_request" => self.requested(read, frame, moves),
            "control_response" => self.answered(&read["response"], moves),
            "control_cancel_request" => {
                let why = "the agent does not wait for it any more";
                let request = owned(&read, "/request_id");
                self.open.request_closed(&request, why, moves);
            }
            _ => {}
        }
    }

    fn answered(&mut self, response: &Value, moves: &mut Moves) {
        let id = text(response, "/request_id").unwrap_or_default();
        let error = text(response, "/error");
        match (self.asked.remove(id), error) {
            (Some(Ask::Initialize), None) => self.open.ready(moves),
            (Some(Ask::Initialize), Some(error)) => {
                let failure = Failure::new(FailureCode::SetupFailed, error);
                self.open.broken(Event::SetupFailed { failure }, moves);
            }
            (Some(Ask::Interrupt), Some(error)) => {
                let text = format!("the agent did not take the interrupt: {error}");
                moves.notice(Level::Warning, "not_interrupted", text);
            }
            // Any answer is one.
            (Some(Ask::Alive), _) => {
                let state = "answering".to_owned();
                moves.say(Event::Alive { state });
            }
            (Some(Ask::Interrupt), None) | (None, _) => {}
        }
    }
}
