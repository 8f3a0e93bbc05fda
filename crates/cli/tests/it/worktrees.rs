//! What people do with the work of a coding agent, with the real binary: look, merge, restore, refine, remove.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::PathBuf;

use crate::coding::git;
use crate::house::{House, Running, eventually};
use crate::watched::Watched;

/// A house with a repository and a coding agent that plays what it is told to.
struct Shop {
    house: House,
    repository: PathBuf,
}

impl Shop {
    fn open(script: &str) -> Self {
        let program = fake_agent();
        let program = program.display();
        let house = House::with_configuration(&format!(
            "[agents.coder]\ndriver = \"codex\"\nprogram = \"{program}\"\nargs = [\"codex\", \"{script}\"]\n\
             env = [\"FAKE_HOME\"]\nrepository = \"game\"\napproval = \"full\"\n\
             overridable = [\"cleanup\", \"worktree\", \"approval\"]\n\
             [repositories.game]\npath = \"repository\"\n\
             [repositories.game.previews.play]\ncommand = \"echo {{playing}} $(cat new.txt); sleep 600\"\n"
        ));
        let repository = house.path("repository");
        std::fs::create_dir(&repository).unwrap();
        std::fs::create_dir(house.path("home")).unwrap();
        std::fs::write(repository.join("README"), "hello\n").unwrap();
        for args in [
            &["init", "-q", "-b", "main"][..],
            &["config", "user.name", "Ada"],
            &["config", "user.email", "ada@example.com"],
            &["add", "."],
            &["commit", "-q", "-m", "first"],
        ] {
            git(&repository, args);
        }
        Self { house, repository }
    }

    fn serve(&self) -> Running {
        let home = self.house.path("home");
        self.house
            .serve_where(&[("FAKE_HOME", home.to_str().unwrap())])
    }

    fn run(&self) -> String {
        let run = self
            .house
            .well(&["run", "-d", "--agent", "coder", "--thread", "card", "go"]);
        let run = run.trim().to_owned();
        self.house.until(&run, "succeeded");
        run
    }

    fn worktree(&self, run: &str) -> PathBuf {
        let body = self.house.run_body(run);
        body["worktree"]["path"].as_str().unwrap().into()
    }
}

fn fake_agent() -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    while path.file_name().is_some_and(|name| name != "deps") {
        path.pop();
    }
    path.pop();
    path.push("fake-agent");
    assert!(
        path.is_file(),
        "{} is missing: cargo build -p outlive-agent --bins",
        path.display()
    );
    path
}

#[test]
fn the_work_of_a_run_is_checked_merged_and_removed() {
    let shop = Shop::open("tool echo new > new.txt");
    let _server = shop.serve();
    let house = &shop.house;
    let run = shop.run();

    let shown = house.well(&["show", "last"]);
    let path = shop.worktree(&run);
    let place = format!(
        "worktree  {} on outlive/{run}, not all committed",
        path.display()
    );
    assert!(shown.contains(&place), "{shown}");
    assert!(shown.contains("changed   1 file, +1 -0"), "{shown}");
    assert!(shown.contains("kept      w1"), "{shown}");

    let check = house.well(&["worktree", "check", "last"]);
    assert!(check.contains("1 file not committed"), "{check}");
    house.ends(&["worktree", "merge", "last"], 1, "new.txt");
    let merged = house.well(&["worktree", "merge", "last", "--commit", "-m", "A file"]);
    assert_eq!(merged, "main is moved forward to it\n");
    assert!(shop.repository.join("new.txt").is_file());
    assert_eq!(
        git(&shop.repository, &["log", "-1", "--format=%s"]),
        "A file\n"
    );

    // Commands are not what `last` means, nor what the thread's run is.
    assert!(house.well(&["show", "last"]).contains(&run));
    let listed = house.well(&["ls"]);
    assert!(!listed.contains("worktree"), "{listed}");

    let removed = house.well(&["worktree", "remove", &run, "--branch"]);
    assert!(removed.starts_with("removed"), "{removed}");
    assert!(!path.exists());
    assert!(house.well(&["show", "last"]).contains("(removed)"));
    house.ends(&["worktree", "checkpoint", &run], 6, "worktree");
    house.ends(&["refine", &run], 6, "worktree");
    assert_eq!(house.run_body(&run)["can_refine"], false);
}

#[test]
fn conflicts_are_listed_and_leave_everything_as_it_was() {
    let shop = Shop::open("tool echo ours > README");
    let _server = shop.serve();
    shop.run();
    std::fs::write(shop.repository.join("README"), "theirs\n").unwrap();
    git(&shop.repository, &["commit", "-qam", "theirs"]);
    let output = shop
        .house
        .outlive(&["worktree", "merge", "last", "--commit"]);
    assert_eq!(output.status.code(), Some(6));
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "it does not fit main; nothing is changed\n  README (content)\n"
    );
    assert_eq!(
        git(&shop.repository, &["log", "-1", "--format=%s"]),
        "theirs\n"
    );
}

#[test]
fn a_worktree_is_kept_from_others_while_a_run_is_at_work_in_it() {
    let shop = Shop::open("tool echo new > new.txt");
    let server = shop.serve();
    let house = &shop.house;
    let first = shop.run();
    house.well(&["refine", "last", "--wait"]);
    let second = house.run_body("last")["id"].as_str().unwrap().to_owned();
    assert_ne!(first, second);
    assert_eq!(house.run_body(&second)["worktree"]["owner_run"], *first);
    let whole = house.well(&["diff", "last"]);
    assert!(whole.contains("+new"), "{whole}");
    let turn = house.well(&["diff", "last", "--checkpoint", "w2", "--stat"]);
    assert_eq!(
        turn, "0 files, +0 -0\n",
        "the second turn did the same again"
    );
    house.ends(&["diff", "last", "--checkpoint", "w9"], 4, "w9");
    // Only by the run that made it.
    house.ends(&["worktree", "remove", &second], 6, &first);
    let kept = house.well(&["worktree", "checkpoint", &second]);
    assert_eq!(kept, "kept as w3\n");
    let path = shop.worktree(&first);
    house.well(&["rm", &first]);
    // Its worktree goes with it, also as a new server finds it.
    eventually(|| (house.run_body(&second)["can_refine"] == false).then_some(()));
    house.ends(&["refine", &second], 6, "worktree");
    assert!(path.exists(), "nobody waits for that");
    drop(server);
    let _server = shop.serve();
    eventually(|| (!path.exists()).then_some(()));
}

#[test]
fn a_run_without_a_worktree_says_so() {
    let house = House::new();
    let _server = house.serve();
    let run = house.well(&["run", "-d", "--agent", "demo", "hi"]);
    house.ends(&["worktree", "merge", run.trim()], 6, "no worktree");
}

/// The start of a run that chooses something.
fn chosen<'a>(set: &[&'a str]) -> Vec<&'a str> {
    [&["run", "--wait", "--agent", "coder", "go"], set].concat()
}

#[test]
fn a_run_chooses_what_its_agent_lets_it_choose() {
    let shop = Shop::open("tool echo new > new.txt");
    let _server = shop.serve();
    let house = &shop.house;
    house.well(&chosen(&["--set", "cleanup=on_finish"]));
    let body = house.run_body("last");
    assert_eq!(body["worktree"]["present"], false, "{body}");
    assert!(body["session"]["native_id"].is_string(), "{body}");

    house.well(&chosen(&["--set", "worktree=shared"]));
    assert!(shop.repository.join("new.txt").is_file());
    assert_eq!(
        house.run_body("last")["worktree"]["branch"],
        serde_json::Value::Null
    );
    house.ends(&["worktree", "remove", "last"], 6, "no worktree");
    // A run of the same again is the same.
    house.well(&["retry", "last", "--wait"]);
    assert_eq!(
        house.run_body("last")["worktree"]["branch"],
        serde_json::Value::Null
    );

    house.ends(&chosen(&["--set", "effort=high"]), 2, "effort");
    house.ends(
        &chosen(&["--set", "approval=never"]),
        2,
        "unknown variant `never`",
    );
    house.ends(&chosen(&["--set", "cleanup"]), 2, "NAME=VALUE");
}

#[test]
fn the_work_of_a_run_is_tried_and_the_preview_ends_with_the_worktree() {
    let shop = Shop::open("tool echo new > new.txt");
    let _server = shop.serve();
    let house = &shop.house;
    let run = shop.run();
    let listed = house.well(&["preview", &run]);
    assert!(listed.starts_with("play  echo "), "{listed}");
    assert!(listed.ends_with("(not started yet)\n"), "{listed}");
    house.ends(&["preview", &run, "pley"], 4, "there are play");

    let preview = house
        .well(&["preview", &run, "play", "-d"])
        .trim()
        .to_owned();
    house.ends(&["preview", &run, "play"], 6, &preview);
    let mut watched = Watched::attach(house, &preview);
    let output = watched.until("tool.output");
    assert_eq!(
        output["data"]["text"], "{playing} new\n",
        "braces are no template: {output}"
    );
    let body = house.run_body(&run);
    assert_eq!(body["previews"][0]["run_id"], *preview);
    assert_eq!(body["previews"][0]["status"], "running");
    // It is not in the way of others, nor in their lists.
    house.well(&["refine", &run, "--wait"]);
    assert!(!house.well(&["ls"]).contains(&preview));

    house.well(&["preview", &run, "play", "--stop"]);
    assert_eq!(watched.end()["data"]["status"], "aborted");
    let again = house
        .well(&["preview", "last", "play", "-d"])
        .trim()
        .to_owned();
    let mut watched = Watched::attach(house, &again);
    watched.until("tool.output");
    house.well(&["worktree", "remove", &run]);
    assert_eq!(
        watched.until("stop.requested")["data"]["why"],
        "its worktree is removed"
    );
    assert_eq!(watched.end()["data"]["status"], "aborted");
    house.ends(&["preview", &run, "play"], 6, "worktree was removed");
    house.well(&["preview", &run, "play", "--stop"]);
}
