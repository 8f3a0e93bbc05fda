//! The tool calls of an answer while it comes. Pure.

use run::event::{ToolArgsDelta, ToolCalled, ToolKind, ToolStarted};
use run::{CallId, Event, MAX_NAME_BYTES, MessageId, bounded_text};
use serde_json::{Value, json};

use crate::limits::CALL_ARGS_BYTES;
use crate::toolbox::{Known, Toolbox};

/// The calls of one answer, by the vendor's count from 0.
#[derive(Debug, Default)]
pub(crate) struct AskedCalls {
    n_before: u32,
    calls: Vec<AskedCall>,
}

#[derive(Debug)]
struct AskedCall {
    call: CallId,
    started: ToolStarted,
    args: Args,
    vendor: Option<Value>,
}

/// The arguments as far as they came.
#[derive(Debug)]
enum Args {
    Fit(String),
    TooLong,
}

impl AskedCalls {
    /// Of a run that has had so many calls.
    pub(crate) fn behind(n_before: u32) -> Self {
        Self {
            n_before,
            calls: Vec::new(),
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> u32 {
        u32::try_from(self.calls.len()).unwrap_or(u32::MAX)
    }

    /// Their ids.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &CallId> {
        self.calls.iter().map(|call| &call.call)
    }

    /// A call begins; `index` counts without gaps.
    pub(crate) fn start(
        &mut self,
        index: usize,
        name: &str,
        message: &MessageId,
        tools: &Toolbox,
    ) -> Event {
        debug_assert_eq!(index, self.calls.len(), "the provider counts without gaps");
        let call = CallId::nth(self.n_before + self.len() + 1);
        let known = tools.get(name);
        let started = ToolStarted {
            call: call.clone(),
            name: bounded_text(name.to_owned(), MAX_NAME_BYTES),
            kind: known.map_or(ToolKind::Other, Known::kind),
            title: known.and_then(|known| known.title.clone()),
            message: Some(message.clone()),
            idempotent: tools.terms(name).idempotent,
        };
        self.calls.push(AskedCall {
            call,
            started: started.clone(),
            args: Args::Fit(String::new()),
            vendor: None,
        });
        started.into()
    }

    /// How they began.
    pub(crate) fn started(&self) -> impl Iterator<Item = Event> {
        self.calls.iter().map(|call| call.started.clone().into())
    }

    /// More of a call's arguments.
    pub(crate) fn add(&mut self, index: usize, text: String) -> Vec<Event> {
        let Some(asked) = self.calls.get_mut(index) else {
            return Vec::new();
        };
        // Longer arguments are refused at the end, whole.
        match &mut asked.args {
            Args::Fit(args) if args.len() + text.len() <= CALL_ARGS_BYTES => args.push_str(&text),
            Args::Fit(_) | Args::TooLong => {
                asked.args = Args::TooLong;
                return Vec::new();
            }
        }
        let call = asked.call.clone();
        vec![ToolArgsDelta { call, text }.into()]
    }

    /// What the vendor wants back with a call.
    pub(crate) fn keep_data(&mut self, index: usize, data: Value) {
        if let Some(asked) = self.calls.get_mut(index) {
            asked.vendor = Some(data);
        }
    }

    /// The answer is complete, and with it all arguments.
    pub(crate) fn called(self) -> Vec<Event> {
        let called = self.calls.into_iter().map(|asked| {
            ToolCalled {
                args: fitting(&asked.args),
                call: asked.call,
                vendor: asked.vendor,
            }
            .into()
        });
        called.collect()
    }
}

/// The key under which arguments stand that are no JSON object. The call of it fails with a word to the model.
pub(crate) const UNREADABLE: &str = "_unreadable";

fn fitting(args: &Args) -> Value {
    match args {
        Args::Fit(text) => arguments(text),
        Args::TooLong => too_long(),
    }
}

fn too_long() -> Value {
    json!({ UNREADABLE: format!("more than {CALL_ARGS_BYTES} bytes") })
}

/// What a call is made with, of the text that it was told in.
pub(crate) fn arguments(text: &str) -> Value {
    if text.trim().is_empty() {
        return json!({});
    }
    let args = match serde_json::from_str(text) {
        Ok(args @ Value::Object(_)) if run::is_shallow(&args) => args,
        Ok(_) | Err(_) => json!({ UNREADABLE: text }),
    };
    // Printed, some characters take more room than the vendor gave them.
    if args.to_string().len() > CALL_ARGS_BYTES {
        return too_long();
    }
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pieces: &[&str], expected: &Value) {
        let tools = Toolbox::default();
        let mut calls = AskedCalls::behind(3);
        let started = calls.start(0, "look", &MessageId::nth(1), &tools);
        assert!(matches!(started, Event::ToolStarted(started) if started.call == CallId::nth(4)));
        let mut told = String::new();
        for piece in pieces {
            for event in calls.add(0, (*piece).to_owned()) {
                let Event::ToolArgsDelta(delta) = event else {
                    panic!("{event:?}")
                };
                told.push_str(&delta.text);
            }
        }
        let called = calls.called();
        let [Event::ToolCalled(called)] = &called[..] else {
            panic!("{called:?}")
        };
        assert_eq!(called.args, *expected);
        if pieces.concat().len() <= CALL_ARGS_BYTES {
            assert_eq!(told, pieces.concat());
        }
    }

    #[test]
    fn arguments_come_in_pieces_and_are_an_object() {
        check(&["{\"a\":", "[1]}"], &json!({"a": [1]}));
        check(&[], &json!({}));
        check(&["  "], &json!({}));
    }

    #[test]
    fn what_is_no_object_is_kept_as_it_was_said() {
        check(&["{\"a\":"], &json!({UNREADABLE: "{\"a\":"}));
        check(&["[1]"], &json!({UNREADABLE: "[1]"}));
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(101), "]".repeat(101));
        check(&[&deep], &json!({ UNREADABLE: deep }));
    }

    #[test]
    fn long_arguments_are_not_kept() {
        let long = "x".repeat(CALL_ARGS_BYTES);
        let text = format!("more than {CALL_ARGS_BYTES} bytes");
        check(&["{\"a\":\"", &long, "\"}"], &json!({ UNREADABLE: text }));
        // Not even where the one character that is too much could be left out and nobody would see it.
        let nearly = "x".repeat(CALL_ARGS_BYTES - "{\"a\":\"\"}".len());
        check(
            &["{\"a\":\"", &nearly, "…", "\"}"],
            &json!({ UNREADABLE: text }),
        );
        check(&["{\"a\":\"", &nearly, "\"}"], &json!({ "a": nearly }));
    }
}
