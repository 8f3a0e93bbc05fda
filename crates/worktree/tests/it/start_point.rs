//! What a worktree begins from.

use worktree::{Base, Repository};

use crate::ground::{Ground, code, create, git, id};

async fn check(repository: &Repository, name: &str, expected: Result<(&str, Option<&str>), &str>) {
    let found = repository.resolve(&Base::Named(name.to_owned())).await;
    let found = match &found {
        Ok(base) => Ok((base.commit.as_str(), base.branch.as_deref())),
        Err(error) => Err(error.code()),
    };
    assert_eq!(found, expected, "{name}");
}

#[tokio::test]
async fn a_base_is_a_branch_a_tag_a_remote_branch_or_a_commit() {
    let ground = Ground::new();
    ground.clean();
    let dir = ground.dir();
    git(&ground.repo(), &["tag", "-am", "a tag", "v1", "HEAD~1"]);
    git(&dir, &["clone", "-q", "repo", "clone"]);
    let clone = dir.join("clone");
    git(&clone, &["branch", "v1", "HEAD"]);
    let repository = Repository::open(&clone).await.unwrap();
    let (head, first) = (id(&clone, "HEAD"), id(&clone, "HEAD~1"));
    let (head, first) = (head.as_str(), first.as_str());

    check(&repository, "main", Ok((head, Some("main")))).await;
    check(&repository, "v1", Ok((head, Some("v1")))).await;
    check(&repository, "tags/v1", Ok((first, None))).await;
    check(&repository, "origin/main", Ok((head, None))).await;
    check(&repository, "main~1", Ok((first, None))).await;
    check(&repository, "HEAD~1", Ok((first, None))).await;
    check(&repository, &first[..10], Ok((first, None))).await;
    check(&repository, "nothing", Err("base_unknown")).await;
    check(&repository, "--all", Err("base_unknown")).await;
    check(&repository, "", Err("base_unknown")).await;
}

#[tokio::test]
async fn a_detached_head_is_a_base_without_a_branch() {
    let ground = Ground::new();
    git(&ground.repo(), &["checkout", "-q", "--detach"]);
    let base = ground.open().await.resolve(&Base::Head).await.unwrap();
    assert_eq!(
        (base.commit, base.branch),
        (id(&ground.repo(), "HEAD"), None)
    );
}

#[tokio::test]
async fn a_repository_without_a_commit_has_no_base() {
    let ground = Ground::empty();
    let repository = ground.open().await;
    let made = create(&ground.place, &repository, "r1", Base::Head);
    assert_eq!(code(made.await), "base_unborn");
}
