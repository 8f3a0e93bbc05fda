//! The other direction: what an AG-UI agent of another program says. Frameworks differ, so this is lenient: members of
//! earlier versions are understood, a missing one is made up where that can be, and what is not known is kept as it is.

use run::Usage;
use serde_json::Value;

/// Something that an agent says.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// Its run has begun.
    RunStarted,
    /// Its run is over, and did not fail.
    RunFinished(Finish),
    /// Its run has failed.
    RunError {
        /// Its words.
        message: String,
        /// Its code.
        code: Option<String>,
        /// What it consumed.
        usage: Usage,
    },
    /// A text begins.
    TextStart {
        /// The message.
        id: String,
        /// Whether the agent says it itself, and does not repeat what it was told.
        is_own: bool,
    },
    /// More of it.
    Text {
        /// The message.
        id: String,
        /// The text to add.
        delta: String,
    },
    /// It is over.
    TextEnd {
        /// The message.
        id: String,
    },
    /// Text of a message that begins and ends by itself: with another id, or with anything else.
    TextChunk {
        /// The message; the one before if missing.
        id: Option<String>,
        /// Whether the agent says it itself.
        is_own: bool,
        /// The text to add.
        delta: String,
    },
    /// A thought begins.
    ThoughtStart {
        /// The message.
        id: String,
    },
    /// More of it.
    Thought {
        /// The message.
        id: String,
        /// The text to add.
        delta: String,
    },
    /// It is over.
    ThoughtEnd {
        /// The message.
        id: String,
    },
    /// A piece of a thought that begins and ends by itself.
    ThoughtChunk {
        /// The message; the one before if missing.
        id: Option<String>,
        /// The text to add.
        delta: String,
    },
    /// What the vendor of a model wants back with a message or call.
    Encrypted {
        /// The message or call.
        id: String,
        /// It.
        value: String,
    },
    /// A call begins.
    CallStart {
        /// The call.
        id: String,
        /// The tool.
        name: String,
        /// The message that asks for it.
        parent: Option<String>,
    },
    /// More of its arguments' JSON.
    Args {
        /// The call.
        id: String,
        /// The text to add.
        delta: String,
    },
    /// Its arguments are complete.
    CallEnd {
        /// The call.
        id: String,
    },
    /// A piece of a call that begins and ends by itself.
    CallChunk {
        /// The call; the one before if missing.
        id: Option<String>,
        /// The tool, with the first piece.
        name: Option<String>,
        /// The message that asks for it.
        parent: Option<String>,
        /// The text to add.
        delta: String,
    },
    /// What came of a call.
    CallResult {
        /// The call.
        id: String,
        /// As text.
        content: String,
    },
    /// The whole state.
    State(Value),
    /// A change of it.
    StateDelta(Vec<Value>),
    /// The conversation as the agent has it.
    Messages(Vec<Value>),
    /// Something beside the conversation, as it came.
    Activity(Value),
    /// A named step begins or ends.
    Step {
        /// Its name.
        name: String,
        /// Whether it ends.
        is_over: bool,
    },
    /// An event of the agent's own.
    Custom {
        /// Its name.
        name: String,
        /// Its value.
        value: Value,
    },
    /// An event of something behind the agent.
    Raw(Value),
    /// The beginning or end of a span, which says nothing that its content does not.
    Bracket,
    /// What this version does not know, as it came.
    Unknown(Value),
}

/// How a run of the protocol ended.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Finish {
    /// What it waits for; nothing if it is done.
    pub interrupts: Vec<Value>,
    /// Whether it was stopped.
    pub is_cancelled: bool,
    /// What it gives.
    pub result: Value,
    /// What it consumed.
    pub usage: Usage,
}

/// Reads one event.
pub fn decode(event: Value) -> Heard {
    match read(&event) {
        Some(heard) => heard,
        None => Heard::Unknown(event),
    }
}

fn read(event: &Value) -> Option<Heard> {
    let text = |name: &str| event[name].as_str().map(str::to_owned);
    let message = || text("messageId");
    let call = || text("toolCallId");
    let delta = || text("delta").unwrap_or_default();
    let is_own = || matches!(event["role"].as_str(), None | Some("assistant"));
    // Before 1.0 there was one thought at a time, without an id.
    let thought = || message().unwrap_or_else(|| "thought".to_owned());
    Some(match event["type"].as_str()? {
        "RUN_STARTED" => Heard::RunStarted,
        "RUN_FINISHED" => Heard::RunFinished(finish(event)),
        "RUN_ERROR" => Heard::RunError {
            message: text("message").unwrap_or_else(|| "the agent gave no reason".to_owned()),
            code: text("code").filter(|code| !code.is_empty()),
            usage: usage(event),
        },
        "TEXT_MESSAGE_START" => Heard::TextStart {
            id: message()?,
            is_own: is_own(),
        },
        "TEXT_MESSAGE_CONTENT" => Heard::Text {
            id: message()?,
            delta: delta(),
        },
        "TEXT_MESSAGE_END" => Heard::TextEnd { id: message()? },
        "TEXT_MESSAGE_CHUNK" => Heard::TextChunk {
            id: message(),
            is_own: is_own(),
            delta: delta(),
        },
        "REASONING_MESSAGE_START" | "THINKING_TEXT_MESSAGE_START" => {
            Heard::ThoughtStart { id: thought() }
        }
        "REASONING_MESSAGE_CONTENT" | "THINKING_TEXT_MESSAGE_CONTENT" => Heard::Thought {
            id: thought(),
            delta: delta(),
        },
        "REASONING_MESSAGE_END" | "THINKING_TEXT_MESSAGE_END" => {
            Heard::ThoughtEnd { id: thought() }
        }
        "REASONING_MESSAGE_CHUNK" => Heard::ThoughtChunk {
            id: message(),
            delta: delta(),
        },
        "REASONING_ENCRYPTED_VALUE" => Heard::Encrypted {
            id: text("entityId")?,
            value: text("encryptedValue")?,
        },
        "TOOL_CALL_START" => Heard::CallStart {
            id: call()?,
            name: text("toolCallName").unwrap_or_else(|| "tool".to_owned()),
            parent: text("parentMessageId"),
        },
        "TOOL_CALL_ARGS" => Heard::Args {
            id: call()?,
            delta: delta(),
        },
        "TOOL_CALL_END" => Heard::CallEnd { id: call()? },
        "TOOL_CALL_CHUNK" => Heard::CallChunk {
            id: call(),
            name: text("toolCallName"),
            parent: text("parentMessageId"),
            delta: delta(),
        },
        "TOOL_CALL_RESULT" => Heard::CallResult {
            id: call()?,
            content: content(&event["content"]),
        },
        "STATE_SNAPSHOT" => Heard::State(event.get("snapshot")?.clone()),
        "STATE_DELTA" => Heard::StateDelta(event["delta"].as_array()?.clone()),
        "MESSAGES_SNAPSHOT" => Heard::Messages(event["messages"].as_array()?.clone()),
        "ACTIVITY_SNAPSHOT" | "ACTIVITY_DELTA" => {
            message()?;
            Heard::Activity(event.clone())
        }
        "STEP_STARTED" => Heard::Step {
            name: text("stepName")?,
            is_over: false,
        },
        "STEP_FINISHED" => Heard::Step {
            name: text("stepName")?,
            is_over: true,
        },
        "CUSTOM" => Heard::Custom {
            name: text("name")?,
            value: event["value"].clone(),
        },
        "RAW" => Heard::Raw(event["event"].clone()),
        "REASONING_START" | "REASONING_END" | "THINKING_START" | "THINKING_END" => Heard::Bracket,
        _ => return None,
    })
}

fn finish(event: &Value) -> Finish {
    let outcome = &event["outcome"];
    let interrupts = match outcome["type"].as_str() {
        Some("interrupt") => outcome["interrupts"].as_array().cloned(),
        Some(_) => None,
        // Before 1.0 the word stood in the event itself, or in the outcome.
        None => event["interrupts"]
            .as_array()
            .cloned()
            .or_else(|| event.get("interrupt").map(|one| vec![one.clone()]))
            .filter(|_| outcome.is_null() || *outcome == "interrupt"),
    };
    let interrupts = interrupts.into_iter().flatten();
    Finish {
        interrupts: interrupts.filter(Value::is_object).collect(),
        is_cancelled: outcome["type"] == "cancelled",
        result: event["result"].clone(),
        usage: usage(event),
    }
}

fn usage(event: &Value) -> Usage {
    let entries = event["usage"].as_array();
    entries
        .into_iter()
        .flatten()
        .fold(Usage::default(), |sum, entry| {
            let n = |name: &str| entry[name].as_u64().unwrap_or(0);
            sum.plus(&Usage {
                input_tokens: n("inputTokens"),
                output_tokens: n("outputTokens"),
                reasoning_tokens: n("reasoningTokens"),
                cached_input_tokens: n("cachedInputTokens"),
                cost_usd: None,
            })
        })
}

/// What a tool gave, or a message says, as text: the texts of its parts, and the others as JSON.
pub fn content(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Array(parts) => {
            let parts = parts.iter().map(|part| match part["text"].as_str() {
                Some(text) => text.to_owned(),
                None => part.to_string(),
            });
            parts.collect()
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(event: Value, expected: &Heard) {
        assert_eq!(decode(event), *expected);
    }

    #[test]
    fn events_of_every_version_are_understood() {
        check(
            json!({"type": "TEXT_MESSAGE_START", "messageId": "m", "role": "assistant", "later": 1}),
            &Heard::TextStart {
                id: "m".into(),
                is_own: true,
            },
        );
        check(
            json!({"type": "TEXT_MESSAGE_CHUNK", "role": "user", "delta": "x"}),
            &Heard::TextChunk {
                id: None,
                is_own: false,
                delta: "x".into(),
            },
        );
        check(
            json!({"type": "THINKING_TEXT_MESSAGE_CONTENT", "delta": "hm"}),
            &Heard::Thought {
                id: "thought".into(),
                delta: "hm".into(),
            },
        );
        check(
            json!({"type": "TOOL_CALL_START", "toolCallId": "c", "toolCallName": "look", "parentMessageId": null}),
            &Heard::CallStart {
                id: "c".into(),
                name: "look".into(),
                parent: None,
            },
        );
        check(
            json!({"type": "TOOL_CALL_RESULT", "messageId": "r", "toolCallId": "c", "content": [{"type": "text", "text": "a"}, {"type": "image"}]}),
            &Heard::CallResult {
                id: "c".into(),
                content: "a{\"type\":\"image\"}".into(),
            },
        );
        check(
            json!({"type": "STATE_SNAPSHOT", "snapshot": null}),
            &Heard::State(Value::Null),
        );
    }

    #[test]
    fn what_is_not_known_is_kept() {
        for odd in [
            json!({"type": "HOLOGRAM", "a": 1}),
            json!({"type": "TEXT_MESSAGE_START"}),
            json!({"no": "type"}),
            json!([1]),
            json!("x"),
        ] {
            check(odd.clone(), &Heard::Unknown(odd));
        }
    }

    #[track_caller]
    fn check_finish(members: &Value, n_interrupts: usize, is_cancelled: bool) {
        let mut event = json!({"type": "RUN_FINISHED", "threadId": "t", "runId": "r"});
        let members = members.as_object().unwrap().clone();
        event.as_object_mut().unwrap().extend(members);
        let Heard::RunFinished(finish) = decode(event) else {
            panic!("no end")
        };
        assert_eq!(
            (finish.interrupts.len(), finish.is_cancelled),
            (n_interrupts, is_cancelled)
        );
    }

    #[test]
    fn a_run_ends_well_or_waits_or_was_stopped() {
        check_finish(&json!({}), 0, false);
        check_finish(&json!({"outcome": null}), 0, false);
        check_finish(&json!({"outcome": {"type": "success"}}), 0, false);
        check_finish(&json!({"outcome": {"type": "cancelled"}}), 0, true);
        check_finish(
            &json!({"outcome": {"type": "interrupt", "interrupts": [{"id": "a"}, {"id": "b"}, 7]}}),
            2,
            false,
        );
        check_finish(
            &json!({"outcome": "interrupt", "interrupt": {"id": "a"}}),
            1,
            false,
        );
        check_finish(&json!({"outcome": {"type": "later"}}), 0, false);
    }

    #[test]
    fn what_several_models_consumed_is_added_up() {
        let event = json!({"type": "RUN_ERROR", "message": "no", "usage": [
            {"model": "a", "inputTokens": 3, "outputTokens": 1}, {"model": "b", "inputTokens": 4, "reasoningTokens": 2},
        ]});
        let Heard::RunError { usage, code, .. } = decode(event) else {
            panic!("no error")
        };
        assert_eq!(code, None);
        assert_eq!(
            (
                usage.input_tokens,
                usage.output_tokens,
                usage.reasoning_tokens
            ),
            (7, 1, 2)
        );
    }
}
