//! A sub-agent as a tool. The caller starts its run.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::definition::{check_text, read};
use crate::{BadArgs, Definition, limits};

/// What a model asks of another agent.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubAgentArgs {
    /// The whole task; the other agent sees nothing else of the conversation.
    pub input: String,
}

impl SubAgentArgs {
    /// What a model is told about the tool `name`; what the agent is good for comes from the configuration.
    pub fn definition(name: impl Into<String>, description: impl Into<String>) -> Definition {
        Definition {
            name: name.into(),
            description: description.into(),
            input_schema: json!({
                "type": "object",
                "properties": {
                    "input": {
                        "type": "string",
                        "description": "The whole task. The agent sees nothing else of this conversation.",
                    },
                },
                "required": ["input"],
                "additionalProperties": false,
            }),
        }
    }

    /// Reads the arguments of a call.
    ///
    /// # Errors
    /// What is wrong with them, for the model.
    pub fn read(args: &Value) -> Result<Self, BadArgs> {
        const TOOL: &str = "the agent";
        let read: Self = read(TOOL, args)?;
        check_text(TOOL, "input", &read.input, limits::INPUT_BYTES)?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::SubAgentArgs;

    #[track_caller]
    fn check(args: impl Into<Value>, expected: Result<&str, &str>) {
        let read = SubAgentArgs::read(&args.into());
        let read = read
            .map(|args| args.input)
            .map_err(|error| error.to_string());
        assert_eq!(read, expected.map(str::to_owned).map_err(str::to_owned));
    }

    #[test]
    fn the_input_is_read_and_an_error_says_what_is_wrong() {
        check(json!({"input": "count"}), Ok("count"));
        check(
            json!({"input": ""}),
            Err("bad arguments for the agent: input is empty"),
        );
        check(
            json!({"input": 5}),
            Err("bad arguments for the agent: input: invalid type: integer `5`, expected a string"),
        );
    }
}
