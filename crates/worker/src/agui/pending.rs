//! What an AG-UI agent waits for, as requests of ours, and the answers as it wants them. Pure.
//!
//! An interrupt says in words and in a schema what it wants. A yes or no is an approval, anything else are questions: one
//! for each member of an object, else one.

use run::event::{ApprovalRequested, Decision, Question, QuestionAsked};
use run::snapshot::{Request, Resolution, Snapshot};
use run::{CallId, Event, MAX_QUESTIONS, MAX_SHORT_ID_BYTES, RequestId, Timestamp, bounded_text};
use serde_json::{Map, Value, json};

use crate::limits::TITLE_CHARS;

/// How an answer is to be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `{approved, reason?}`, as the protocol recommends.
    Approved,
    /// The same with our own word.
    Decision,
    /// `true` or `false`.
    Boolean,
    /// The members of an object.
    Members,
    /// One value.
    Value,
}

impl Form {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Approved, "approved"),
        (Self::Decision, "decision"),
        (Self::Boolean, "boolean"),
        (Self::Members, "members"),
        (Self::Value, "value"),
    ];

    fn word(self) -> &'static str {
        let mut all = Self::ALL.into_iter();
        all.find(|(form, _)| *form == self)
            .map_or("value", |(_, word)| word)
    }

    fn parse(word: &str) -> Self {
        let mut all = Self::ALL.into_iter();
        all.find(|(_, known)| *known == word)
            .map_or(Self::Value, |(form, _)| form)
    }
}

/// An interrupt that became a request: what is needed to answer it, small enough to be kept with the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    request: RequestId,
    /// The agent's id of it.
    interrupt: String,
    form: Form,
    /// The agent's id of the call that it is about.
    pub(super) call: Option<String>,
}

impl Asked {
    pub(super) fn print(&self) -> Value {
        json!({
            "request": self.request, "id": self.interrupt, "form": self.form.word(), "call": self.call,
        })
    }

    pub(super) fn read(value: &Value) -> Option<Self> {
        Some(Self {
            request: RequestId::parse(value["request"].as_str()?).ok()?,
            interrupt: value["id"].as_str()?.to_owned(),
            form: Form::parse(value["form"].as_str().unwrap_or_default()),
            call: value["call"].as_str().map(str::to_owned),
        })
    }

    /// The entry of `resume` that answers it.
    pub(super) fn entry(&self, snapshot: &Snapshot) -> Value {
        let mut requests = snapshot.requests.iter();
        let request = requests.find(|request| request.request == self.request);
        let resolution = request.and_then(|request| request.resolution.as_ref());
        match resolution.and_then(|resolution| self.payload(request, resolution)) {
            Some(payload) => {
                json!({ "interruptId": self.interrupt, "status": "resolved", "payload": payload })
            }
            None => json!({ "interruptId": self.interrupt, "status": "cancelled" }),
        }
    }

    /// Nothing for an answer that says nothing.
    fn payload(&self, request: Option<&Request>, resolution: &Resolution) -> Option<Value> {
        match resolution {
            Resolution::Decided { decision, note, .. } => {
                let approved = match decision {
                    Decision::Allow | Decision::AllowForThread => true,
                    Decision::Deny => false,
                    Decision::Cancel => return None,
                };
                if self.form == Form::Boolean {
                    return Some(approved.into());
                }
                let mut payload = json!({ "approved": approved });
                if self.form == Form::Decision {
                    payload["decision"] = json!(decision);
                }
                if let Some(note) = note {
                    payload["reason"] = note.clone().into();
                }
                Some(payload)
            }
            Resolution::Answered { value, .. } => match self.form {
                Form::Members => Some(typed_members(value, request)),
                Form::Value => Some(value[ANSWER].clone()),
                Form::Approved | Form::Decision | Form::Boolean => Some(value.clone()),
            },
            Resolution::Expired { .. } => None,
        }
    }
}

/// The key of an answer that is one value.
const ANSWER: &str = "answer";

/// What a person types is text; what it stands for is what JSON reads in it, unless the choices are text.
fn typed_members(value: &Value, request: Option<&Request>) -> Value {
    let is_choice = |id: &str| {
        let asks = request.map(|request| &request.asks);
        matches!(asks, Some(run::snapshot::Asked::Question { questions })
            if questions.iter().any(|question| question.id == id && !question.options.is_empty()))
    };
    let members = value.as_object().into_iter().flatten();
    let members = members.map(|(name, answer)| {
        let typed = match answer {
            Value::String(text) if !is_choice(name) => match serde_json::from_str(text) {
                Ok(plain @ (Value::Bool(_) | Value::Number(_))) => plain,
                Ok(_) | Err(_) => answer.clone(),
            },
            other => other.clone(),
        };
        (name.clone(), typed)
    });
    Value::Object(members.collect())
}

/// What the log knows of the call that an interrupt is about.
pub(super) struct About<'a> {
    /// The call of ours.
    pub(super) call: Option<CallId>,
    /// Its tool.
    pub(super) tool: Option<&'a str>,
}

/// The request that an interrupt becomes.
pub(super) fn request(request: RequestId, interrupt: &Value, about: About<'_>) -> (Asked, Event) {
    let schema = &interrupt["responseSchema"];
    let text = |name: &str| {
        let text = interrupt[name].as_str().map(str::trim);
        text.filter(|text| !text.is_empty())
    };
    let title = text("message").or(text("reason")).or(about.tool);
    let title = bounded_title(title.unwrap_or("The agent asks for an answer"));
    let expires_at = text("expiresAt").and_then(Timestamp::parse);
    let form = form(interrupt, schema);
    let asked = Asked {
        request: request.clone(),
        interrupt: text("id").unwrap_or_default().to_owned(),
        form,
        call: text("toolCallId").map(str::to_owned),
    };
    let event = match form {
        Form::Approved | Form::Decision | Form::Boolean => ApprovalRequested {
            request,
            kind: "agent".to_owned(),
            title,
            detail: json!({ "interrupt": interrupt, "tool": about.tool }),
            options: vec![Decision::Allow, Decision::Deny, Decision::Cancel],
            call: about.call,
            grants: None,
            expires_at,
        }
        .into(),
        Form::Members | Form::Value => QuestionAsked {
            request,
            questions: questions(form, &title, schema),
            call: about.call,
            expires_at,
        }
        .into(),
    };
    (asked, event)
}

fn bounded_title(text: &str) -> String {
    let mut title: String = text.chars().take(TITLE_CHARS).collect();
    if title.len() < text.len() {
        title.push('…');
    }
    title
}

fn form(interrupt: &Value, schema: &Value) -> Form {
    let members = schema["properties"].as_object();
    if let Some(members) = members.filter(|members| !members.is_empty()) {
        if members.contains_key("approved") {
            return if members.contains_key("decision") {
                Form::Decision
            } else {
                Form::Approved
            };
        }
        let fits = members.len() <= MAX_QUESTIONS
            && members.keys().all(|name| name.len() <= MAX_SHORT_ID_BYTES);
        return if fits { Form::Members } else { Form::Value };
    }
    if schema["type"] == "boolean" {
        return Form::Boolean;
    }
    let reason = interrupt["reason"].as_str().unwrap_or_default();
    let reason = reason.to_ascii_lowercase();
    let wants_a_yes = ["approv", "confirm", "tool_call", "permission"]
        .iter()
        .any(|word| reason.contains(word));
    if schema.is_null() && (wants_a_yes || interrupt["toolCallId"].is_string()) {
        return Form::Approved;
    }
    Form::Value
}

fn questions(form: Form, title: &str, schema: &Value) -> Vec<Question> {
    let of = |id: &str, text: &str, schema: &Value| {
        let multiple = schema["type"] == "array";
        let choices = if multiple { &schema["items"] } else { schema };
        let options = choices["enum"].as_array().into_iter().flatten();
        Question {
            id: id.to_owned(),
            text: text.to_owned(),
            options: options
                .filter_map(|option| option.as_str().map(str::to_owned))
                .collect(),
            multiple,
        }
    };
    let empty = Map::new();
    let members = schema["properties"].as_object().unwrap_or(&empty);
    match form {
        Form::Members => members
            .iter()
            .map(|(name, member)| {
                let text = member["title"].as_str().or(member["description"].as_str());
                let text = match (text, members.len()) {
                    (Some(text), 1) if text != title => format!("{title}\n{text}"),
                    (Some(text), _) => text.to_owned(),
                    (None, 1) => title.to_owned(),
                    (None, _) => format!("{title} — {name}"),
                };
                of(name, &bounded_text(text, run::MAX_WHY_BYTES), member)
            })
            .collect(),
        Form::Value | Form::Approved | Form::Decision | Form::Boolean => {
            vec![of(ANSWER, title, schema)]
        }
    }
}

#[cfg(test)]
#[path = "pending_tests.rs"]
mod tests;
