//! Repositories inside a worktree, and submodules.

use std::fs;

use worktree::{Base, Bounds, BranchFate, NoteKind, Removal, Repository};

use crate::ground::{Ground, capture, create, git, init, read, remove, run, since_base, write};

fn with_branch() -> Removal {
    Removal {
        branch: BranchFate::Delete,
        ..Removal::default()
    }
}

fn notes(captured: &worktree::Captured) -> Vec<(NoteKind, &str)> {
    captured
        .notes
        .iter()
        .map(|note| (note.kind, note.path.as_str()))
        .collect()
}

#[tokio::test]
async fn files_of_a_repository_inside_are_in_the_checkpoint() {
    let ground = Ground::new();
    let (repository, made) = ground.worktree().await;
    let path = made.path();
    // One without a commit makes `git add` fail; one in another is two steps away.
    init(&path.join("fresh"));
    write(path, "fresh/.gitignore", "target/\n");
    write(path, "fresh/main.rs", "fn main() {}\n");
    write(path, "fresh/target/out", "ignored\n");
    init(&path.join("fresh/deep"));
    write(path, "fresh/deep/x", "x\n");
    git(&path.join("fresh/deep"), &["add", "x"]);
    git(&path.join("fresh/deep"), &["commit", "-qm", "x"]);
    let captured = capture(&made).await;
    assert_eq!(
        notes(&captured),
        [
            (NoteKind::Nested, "fresh"),
            (NoteKind::Nested, "fresh/deep")
        ]
    );
    let expected = [
        "Added fresh/.gitignore +1 -0",
        "Added fresh/deep/x +1 -0",
        "Added fresh/main.rs +1 -0",
    ];
    assert_eq!(since_base(&repository, &made, 1).await, expected);

    write(path, "fresh/main.rs", "changed\n");
    fs::remove_file(path.join("fresh/deep/x")).unwrap();
    made.checkout().restore(1, Bounds::default()).await.unwrap();
    assert_eq!(read(path, "fresh/main.rs"), "fn main() {}\n");
    assert_eq!(
        git(&path.join("fresh/deep"), &["status", "--porcelain"]),
        ""
    );
}

#[tokio::test]
async fn the_history_of_a_repository_inside_is_saved_before_it_goes() {
    let ground = Ground::new();
    let before = ground.theirs();
    let (repository, made) = ground.worktree().await;
    let inner = made.path().join("inner");
    init(&inner);
    write(&inner, "x", "1\n");
    git(&inner, &["add", "x"]);
    git(&inner, &["commit", "-qm", "only here"]);
    write(&inner, "y", "not committed\n");
    let removed = remove(&ground.place, &repository, "r1", with_branch())
        .await
        .unwrap();
    assert_eq!(removed.nested, ["refs/outlive/nested/r1/1/"]);
    let repo = ground.repo();
    let told = git(
        &repo,
        &[
            "log",
            "-1",
            "--format=%s",
            "refs/outlive/nested/r1/1/heads/main",
        ],
    );
    assert_eq!(told, "only here");
    assert_eq!(
        git(&repo, &["show", "refs/outlive/saved/r1:inner/y"]),
        "not committed"
    );
    assert_eq!(ground.theirs(), before);
    repository.forget(&run("r1")).await.unwrap();
    assert_eq!(git(&repo, &["for-each-ref", "refs/outlive"]), "");
}

#[tokio::test]
async fn a_clone_inside_whose_history_is_elsewhere_is_not_copied() {
    let ground = Ground::new();
    let (repository, made) = ground.worktree().await;
    git(
        made.path(),
        &["clone", "-q", ground.repo().to_str().unwrap(), "inner"],
    );
    let removed = remove(&ground.place, &repository, "r1", with_branch())
        .await
        .unwrap();
    assert_eq!(removed.nested, [""; 0]);
    let shown = git(
        &ground.repo(),
        &["show", "refs/outlive/saved/r1:inner/src/lib.rs"],
    );
    assert_eq!(shown, "pub fn a() {}");
}

#[tokio::test]
async fn a_submodule_is_taken_as_its_commit_and_saved_before_it_goes() {
    let ground = Ground::new();
    let dir = ground.dir();
    let parent = dir.join("parent");
    init(&parent);
    let allow = ["-c", "protocol.file.allow=always"];
    git(
        &parent,
        &[&allow[..], &["submodule", "add", "-q", "../repo", "sub"]].concat(),
    );
    git(&parent, &["commit", "-qm", "with a submodule"]);
    let before = git(&parent, &["status", "--porcelain"]);
    let repository = Repository::open(&parent).await.unwrap();
    let made = create(&ground.place, &repository, "r1", Base::Head)
        .await
        .unwrap();
    let path = made.path();
    assert_eq!(notes(&capture(&made).await), []);
    git(
        path,
        &[&allow[..], &["submodule", "update", "-q", "--init"]].concat(),
    );
    let sub = path.join("sub");
    git(&sub, &["config", "user.name", "User"]);
    git(&sub, &["config", "user.email", "u@example.com"]);
    write(&sub, "a.txt", "dirty\n");
    let captured = capture(&made).await;
    assert_eq!(notes(&captured), [(NoteKind::SubmoduleDirty, "sub")]);
    assert_eq!(since_base(&repository, &made, 2).await, [""; 0]);
    git(&sub, &["commit", "-qam", "in the submodule"]);
    write(&sub, "b.txt", "not committed\n");
    capture(&made).await;
    assert_eq!(
        since_base(&repository, &made, 3).await,
        ["Modified sub +1 -1"]
    );

    let removed = remove(&ground.place, &repository, "r1", with_branch())
        .await
        .unwrap();
    assert_eq!(removed.nested, ["refs/outlive/nested/r1/1/"]);
    let told = git(
        &parent,
        &["log", "-1", "--format=%s", "refs/outlive/nested/r1/1/HEAD"],
    );
    assert_eq!(told, "in the submodule");
    let shown = git(
        &parent,
        &[
            "show",
            "refs/outlive/nested/r1/1/outlive/checkpoints/r1/1:b.txt",
        ],
    );
    assert_eq!(shown, "not committed");
    assert_eq!(git(&parent, &["status", "--porcelain"]), before);
}
