//! Worktrees, checkpoints and diffs.

use std::path::{Path, PathBuf};

use run::{Cleanup, DriverKind, Event, Input, RunId, Status, WorktreeUse};

use super::{agent, alive, count, ends_as, error, git, hire, in_repository, repository};
use crate::house::{House, eventually};

async fn worktree(house: &House, run: RunId) -> PathBuf {
    house.snapshot(run).await.worktree.unwrap().path.into()
}

/// The text of the diff that is kept.
async fn diff(house: &House, run: RunId) -> String {
    let snapshot = house.snapshot(run).await;
    let blob = snapshot.diff.unwrap().blob.unwrap();
    let mut hash = [0; 32];
    for (n, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&blob[2 * n..2 * n + 2], 16).unwrap();
    }
    let (media_type, bytes) = house.store.blob(run, hash).await.unwrap();
    assert!(media_type.starts_with("text/x-diff"));
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn a_run_works_in_a_worktree_of_its_own_and_its_diff_is_what_git_says() {
    let mut house = House::new().await;
    let repository = repository(&house);
    let worker = hire(&mut house);
    let script = "tool echo new > new.txt;tool echo more >> README|tool rm README";
    let spec = in_repository(DriverKind::Codex, script, &repository);
    let run = house.start(spec).await;
    house
        .input(run, run::event::InputMode::FollowUp, "next")
        .await;
    ends_as(&house, run, Status::Succeeded, "completed").await;

    let path = worktree(&house, run).await;
    assert!(path.join("new.txt").is_file());
    assert_eq!(
        git(&repository, &["status", "--porcelain"]),
        "",
        "the user's files changed"
    );
    let snapshot = house.snapshot(run).await;
    let ours = snapshot.worktree.unwrap();
    assert_eq!(ours.branch.as_deref(), Some(&*format!("outlive/{run}")));
    let settled = ours.settled.unwrap();
    assert!(settled.dirty);
    assert_eq!(
        settled.head,
        git(&repository, &["rev-parse", "main"]).trim()
    );
    assert_eq!(snapshot.checkpoints.len(), 2);
    // Each turn has its own diff beside the one in all.
    let turns: Vec<Vec<&str>> = snapshot
        .checkpoints
        .iter()
        .map(|kept| {
            let files = &kept.diff.as_ref().unwrap().files;
            files.iter().map(|file| &*file.path).collect()
        })
        .collect();
    assert_eq!(turns, [vec!["README", "new.txt"], vec!["README"]]);
    let total = snapshot.diff.unwrap();
    assert_eq!(total.files.len(), 2, "{:?}", total.files);

    git(&path, &["add", "-A"]);
    let by_git = git(&path, &["diff", "--cached", "--no-color", &ours.base]);
    let kept = diff(&house, run).await;
    let lines = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.starts_with("index "));
        lines.map(str::to_owned).collect()
    };
    assert_eq!(lines(&kept), lines(&by_git));
    worker.leave().await;
}

#[tokio::test]
async fn a_refining_run_goes_on_in_the_same_session_and_worktree() {
    let mut house = House::new().await;
    let repository = repository(&house);
    let worker = hire(&mut house);
    let script = "tool echo 1 > one|tool echo 2 > two|tool echo 3 > three";
    let spec = in_repository(DriverKind::Claude, script, &repository);
    let first = house.start(spec.clone()).await;
    ends_as(&house, first, Status::Succeeded, "completed").await;
    let path = worktree(&house, first).await;
    let session = house.control(first).await.resume_ref.clone();

    house.refines = Some(first);
    let second = house
        .start_on("thread", spec.clone(), Input::text("better"))
        .await;
    ends_as(&house, second, Status::Succeeded, "completed").await;
    house.refines = Some(second);
    let third = house.start_on("thread", spec, Input::text("best")).await;
    ends_as(&house, third, Status::Succeeded, "completed").await;

    for run in [second, third] {
        assert_eq!(worktree(&house, run).await, path);
        let owner = house.snapshot(run).await.worktree.unwrap().owner;
        assert_eq!(
            owner,
            Some(first),
            "refining a refinement keeps the first owner"
        );
        assert_eq!(house.control(run).await.resume_ref, session);
    }
    for name in ["one", "two", "three"] {
        assert!(path.join(name).is_file(), "{name} is missing");
    }
    assert_eq!(house.snapshot(third).await.diff.unwrap().files.len(), 3);
    worker.leave().await;
}

#[tokio::test]
async fn scripts_stand_before_and_behind_the_agent() {
    let mut house = House::new().await;
    let repository = repository(&house);
    let worker = hire(&mut house);
    let mut spec = in_repository(DriverKind::Pi, "tool cat prepared", &repository);
    spec.setup = Some("echo ready > prepared".to_owned());
    spec.teardown = Some("rm prepared".to_owned());
    let run = house.start(spec.clone()).await;
    ends_as(&house, run, Status::Succeeded, "completed").await;
    let snapshot = house.snapshot(run).await;
    let names: Vec<_> = snapshot
        .activities
        .iter()
        .map(|activity| &*activity.name)
        .collect();
    assert_eq!(names.first(), Some(&"setup"));
    assert_eq!(names.last(), Some(&"teardown"));
    let settled = snapshot.worktree.unwrap().settled.unwrap();
    assert!(!settled.dirty);

    spec.setup = Some("echo no >&2; exit 7".to_owned());
    let run = house.start(spec).await;
    ends_as(&house, run, Status::Failed, "error").await;
    assert_eq!(error(&house, run).await.code, "setup_failed");
    assert_eq!(count(&house, run, "session.started").await, 0);
    worker.leave().await;
}

#[tokio::test]
async fn what_is_cleaned_up_is_saved() {
    let mut house = House::new().await;
    let repository = repository(&house);
    let worker = hire(&mut house);
    let mut spec = in_repository(DriverKind::Codex, "tool echo kept > kept.txt", &repository);
    spec.cleanup = Cleanup::OnFinish;
    let run = house.start(spec).await;
    ends_as(&house, run, Status::Succeeded, "completed").await;
    assert!(!worktree(&house, run).await.exists());
    assert_eq!(git(&repository, &["branch", "--list", "outlive/*"]), "");
    let saved = format!("refs/outlive/saved/{run}:kept.txt");
    assert_eq!(git(&repository, &["show", &saved]), "kept\n");
    worker.leave().await;
}

#[tokio::test]
async fn an_input_that_comes_while_the_worktree_goes_is_returned() {
    let mut house = House::new().await;
    let repository = repository(&house);
    // What the removal needs and waits for, after all of its checks.
    let lock = std::fs::File::create(repository.join(".git/outlive.lock")).unwrap();
    let worker = hire(&mut house);
    let mut spec = in_repository(DriverKind::Codex, "tool echo kept > kept.txt", &repository);
    spec.cleanup = Cleanup::OnFinish;
    spec.teardown = Some("until [ -e go ]; do sleep 0.01; done".to_owned());
    let run = house.start(spec).await;
    let is_teardown =
        |event: &Event| matches!(event, Event::ToolStarted(tool) if tool.name == "teardown");
    house.until_event(run, "the teardown", is_teardown).await;
    lock.lock().unwrap();
    std::fs::write(worktree(&house, run).await.join("go"), "").unwrap();
    let saved = repository.join(format!(".git/refs/outlive/saved/{run}"));
    eventually("the work is saved", || saved.exists()).await;
    house
        .input(run, run::event::InputMode::FollowUp, "and more")
        .await;
    lock.unlock().unwrap();
    ends_as(&house, run, Status::Succeeded, "completed").await;
    assert_eq!(count(&house, run, "input.returned").await, 1);
    assert!(!worktree(&house, run).await.exists());
    worker.leave().await;
}

#[tokio::test]
async fn leftovers_are_committed_when_that_is_asked_for() {
    let mut house = House::new().await;
    let repository = repository(&house);
    let worker = hire(&mut house);
    let mut spec = in_repository(DriverKind::Codex, "tool echo new > new.txt", &repository);
    spec.commit_leftovers = true;
    let run = house.start(spec).await;
    ends_as(&house, run, Status::Succeeded, "completed").await;
    let settled = house.snapshot(run).await.worktree.unwrap().settled.unwrap();
    assert!(!settled.dirty);
    let branch = format!("outlive/{run}");
    assert_eq!(
        settled.head,
        git(&repository, &["rev-parse", &branch]).trim()
    );
    assert_eq!(
        git(&repository, &["show", &format!("{branch}:new.txt")]),
        "new\n"
    );
    worker.leave().await;
}

#[tokio::test]
async fn a_stopped_run_says_how_it_left_its_files() {
    let mut house = House::new().await;
    let repository = repository(&house);
    let worker = hire(&mut house);
    let script = "tool echo half > half.txt;tool sleep 1000";
    let spec = in_repository(DriverKind::Pi, script, &repository);
    let run = house.start(spec).await;
    house
        .until(run, "in its second tool", |run| {
            run.n_calls == 2 && !run.calls.is_empty()
        })
        .await;
    house.stop(run).await;
    ends_as(&house, run, Status::Aborted, "stopped").await;
    assert!(
        house
            .snapshot(run)
            .await
            .worktree
            .unwrap()
            .settled
            .unwrap()
            .dirty
    );
    assert!(diff(&house, run).await.contains("half.txt"));
    worker.leave().await;
}

#[tokio::test]
async fn a_place_that_cannot_be_used_has_its_own_error() {
    let mut house = House::new().await;
    let worker = hire(&mut house);
    let plain = house.path().join("plain");
    std::fs::create_dir(&plain).unwrap();
    let bare = house.path().join("bare");
    git(house.path(), &["init", "-q", "--bare", "bare"]);
    let check = async |house: &mut House, path: &Path, code: &str| {
        let spec = in_repository(DriverKind::Codex, "text a", path);
        let run = house.start(spec).await;
        ends_as(house, run, Status::Failed, "error").await;
        assert_eq!(error(house, run).await.code, code);
    };
    check(&mut house, &plain, "not_a_repository").await;
    check(&mut house, &bare, "repository_bare").await;
    check(&mut house, Path::new("/no/such/place"), "path_missing").await;

    let mut spec = agent(DriverKind::Codex, "text a");
    spec.directory = Some("/no/such/place".to_owned());
    let run = house.start(spec).await;
    ends_as(&house, run, Status::Failed, "error").await;
    assert_eq!(error(&house, run).await.code, "directory_missing");
    worker.leave().await;
}

#[tokio::test]
async fn a_worktree_that_was_deleted_by_hand_is_a_clear_error() {
    let mut house = House::new().await;
    let repository = repository(&house);
    let worker = hire(&mut house);
    let spec = in_repository(DriverKind::Codex, "text a", &repository);
    let first = house.start(spec.clone()).await;
    ends_as(&house, first, Status::Succeeded, "completed").await;
    std::fs::remove_dir_all(worktree(&house, first).await).unwrap();
    house.refines = Some(first);
    let second = house.start(spec).await;
    ends_as(&house, second, Status::Failed, "error").await;
    assert_eq!(error(&house, second).await.code, "worktree_gone");
    worker.leave().await;
}

#[tokio::test]
async fn a_shared_repository_is_worked_in_as_it_is() {
    let mut house = House::new().await;
    let repository = repository(&house);
    let worker = hire(&mut house);
    let mut spec = in_repository(DriverKind::Codex, "tool echo new > new.txt", &repository);
    spec.worktree = WorktreeUse::Shared;
    let run = house.start(spec).await;
    ends_as(&house, run, Status::Succeeded, "completed").await;
    assert!(repository.join("new.txt").is_file());
    assert_eq!(git(&repository, &["status", "--porcelain"]), "?? new.txt\n");
    worker.leave().await;
}

#[tokio::test]
async fn many_runs_at_once_have_a_worktree_each() {
    let mut house = House::new().await;
    let repository = repository(&house);
    let worker = hire(&mut house);
    let mut runs = Vec::new();
    for n in 0..36 {
        let spec = in_repository(DriverKind::Codex, "tool echo mine > mine", &repository);
        let thread = format!("card-{n}");
        runs.push(house.start_on(&thread, spec, Input::text("go")).await);
    }
    for run in runs {
        ends_as(&house, run, Status::Succeeded, "completed").await;
        assert!(worktree(&house, run).await.join("mine").is_file());
        assert_eq!(alive(&house, run), 0);
    }
    worker.leave().await;
}
