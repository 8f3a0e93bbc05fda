//! What a crash leaves in the middle of making or removing a worktree, and what the next call makes of it.

use std::fs;
use std::path::{Path, PathBuf};

use worktree::{Base, Place, Removal};

use crate::ground::{
    Ground, capture, code, create, git, git_does, read, remove, since_base, write,
};

/// A record of a worktree that was being made.
fn half_made(ground: &Ground, key: &str, stage: &str) -> PathBuf {
    let repo = ground.repo();
    let base = git(&repo, &["rev-parse", "main"]);
    let home = ground.place.root().join(key);
    let common = repo.join(".git");
    let record = format!(
        r#"{{"version":1,"run":"r1","common":"{}","base":{{"commit":"{base}","branch":"main"}},"stage":"{stage}"}}"#,
        common.display()
    );
    write(&home, "r1.json", record);
    write(&home, "r1.lock", "");
    home.join("r1")
}

/// Leaves something half made; creating it again and removing it both get over it.
async fn check(leave: impl Fn(&Path, &Path)) {
    for make_again in [true, false] {
        let ground = Ground::new();
        let before = ground.theirs();
        let repository = ground.open().await;
        let path = half_made(&ground, &repository.key(), "creating");
        leave(&ground.repo(), &path);
        if make_again {
            let made = create(&ground.place, &repository, "r1", Base::Head)
                .await
                .unwrap();
            assert_eq!(read(made.path(), "a.txt"), "one\ntwo\nthree\n");
            assert_eq!(git(made.path(), &["status", "--porcelain"]), "");
        } else {
            remove(&ground.place, &repository, "r1", Removal::default())
                .await
                .unwrap();
            assert!(!path.exists());
            assert!(!git_does(
                &ground.repo(),
                &["rev-parse", "-q", "--verify", "outlive/r1"]
            ));
        }
        let listed = git(&ground.repo(), &["worktree", "list"]).lines().count();
        assert_eq!(listed, if make_again { 2 } else { 1 });
        assert_eq!(ground.theirs(), before);
    }
}

#[tokio::test]
async fn a_half_made_worktree_is_made_anew_or_removed() {
    // Nothing but the record.
    check(|_, _| {}).await;
    // The branch, and the lock of the command that made it.
    check(|repo, _| {
        git(repo, &["branch", "outlive/r1"]);
        write(repo, ".git/refs/heads/outlive/r1.lock", "");
    })
    .await;
    // The entry of git, whole, in part, and with nothing in it.
    check(|repo, path| {
        let path = path.to_str().unwrap();
        git(
            repo,
            &[
                "worktree",
                "add",
                "-q",
                "--no-checkout",
                "--lock",
                "-b",
                "outlive/r1",
                path,
            ],
        );
    })
    .await;
    check(|repo, path| {
        write(repo, ".git/worktrees/r1/locked", "initializing");
        write(path, ".git", "");
    })
    .await;
    check(|repo, path| {
        let dotgit = path.join(".git");
        write(
            repo,
            ".git/worktrees/r1/gitdir",
            format!("{}\n", dotgit.display()),
        );
        write(repo, ".git/worktrees/r1/locked", "initializing");
    })
    .await;
    // The files, with the lock of the command that wrote them.
    check(|repo, path| {
        let at = path.to_str().unwrap();
        git(repo, &["worktree", "add", "-q", "-b", "outlive/r1", at]);
        write(repo, ".git/worktrees/r1/index.lock", "");
        fs::remove_file(path.join("a.txt")).unwrap();
    })
    .await;
    // Files that were being deleted.
    check(|_, path| write(&path.with_extension("removing"), "x", "x")).await;
}

#[tokio::test]
async fn a_removal_that_was_cut_short_goes_on() {
    let ground = Ground::new();
    let (repository, made) = ground.worktree().await;
    write(made.path(), "work.txt", "work\n");
    // As if it ended behind the renaming: saved, and half deleted.
    fs::rename(made.path(), made.path().with_extension("removing")).unwrap();
    let removed = remove(&ground.place, &repository, "r1", Removal::default())
        .await
        .unwrap();
    assert!(removed.branch_kept);
    assert!(!ground.place.root().join(repository.key()).exists());
    assert_eq!(
        git(&ground.repo(), &["worktree", "list"]).lines().count(),
        1
    );
}

#[tokio::test]
async fn a_branch_that_moved_is_not_deleted_as_half_made() {
    let ground = Ground::new();
    let repository = ground.open().await;
    half_made(&ground, &repository.key(), "creating");
    ground.clean();
    git(&ground.repo(), &["branch", "outlive/r1"]);
    let made = create(&ground.place, &repository, "r1", Base::Head).await;
    assert_eq!(code(made), "branch_taken");
    assert!(git_does(
        &ground.repo(),
        &["rev-parse", "-q", "--verify", "outlive/r1"]
    ));
}

#[tokio::test]
async fn a_lock_that_a_crash_left_on_the_branch_of_a_run_is_cleared() {
    let ground = Ground::new();
    let before = ground.theirs();
    let repository = ground.open().await;
    write(&ground.repo(), ".git/refs/heads/outlive/r1.lock", "");
    create(&ground.place, &repository, "r1", Base::Head)
        .await
        .unwrap();
    assert_eq!(ground.theirs(), before);
}

#[tokio::test]
async fn a_lock_that_a_crash_left_on_a_checkpoint_costs_its_number_only() {
    let ground = Ground::new();
    let (_, made) = ground.worktree().await;
    write(
        &ground.repo(),
        ".git/refs/outlive/checkpoints/r1/1.lock",
        "",
    );
    assert_eq!(capture(&made).await.checkpoint.number, 2);
}

#[tokio::test]
async fn a_broken_index_keeps_no_work_from_being_saved() {
    let ground = Ground::new();
    let (repository, made) = ground.worktree().await;
    write(made.path(), "a.txt", "work\n");
    write(&ground.repo(), ".git/worktrees/r1/index", "broken");
    capture(&made).await;
    assert_eq!(
        since_base(&repository, &made, 1).await,
        ["Modified a.txt +1 -3"]
    );
    let removed = remove(&ground.place, &repository, "r1", Removal::default()).await;
    assert!(removed.unwrap().saved.is_some());
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_not_guessed_at() {
    let ground = Ground::new();
    let (repository, made) = ground.worktree().await;
    let record = made.path().with_extension("json");
    let text = fs::read_to_string(&record).unwrap();
    for broken in ["", "{", &text.replace("\"version\": 1", "\"version\": 2")] {
        fs::write(&record, broken).unwrap();
        let removed = remove(&ground.place, &repository, "r1", Removal::default()).await;
        assert_eq!(code(removed), "record_unreadable");
        let made = create(&ground.place, &repository, "r1", Base::Head).await;
        assert_eq!(code(made), "record_unreadable");
    }
    assert!(made.path().join("a.txt").exists());
}

#[tokio::test]
async fn a_creation_that_nobody_waits_for_is_recovered() {
    let ground = Ground::new();
    for n in 0..300 {
        write(&ground.repo(), &format!("many/{n}.txt"), format!("{n}\n"));
    }
    ground.clean();
    let before = ground.theirs();
    let repository = ground.open().await;
    let place = Place::open(&ground.dir().join("data")).unwrap();
    for polls in [1, 5, 20, 60, 120] {
        let making = create(&place, &repository, "r1", Base::Head);
        let mut making = Box::pin(making);
        let mut left = polls;
        let gave_up = std::future::poll_fn(|cx| {
            use std::task::Poll;
            left -= 1;
            match making.as_mut().poll(cx) {
                Poll::Ready(_) => Poll::Ready(false),
                Poll::Pending if left == 0 => Poll::Ready(true),
                Poll::Pending => Poll::Pending,
            }
        });
        let _ = gave_up.await;
        drop(making);
        let made = create(&place, &repository, "r1", Base::Head).await.unwrap();
        assert_eq!(git(made.path(), &["status", "--porcelain"]), "");
        remove(
            &place,
            &repository,
            "r1",
            Removal {
                branch: worktree::BranchFate::Delete,
                ..Removal::default()
            },
        )
        .await
        .unwrap();
        assert_eq!(ground.theirs(), before);
    }
}
