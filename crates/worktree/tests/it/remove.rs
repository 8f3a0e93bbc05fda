//! Removing worktrees, and finding those that nobody needs.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::time::Duration;

use worktree::{Base, Bounds, BranchFate, Error, Git, Orphaned, Removal, Unsaved};

use crate::ground::{Ground, code, create, git, git_does, id, read, remove, run, write};

fn with_branch() -> Removal {
    Removal {
        branch: BranchFate::Delete,
        ..Removal::default()
    }
}

#[tokio::test]
async fn an_untouched_worktree_leaves_nothing_behind() {
    let ground = Ground::new();
    let before = ground.theirs();
    let (repository, _made) = ground.worktree().await;
    let removed = remove(&ground.place, &repository, "r1", with_branch())
        .await
        .unwrap();
    assert_eq!((removed.saved, removed.branch_kept), (None, false));
    assert_eq!(ground.theirs(), before);
    assert_eq!(
        git(
            &ground.repo(),
            &["for-each-ref", "refs/outlive", "refs/heads/outlive"]
        ),
        ""
    );
    assert!(!ground.repo().join(".git/worktrees").exists());
    assert!(!ground.place.root().join(repository.key()).exists());
    let again = remove(&ground.place, &repository, "r1", with_branch()).await;
    assert_eq!(code(again), "worktree_unknown");
}

#[tokio::test]
async fn what_was_configured_for_the_branch_goes_with_it() {
    let ground = Ground::new();
    let config = read(&ground.repo(), ".git/config");
    let (repository, made) = ground.worktree().await;
    git(made.path(), &["config", "branch.outlive/r1.remote", "x"]);
    remove(&ground.place, &repository, "r1", with_branch())
        .await
        .unwrap();
    assert_eq!(read(&ground.repo(), ".git/config"), config);
}

#[tokio::test]
async fn uncommitted_work_is_saved_first() {
    let ground = Ground::new();
    let before = ground.theirs();
    let (repository, made) = ground.worktree().await;
    let path = made.path();
    write(path, "a.txt", "committed\n");
    git(path, &["commit", "-qam", "work"]);
    let tip = id(path, "HEAD");
    write(path, "untracked.txt", "work\n");
    write(path, "x.log", "ignored\n");
    fs::remove_file(path.join("src/lib.rs")).unwrap();
    let removed = remove(&ground.place, &repository, "r1", with_branch())
        .await
        .unwrap();
    let saved = removed.saved.unwrap();
    assert_eq!(saved.reference, "refs/outlive/saved/r1");
    assert_eq!(id(&ground.repo(), &saved.reference), saved.commit);
    assert_eq!(id(&ground.repo(), "refs/outlive/saved/r1^"), tip);
    let files = git(
        &ground.repo(),
        &["ls-tree", "-r", "--name-only", "refs/outlive/saved/r1"],
    );
    assert_eq!(files, ".gitignore\na.txt\nuntracked.txt");
    assert!(!git_does(
        &ground.repo(),
        &["rev-parse", "-q", "--verify", "outlive/r1"]
    ));
    assert_eq!(ground.theirs(), before);
}

#[tokio::test]
async fn a_branch_that_stays_needs_no_saving() {
    let ground = Ground::new();
    let (repository, made) = ground.worktree().await;
    write(made.path(), "a.txt", "committed\n");
    git(made.path(), &["commit", "-qam", "work"]);
    let tip = id(made.path(), "HEAD");
    let removed = remove(&ground.place, &repository, "r1", Removal::default())
        .await
        .unwrap();
    assert_eq!((removed.saved, removed.branch_kept), (None, true));
    assert_eq!(id(&ground.repo(), "outlive/r1"), tip);
}

#[tokio::test]
async fn commits_without_a_branch_are_saved() {
    let ground = Ground::new();
    let (repository, made) = ground.worktree().await;
    git(made.path(), &["checkout", "-q", "--detach"]);
    write(made.path(), "a.txt", "committed\n");
    git(made.path(), &["commit", "-qam", "work"]);
    let head = id(made.path(), "HEAD");
    let removed = remove(&ground.place, &repository, "r1", Removal::default())
        .await
        .unwrap();
    assert!(removed.saved.is_some());
    assert_eq!(id(&ground.repo(), "refs/outlive/saved/r1^1"), head);
}

#[tokio::test]
async fn a_branch_in_use_elsewhere_stays() {
    let ground = Ground::new();
    let (repository, made) = ground.worktree().await;
    git(made.path(), &["checkout", "-q", "--detach"]);
    git(
        &ground.repo(),
        &["worktree", "add", "-q", "../theirs", "outlive/r1"],
    );
    let removed = remove(&ground.place, &repository, "r1", with_branch())
        .await
        .unwrap();
    assert!(removed.branch_kept);
    assert!(git_does(
        &ground.repo(),
        &["rev-parse", "--verify", "outlive/r1"]
    ));
}

#[tokio::test]
async fn one_that_was_deleted_by_hand_is_removed_with_what_was_staged() {
    let ground = Ground::new();
    let (repository, made) = ground.worktree().await;
    write(made.path(), "staged.txt", "work\n");
    git(made.path(), &["add", "staged.txt"]);
    fs::remove_dir_all(made.path()).unwrap();
    assert_eq!(
        code(ground.place.find(&repository, &run("r1"))),
        "worktree_gone"
    );
    let removed = remove(&ground.place, &repository, "r1", with_branch())
        .await
        .unwrap();
    assert!(removed.saved.is_some());
    let shown = git(
        &ground.repo(),
        &["show", "refs/outlive/saved/r1:staged.txt"],
    );
    assert_eq!(shown, "work");
    assert_eq!(
        git(&ground.repo(), &["worktree", "list"]).lines().count(),
        1
    );
    // Its name is free again.
    create(&ground.place, &repository, "r1", Base::Head)
        .await
        .unwrap();
}

#[tokio::test]
async fn one_that_git_has_forgotten_is_saved_and_removed() {
    let ground = Ground::new();
    let before = ground.theirs();
    let (repository, made) = ground.worktree().await;
    write(made.path(), "a.txt", "work\n");
    fs::remove_dir_all(ground.repo().join(".git/worktrees")).unwrap();
    let removed = remove(&ground.place, &repository, "r1", with_branch())
        .await
        .unwrap();
    assert!(removed.saved.is_some());
    let repo = ground.repo();
    assert_eq!(
        git(
            &repo,
            &["diff", "--name-only", "main", "refs/outlive/saved/r1"]
        ),
        "a.txt"
    );
    assert!(!made.path().exists());
    assert_eq!(ground.theirs(), before);
}

#[tokio::test]
async fn what_cannot_be_saved_keeps_the_worktree() {
    let ground = Ground::new();
    let (repository, made) = ground.worktree().await;
    write(made.path(), "big.bin", vec![0; 5_000]);
    let bounds = Bounds {
        file_bytes: 1_000,
        ..Bounds::for_removal()
    };
    let small = |unsaved| Removal {
        bounds,
        unsaved,
        ..with_branch()
    };
    let refused = remove(&ground.place, &repository, "r1", small(Unsaved::Refuse)).await;
    let Err(Error::WorkNotSaved { files }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(files, ["big.bin"]);
    assert!(made.path().join("big.bin").exists());
    let removed = remove(&ground.place, &repository, "r1", small(Unsaved::Discard))
        .await
        .unwrap();
    assert_eq!(removed.notes.len(), 1);
    assert!(!made.path().exists());
}

#[tokio::test]
async fn links_and_read_only_directories_are_deleted_and_nothing_behind_them() {
    let ground = Ground::new();
    let (repository, made) = ground.worktree().await;
    write(&ground.dir(), "outside/precious.txt", "work\n");
    symlink(ground.dir().join("outside"), made.path().join("link")).unwrap();
    write(made.path(), "target/cache/x", "x");
    let cache = made.path().join("target/cache");
    fs::set_permissions(&cache, fs::Permissions::from_mode(0o555)).unwrap();
    remove(&ground.place, &repository, "r1", with_branch())
        .await
        .unwrap();
    assert!(!made.path().exists());
    assert_eq!(read(&ground.dir(), "outside/precious.txt"), "work\n");
}

#[tokio::test]
async fn a_worktree_that_became_a_link_is_not_touched() {
    let ground = Ground::new();
    let (repository, made) = ground.worktree().await;
    let away = ground.dir().join("away");
    fs::rename(made.path(), &away).unwrap();
    symlink(&away, made.path()).unwrap();
    let removed = remove(&ground.place, &repository, "r1", with_branch()).await;
    assert_eq!(code(removed), "worktree_outside");
    assert_eq!(read(&away, "a.txt"), "one\ntwo\nthree\n");

    // Nor one in a place that became a link.
    let (root, moved) = (ground.place.root(), ground.dir().join("moved"));
    fs::remove_file(made.path()).unwrap();
    fs::rename(&away, made.path()).unwrap();
    fs::rename(root, &moved).unwrap();
    symlink(&moved, root).unwrap();
    let removed = remove(&ground.place, &repository, "r1", with_branch()).await;
    assert_eq!(code(removed), "worktree_outside");
    assert_eq!(read(made.path(), "a.txt"), "one\ntwo\nthree\n");

    // Nor one in a directory that lost its mark.
    fs::remove_file(root).unwrap();
    fs::rename(&moved, root).unwrap();
    fs::remove_file(ground.place.root().join(".outlive")).unwrap();
    let removed = remove(&ground.place, &repository, "r1", with_branch()).await;
    assert_eq!(code(removed), "worktree_outside");
    assert_eq!(read(made.path(), "a.txt"), "one\ntwo\nthree\n");
}

#[tokio::test]
async fn only_the_run_that_owns_it_removes_it() {
    let ground = Ground::new();
    let (repository, made) = ground.worktree().await;
    let removed = remove(&ground.place, &repository, "r2", with_branch()).await;
    assert_eq!(code(removed), "worktree_unknown");
    // A record that was copied under another name is nobody's.
    let home = made.path().parent().unwrap();
    fs::copy(home.join("r1.json"), home.join("r2.json")).unwrap();
    let removed = remove(&ground.place, &repository, "r2", with_branch()).await;
    assert_eq!(code(removed), "worktree_unknown");
    assert!(made.path().join("a.txt").exists());
}

#[tokio::test]
async fn work_that_was_saved_before_is_kept_under_the_new() {
    let ground = Ground::new();
    let repository = ground.open().await;
    for text in ["first\n", "second\n"] {
        let made = create(&ground.place, &repository, "r1", Base::Head)
            .await
            .unwrap();
        write(made.path(), "work.txt", text);
        remove(&ground.place, &repository, "r1", with_branch())
            .await
            .unwrap();
    }
    let repo = ground.repo();
    assert_eq!(
        git(&repo, &["show", "refs/outlive/saved/r1:work.txt"]),
        "second"
    );
    assert_eq!(
        git(&repo, &["show", "refs/outlive/saved/r1^2:work.txt"]),
        "first"
    );
}

#[tokio::test]
async fn orphans_are_those_of_no_known_run_or_long_idle() {
    let ground = Ground::new();
    let repository = ground.open().await;
    for name in ["r1", "r2", "r3"] {
        create(&ground.place, &repository, name, Base::Head)
            .await
            .unwrap();
    }
    // What is not ours, or broken, is left alone.
    let home = ground.place.root().join(repository.key());
    write(&home, "r9.json", "{}");
    write(&home, "r8/file", "x");
    write(ground.place.root(), "other/r7.json", "");
    let names = |which| {
        let found = ground.place.orphans(which).unwrap();
        found
            .iter()
            .map(|orphan| orphan.run.to_string())
            .collect::<Vec<_>>()
    };
    let live = HashSet::from([run("r2"), run("r4")]);
    assert_eq!(names(Orphaned::NotOf(&live)), ["r1", "r3"]);
    assert_eq!(names(Orphaned::Idle(Duration::ZERO)), ["r1", "r2", "r3"]);
    assert_eq!(names(Orphaned::Idle(Duration::from_hours(1))), [""; 0]);

    let git_program = Git::find().await.unwrap();
    for orphan in ground.place.orphans(Orphaned::NotOf(&live)).unwrap() {
        write(&orphan.path, "work.txt", "x\n");
        let removed = ground
            .place
            .remove_orphan(git_program.clone(), &orphan, with_branch());
        assert!(removed.await.unwrap().saved.is_some());
    }
    assert_eq!(names(Orphaned::NotOf(&live)), [""; 0]);
    fs::remove_dir_all(ground.repo()).unwrap();
    let lost = ground
        .place
        .orphans(Orphaned::Idle(Duration::ZERO))
        .unwrap();
    let removed = ground
        .place
        .remove_orphan(git_program, &lost[0], with_branch());
    assert_eq!(code(removed.await), "path_missing");
    assert!(lost[0].path.exists());
}
