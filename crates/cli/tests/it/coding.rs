//! Real coding agents in the real binary: codex and pi, in worktrees, with a model on this machine.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod agent;
mod crash;
mod faults;
mod nightly;
mod people;
mod script;
mod stop;
mod work;

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use self::agent::Agent;
use self::script::Player;
use crate::house::{House, Running, eventually};
use crate::model::Model;
use crate::watched::Watched;

/// A house with a repository, an agent that works in it, and the model that the agent asks.
struct Workshop {
    house: House,
    model: Model,
    agent: Agent,
    /// What the agent is to find in the server's environment.
    variables: Vec<(String, String)>,
}

impl Workshop {
    fn open(agent: Agent, approval: &str) -> Self {
        let player = Player::default();
        let model = Model::thinking(move |request| player.answer(request));
        let house = House::with_configuration(&agent.section(approval));
        let home = house.path("home");
        std::fs::create_dir(&home).unwrap();
        let variables = agent.settle(&home, &model.url(), approval);
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
            variables,
        }
    }

    fn serve(&self) -> Running {
        let variables = self.variables.iter();
        let variables = variables.map(|(name, value)| (name.as_str(), value.as_str()));
        self.house.serve_where(&variables.collect::<Vec<_>>())
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
