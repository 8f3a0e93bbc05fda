//! The bodies that clients send.

use std::collections::BTreeMap;

use run::event::Decision;
use run::{Budget, ClientTool, RunId, ThreadId};
use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::posted::PostedMessage;
use crate::{ConflictRule, Settings};

/// The body of `POST /aisdk/{agent}`: what the default transport sends, and what a page may add in its `body`. Members that
/// are not listed here are the page's own and are passed over.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
pub struct ChatBody {
    /// The chat, which is the thread; an unknown one is created. One of ours if missing.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub id: Option<ThreadId>,
    /// The conversation as the page shows it.
    #[serde(default)]
    #[schema(value_type = Vec<Object>)]
    pub messages: Vec<PostedMessage>,
    /// In place of `messages`: the last one alone, for a page that does not want to send all of them each time.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub message: Option<PostedMessage>,
    /// Why the client asks; `submit-message` if missing.
    #[serde(default)]
    pub trigger: ChatTrigger,
    /// The message that is edited, regenerated or answered.
    #[serde(default, rename = "messageId")]
    pub message_id: Option<String>,
    /// What happens when the chat has a run under way; `reject` if missing. `supersede` replaces that run.
    #[serde(default)]
    pub on_conflict: Option<ConflictRule>,
    /// With `supersede`: the run that is replaced; the current one if missing.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub supersedes: Option<RunId>,
    /// Tools that run in the page: `[{name, description, parameters}]`, or an object by their names.
    #[serde(default, deserialize_with = "tools")]
    #[schema(value_type = Vec<Object>)]
    pub tools: Vec<ClientTool>,
    /// Variables of the agent's prompt templates.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub variables: Map<String, Value>,
    /// What the run overrides of the agent, where the agent lists it as `overridable`.
    #[serde(default)]
    pub settings: Settings,
    /// What the run may consume; narrows the agent's own budget.
    #[serde(default)]
    #[schema(schema_with = crate::schema::budget)]
    pub budget: Option<Budget>,
    /// The JSON Schema that the answer must fit, in place of the agent's.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub output_schema: Option<Value>,
    /// Data of the page's own, kept with the run.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub metadata: Map<String, Value>,
    /// Decisions by approval id, where more is to be said than yes or no: `allow`, `allow_for_thread`, `deny`, `cancel`.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub decisions: BTreeMap<String, Decision>,
}

impl ChatBody {
    /// The conversation, whichever way it came.
    pub fn into_messages(self) -> (Vec<PostedMessage>, Self) {
        let mut rest = self;
        let mut messages = std::mem::take(&mut rest.messages);
        messages.extend(rest.message.take());
        (messages, rest)
    }
}

/// Why a client asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChatTrigger {
    /// A message was written or edited, or calls were answered.
    #[default]
    SubmitMessage,
    /// The last answer is to be written anew.
    RegenerateMessage,
}

/// The body of `POST /aisdk/{agent}/{chat}/stop`.
#[derive(Debug, Clone, PartialEq, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StopChat {
    /// The run to stop, so that a late call cannot cut a later one; the current one if missing. It is the `runId` in the
    /// metadata of the message that is being written.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = "uuid")]
    pub run: Option<RunId>,
    /// Why, in the person's words.
    #[serde(default)]
    pub why: Option<String>,
}

/// A list of tools, or an object of what is said of each by its name.
fn tools<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<ClientTool>, D::Error> {
    #[derive(Deserialize)]
    struct Named {
        #[serde(default)]
        description: Option<String>,
        #[serde(default)]
        parameters: Value,
    }
    match Value::deserialize(deserializer)? {
        Value::Null => Ok(Vec::new()),
        list @ Value::Array(_) => serde_json::from_value(list).map_err(de::Error::custom),
        Value::Object(by_name) => by_name
            .into_iter()
            .map(|(name, tool)| {
                let Named {
                    description,
                    parameters,
                } = serde_json::from_value(tool).map_err(de::Error::custom)?;
                Ok(ClientTool {
                    name,
                    description: description.unwrap_or_default(),
                    parameters,
                })
            })
            .collect(),
        _ => Err(de::Error::custom(
            "expected a list of tools, or an object of tools by their names",
        )),
    }
}
