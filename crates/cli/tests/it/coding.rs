//! Real coding agents in the real binary: codex and pi, in worktrees, with a model on this machine.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod crash;
mod people;
mod script;
mod stop;
mod work;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use self::script::answer;
use crate::house::{House, Running, eventually};
use crate::model::Model;
use crate::watched::Watched;

/// An agent from the registry of its authors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Agent {
    Codex,
    Pi,
}

impl Agent {
    fn program(self) -> PathBuf {
        let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/agents/node_modules");
        let program = match self {
            Self::Codex => native_codex(&modules),
            Self::Pi => modules.join(".bin/pi"),
        };
        assert!(
            program.exists(),
            "run `cargo xtask setup` first: {} is missing",
            program.display()
        );
        program
    }

    /// The variable that names its home, and what it finds there.
    fn home(self, model: &str) -> (&'static str, &'static str, String) {
        match self {
            Self::Codex => (
                "CODEX_HOME",
                "config.toml",
                format!(
                    "model = \"stub-model\"\nmodel_provider = \"stub\"\n[model_providers.stub]\n\
                     name = \"stub\"\nbase_url = \"{model}\"\nwire_api = \"responses\"\n"
                ),
            ),
            Self::Pi => (
                "PI_CODING_AGENT_DIR",
                "models.json",
                format!(
                    "{{\"providers\":{{\"stub\":{{\"baseUrl\":\"{model}\",\"api\":\"openai-completions\",\
                     \"apiKey\":\"stub\",\"models\":[{{\"id\":\"stub-model\"}}]}}}}}}"
                ),
            ),
        }
    }

    fn settings(self) -> &'static str {
        match self {
            Self::Codex => "driver = \"codex\"",
            Self::Pi => "driver = \"pi\"\nmodel = \"stub/stub-model\"",
        }
    }
}

/// The program of this machine, behind the script that looks for it.
fn native_codex(modules: &Path) -> PathBuf {
    let scope = modules.join("@openai");
    let found = std::fs::read_dir(&scope).into_iter().flatten().flatten();
    let vendors = found.filter_map(|package| {
        let vendor = package.path().join("vendor");
        std::fs::read_dir(vendor).ok()?.next()?.ok()
    });
    let mut programs = vendors.map(|target| target.path().join("bin/codex"));
    programs.next().unwrap_or(scope)
}

/// A house with a repository, an agent that works in it, and the model that the agent asks.
struct Workshop {
    house: House,
    model: Model,
    agent: Agent,
}

impl Workshop {
    fn open(agent: Agent, approval: &str) -> Self {
        let model = Model::thinking(answer);
        let (settings, program) = (agent.settings(), agent.program());
        let program = program.display();
        let house = House::with_configuration(&format!(
            "[agents.coder]\n{settings}\nprogram = \"{program}\"\nrepository = \"repository\"\n\
             worktree = \"per_run\"\napproval = \"{approval}\"\n"
        ));
        let (_, file, text) = agent.home(&model.url());
        let home = house.path("home");
        std::fs::create_dir(&home).unwrap();
        std::fs::write(home.join(file), text).unwrap();
        let repository = house.path("repository");
        std::fs::create_dir(&repository).unwrap();
        std::fs::write(repository.join("README"), "hello\n").unwrap();
        git(&repository, &["init", "-q", "-b", "main"]);
        git(&repository, &["config", "user.name", "Ada"]);
        git(&repository, &["config", "user.email", "ada@example.com"]);
        git(&repository, &["add", "."]);
        git(&repository, &["commit", "-q", "-m", "first"]);
        Self {
            house,
            model,
            agent,
        }
    }

    fn serve(&self) -> Running {
        let (variable, ..) = self.agent.home("");
        let home = self.house.path("home");
        let home = home.to_str().unwrap();
        // Shells read the profile of whoever runs the tests otherwise, which may do anything, and wait.
        self.house.serve_where(&[(variable, home), ("HOME", home)])
    }

    /// Starts a run that plays a script.
    fn start(&self, script: &str) -> Watched {
        Watched::start(&self.house, "coder", "card", &format!("Play <<{script}>>."))
    }

    fn snapshot(&self, run: &str) -> Value {
        self.house.run_body(run)["snapshot"].clone()
    }

    fn worktree(&self, run: &str) -> PathBuf {
        self.snapshot(run)["worktree"]["path"]
            .as_str()
            .unwrap()
            .into()
    }

    /// Waits until a tool has made a file.
    fn until_made(&self, run: &str, name: &str) {
        let path = self.worktree(run).join(name);
        eventually(|| path.exists().then_some(()));
    }

    /// Checks that nothing of a run is left and nobody hears the model.
    #[track_caller]
    fn is_quiet(&self, run: &str) {
        assert_eq!(crate::watched::alive(run), [0; 0], "{:?}", self.agent);
        eventually(|| (self.model.n_open() == 0).then_some(()));
    }
}

pub(crate) fn git(path: &Path, args: &[&str]) -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "it ends at once and starts nothing"
    )]
    let output = Command::new("git").current_dir(path).args(args).output();
    let output = output.unwrap();
    assert!(
        output.status.success(),
        "git {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[track_caller]
fn succeeds(watched: &mut Watched) {
    let end = watched.end();
    assert_eq!(end["data"]["status"], "succeeded", "{end}");
}
