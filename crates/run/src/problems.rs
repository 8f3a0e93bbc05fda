//! What is wrong with an agent as its configuration says it.

use crate::coding::{self, ASKING, CODING};
use crate::upstream;
use crate::{AgentSpec, DriverKind, MAX_REPAIR_ATTEMPTS};

impl AgentSpec {
    /// Everything that is wrong with it, each as a sentence.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = self.misplaced();
        problems.extend(self.tools.problems());
        match self.driver {
            DriverKind::Model | DriverKind::Loop => match self.model.as_deref() {
                None => problems.push(format!(
                    "model is missing: driver {} needs model = \"vendor/model\"",
                    self.driver
                )),
                Some(_) if self.model_spec().is_none() => {
                    problems.push(
                        "model must be \"vendor/model\", for example \"ollama/qwen3\"".to_owned(),
                    );
                }
                Some(_) => {}
            },
            DriverKind::Command if self.command.is_empty() => {
                problems.push(
                    "command is missing: driver command needs command = [\"program\", …]"
                        .to_owned(),
                );
            }
            DriverKind::Scripted if self.script.is_empty() => {
                problems.push(
                    "script is missing: driver scripted needs script = [{ text = \"…\" }]"
                        .to_owned(),
                );
            }
            DriverKind::Worktree => problems.push(
                "driver worktree is the server's own: such runs come from POST /v1/runs/{run}/worktree"
                    .to_owned(),
            ),
            DriverKind::Agui => problems.extend(upstream::problems(self)),
            DriverKind::Pi | DriverKind::Codex | DriverKind::Claude | DriverKind::Acp => {
                problems.extend(coding::problems(self));
            }
            DriverKind::Command | DriverKind::Scripted => {}
        }
        for (n, step) in self.script.iter().enumerate() {
            if let Some(problem) = step.problem() {
                problems.push(format!("script step {}: {problem}", n + 1));
            }
        }
        problems.extend(self.history.problem());
        if self.finished_column.as_ref().is_some_and(String::is_empty) {
            problems.push("finished_column must not be empty".to_owned());
        }
        if self.concurrency == Some(0) {
            problems.push("concurrency must be at least 1".to_owned());
        }
        if self.max_lost_attempts == 0 {
            problems.push("max_lost_attempts must be at least 1".to_owned());
        }
        if self.repair_attempts > MAX_REPAIR_ATTEMPTS {
            problems.push(format!(
                "repair_attempts must be at most {MAX_REPAIR_ATTEMPTS}"
            ));
        }
        if self.max_tries == 0 {
            problems.push("max_tries must be at least 1".to_owned());
        }
        problems
    }

    /// Keys that belong to other drivers.
    fn misplaced(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut only = |present: bool, key: &str, drivers: &[DriverKind]| {
            if present && !drivers.contains(&self.driver) {
                let fitting: Vec<&str> = drivers.iter().map(|driver| driver.as_str()).collect();
                problems.push(format!(
                    "{key} belongs to driver {}, this agent has driver {}",
                    fitting.join(" or "),
                    self.driver
                ));
            }
        };
        let models = &[DriverKind::Model, DriverKind::Loop];
        let prompted = &[&models[..], CODING].concat();
        only(self.model.is_some(), "model", prompted);
        only(self.system.is_some(), "system", prompted);
        only(self.prompt.is_some(), "prompt", prompted);
        only(self.temperature.is_some(), "temperature", models);
        only(
            self.max_output_tokens.is_some(),
            "max_output_tokens",
            models,
        );
        only(self.output_schema.is_some(), "output_schema", models);
        only(!self.history.is_default(), "history", models);
        only(!self.tools.is_default(), "tools", &[DriverKind::Loop]);
        only(
            !self.over_budget.is_default(),
            "over_budget",
            &[DriverKind::Loop],
        );
        only(!self.command.is_empty(), "command", &[DriverKind::Command]);
        let in_directory = &[&[DriverKind::Command, DriverKind::Loop], CODING].concat();
        only(self.directory.is_some(), "directory", in_directory);
        only(!self.env.is_empty(), "env", in_directory);
        let agui = &[DriverKind::Agui];
        only(self.url.is_some(), "url", agui);
        only(!self.headers_env.is_empty(), "headers_env", agui);
        only(self.stop_url.is_some(), "stop_url", agui);
        only(!self.forwarded_props.is_empty(), "forwarded_props", agui);
        only(self.raw, "raw", &[&agui[..], CODING].concat());
        only(self.program.is_some(), "program", CODING);
        only(!self.args.is_empty(), "args", CODING);
        only(self.approval.is_some(), "approval", CODING);
        only(self.effort.is_some(), "effort", CODING);
        only(self.mode.is_some(), "mode", CODING);
        only(self.repository.is_some(), "repository", CODING);
        only(!self.worktree.is_default(), "worktree", CODING);
        only(self.base.is_some(), "base", CODING);
        only(!self.cleanup.is_default(), "cleanup", CODING);
        only(self.setup.is_some(), "setup", CODING);
        only(self.teardown.is_some(), "teardown", CODING);
        only(self.commit_leftovers, "commit_leftovers", CODING);
        only(self.park_after_ms.is_some(), "park_after_ms", ASKING);
        only(!self.previews.is_empty(), "previews", CODING);
        only(self.task.is_some(), "task", &[DriverKind::Worktree]);
        only(!self.script.is_empty(), "script", &[DriverKind::Scripted]);
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(spec: &str, problems: &[&str]) {
        let spec: AgentSpec = serde_json::from_str(spec).unwrap();
        assert_eq!(spec.problems(), problems);
    }

    #[test]
    fn an_agent_says_all_that_is_wrong_with_it() {
        check(r#"{"driver":"scripted","script":[{"text":"hi"}]}"#, &[]);
        check(r#"{"driver":"model","model":"openai/gpt-5"}"#, &[]);
        check(
            r#"{"driver":"model","model":"gpt-5","concurrency":0}"#,
            &[
                "model must be \"vendor/model\", for example \"ollama/qwen3\"",
                "concurrency must be at least 1",
            ],
        );
        let model = |history: &str| {
            format!(r#"{{"driver":"model","model":"openai/gpt-5","history":{history}}}"#)
        };
        check(&model(r#"{"tokens":0,"over":"summarise"}"#), &[]);
        check(&model(r#"{"tokens":10}"#), &[]);
        check(
            &model(r#"{"tokens":10,"over":"summarise"}"#),
            &["history: with over = \"summarise\" tokens must be at least 256, or 0"],
        );
        check(
            r#"{"driver":"scripted","script":[{"text":"hi"}],"history":{"tokens":0}}"#,
            &["history belongs to driver model or loop, this agent has driver scripted"],
        );
        check(
            r#"{"driver":"scripted","script":[{"text":"hi"}],"output_schema":{},"repair_attempts":9}"#,
            &[
                "output_schema belongs to driver model or loop, this agent has driver scripted",
                "repair_attempts must be at most 8",
            ],
        );
        check(
            r#"{"driver":"agui","url":"https://a.example.com/run"}"#,
            &[],
        );
        check(
            r#"{"driver":"agui","raw":true}"#,
            &["url is missing: driver agui needs url = \"https://…\""],
        );
        check(
            r#"{"driver":"model","model":"a/b","url":"https://x","raw":true}"#,
            &[
                "url belongs to driver agui, this agent has driver model",
                "raw belongs to driver agui or pi or codex or claude or acp, this agent has driver model",
            ],
        );
        check(r#"{"driver":"codex","repository":"."}"#, &[]);
        check(r#"{"driver":"codex","park_after_ms":600000}"#, &[]);
        check(
            r#"{"driver":"pi","park_after_ms":600000}"#,
            &["park_after_ms belongs to driver codex or claude or acp, this agent has driver pi"],
        );
        check(
            r#"{"driver":"pi","approval":"ask","directory":".","setup":"make"}"#,
            &[
                "approval must be \"full\" with driver pi, which runs everything without asking",
                "setup needs a worktree of the run's own: repository = \"path\" with worktree = \"per_run\"",
            ],
        );
        check(
            r#"{"driver":"acp","worktree":"shared"}"#,
            &[
                "program is missing: driver acp needs program = \"opencode\" and args = [\"acp\"], or another agent's",
                "worktree needs repository = \"path\"",
            ],
        );
        check(
            r#"{"driver":"scripted","system":"x","script":[{"tokens":1,"text":"a"},{"text":"a","held":true}]}"#,
            &[
                "system belongs to driver model or loop or pi or codex or claude or acp, this agent has driver scripted",
                "script step 1: does one thing only, not tokens and text",
                "script step 2: held goes with approval or question",
            ],
        );
    }
}
