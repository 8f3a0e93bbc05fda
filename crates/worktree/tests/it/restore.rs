//! Going back to a checkpoint.

use std::fs;
use std::os::unix::fs::symlink;

use worktree::{Bounds, Error, Point};

use crate::ground::{Ground, capture, code, git, id, lines, read, write};

#[tokio::test]
async fn the_files_are_what_they_were_and_what_they_became_is_kept() {
    let ground = Ground::new();
    let (repository, made) = ground.worktree().await;
    let path = made.path();
    write(path, "new.txt", "1\n");
    write(path, "out.log", "ignored\n");
    capture(&made).await;
    fs::remove_file(path.join("new.txt")).unwrap();
    write(path, "new.txt/now/a/directory", "2\n");
    fs::remove_dir_all(path.join("src")).unwrap();
    symlink("a.txt", path.join("src")).unwrap();
    write(path, "a.txt", "staged\n");
    git(path, &["add", "a.txt"]);
    let (user, index) = (ground.theirs(), git(path, &["ls-files", "--stage"]));

    let restored = made.checkout().restore(1, Bounds::default()).await.unwrap();
    assert_eq!(
        (restored.now.number, restored.before.checkpoint.number),
        (1, 2)
    );
    assert_eq!(read(path, "new.txt"), "1\n");
    assert_eq!(read(path, "src/lib.rs"), "pub fn a() {}\n");
    assert_eq!(read(path, "a.txt"), "one\ntwo\nthree\n");
    assert_eq!(read(path, "out.log"), "ignored\n");
    assert_eq!(git(path, &["ls-files", "--stage"]), index);
    assert_eq!(ground.theirs(), user);

    made.checkout().restore(2, Bounds::default()).await.unwrap();
    assert_eq!(read(path, "new.txt/now/a/directory"), "2\n");
    assert_eq!(
        fs::read_link(path.join("src")).unwrap().to_str(),
        Some("a.txt")
    );
    let (from, to) = (Point::Checkpoint(2), Point::Checkpoint(3));
    let changes = repository.changes(made.run(), &from, &to).await.unwrap();
    assert_eq!(
        lines(&changes),
        [
            "Modified a.txt +3 -1",
            "Added new.txt +1 -0",
            "Deleted new.txt/now/a/directory +0 -1",
            "Deleted src +0 -1",
            "Added src/lib.rs +1 -0",
        ]
    );
}

#[tokio::test]
async fn files_that_stay_as_they_are_are_not_written() {
    let ground = Ground::new();
    let (_, made) = ground.worktree().await;
    capture(&made).await;
    write(made.path(), "src/lib.rs", "changed\n");
    let time = || {
        fs::metadata(made.path().join("a.txt"))
            .unwrap()
            .modified()
            .unwrap()
    };
    let before = time();
    made.checkout().restore(1, Bounds::default()).await.unwrap();
    assert_eq!(time(), before);
}

#[tokio::test]
async fn a_file_that_no_checkpoint_holds_is_not_overwritten() {
    let ground = Ground::new();
    let (_, made) = ground.worktree().await;
    write(made.path(), "notes.txt", "short\n");
    capture(&made).await;
    fs::remove_file(made.path().join("notes.txt")).unwrap();
    capture(&made).await;
    write(made.path(), "notes.txt", "much too long\n".repeat(100));
    write(made.path(), "a.txt", "changed\n");
    let small = Bounds {
        file_bytes: 100,
        ..Bounds::default()
    };
    let restored = made.checkout().restore(1, small).await;
    let Err(Error::RestoreBlocked { files }) = restored else {
        panic!("{restored:?}");
    };
    assert_eq!(files, ["notes.txt"]);
    assert_eq!(read(made.path(), "a.txt"), "changed\n");
}

#[tokio::test]
async fn a_file_that_became_ignored_is_not_overwritten() {
    let ground = Ground::new();
    let (_, made) = ground.worktree().await;
    write(made.path(), "out", "1\n");
    write(made.path(), "dir", "1\n");
    capture(&made).await;
    write(made.path(), ".gitignore", "out\ndir/\n");
    write(made.path(), "out", "2\n");
    fs::remove_file(made.path().join("dir")).unwrap();
    write(made.path(), "dir/inner", "2\n");
    let restored = made.checkout().restore(1, Bounds::default()).await;
    let Err(Error::RestoreBlocked { files }) = restored else {
        panic!("{restored:?}");
    };
    assert_eq!(files, ["dir/inner", "out"]);
    assert_eq!(read(made.path(), "out"), "2\n");
}

#[tokio::test]
async fn an_unknown_checkpoint_is_said_before_anything_is_done() {
    let ground = Ground::new();
    let (repository, made) = ground.worktree().await;
    let restored = made.checkout().restore(7, Bounds::default()).await;
    assert_eq!(code(restored), "checkpoint_unknown");
    assert!(
        repository
            .checkpoint_numbers(made.run())
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn the_branch_goes_back_with_the_files_when_asked() {
    let ground = Ground::new();
    let (_, made) = ground.worktree().await;
    let path = made.path();
    write(path, "a.txt", "first\n");
    git(path, &["commit", "-qam", "first"]);
    write(path, "b.txt", "not committed\n");
    capture(&made).await;
    let then = id(path, "HEAD");
    git(path, &["add", "."]);
    git(path, &["commit", "-qm", "second"]);
    let later = id(path, "HEAD");

    let restored = made.restore_with_head(1, Bounds::default()).await.unwrap();
    assert_eq!(id(path, "outlive/r1"), then);
    assert_eq!(git(path, &["status", "--porcelain"]), "?? b.txt");
    assert_eq!(restored.before.checkpoint.head, Some(later.clone()));
    assert_eq!(id(&ground.repo(), "refs/outlive/checkpoints/r1/2^"), later);

    git(path, &["checkout", "-q", "--detach"]);
    let elsewhere = made.restore_with_head(1, Bounds::default()).await;
    assert_eq!(code(elsewhere), "head_elsewhere");
}
