//! What claude says about itself.

use serde_json::Value;

use super::speaking::Claude;
use crate::codec::json::{line, number, owned, shown, text};
use crate::codec::{Event, Level, Moves, TaskStatus};

impl Claude {
    pub(super) fn system(&mut self, frame: &Value, bytes: &[u8], moves: &mut Moves) {
        match text(frame, "/subtype").unwrap_or_default() {
            "init" => self.session_is(frame, moves),
            "api_retry" => {
                let error = text(frame, "/error").unwrap_or("the model did not answer");
                let why = match number(frame, "/error_status") {
                    Some(status) => format!("{error} ({status})"),
                    None => error.to_owned(),
                };
                self.message_cut(&why, moves);
                let delay_ms = number(frame, "/retry_delay_ms");
                moves.say(Event::Retry { delay_ms, why });
            }
            "compact_boundary" => moves.say(Event::Compacted {
                before_tokens: number(frame, "/compact_metadata/pre_tokens"),
                after_tokens: number(frame, "/compact_metadata/post_tokens"),
                summary: None,
            }),
            "task_started" => {
                let kind = text(frame, "/task_type").unwrap_or("task");
                let title = line(&owned(frame, "/description"));
                let task = owned(frame, "/task_id");
                self.open.task(&task, kind, &title, moves);
            }
            "task_progress" => {
                let summary = text(frame, "/summary").or(text(frame, "/description"));
                let task = owned(frame, "/task_id");
                let summary = summary.map(str::to_owned);
                self.open.task_progress(&task, summary, moves);
            }
            "task_notification" => {
                let status = match text(frame, "/status") {
                    Some("completed") => TaskStatus::Completed,
                    Some("stopped" | "killed") => TaskStatus::Interrupted,
                    Some(_) | None => TaskStatus::Failed,
                };
                let summary = text(frame, "/summary").map(str::to_owned);
                let task = owned(frame, "/task_id");
                self.open.task_completed(&task, status, summary, moves);
            }
            "model_fallback" | "informational" | "notification" => {
                let words = text(frame, "/message").or(text(frame, "/text"));
                if let Some(words) = words.or(text(frame, "/content")) {
                    moves.notice(Level::Info, "agent_says", shown(words));
                }
            }
            // `task_updated` is said again, in more words, by `task_notification`.
            "status"
            | "thinking_tokens"
            | "task_updated"
            | "hook_started"
            | "hook_progress"
            | "hook_response"
            | "files_persisted"
            | "local_command_output"
            | "elicitation_complete"
            | "session_state_changed" => self.odd.aside(bytes, moves),
            other => {
                let kind = format!("system {other}");
                self.odd.unknown(&kind, bytes, moves);
            }
        }
    }

    fn session_is(&mut self, frame: &Value, moves: &mut Moves) {
        self.has_begun = true;
        let Some(session) = text(frame, "/session_id") else {
            return;
        };
        if self.session.as_deref() != Some(session) {
            self.session = Some(session.to_owned());
            moves.say(Event::SessionStarted {
                native_id: session.to_owned(),
                model: text(frame, "/model").map(str::to_owned),
            });
            // A reopened session may go on under another id, which is stored with its first answer.
            self.is_resumable = self.settings.resume.as_deref() == Some(session);
            if self.is_resumable {
                let reference = session.to_owned();
                moves.say(Event::SessionResumable { reference });
            }
        }
    }
}
