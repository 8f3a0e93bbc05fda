//! What claude asks.

use serde_json::{Value, json};

use super::speaking::{Claude, Wish, respond};
use crate::codec::json::{line, list, owned, set, text};
use crate::codec::{Decision, Event, Moves, Question, tool_name};

impl Claude {
    /// What names one asking alone in what it asks.
    pub(crate) const OF_ONE_ASKING: &[&str] = &["tool_use_id"];

    pub(super) fn requested(&mut self, mut frame: Value, bytes: &[u8], moves: &mut Moves) {
        let request = owned(&frame, "/request_id");
        match text(&frame, "/request/subtype").unwrap_or_default() {
            "can_use_tool" => {
                let asked = frame.get_mut("request").map(Value::take);
                let asked = asked.unwrap_or_default();
                if text(&asked, "/tool_name") == Some("AskUserQuestion") {
                    self.asks(&request, &asked, moves);
                } else {
                    self.wishes(&request, asked, moves);
                }
            }
            other => {
                let error = format!("this client has no {other}");
                let response = json!({"subtype": "error", "request_id": request, "error": error});
                moves.send(&json!({"type": "control_response", "response": response}));
                self.odd.unknown(other, bytes, moves);
            }
        }
    }

    fn wishes(&mut self, request: &str, asked: Value, moves: &mut Moves) {
        let name = owned(&asked, "/tool_name");
        let call = text(&asked, "/tool_use_id").map(str::to_owned);
        let input = asked["input"].clone();
        if let Some(call) = &call
            && self.open.has_call(call)
        {
            self.open.called(call, &input, moves);
        }
        let title = tool_name::title(&input);
        let title = match title.or_else(|| text(&asked, "/description").map(line)) {
            Some(title) => format!("{name}: {title}"),
            None => name.clone(),
        };
        let rules = rules(&asked);
        let for_thread = rules.as_array().is_some_and(|rules| !rules.is_empty());
        let options = [
            Some(Decision::Allow),
            for_thread.then_some(Decision::AllowForThread),
            Some(Decision::Deny),
            Some(Decision::Cancel),
        ];
        let event = Event::ApprovalRequested {
            request: request.to_owned(),
            kind: tool_name::kind(&name),
            title,
            detail: asked,
            options: options.into_iter().flatten().collect(),
            call: call.clone(),
        };
        let wish = Wish::Permission { call, input, rules };
        self.ask(request, wish, event, moves);
    }

    fn asks(&mut self, request: &str, asked: &Value, moves: &mut Moves) {
        let questions = list(asked, "/input/questions").iter().map(|question| {
            let options = list(question, "/options").iter();
            Question {
                // It finds the answers by the question's own words.
                id: owned(question, "/question"),
                text: owned(question, "/question"),
                options: options.map(|option| owned(option, "/label")).collect(),
                multiple: question["multiSelect"] == true,
            }
        });
        let event = Event::QuestionAsked {
            request: request.to_owned(),
            questions: questions.collect(),
            call: text(asked, "/tool_use_id").map(str::to_owned),
        };
        let input = asked["input"].clone();
        self.ask(request, Wish::Answers { input }, event, moves);
    }

    fn ask(&mut self, request: &str, wish: Wish, event: Event, moves: &mut Moves) {
        if !self.open.request(request, wish, event, moves) {
            let answer = json!({"behavior": "deny", "message": "Too much is asked at once."});
            respond(request, &answer, moves);
        }
    }
}

/// The rules it suggests, for this session only: what it would write into settings of the user is not a run's to
/// change. A change of its mode would allow more than this and its like.
fn rules(asked: &Value) -> Value {
    let rules = list(asked, "/permission_suggestions").iter();
    let rules = rules.filter(|rule| text(rule, "/type") != Some("setMode"));
    let rules = rules.map(|rule| {
        let mut rule = rule.clone();
        set(&mut rule, "destination", "session".into());
        rule
    });
    rules.collect()
}
