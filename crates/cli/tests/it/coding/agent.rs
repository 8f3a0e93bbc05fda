//! The agents: where they are installed and what they are told of the model.

use std::path::{Path, PathBuf};

/// An agent from the registry of its authors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Agent {
    Codex,
    Pi,
    /// Of the nightly tests.
    Claude,
    /// Of the nightly tests; it speaks the Agent Client Protocol.
    Opencode,
}

impl Agent {
    fn program(self) -> PathBuf {
        let (folder, path) = match self {
            Self::Codex => ("agents", "@openai/codex-*/vendor/*/bin/codex"),
            Self::Pi => ("agents", ".bin/pi"),
            Self::Claude => ("agents-nightly", "@anthropic-ai/claude-code-*/claude"),
            Self::Opencode => ("agents-nightly", "opencode-linux-*/bin/opencode"),
        };
        let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests");
        let modules = tests.join(folder).join("node_modules");
        let program = find(modules, &path.split('/').collect::<Vec<_>>());
        let task = match self {
            Self::Codex | Self::Pi => "setup",
            Self::Claude | Self::Opencode => "nightly",
        };
        program.unwrap_or_else(|| panic!("run `cargo xtask {task}` first: {self:?} is missing"))
    }

    /// The section of the configuration.
    pub(super) fn section(self, approval: &str) -> String {
        let settings = match self {
            Self::Codex => "driver = \"codex\"",
            Self::Pi => "driver = \"pi\"\nmodel = \"stub/stub-model\"",
            Self::Claude => {
                "driver = \"claude\"\nmodel = \"stub-model\"\n\
                 env = [\"ANTHROPIC_BASE_URL\", \"ANTHROPIC_API_KEY\", \"CLAUDE_CODE_MAX_RETRIES\"]"
            }
            Self::Opencode => {
                "driver = \"acp\"\nargs = [\"acp\"]\nenv = [\"OPENCODE_CONFIG\", \"OPENCODE_PERMISSION\", \
                 \"OPENCODE_DISABLE_AUTOUPDATE\", \"OPENCODE_DISABLE_MODELS_FETCH\", \
                 \"OPENCODE_DISABLE_DEFAULT_PLUGINS\", \"XDG_DATA_HOME\", \"XDG_CONFIG_HOME\", \
                 \"XDG_STATE_HOME\", \"XDG_CACHE_HOME\"]"
            }
        };
        format!(
            "[agents.coder]\n{settings}\nprogram = \"{}\"\nrepository = \"repository\"\n\
             worktree = \"per_run\"\napproval = \"{approval}\"\n",
            self.program().display()
        )
    }

    /// Writes into its home where the model is; returns the variables that lead there.
    pub(super) fn settle(self, home: &Path, model: &str, approval: &str) -> Vec<(String, String)> {
        let path = |name: &str| home.join(name).display().to_string();
        let write = |name: &str, text: &str| {
            std::fs::write(home.join(name), text).expect("a home to write to");
        };
        // Shells read the profile of whoever runs the tests otherwise, which may do anything, and wait.
        let mut variables = vec![("HOME".to_owned(), home.display().to_string())];
        let mut set = |name: &str, value: String| variables.push((name.to_owned(), value));
        match self {
            Self::Codex => {
                let text = format!(
                    "model = \"stub-model\"\nmodel_provider = \"stub\"\n[model_providers.stub]\n\
                     name = \"stub\"\nbase_url = \"{model}\"\nwire_api = \"responses\"\n\
                     request_max_retries = 2\nstream_max_retries = 2\n"
                );
                write("config.toml", &text);
                set("CODEX_HOME", path(""));
            }
            Self::Pi => {
                let text = format!(
                    "{{\"providers\":{{\"stub\":{{\"baseUrl\":\"{model}\",\"api\":\"openai-completions\",\
                     \"apiKey\":\"stub\",\"models\":[{{\"id\":\"stub-model\"}}]}}}}}}"
                );
                write("models.json", &text);
                let retries = "{\"retry\":{\"maxRetries\":2,\"baseDelayMs\":100}}";
                write("settings.json", retries);
                set("PI_CODING_AGENT_DIR", path(""));
            }
            Self::Claude => {
                let url = model.trim_end_matches("/v1").to_owned();
                set("CLAUDE_CONFIG_DIR", path(""));
                set("ANTHROPIC_BASE_URL", url);
                set("ANTHROPIC_API_KEY", "stub".to_owned());
                set("CLAUDE_CODE_MAX_RETRIES", "2".to_owned());
            }
            Self::Opencode => {
                let text = format!(
                    "{{\"provider\":{{\"stub\":{{\"npm\":\"@ai-sdk/openai-compatible\",\"name\":\"stub\",\
                     \"options\":{{\"baseURL\":\"{model}\",\"apiKey\":\"stub\"}},\
                     \"models\":{{\"stub-model\":{{\"name\":\"stub\"}}}}}}}},\
                     \"model\":\"stub/stub-model\",\"small_model\":\"stub/stub-model\"}}"
                );
                write("opencode.json", &text);
                let bash = if approval == "full" { "allow" } else { "ask" };
                set("OPENCODE_CONFIG", path("opencode.json"));
                set("OPENCODE_PERMISSION", format!("{{\"bash\":\"{bash}\"}}"));
                for off in ["AUTOUPDATE", "MODELS_FETCH", "DEFAULT_PLUGINS"] {
                    set(&format!("OPENCODE_DISABLE_{off}"), "1".to_owned());
                }
                for kind in ["DATA", "CONFIG", "STATE", "CACHE"] {
                    set(&format!("XDG_{kind}_HOME"), path(&kind.to_lowercase()));
                }
            }
        }
        variables
    }
}

/// The program of this machine, behind the script that looks for it: `*` stands for any end of a name.
fn find(place: PathBuf, path: &[&str]) -> Option<PathBuf> {
    let Some((name, rest)) = path.split_first() else {
        return place.exists().then_some(place);
    };
    let Some(begin) = name.strip_suffix('*') else {
        return find(place.join(name), rest);
    };
    let entries = std::fs::read_dir(place).ok()?.flatten();
    let named = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(begin));
    let mut places: Vec<_> = named.map(|entry| entry.path()).collect();
    places.sort();
    places.into_iter().find_map(|place| find(place, rest))
}
