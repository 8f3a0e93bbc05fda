//! Which paths are repositories that a run can work in.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use worktree::{Git, Place, Repository};

use crate::ground::{Ground, code, git, init, write};

async fn check(path: &Path, expected: &str) {
    let found = Repository::open(path).await;
    let found = found.map_or_else(|error| error.code(), |_| "open");
    assert_eq!(found, expected, "{}", path.display());
}

#[tokio::test]
async fn each_kind_of_path_has_its_answer() {
    let ground = Ground::new();
    let (dir, repo) = (ground.dir(), ground.repo());
    fs::create_dir(dir.join("plain")).unwrap();
    git(&dir, &["clone", "-q", "--bare", "repo", "bare"]);
    git(
        &dir.join("bare"),
        &["worktree", "add", "-q", "../of-bare", "main"],
    );
    git(
        &repo,
        &["worktree", "add", "-q", "../linked", "-b", "linked"],
    );
    let parent = dir.join("parent");
    init(&parent);
    git(
        &parent,
        &[
            "-c",
            "protocol.file.allow=always",
            "submodule",
            "add",
            "-q",
            "../repo",
            "sub",
        ],
    );

    check(&repo, "open").await;
    check(&repo.join("src"), "open").await;
    check(&dir.join("linked"), "open").await;
    check(&dir.join("of-bare"), "open").await;
    check(&parent, "open").await;
    check(&dir.join("nowhere"), "path_missing").await;
    check(&repo.join("a.txt"), "path_missing").await;
    check(&dir.join("plain"), "not_a_repository").await;
    check(&repo.join(".git"), "not_a_repository").await;
    check(&dir.join("bare"), "repository_bare").await;
    check(&parent.join("sub"), "repository_submodule").await;
    check(&parent.join("sub/src"), "repository_submodule").await;
}

#[tokio::test]
async fn all_worktrees_of_a_repository_have_one_key() {
    let ground = Ground::new();
    let (dir, repo) = (ground.dir(), ground.repo());
    git(
        &repo,
        &["worktree", "add", "-q", "../linked", "-b", "linked"],
    );
    git(&dir, &["clone", "-q", "repo", "other"]);
    let one = ground.open().await;
    let linked = Repository::open(&dir.join("linked")).await.unwrap();
    let other = Repository::open(&dir.join("other")).await.unwrap();
    assert_eq!(one.key(), linked.key());
    assert_eq!(linked.common_dir(), repo.join(".git"));
    assert_eq!(linked.top(), dir.join("linked"));
    assert_ne!(one.key(), other.key());
}

#[tokio::test]
async fn a_git_that_is_missing_or_too_old_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let old = dir.path().join("git");
    fs::write(&old, "#!/bin/sh\necho git version 2.30.2\n").unwrap();
    fs::set_permissions(&old, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(code(Git::at(&old).await), "git_too_old");
    assert_eq!(code(Git::at(dir.path().join("none")).await), "git_missing");
}

#[tokio::test]
async fn a_repository_of_another_user_is_not_trusted() {
    let ground = Ground::new();
    let repo = ground.repo();
    // Only root can give a directory away.
    if std::os::unix::fs::chown(&repo, Some(54321), None).is_err() {
        return;
    }
    check(&repo, "repository_not_trusted").await;
}

#[tokio::test]
async fn a_directory_that_is_not_ours_is_no_place_for_worktrees() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "worktrees/thesis.txt", "years of work");
    assert_eq!(code(Place::open(dir.path())), "place_not_ours");
    let other = tempfile::tempdir().unwrap();
    Place::open(other.path()).unwrap();
    Place::open(other.path()).unwrap();
}

#[test]
fn many_may_make_the_place_for_worktrees_at_once() {
    for _ in 0..50 {
        let dir = tempfile::tempdir().unwrap();
        let opened = || {
            let place = Place::open(dir.path()).unwrap();
            fs::create_dir_all(place.root().join("a-repository")).unwrap();
        };
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(opened);
            }
        });
    }
}
