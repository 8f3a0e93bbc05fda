//! `shell`: a command in the run's worktree. The caller runs it.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::definition::{check_text, read};
use crate::{BadArgs, Definition, limits};

/// What a model asks of a shell.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShellArgs {
    /// The command line.
    pub command: String,
    /// How long it may take at most, in milliseconds.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
}

impl ShellArgs {
    /// The name of the tool.
    pub const NAME: &'static str = "shell";

    /// What a model is told.
    pub fn definition() -> Definition {
        Definition {
            name: Self::NAME.to_owned(),
            description: "Runs a command with `sh -c` in the working directory of this run and returns what it \
                          printed and its exit code. Each command starts anew: variables and `cd` do not last. It \
                          has no terminal and no input. A long output is cut in the middle."
                .to_owned(),
            input_schema: json!({
                "type": "object",
                "properties": {
                    "command": {"type": "string", "description": "The command line."},
                    "timeout_ms": {
                        "type": "integer",
                        "minimum": 1,
                        "description": "Stop the command after this many milliseconds.",
                    },
                },
                "required": ["command"],
                "additionalProperties": false,
            }),
        }
    }

    /// Reads the arguments of a call.
    ///
    /// # Errors
    /// What is wrong with them, for the model.
    pub fn read(args: &Value) -> Result<Self, BadArgs> {
        let read: Self = read(Self::NAME, args)?;
        check_text(Self::NAME, "command", &read.command, limits::COMMAND_BYTES)?;
        if read.timeout_ms == Some(0) {
            let detail = "timeout_ms is 0".to_owned();
            return Err(BadArgs {
                tool: Self::NAME,
                detail,
            });
        }
        Ok(read)
    }

    /// How long the command may take: what the model asks for, within what its policy gives.
    pub fn timeout(&self, most: Duration) -> Duration {
        self.timeout_ms
            .map_or(most, |asked| Duration::from_millis(asked).min(most))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Value, json};

    use super::ShellArgs;

    #[track_caller]
    fn check(args: impl Into<Value>, expected: Result<ShellArgs, &str>) {
        let read = ShellArgs::read(&args.into()).map_err(|error| error.to_string());
        assert_eq!(read, expected.map_err(str::to_owned));
    }

    #[test]
    fn arguments_are_read_and_an_error_says_where() {
        let whole = ShellArgs {
            command: "ls".into(),
            timeout_ms: Some(5),
        };
        check(json!({"command": "ls", "timeout_ms": 5}), Ok(whole));
        check(
            json!({}),
            Err("bad arguments for shell: missing field `command`"),
        );
        check(
            Value::Null,
            Err("bad arguments for shell: missing field `command`"),
        );
        check(
            json!({"command": ["ls"]}),
            Err("bad arguments for shell: command: invalid type: sequence, expected a string"),
        );
        check(
            json!({"command": " "}),
            Err("bad arguments for shell: command is empty"),
        );
        check(
            json!({"command": "ls", "timeout_ms": 0}),
            Err("bad arguments for shell: timeout_ms is 0"),
        );
        check(
            json!({"command": "ls", "cwd": "/"}),
            Err(
                "bad arguments for shell: cwd: unknown field `cwd`, expected `command` or `timeout_ms`",
            ),
        );
    }

    #[test]
    fn a_model_may_shorten_the_time_but_not_extend_it() {
        let asked = |timeout_ms| ShellArgs {
            command: "ls".into(),
            timeout_ms,
        };
        let most = Duration::from_mins(1);
        assert_eq!(asked(None).timeout(most), most);
        assert_eq!(asked(Some(5)).timeout(most), Duration::from_millis(5));
        assert_eq!(asked(Some(u64::MAX)).timeout(most), most);
    }
}
