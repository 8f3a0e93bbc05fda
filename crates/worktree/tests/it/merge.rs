//! Bringing a run's work into a branch.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use worktree::{Base, ConflictKind, Error, Git, How, Identity, Merge, Repository, Worktree};

use crate::ground::{Ground, code, create, git, git_does, id, read, run, theirs, write};

/// A user on another branch than `main`, whose working tree is dirty, and a run that began from `main`.
async fn ground() -> (Ground, Repository, Worktree) {
    let ground = Ground::new();
    ground.clean();
    git(&ground.repo(), &["checkout", "-qb", "desk"]);
    write(&ground.repo(), "a.txt", "dirty\n");
    let repository = ground.open().await;
    let base = Base::Named("main".to_owned());
    let made = create(&ground.place, &repository, "r1", base)
        .await
        .unwrap();
    (ground, repository, made)
}

fn commit(made: &Worktree, name: &str, text: &str) {
    write(made.path(), name, text);
    git(made.path(), &["add", "."]);
    git(made.path(), &["commit", "-qm", &format!("run: {name}")]);
}

/// Commits on `main` without its being checked out.
fn commit_on_main(ground: &Ground, name: &str, text: &str) {
    let dir = ground.dir().join("main");
    git(
        &ground.repo(),
        &["worktree", "add", "-q", "../main", "main"],
    );
    write(&dir, name, text);
    git(&dir, &["add", "."]);
    git(&dir, &["commit", "-qm", &format!("main: {name}")]);
    git(&ground.repo(), &["worktree", "remove", "../main"]);
}

async fn merge(repository: &Repository, how: How) -> Result<Merge, Error> {
    let by = Identity::new("Merger", "merger@example.com").unwrap();
    repository
        .merge(&run("r1"), "main", how, &by, "Merge the run")
        .await
}

async fn check_merge(repository: &Repository, how: How) -> Merge {
    let checked = repository.check_merge(&run("r1"), "main", how).await;
    checked.unwrap()
}

#[tokio::test]
async fn a_branch_that_did_not_move_goes_forward() {
    let (ground, repository, made) = ground().await;
    let before = ground.theirs();
    let from = id(&ground.repo(), "main");
    assert_eq!(
        merge(&repository, How::Merge).await.unwrap(),
        Merge::UpToDate { at: from.clone() }
    );
    commit(&made, "new.txt", "x\n");
    let to = id(made.path(), "HEAD");
    let forward = Merge::FastForward {
        from: from.clone(),
        to: to.clone(),
    };
    for how in [How::Merge, How::Rebase] {
        assert_eq!(check_merge(&repository, how).await, forward);
    }
    assert_eq!(ground.theirs(), before);
    assert_eq!(merge(&repository, How::Merge).await.unwrap(), forward);
    assert_eq!(id(&ground.repo(), "main"), to);
    git(
        &ground.repo(),
        &["update-ref", "refs/heads/main", from.as_str()],
    );
    assert_eq!(ground.theirs(), before);
}

#[tokio::test]
async fn work_on_both_sides_is_joined() {
    let (ground, repository, made) = ground().await;
    commit(&made, "new.txt", "x\n");
    commit_on_main(&ground, "other.txt", "y\n");
    let from = id(&ground.repo(), "main");
    let (before, files) = (
        ground.theirs(),
        git(&ground.repo(), &["status", "--porcelain"]),
    );
    let tried = Merge::Joined {
        from: from.clone(),
        to: None,
    };
    assert_eq!(check_merge(&repository, How::Merge).await, tried);
    assert_eq!(ground.theirs(), before);

    let merged = merge(&repository, How::Merge).await.unwrap();
    let repo = ground.repo();
    assert_eq!(
        merged,
        Merge::Joined {
            from: from.clone(),
            to: Some(id(&repo, "main")),
        }
    );
    let told = git(&repo, &["log", "-1", "--format=%an|%s|%P", "main"]);
    assert_eq!(
        told,
        format!("Merger|Merge the run|{from} {}", id(made.path(), "HEAD"))
    );
    let listed = git(
        &repo,
        &["ls-tree", "--name-only", "main", "new.txt", "other.txt"],
    );
    assert_eq!(listed, "new.txt\nother.txt");
    assert_eq!(git(&repo, &["status", "--porcelain"]), files);
}

#[tokio::test]
async fn a_rebase_makes_the_commits_again_with_their_authors() {
    let (ground, repository, made) = ground().await;
    commit(&made, "one.txt", "1\n");
    // A change that the branch has too is not made again.
    commit(&made, "same.txt", "same\n");
    commit(&made, "two.txt", "2\n");
    git(
        made.path(),
        &[
            "commit",
            "-q",
            "--amend",
            "--author",
            "Ann Other <ann@example.com>",
            "-m",
            "Subject\n\nBody line",
        ],
    );
    commit_on_main(&ground, "same.txt", "same\n");
    let (from, own) = (id(&ground.repo(), "main"), id(made.path(), "HEAD"));
    merge(&repository, How::Rebase).await.unwrap();
    let told = git(
        &ground.repo(),
        &["log", "--format=%an|%cn|%s|%b", &format!("{from}..main")],
    );
    assert_eq!(
        told,
        "Ann Other|Merger|Subject|Body line\n\nUser|Merger|run: one.txt|"
    );
    assert_eq!(
        git(
            &ground.repo(),
            &["diff", "--name-only", &format!("{own}"), "main"]
        ),
        ""
    );
    assert_eq!(id(&ground.repo(), "outlive/r1"), own);
    assert_eq!(id(&ground.repo(), "main~2"), from);
}

#[tokio::test]
async fn conflicts_are_data_and_nothing_is_done() {
    let (ground, repository, made) = ground().await;
    commit(&made, "a.txt", "run\n");
    commit(&made, "both.txt", "run\n");
    commit(&made, "bin", "\0run");
    git(made.path(), &["rm", "-q", "src/lib.rs"]);
    git(made.path(), &["commit", "-qm", "remove"]);
    git(
        &ground.repo(),
        &["worktree", "add", "-q", "../main", "main"],
    );
    let main = ground.dir().join("main");
    for (name, text) in [
        ("a.txt", "main\n"),
        ("both.txt", "main\n"),
        ("src/lib.rs", "main\n"),
        ("bin", "\0main"),
    ] {
        write(&main, name, text);
    }
    git(&main, &["add", "."]);
    git(&main, &["commit", "-qm", "main"]);
    git(&ground.repo(), &["worktree", "remove", "../main"]);
    let before = ground.theirs();

    for result in [
        check_merge(&repository, How::Merge).await,
        merge(&repository, How::Merge).await.unwrap(),
    ] {
        let Merge::Conflicts {
            at,
            conflicts,
            more,
        } = result
        else {
            panic!("{result:?}");
        };
        assert_eq!((at, more), (id(&ground.repo(), "main"), 0));
        let found: Vec<_> = conflicts
            .iter()
            .map(|it| (it.path.as_str(), it.kind))
            .collect();
        assert_eq!(
            found,
            [
                ("a.txt", ConflictKind::Content),
                ("bin", ConflictKind::Binary),
                ("both.txt", ConflictKind::BothAdded),
                ("src/lib.rs", ConflictKind::ModifyDelete),
            ]
        );
    }
    let Merge::Conflicts { conflicts, .. } = merge(&repository, How::Rebase).await.unwrap() else {
        panic!("no conflict");
    };
    assert_eq!(conflicts[0].path, "a.txt");
    assert_eq!(ground.theirs(), before);
}

#[tokio::test]
async fn a_clean_checkout_of_the_branch_is_updated_with_it() {
    let (ground, repository, made) = ground().await;
    git(&ground.repo(), &["checkout", "-q", "--", "a.txt"]);
    git(&ground.repo(), &["checkout", "-q", "main"]);
    write(&ground.repo(), "untracked.md", "mine\n");
    commit(&made, "new.txt", "x\n");
    merge(&repository, How::Merge).await.unwrap();
    assert_eq!(read(&ground.repo(), "new.txt"), "x\n");
    assert_eq!(
        git(&ground.repo(), &["status", "--porcelain"]),
        "?? untracked.md"
    );
    assert_eq!(id(&ground.repo(), "HEAD"), id(made.path(), "HEAD"));
}

#[tokio::test]
async fn a_dirty_checkout_of_the_branch_refuses() {
    let (ground, repository, made) = ground().await;
    git(&ground.repo(), &["checkout", "-q", "main"]);
    commit(&made, "new.txt", "x\n");
    let refuse = async |expected: &[&str]| {
        let before = ground.theirs();
        let merged = merge(&repository, How::Merge).await;
        let Err(Error::BranchDirty { files, path, .. }) = merged else {
            panic!("{merged:?}");
        };
        assert_eq!(
            (files, path),
            (
                expected.iter().map(ToString::to_string).collect(),
                ground.repo()
            )
        );
        assert_eq!(ground.theirs(), before);
    };
    refuse(&["a.txt"]).await;
    git(&ground.repo(), &["checkout", "-q", "--", "a.txt"]);
    write(&ground.repo(), "new.txt", "precious\n");
    refuse(&["new.txt"]).await;
    // Git would write over an ignored file without a word.
    write(&ground.repo(), ".git/info/exclude", "new.txt\n");
    refuse(&["new.txt"]).await;
}

#[tokio::test]
async fn a_branch_that_is_being_rebased_or_merged_is_not_moved() {
    let (ground, repository, made) = ground().await;
    commit(&made, "new.txt", "x\n");
    commit_on_main(&ground, "a.txt", "main\n");
    let repo = ground.repo();
    git(&repo, &["commit", "-qam", "desk"]);
    git(&repo, &["checkout", "-q", "main"]);
    assert!(!git_does(&repo, &["rebase", "-q", "desk"]));
    let merged = merge(&repository, How::Merge).await;
    assert_eq!(code(merged), "operation_in_progress");
    git(&repo, &["rebase", "--abort"]);
    assert!(!git_does(&repo, &["merge", "-q", "desk"]));
    let merged = merge(&repository, How::Merge).await;
    assert_eq!(code(merged), "operation_in_progress");
}

#[tokio::test]
async fn what_cannot_be_merged_says_why() {
    let (ground, repository, made) = ground().await;
    let by = Identity::new("a", "b").unwrap();
    let into = async |branch: &str, how| {
        let merged = repository.merge(&run("r1"), branch, how, &by, "m").await;
        merged.map_or_else(|error| error.code(), |_| "merged")
    };
    for branch in ["nowhere", "main~0", "../tags/x", "", "--all"] {
        assert_eq!(into(branch, How::Merge).await, "branch_unknown", "{branch}");
    }
    commit(&made, "new.txt", "x\n");
    git(made.path(), &["checkout", "-qb", "side", "HEAD~1"]);
    commit(&made, "side.txt", "x\n");
    git(made.path(), &["checkout", "-q", "outlive/r1"]);
    git(made.path(), &["merge", "-q", "-m", "joined", "side"]);
    commit_on_main(&ground, "other.txt", "y\n");
    assert_eq!(into("main", How::Rebase).await, "rebase_over_merge");
    git(&ground.repo(), &["checkout", "-qf", "--orphan", "alone"]);
    git(&ground.repo(), &["commit", "-qm", "alone"]);
    assert_eq!(into("alone", How::Merge).await, "histories_unrelated");
}

#[tokio::test]
async fn a_branch_is_merged_after_its_worktree_is_gone() {
    let (ground, repository, made) = ground().await;
    commit(&made, "new.txt", "x\n");
    crate::ground::remove(
        &ground.place,
        &repository,
        "r1",
        worktree::Removal::default(),
    )
    .await
    .unwrap();
    let before = theirs(&ground.repo());
    assert!(matches!(
        check_merge(&repository, How::Merge).await,
        Merge::FastForward { .. }
    ));
    assert_eq!(ground.theirs(), before);
}

/// The repository through a git that does something else first, whenever it is called with these words.
async fn meddled(ground: &Ground, words: &str, meddle: &str) -> Repository {
    let program = ground.dir().join("meddling-git");
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in {words}) (cd '{}'; unset GIT_DIR GIT_WORK_TREE; {meddle});; esac\nexec git \"$@\"\n",
        ground.repo().display()
    );
    write(&ground.dir(), "meddling-git", script);
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let git = Git::at(program).await.unwrap();
    Repository::open_with(git, &ground.repo()).await.unwrap()
}

#[tokio::test]
async fn a_branch_that_moves_meanwhile_is_not_overwritten() {
    let (ground, _, made) = ground().await;
    let repo = ground.repo();
    git(&repo, &["commit", "-qam", "faster"]);
    commit(&made, "new.txt", "x\n");
    let move_main = "git update-ref refs/heads/main desk";
    let meddled_with = meddled(&ground, "*update-ref*refs/heads/main*", move_main).await;
    assert_eq!(code(merge(&meddled_with, How::Merge).await), "branch_moved");
    assert_eq!(id(&repo, "main"), id(&repo, "desk"));

    git(&repo, &["checkout", "-qB", "main", "main~1"]);
    let commit_there = "git reset -q --hard desk";
    let meddled_with = meddled(&ground, "*merge*--ff-only*", commit_there).await;
    assert_eq!(code(merge(&meddled_with, How::Merge).await), "branch_moved");
    assert_eq!(id(&repo, "main"), id(&repo, "desk"));
    assert_eq!(git(&repo, &["status", "--porcelain"]), "");
}

#[tokio::test]
async fn a_lock_of_another_command_is_waited_for_and_named() {
    let (ground, repository, made) = ground().await;
    commit(&made, "new.txt", "x\n");
    write(&ground.repo(), ".git/refs/heads/main.lock", "");
    let before = ground.theirs();
    assert_eq!(
        code(merge(&repository, How::Merge).await),
        "repository_locked"
    );
    assert_eq!(ground.theirs(), before);
    let count = "echo >> ../tries; test $(wc -l < ../tries) -lt 3 || rm .git/refs/heads/main.lock";
    let slow = meddled(&ground, "*update-ref*refs/heads/main*", count).await;
    merge(&slow, How::Merge).await.unwrap();
    assert_eq!(id(&ground.repo(), "main"), id(made.path(), "HEAD"));
}
