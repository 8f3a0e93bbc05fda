//! The body of `POST /responses`, and what of it cannot be done.

use run::{ClientTool, Input};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::about::Echo;

/// What does not fit in a request, or is not offered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{param}: {message}")]
pub struct Unfit {
    /// Where.
    pub param: String,
    /// What is wrong, and what to do.
    pub message: String,
}

impl Unfit {
    pub(super) fn new(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            param: param.into(),
            message: message.into(),
        }
    }
}

/// The body of `POST /openai/v1/responses`. What would only ask for speed, price or caching is taken and not used; what
/// would change the answer and is not offered is an error.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CreateResponse {
    /// The name of an agent; or `vendor/model`, for the agent that lets its runs choose the model.
    pub model: Option<String>,
    /// What it is asked: a text or items.
    #[schema(value_type = Option<Object>)]
    pub input: Option<Value>,
    /// What the model is told of its task, behind the agent's own words.
    pub instructions: Option<String>,
    /// The response that this one follows: on its thread, or with the answers that it waits for.
    pub previous_response_id: Option<String>,
    /// The id of a thread; an unknown one is created.
    #[schema(value_type = Option<Object>)]
    pub conversation: Option<Value>,
    /// Answers at once.
    pub background: Option<bool>,
    /// Streams.
    pub stream: Option<bool>,
    /// With `false` the run stays out of lists. Every run has its log until it is deleted.
    pub store: Option<bool>,
    /// Data of your own.
    #[schema(value_type = Option<Object>)]
    pub metadata: Option<Map<String, Value>>,
    /// The sampling temperature, if the agent lets its runs choose it.
    pub temperature: Option<f64>,
    /// The longest answer in tokens, if the agent lets its runs choose it.
    pub max_output_tokens: Option<u32>,
    /// Functions that run at the client.
    #[schema(value_type = Option<Vec<Object>>)]
    pub tools: Option<Vec<Value>>,
    /// `auto` or `none`.
    #[schema(value_type = Option<Object>)]
    pub tool_choice: Option<Value>,
    /// Only `true` with functions.
    pub parallel_tool_calls: Option<bool>,
    /// The form of the answer.
    #[schema(value_type = Option<Object>)]
    pub text: Option<Value>,
    /// Taken and given back; the agent's configuration decides how hard its model thinks.
    #[schema(value_type = Option<Object>)]
    pub reasoning: Option<Value>,
    /// Taken; nothing more can be included.
    pub include: Option<Vec<String>>,
    /// Taken and given back; a thread's history is cut by the agent's `history`.
    pub truncation: Option<String>,
    /// Only 1.
    pub top_p: Option<f64>,
    /// Only 0.
    pub top_logprobs: Option<u32>,
    /// Not offered.
    pub max_tool_calls: Option<u32>,
    /// Not offered.
    #[schema(value_type = Option<Object>)]
    pub prompt: Option<Value>,
    /// Not offered.
    #[schema(value_type = Option<Object>)]
    pub moderation: Option<Value>,
    /// Taken.
    #[schema(value_type = Option<Object>)]
    pub access_programs: Option<Value>,
    /// Taken.
    #[schema(value_type = Option<Object>)]
    pub background_options: Option<Value>,
    /// Taken.
    #[schema(value_type = Option<Object>)]
    pub context_management: Option<Value>,
    /// Taken.
    #[schema(value_type = Option<Object>)]
    pub image: Option<Value>,
    /// Taken.
    pub prompt_cache_key: Option<String>,
    /// Taken.
    #[schema(value_type = Option<Object>)]
    pub prompt_cache_options: Option<Value>,
    /// Taken.
    pub prompt_cache_retention: Option<String>,
    /// Taken.
    pub safety_identifier: Option<String>,
    /// Taken.
    pub service_tier: Option<String>,
    /// Taken.
    #[schema(value_type = Option<Object>)]
    pub stream_options: Option<Value>,
    /// Taken.
    pub user: Option<String>,
}

impl CreateResponse {
    /// Refuses what is not offered and would change the answer.
    pub fn check(&self) -> Result<(), Unfit> {
        let not_offered = |param: &str, is_there: bool, message: &str| {
            if is_there {
                Err(Unfit::new(param, message))
            } else {
                Ok(())
            }
        };
        not_offered(
            "prompt",
            self.prompt.is_some(),
            "stored prompts are not offered; an agent of the configuration has its prompt",
        )?;
        not_offered(
            "moderation",
            self.moderation.is_some(),
            "moderation is not offered",
        )?;
        not_offered(
            "max_tool_calls",
            self.max_tool_calls.is_some(),
            "is not offered; give the agent a budget of steps",
        )?;
        not_offered(
            "top_p",
            self.top_p.is_some_and(|top_p| (top_p - 1.0).abs() > 1e-9),
            "is not offered; use temperature",
        )?;
        let logprobs = |include: &Vec<String>| include.iter().any(|it| it.contains("logprobs"));
        not_offered(
            "top_logprobs",
            self.top_logprobs.is_some_and(|n| n > 0) || self.include.as_ref().is_some_and(logprobs),
            "log probabilities are not offered",
        )?;
        not_offered(
            "parallel_tool_calls",
            self.parallel_tool_calls == Some(false) && self.has_tools(),
            "false is not offered: a model may call several functions at once, and all are to be answered in one request",
        )?;
        not_offered(
            "previous_response_id",
            self.previous_response_id.is_some() && self.conversation.is_some(),
            "goes without conversation: the response names its thread",
        )
    }

    fn has_tools(&self) -> bool {
        self.tools.as_ref().is_some_and(|tools| !tools.is_empty())
    }

    /// The thread that `conversation` names.
    pub fn thread(&self) -> Result<Option<&str>, Unfit> {
        match &self.conversation {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(id)) => Ok(Some(id)),
            Some(other) => match other.get("id").and_then(Value::as_str) {
                Some(id) => Ok(Some(id)),
                None => Err(Unfit::new("conversation", "must be an id or have one")),
            },
        }
    }

    /// The functions of the client.
    pub fn client_tools(&self) -> Result<Vec<ClientTool>, Unfit> {
        let tools = self.tools.iter().flatten().enumerate();
        let tools: Vec<ClientTool> = tools.map(function).collect::<Result<_, _>>()?;
        for (n, tool) in tools.iter().enumerate() {
            if tools[..n].iter().any(|earlier| earlier.name == tool.name) {
                let param = format!("tools[{n}].name");
                return Err(Unfit::new(param, format!("{:?} is there twice", tool.name)));
            }
        }
        match &self.tool_choice {
            None | Some(Value::Null) => Ok(tools),
            Some(Value::String(choice)) if choice == "auto" => Ok(tools),
            Some(Value::String(choice)) if choice == "none" => Ok(Vec::new()),
            Some(_) if tools.is_empty() => Ok(tools),
            Some(_) => Err(Unfit::new(
                "tool_choice",
                "must be \"auto\" or \"none\": no model is made to call a function",
            )),
        }
    }

    /// The form of the answer: its name and its JSON Schema.
    pub fn format(&self) -> Result<Option<(Option<&str>, Value)>, Unfit> {
        let Some(format) = self.text.as_ref().and_then(|text| text.get("format")) else {
            return Ok(None);
        };
        match format.get("type").and_then(Value::as_str) {
            None if format.is_null() => Ok(None),
            Some("text") => Ok(None),
            Some("json_object") => Ok(Some((None, json!({ "type": "object" })))),
            Some("json_schema") => match format.get("schema") {
                Some(schema @ Value::Object(_)) => {
                    let name = format.get("name").and_then(Value::as_str);
                    Ok(Some((name, schema.clone())))
                }
                Some(_) | None => Err(Unfit::new("text.format.schema", "must be a JSON Schema")),
            },
            Some(_) | None => Err(Unfit::new(
                "text.format.type",
                "must be \"text\", \"json_schema\" or \"json_object\"",
            )),
        }
    }

    /// What is kept with the run, to be given back with its responses.
    pub fn echo(&self) -> Echo {
        let format_name = self.text.as_ref().and_then(|text| {
            let format = text.get("format")?;
            Some(format.get("name")?.as_str()?.to_owned())
        });
        Echo {
            model: self.model.clone(),
            previous_response_id: self.previous_response_id.clone(),
            background: self.background,
            store: self.store,
            format_name,
            reasoning: self.reasoning.clone().filter(|it| !it.is_null()),
            tool_choice: self.tool_choice.clone().filter(|it| !it.is_null()),
            truncation: self.truncation.clone(),
        }
    }

    /// Gives the instructions to an input, as a variable of the agent's templates.
    pub fn instruct(&self, input: &mut Input) {
        if let Some(instructions) = &self.instructions {
            let name = INSTRUCTIONS.to_owned();
            input.variables.insert(name, instructions.clone().into());
        }
    }
}

/// The variable of an input that has the client's instructions.
pub const INSTRUCTIONS: &str = "instructions";

/// A system prompt that has the client's instructions: the agent's own with them behind it, unless it has a place for them.
pub fn instructed(system: Option<&str>) -> String {
    match system {
        Some(system) if system.contains(INSTRUCTIONS) => system.to_owned(),
        Some(system) => format!("{system}\n\n{{{{ {INSTRUCTIONS} }}}}"),
        None => format!("{{{{ {INSTRUCTIONS} }}}}"),
    }
}

fn function((n, tool): (usize, &Value)) -> Result<ClientTool, Unfit> {
    let unfit = |member: &str, message: &str| Unfit::new(format!("tools[{n}].{member}"), message);
    if tool.get("type").and_then(Value::as_str) != Some("function") {
        return Err(unfit(
            "type",
            "must be \"function\": tools of the server are given to an agent by its configuration",
        ));
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let name = tool.get("name").and_then(Value::as_str).unwrap_or_default();
    if name.is_empty() || name.len() > 64 || !name.chars().all(fits) {
        return Err(unfit(
            "name",
            "must have 1 to 64 letters, digits, underscores and hyphens",
        ));
    }
    let parameters = match tool.get("parameters") {
        Some(parameters @ Value::Object(_)) => parameters.clone(),
        None | Some(Value::Null) => json!({ "type": "object", "properties": {} }),
        Some(_) => return Err(unfit("parameters", "must be a JSON Schema")),
    };
    let description = tool.get("description").and_then(Value::as_str);
    Ok(ClientTool {
        name: name.to_owned(),
        description: description.unwrap_or_default().to_owned(),
        parameters,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: Value) -> CreateResponse {
        serde_json::from_value(body).unwrap()
    }

    #[track_caller]
    fn refused(body: Value, param: &str) {
        let body = read(body);
        let tools = body.check().and_then(|()| body.client_tools().map(drop));
        let unfit = tools.and_then(|()| body.format().map(drop)).unwrap_err();
        assert_eq!(unfit.param, param, "{unfit}");
    }

    #[track_caller]
    fn taken(body: Value) {
        let body = read(body);
        assert_eq!(body.check(), Ok(()));
        assert!(body.client_tools().is_ok() && body.format().is_ok());
    }

    #[test]
    fn what_would_change_the_answer_and_is_not_offered_is_refused() {
        refused(json!({ "prompt": {"id": "p"} }), "prompt");
        refused(json!({ "moderation": {"model": "m"} }), "moderation");
        refused(json!({ "max_tool_calls": 3 }), "max_tool_calls");
        refused(json!({ "top_p": 0.5 }), "top_p");
        refused(json!({ "top_logprobs": 2 }), "top_logprobs");
        refused(
            json!({ "include": ["message.output_text.logprobs"] }),
            "top_logprobs",
        );
        refused(
            json!({ "tools": [{"type": "web_search"}] }),
            "tools[0].type",
        );
        let f = json!({"type": "function", "name": "f"});
        refused(json!({ "tools": [f, f] }), "tools[1].name");
        refused(
            json!({ "tools": [{"type": "function", "name": "a b"}] }),
            "tools[0].name",
        );
        refused(
            json!({ "tools": [f], "tool_choice": "required" }),
            "tool_choice",
        );
        refused(
            json!({ "tools": [f], "parallel_tool_calls": false }),
            "parallel_tool_calls",
        );
        refused(
            json!({ "previous_response_id": "resp_x", "conversation": "c" }),
            "previous_response_id",
        );
        refused(
            json!({ "text": {"format": {"type": "xml"}} }),
            "text.format.type",
        );
        refused(
            json!({ "text": {"format": {"type": "json_schema"}} }),
            "text.format.schema",
        );
    }

    #[test]
    fn what_changes_nothing_is_taken() {
        taken(json!({
            "model": "m", "input": "x", "top_p": 1, "top_logprobs": 0, "truncation": "auto", "service_tier": "flex",
            "user": "u", "store": false, "include": ["reasoning.encrypted_content"], "parallel_tool_calls": false,
            "reasoning": {"effort": "low"}, "text": {"format": {"type": "text"}, "verbosity": "low"},
            "prompt_cache_key": "k", "stream_options": {"include_obfuscation": false}, "tool_choice": "required",
        }));
    }

    #[test]
    fn functions_are_tools_of_the_client_unless_none_may_be_called() {
        let tools =
            json!([{"type": "function", "name": "weather", "parameters": null, "strict": true}]);
        let expected = ClientTool {
            name: "weather".into(),
            description: String::new(),
            parameters: json!({"type": "object", "properties": {}}),
        };
        assert_eq!(
            read(json!({ "tools": tools })).client_tools(),
            Ok(vec![expected])
        );
        let none = read(json!({ "tools": tools, "tool_choice": "none" }));
        assert_eq!(none.client_tools(), Ok(vec![]));
    }

    #[test]
    fn instructions_stand_behind_the_agents_own_unless_it_has_a_place_for_them() {
        assert_eq!(instructed(None), "{{ instructions }}");
        assert_eq!(
            instructed(Some("You write.")),
            "You write.\n\n{{ instructions }}"
        );
        let placed = "{{ instructions }} Be brief.";
        assert_eq!(instructed(Some(placed)), placed);
    }

    #[test]
    fn a_conversation_is_an_id_or_has_one() {
        let thread = |conversation: Value| {
            let body = read(json!({ "conversation": conversation }));
            let found = body.thread().map(|id| id.map(str::to_owned));
            found.map_err(|unfit| unfit.param)
        };
        assert_eq!(thread(json!("c")), Ok(Some("c".into())));
        assert_eq!(thread(json!({"id": "c"})), Ok(Some("c".into())));
        assert_eq!(thread(Value::Null), Ok(None));
        assert_eq!(thread(json!(7)), Err("conversation".into()));
    }
}
