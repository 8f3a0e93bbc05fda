//! What a client sends. Members that this version does not know are passed over, as the protocol wants it.

use run::{ClientTool, MAX_VALUE_DEPTH, RunId, depth};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::ConflictRule;

/// The body of `POST /agui/{agent}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunAgentInput {
    /// The thread, at most 200 bytes; an unknown one is created.
    pub thread_id: String,
    /// The client's name of this run of the protocol, at most 200 bytes. A repeat attaches to what it names.
    pub run_id: String,
    /// The conversation as the client has it.
    #[schema(value_type = Vec<Object>)]
    pub messages: Vec<Value>,
    /// Tools that run at the client.
    #[serde(default, deserialize_with = "or_none")]
    pub tools: Vec<AguiTool>,
    /// What the client wants to be known: `context` of prompt templates.
    #[serde(default, deserialize_with = "or_none")]
    pub context: Vec<AguiContext>,
    /// The state as the client has it: `state` of prompt templates.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub state: Value,
    /// Anything else: `forwarded_props` of prompt templates. Its member `outlive` is for this server: `{on_conflict?,
    /// supersedes?, metadata?}`.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub forwarded_props: Value,
    /// Answers to interrupts.
    #[serde(default, deserialize_with = "or_none")]
    pub resume: Vec<ResumeEntry>,
}

/// A tool that runs at the client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AguiTool {
    /// Its name.
    pub name: String,
    /// What it does, for the model.
    #[serde(default)]
    pub description: String,
    /// JSON Schema of its arguments.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub parameters: Value,
}

/// Something that the client wants to be known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AguiContext {
    /// What it is.
    pub description: String,
    /// It.
    pub value: String,
}

/// Whether an interrupt is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ResumeStatus {
    /// With a payload.
    Resolved,
    /// Not, and it never will be.
    Cancelled,
}

/// An answer to an interrupt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResumeEntry {
    /// The interrupt.
    pub interrupt_id: String,
    /// Whether it is answered.
    pub status: ResumeStatus,
    /// The answer.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub payload: Value,
}

/// What the client says to this server alone.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Options {
    /// What happens when the thread has a current run.
    #[serde(default)]
    pub on_conflict: Option<ConflictRule>,
    /// The run whose place it takes.
    #[serde(default)]
    pub supersedes: Option<RunId>,
    /// The client's own data.
    #[serde(default)]
    pub metadata: Map<String, Value>,
}

/// The member of the forwarded properties that is for this server.
const OURS: &str = "outlive";

impl RunAgentInput {
    /// What is said to this server alone; an error says what is wrong with it.
    pub fn options(&self) -> Result<Options, String> {
        match self.forwarded_props.get(OURS) {
            None | Some(Value::Null) => Ok(Options::default()),
            Some(options) => {
                serde_json::from_value(options.clone()).map_err(|error| error.to_string())
            }
        }
    }

    /// The variables of the run's prompt templates, and what an AG-UI agent behind the run is passed.
    pub fn variables(&self) -> Map<String, Value> {
        let mut forwarded = self.forwarded_props.clone();
        if let Value::Object(members) = &mut forwarded {
            members.remove(OURS);
        }
        let context = serde_json::to_value(&self.context).unwrap_or_default();
        let given = [
            ("state", self.state.clone()),
            ("context", context),
            ("forwarded_props", forwarded),
        ];
        let given = given.into_iter().filter(|(_, value)| !is_nothing(value));
        given
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    /// The client's tools.
    pub fn client_tools(&self) -> Vec<ClientTool> {
        let tools = self.tools.iter().map(|tool| ClientTool {
            name: tool.name.clone(),
            description: tool.description.clone(),
            parameters: tool.parameters.clone(),
        });
        tools.collect()
    }

    /// Whether all of it can stand in an event, which adds levels around it.
    pub fn is_shallow(&self) -> bool {
        let deepest = [&self.state, &self.forwarded_props]
            .into_iter()
            .chain(self.tools.iter().map(|tool| &tool.parameters))
            .map(depth)
            .max();
        deepest.unwrap_or(0) + LEVELS_AROUND <= MAX_VALUE_DEPTH
    }
}

/// Levels of an event around what a client gave: the input, its variables or tools, one of those.
const LEVELS_AROUND: usize = 4;

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// Clients before 1.0 send `null` for a list that they do not have.
fn or_none<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn input(members: Value) -> RunAgentInput {
        let mut body = json!({ "threadId": "t", "runId": "r", "messages": [] });
        let Value::Object(members) = members else {
            panic!("not an object")
        };
        body.as_object_mut().unwrap().extend(members);
        crate::read(body.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn what_a_version_does_not_know_is_passed_over() {
        let input = input(json!({
            "protocolVersion": "1.7", "later": {}, "tools": null, "context": null, "resume": null,
        }));
        assert_eq!(input.variables(), Map::new());
        assert_eq!(input.client_tools(), []);
    }

    #[test]
    fn state_context_and_properties_are_variables_and_ours_are_not() {
        let input = input(json!({
            "state": {"n": 1},
            "context": [{"description": "page", "value": "home"}],
            "forwardedProps": {"a": 1, "outlive": {"on_conflict": "enqueue"}},
        }));
        assert_eq!(
            Value::Object(input.variables()),
            json!({
                "state": {"n": 1},
                "context": [{"description": "page", "value": "home"}],
                "forwarded_props": {"a": 1},
            })
        );
        assert_eq!(
            input.options().unwrap().on_conflict,
            Some(ConflictRule::Enqueue)
        );
    }

    #[test]
    fn an_option_that_is_none_is_an_error() {
        let input = input(json!({"forwardedProps": {"outlive": {"on_conflit": "enqueue"}}}));
        let error = input.options().unwrap_err();
        assert!(error.contains("on_conflit"), "{error}");
    }

    #[test]
    fn what_nests_too_deep_for_an_event_is_known() {
        let nested = |n: usize| (0..n).fold(json!(1), |value, _| json!([value]));
        assert!(input(json!({ "state": nested(90) })).is_shallow());
        assert!(!input(json!({ "state": nested(97) })).is_shallow());
    }
}
