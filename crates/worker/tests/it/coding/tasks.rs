//! Commands on the worktrees of runs that have ended.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use run::{
    AgentSpec, Approval, Cleanup, DriverKind, ErrorInfo, Run, RunId, State, Status, WaitMode,
    WorktreeTask,
};
use serde_json::{Value, json};
use worker::Housekeeper;

use super::{agent, ends_as, error, git, hire, in_repository, repository};
use crate::house::{House, eventually};

/// A run that has ended, and its worktree.
async fn worked(house: &mut House, repository: &Path, script: &str) -> (RunId, PathBuf) {
    let run = house
        .start(in_repository(DriverKind::Codex, script, repository))
        .await;
    ends_as(house, run, Status::Succeeded, "completed").await;
    let path = house.snapshot(run).await.worktree.unwrap().path;
    (run, path.into())
}

fn task(repository: &Path, owner: RunId, command: Value) -> AgentSpec {
    let mut spec = AgentSpec::new(DriverKind::Worktree);
    spec.repository = Some(repository.display().to_string());
    let command = serde_json::from_value(command).unwrap();
    spec.task = Some(WorktreeTask { owner, command });
    spec
}

/// What comes of a command.
async fn done(house: &mut House, repository: &Path, owner: RunId, command: Value) -> Value {
    let run = house.start(task(repository, owner, command)).await;
    ends_as(house, run, Status::Succeeded, "completed").await;
    house.record(run).await.output.unwrap()
}

/// Why a command is refused.
async fn refused(house: &mut House, repository: &Path, owner: RunId, command: Value) -> ErrorInfo {
    let run = house.start(task(repository, owner, command)).await;
    ends_as(house, run, Status::Failed, "error").await;
    error(house, run).await
}

#[tokio::test]
async fn work_is_checked_committed_and_merged_into_the_branch_it_began_from() {
    let mut house = House::new().await;
    let repository = repository(&house);
    let worker = hire(&mut house);
    let (run, path) = worked(&mut house, &repository, "tool echo new > new.txt").await;

    let check = done(
        &mut house,
        &repository,
        run,
        json!({ "command": "check_merge" }),
    )
    .await;
    assert_eq!(check["into"], "main");
    assert_eq!(
        (&check["outcome"], &check["uncommitted"]),
        (&json!("up_to_date"), &json!(1))
    );
    let dirty = refused(&mut house, &repository, run, json!({ "command": "merge" })).await;
    assert_eq!(dirty.code, "worktree_dirty");
    assert!(
        dirty
            .message
            .contains("a file in the worktree is not committed (new.txt)"),
        "{dirty:?}"
    );

    let commit = json!({ "command": "merge", "commit": true, "message": "A new file" });
    let merged = done(&mut house, &repository, run, commit.clone()).await;
    assert_eq!(merged["outcome"], "fast_forward");
    assert_eq!(
        git(&repository, &["log", "-1", "--format=%an: %s", "main"]),
        "Ada: A new file\n"
    );
    assert!(
        repository.join("new.txt").is_file(),
        "main is checked out, so its files follow"
    );
    let again = done(&mut house, &repository, run, commit).await;
    assert_eq!(again["outcome"], "up_to_date");

    std::fs::write(path.join("more"), "more\n").unwrap();
    let output = done(&mut house, &repository, run, json!({ "command": "commit" })).await;
    let head = git(&path, &["rev-parse", "HEAD"]);
    assert_eq!(output["commit"], head.trim());
    let nothing = done(&mut house, &repository, run, json!({ "command": "commit" })).await;
    assert_eq!(nothing["commit"], Value::Null);
    worker.leave().await;
}

#[tokio::test]
async fn conflicts_are_a_result_and_change_nothing() {
    let mut house = House::new().await;
    let repository = repository(&house);
    let worker = hire(&mut house);
    let (run, path) = worked(&mut house, &repository, "tool echo ours > README").await;
    std::fs::write(repository.join("README"), "theirs\n").unwrap();
    git(&repository, &["commit", "-qam", "theirs"]);
    let main = git(&repository, &["rev-parse", "main"]);

    for how in ["merge", "rebase"] {
        let command = json!({ "command": "merge", "how": how, "commit": true });
        let merge = done(&mut house, &repository, run, command).await;
        assert_eq!(merge["outcome"], "conflicts", "{merge}");
        assert_eq!(
            merge["conflicts"],
            json!([{ "path": "README", "kind": "content" }])
        );
    }
    assert_eq!(git(&repository, &["rev-parse", "main"]), main);
    assert_eq!(git(&repository, &["status", "--porcelain"]), "");
    assert_eq!(
        std::fs::read_to_string(path.join("README")).unwrap(),
        "ours\n"
    );

    let outlive = format!("outlive/{run}");
    for (into, code) in [("nowhere", "branch_unknown"), (&*outlive, "into_refused")] {
        let merge = json!({ "command": "merge", "into": into });
        let error = refused(&mut house, &repository, run, merge).await;
        assert_eq!(error.code, code);
    }
    worker.leave().await;
}

#[tokio::test]
async fn a_checkpoint_is_restored_and_what_was_there_is_kept() {
    let mut house = House::new().await;
    let repository = repository(&house);
    let worker = hire(&mut house);
    let (run, path) = worked(&mut house, &repository, "tool echo one > file").await;
    std::fs::write(path.join("file"), "two\n").unwrap();
    let kept = done(
        &mut house,
        &repository,
        run,
        json!({ "command": "checkpoint" }),
    )
    .await;
    assert_eq!(kept["checkpoint"], "w2");
    std::fs::write(path.join("file"), "three\n").unwrap();

    let restore = json!({ "command": "restore", "checkpoint": "w1" });
    let spec = task(&repository, run, restore);
    let restoring = house.start(spec).await;
    ends_as(&house, restoring, Status::Succeeded, "completed").await;
    let output = house.record(restoring).await.output.unwrap();
    assert_eq!(output, json!({ "restored": "w1", "before": "w3" }));
    assert_eq!(std::fs::read_to_string(path.join("file")).unwrap(), "one\n");
    let snapshot = house.snapshot(restoring).await;
    assert_eq!(
        snapshot.diff.unwrap().additions,
        1,
        "the diff is that of the restored state"
    );
    assert_eq!(snapshot.worktree.unwrap().owner, Some(run));

    let back = json!({ "command": "restore", "checkpoint": "w3" });
    done(&mut house, &repository, run, back).await;
    assert_eq!(
        std::fs::read_to_string(path.join("file")).unwrap(),
        "three\n"
    );
    for (checkpoint, code) in [
        ("w99", "checkpoint_unknown"),
        ("third", "checkpoint_unknown"),
    ] {
        let command = json!({ "command": "restore", "checkpoint": checkpoint });
        assert_eq!(
            refused(&mut house, &repository, run, command).await.code,
            code
        );
    }
    worker.leave().await;
}

#[tokio::test]
async fn a_removed_worktree_is_saved_remembered_and_gone() {
    let mut house = House::new().await;
    let repository = repository(&house);
    let worker = hire(&mut house);
    let (run, path) = worked(&mut house, &repository, "tool echo new > new.txt").await;

    let remove = json!({ "command": "remove", "branch": true });
    let removed = done(&mut house, &repository, run, remove.clone()).await;
    assert!(!path.exists());
    let saved = removed["saved"]["reference"].as_str().unwrap();
    assert_eq!(
        git(&repository, &["show", &format!("{saved}:new.txt")]),
        "new\n"
    );
    assert_eq!(git(&repository, &["branch", "--list", "outlive/*"]), "");
    assert!(house.record(run).await.worktree_removed_at.is_some());

    for command in [
        remove,
        json!({ "command": "commit" }),
        json!({ "command": "checkpoint" }),
    ] {
        let gone = refused(&mut house, &repository, run, command.clone()).await;
        assert_eq!(gone.code, "worktree_gone", "{command}");
    }
    let merge = refused(&mut house, &repository, run, json!({ "command": "merge" })).await;
    assert_eq!(merge.code, "into_missing");
    worker.leave().await;
}

#[tokio::test]
async fn a_branch_is_merged_after_its_worktree_is_gone() {
    let mut house = House::new().await;
    let repository = repository(&house);
    let worker = hire(&mut house);
    let (run, path) = worked(&mut house, &repository, "tool echo new > new.txt").await;
    done(&mut house, &repository, run, json!({ "command": "commit" })).await;
    done(&mut house, &repository, run, json!({ "command": "remove" })).await;
    assert!(!path.exists());
    let merge = json!({ "command": "merge", "into": "main" });
    let merge = done(&mut house, &repository, run, merge).await;
    assert_eq!(merge["outcome"], "fast_forward");
    assert!(repository.join("new.txt").is_file());
    worker.leave().await;
}

#[tokio::test]
async fn a_command_on_a_worktree_that_was_deleted_by_hand_says_so() {
    let mut house = House::new().await;
    let repository = repository(&house);
    let worker = hire(&mut house);
    let (run, path) = worked(&mut house, &repository, "tool echo new > new.txt").await;
    std::fs::remove_dir_all(&path).unwrap();
    for command in ["commit", "checkpoint"] {
        let gone = refused(&mut house, &repository, run, json!({ "command": command })).await;
        assert_eq!(gone.code, "worktree_gone", "{command}");
    }
    // What is left of it is cleared away.
    done(&mut house, &repository, run, json!({ "command": "remove" })).await;
    assert!(!git(&repository, &["worktree", "list"]).contains("worktrees"));
    worker.leave().await;
}

#[tokio::test]
async fn a_spec_of_this_driver_is_no_agent() {
    let spec = agent(DriverKind::Codex, "tool true");
    let spec = AgentSpec {
        driver: DriverKind::Worktree,
        program: None,
        args: Vec::new(),
        approval: None,
        env: Vec::new(),
        ..spec
    };
    let problems = spec.problems();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(problems[0].contains("the server's own"), "{problems:?}");
}

#[tokio::test]
async fn the_worktree_of_a_deleted_run_goes_and_others_stay() {
    let mut house = House::new().await;
    let repository = repository(&house);
    let worker = hire(&mut house);
    let (run, path) = worked(&mut house, &repository, "tool echo new > new.txt").await;
    let (_, other) = worked(&mut house, &repository, "tool true").await;
    // A store that knows nothing of these runs, as after a copy was put back, leaves their worktrees alone.
    let elsewhere = House::new().await;
    let keeper = Housekeeper::new(elsewhere.store.clone(), house.path().to_owned(), None);
    keeper.look(&mut HashSet::new()).await;
    assert!(path.exists() && other.exists());
    let stranger = house.path().join("worktrees/of-somebody-else");
    std::fs::create_dir(&stranger).unwrap();
    let scope = store::Scope::tenant(run::Tenant::local());
    house.store.delete_run(&scope, run).await.unwrap();

    let keeper = Housekeeper::new(house.store.clone(), house.path().to_owned(), None);
    keeper.look(&mut HashSet::new()).await;
    assert!(!path.exists());
    let saved = format!("refs/outlive/saved/{run}:new.txt");
    assert_eq!(git(&repository, &["show", &saved]), "new\n");
    assert!(other.exists() && stranger.exists());
    worker.leave().await;
}

#[tokio::test]
async fn a_worktree_that_nobody_touched_for_long_goes_and_is_remembered_as_gone() {
    let mut house = House::new().await;
    let repository = repository(&house);
    let worker = hire(&mut house);
    let (run, path) = worked(&mut house, &repository, "tool echo new > new.txt").await;
    let look = async |keep: Duration| {
        let data = house.path().to_owned();
        let keeper = Housekeeper::new(house.store.clone(), data, Some(keep));
        keeper.look(&mut HashSet::new()).await;
    };
    look(Duration::from_hours(1)).await;
    let scope = store::Scope::tenant(run::Tenant::local());
    let filter = store::RunFilter {
        with_ephemeral: true,
        ..store::RunFilter::default()
    };
    let runs = house
        .store
        .runs(&scope, filter.clone(), None, 10)
        .await
        .unwrap();
    assert_eq!(runs.entries.len(), 1, "it is not old");

    look(Duration::ZERO).await;
    let runs = house.store.runs(&scope, filter, None, 10).await.unwrap();
    let removing = runs.entries[0].id;
    assert_ne!(removing, run);
    ends_as(&house, removing, Status::Succeeded, "completed").await;
    assert!(!path.exists());
    assert!(house.record(run).await.worktree_removed_at.is_some());
    look(Duration::ZERO).await;
    worker.leave().await;
}

#[tokio::test]
async fn a_worktree_goes_late_where_nobody_was_there_at_the_end_of_its_run() {
    let mut house = House::new().await;
    let repository = repository(&house);
    let worker = hire(&mut house);
    let script = "tool echo new > new.txt;ask echo asked";
    let mut spec = in_repository(DriverKind::Codex, script, &repository);
    spec.approval = Some(Approval::Ask);
    spec.park_after_ms = Some(1);
    spec.cleanup = Cleanup::OnFinish;
    let run = house.start(spec).await;
    let is_parked = |run: &Run| {
        matches!(
            run.state,
            State::Waiting {
                mode: WaitMode::Parked,
                ..
            }
        )
    };
    house.until(run, "parked", is_parked).await;
    house.stop(run).await;
    ends_as(&house, run, Status::Aborted, "stopped").await;
    let path = PathBuf::from(house.snapshot(run).await.worktree.unwrap().path);
    assert!(path.exists());

    let keeper = Housekeeper::new(house.store.clone(), house.path().to_owned(), None);
    keeper.look(&mut HashSet::new()).await;
    eventually("the worktree is gone", || !path.exists()).await;
    let saved = format!("refs/outlive/saved/{run}:new.txt");
    assert_eq!(git(&repository, &["show", &saved]), "new\n");
    worker.leave().await;
}

#[tokio::test]
async fn a_preview_ends_before_the_worktree_of_a_deleted_run_goes() {
    let mut house = House::new().await;
    let repository = repository(&house);
    let worker = hire(&mut house);
    let (run, path) = worked(&mut house, &repository, "tool echo new > new.txt").await;
    let mut spec = AgentSpec::new(DriverKind::Command);
    spec.command = ["sh", "-c", "sleep 600"].map(str::to_owned).to_vec();
    spec.directory = Some(path.display().to_string());
    // Whatever the run's own agent calls its previews by now.
    let thread = run::preview_thread(run, "play").to_string();
    let preview = house
        .start_on(&thread, spec, run::Input::text("play"))
        .await;
    let is_running = |event: &run::Event| matches!(event, run::Event::ToolRunning(_));
    house.until_event(preview, "a preview", is_running).await;
    let scope = store::Scope::tenant(run::Tenant::local());
    house.store.delete_run(&scope, run).await.unwrap();

    let keeper = Housekeeper::new(house.store.clone(), house.path().to_owned(), None);
    keeper.look(&mut HashSet::new()).await;
    assert!(house.control(preview).await.is_final(), "it is waited for");
    ends_as(&house, preview, Status::Aborted, "stopped").await;
    assert!(!path.exists());
    worker.leave().await;
}
