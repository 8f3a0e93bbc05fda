//! The end of a run's work.

use worktree::{Bounds, Identity};

use crate::ground::{Ground, code, git, git_does, id, lines, write};

#[tokio::test]
async fn the_end_says_where_the_work_stands() {
    let ground = Ground::new();
    let (_, made) = ground.worktree().await;
    let path = made.path();
    let settled = made.checkout().settle(Bounds::default()).await.unwrap();
    assert_eq!(
        (settled.head, settled.dirty.files),
        (Some(id(path, "HEAD")), 0)
    );
    write(path, "a.txt", "new\n");
    git(path, &["commit", "-qam", "work"]);
    write(path, "left.txt", "over\n");
    let before = (ground.theirs(), git(path, &["status", "--porcelain"]));
    let settled = made.checkout().settle(Bounds::default()).await.unwrap();
    assert_eq!(settled.head, Some(id(path, "HEAD")));
    assert_eq!(settled.branch.as_deref(), Some("outlive/r1"));
    assert_eq!(lines(&settled.dirty), ["Added left.txt +1 -0"]);
    assert_eq!(
        (ground.theirs(), git(path, &["status", "--porcelain"])),
        before
    );
}

#[tokio::test]
async fn leftovers_are_committed_by_whom_it_is_said() {
    let ground = Ground::new();
    let (repository, made) = ground.worktree().await;
    let path = made.path();
    let by = Identity::configured(&repository).await.unwrap();
    let commit = async |by: &Identity| {
        let committed = made.commit_leftovers("Leftovers\n\nof a run", by, Bounds::default());
        committed.await.unwrap().commit
    };
    assert_eq!(commit(&by).await, None);
    let before = ground.theirs();
    write(path, "left.txt", "over\n");
    write(path, "a.txt", "staged\n");
    git(path, &["add", "a.txt"]);
    let made_commit = commit(&by).await.unwrap();
    assert_eq!(id(&ground.repo(), "outlive/r1"), made_commit);
    assert_eq!(git(path, &["status", "--porcelain"]), "");
    let told = git(path, &["show", "-s", "--format=%an <%ae> %s|%b"]);
    assert_eq!(told, "User <user@example.com> Leftovers|of a run");
    assert_eq!(ground.theirs(), before);

    write(path, "left.txt", "again\n");
    let agent = Identity::new("An Agent", "agent@example.com").unwrap();
    commit(&agent).await.unwrap();
    let told = git(path, &["show", "-s", "--format=%an <%ae>, %cn"]);
    assert_eq!(told, "An Agent <agent@example.com>, An Agent");
}

#[tokio::test]
async fn an_author_is_somebody() {
    for (name, email) in [("", "a@b"), ("a", " "), ("a <b>", "c"), ("a", "b\nc")] {
        assert_eq!(
            code(Identity::new(name, email)),
            "identity_bad",
            "{name} {email}"
        );
    }
}

#[tokio::test]
async fn half_a_merge_is_not_committed_as_leftovers() {
    let ground = Ground::new();
    ground.clean();
    let (repository, made) = ground.worktree().await;
    let path = made.path();
    write(path, "a.txt", "ours\n");
    git(path, &["commit", "-qam", "ours"]);
    git(path, &["checkout", "-qb", "other", "HEAD~1"]);
    write(path, "a.txt", "theirs\n");
    git(path, &["commit", "-qam", "theirs"]);
    assert!(!git_does(path, &["merge", "-q", "outlive/r1"]));
    let by = Identity::configured(&repository).await.unwrap();
    let committed = made.commit_leftovers("x", &by, Bounds::default()).await;
    assert_eq!(code(committed), "operation_in_progress");
}
