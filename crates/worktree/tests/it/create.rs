//! Worktrees of runs: made, found, made by many at once.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use tokio::task::JoinSet;
use worktree::{Base, Git, Repository};

use crate::ground::{
    Ground, capture, code, create, git, git_does, id, read, run, since_base, theirs, write,
};

#[tokio::test]
async fn a_worktree_has_the_files_of_its_base_and_a_branch_of_its_own() {
    let ground = Ground::new();
    let before = ground.theirs();
    let (repository, made) = ground.worktree().await;
    assert_eq!(
        made.path(),
        ground.place.root().join(repository.key()).join("r1")
    );
    assert_eq!(read(made.path(), "a.txt"), "one\ntwo\nthree\n");
    assert!(!made.path().join("untracked.txt").exists());
    assert_eq!(git(made.path(), &["status", "--porcelain"]), "");
    assert_eq!(
        git(made.path(), &["branch", "--show-current"]),
        "outlive/r1"
    );
    assert_eq!(made.base().branch.as_deref(), Some("main"));
    assert_eq!(made.base().commit, id(&ground.repo(), "main"));
    assert_eq!(ground.theirs(), before);

    let again = create(&ground.place, &repository, "r1", Base::Head);
    assert_eq!(again.await.unwrap().path(), made.path());
    let found = ground.place.find(&repository, &run("r1")).unwrap();
    assert_eq!(found.base(), made.base());
    let other = ground.place.find(&repository, &run("r2"));
    assert_eq!(code(other), "worktree_unknown");
}

#[tokio::test]
async fn making_it_again_from_elsewhere_is_refused() {
    let ground = Ground::new();
    let (repository, _made) = ground.worktree().await;
    ground.clean();
    let again = create(&ground.place, &repository, "r1", Base::Head);
    assert_eq!(code(again.await), "worktree_exists");
}

#[tokio::test]
async fn a_worktree_is_made_from_a_subdirectory_and_from_another_worktree() {
    let ground = Ground::new();
    git(
        &ground.repo(),
        &["worktree", "add", "-q", "../linked", "-b", "linked"],
    );
    for (name, from) in [("sub", "repo/src"), ("wt", "linked")] {
        let repository = Repository::open(&ground.dir().join(from)).await.unwrap();
        let made = create(&ground.place, &repository, name, Base::Head);
        assert_eq!(
            read(made.await.unwrap().path(), "src/lib.rs"),
            "pub fn a() {}\n"
        );
    }
}

#[tokio::test]
async fn a_remote_base_is_not_tracked_and_not_fetched() {
    let ground = Ground::new();
    let dir = ground.dir();
    git(&dir, &["clone", "-q", "repo", "clone"]);
    let clone = dir.join("clone");
    git(&clone, &["config", "branch.autoSetupMerge", "always"]);
    // A remote that cannot be reached would show a fetch.
    git(&clone, &["remote", "set-url", "origin", "/nowhere"]);
    let before = theirs(&clone);
    let repository = Repository::open(&clone).await.unwrap();
    let base = Base::Named("origin/main".to_owned());
    let made = create(&ground.place, &repository, "r1", base);
    made.await.unwrap();
    assert!(!git_does(&clone, &["config", "branch.outlive/r1.remote"]));
    assert_eq!(theirs(&clone), before);
}

#[tokio::test]
async fn what_is_in_the_way_is_named() {
    let ground = Ground::new();
    let (repo, repository) = (ground.repo(), ground.open().await);
    git(&repo, &["branch", "outlive/r1"]);
    let made = create(&ground.place, &repository, "r1", Base::Head);
    assert_eq!(code(made.await), "branch_taken");

    let home = ground.place.root().join(repository.key());
    write(&home, "r2/precious", "work");
    let made = create(&ground.place, &repository, "r2", Base::Head);
    assert_eq!(code(made.await), "place_taken");
    assert_eq!(read(&home, "r2/precious"), "work");

    let other = Ground::new();
    git(&other.repo(), &["branch", "outlive"]);
    let repository = other.open().await;
    let made = create(&other.place, &repository, "r1", Base::Head);
    assert_eq!(code(made.await), "branch_taken");
}

#[tokio::test]
async fn a_link_out_of_the_place_is_not_followed() {
    let ground = Ground::new();
    let repository = ground.open().await;
    fs::create_dir(ground.dir().join("elsewhere")).unwrap();
    let home = ground.place.root().join(repository.key());
    symlink(ground.dir().join("elsewhere"), &home).unwrap();
    let made = create(&ground.place, &repository, "r1", Base::Head);
    assert_eq!(code(made.await), "worktree_outside");
    assert!(
        fs::read_dir(ground.dir().join("elsewhere"))
            .unwrap()
            .next()
            .is_none()
    );
}

#[tokio::test]
async fn hooks_of_the_user_are_not_run() {
    let ground = Ground::new();
    for hook in [
        "post-checkout",
        "pre-commit",
        "reference-transaction",
        "post-index-change",
    ] {
        let path = ground.repo().join(".git/hooks").join(hook);
        let told = ground.dir().join("told");
        write(
            path.parent().unwrap(),
            hook,
            format!("#!/bin/sh\ntouch {}\n", told.display()),
        );
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let (_, made) = ground.worktree().await;
    write(made.path(), "a.txt", "new\n");
    capture(&made).await;
    assert!(!ground.dir().join("told").exists());
}

#[tokio::test]
async fn a_live_worktree_is_not_pruned() {
    let ground = Ground::new();
    let (repository, made) = ground.worktree().await;
    fs::rename(made.path(), ground.dir().join("away")).unwrap();
    git(&ground.repo(), &["worktree", "prune", "--expire", "now"]);
    let found = ground.place.find(&repository, &run("r1"));
    assert_eq!(code(found), "worktree_gone");
    fs::rename(ground.dir().join("away"), made.path()).unwrap();
    ground.place.find(&repository, &run("r1")).unwrap();

    for _ in 0..2 {
        made.unlock().await.unwrap();
    }
    for _ in 0..2 {
        made.lock().await.unwrap();
    }
    let listed = git(&ground.repo(), &["worktree", "list", "--porcelain"]);
    assert!(listed.contains("locked outlive run r1"), "{listed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn thirty_six_at_once_are_all_made_and_all_removed() {
    let ground = Ground::new();
    ground.clean();
    let before = ground.theirs();
    let repository = ground.open().await;
    let mut makers = JoinSet::new();
    for n in 0..36 {
        let (place, repository) = (ground.place.clone(), repository.clone());
        makers.spawn(async move {
            let run = run(&format!("r{n}"));
            let made = create(
                &place,
                &repository,
                run.as_str(),
                Base::Named("main".to_owned()),
            );
            let made = made.await.unwrap();
            write(made.path(), "mine.txt", run.as_str());
            let captured = capture(&made).await;
            assert_eq!(captured.checkpoint.number, 1);
            let changed = since_base(&repository, &made, 1).await;
            assert_eq!(changed, ["Added mine.txt +1 -0"]);
            let removed = place.remove(&repository, &run, worktree::Removal::default());
            assert!(removed.await.unwrap().saved.is_some());
        });
    }
    assert_eq!(makers.join_all().await.len(), 36);
    assert_eq!(ground.theirs(), before);
    assert!(!ground.place.root().join(repository.key()).exists());
    assert_eq!(
        git(&ground.repo(), &["worktree", "list"]).lines().count(),
        1
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_run_that_makes_it_many_times_at_once_gets_one() {
    let ground = Ground::new();
    let repository = ground.open().await;
    let mut makers = JoinSet::new();
    for _ in 0..8 {
        let (place, repository) = (ground.place.clone(), repository.clone());
        makers.spawn(async move {
            let made = create(&place, &repository, "r1", Base::Head);
            made.await.unwrap().path().to_owned()
        });
    }
    let paths = makers.join_all().await;
    assert!(paths.iter().all(|path| *path == paths[0]));
    assert_eq!(
        git(&ground.repo(), &["worktree", "list"]).lines().count(),
        2
    );
}

#[tokio::test]
async fn a_shallow_clone_works() {
    let ground = Ground::new();
    ground.clean();
    let dir = ground.dir();
    let from = format!("file://{}", ground.repo().display());
    git(&dir, &["clone", "-q", "--depth", "1", &from, "shallow"]);
    let repository = Repository::open(&dir.join("shallow")).await.unwrap();
    assert!(repository.is_shallow());
    let made = create(&ground.place, &repository, "r1", Base::Head);
    let made = made.await.unwrap();
    write(made.path(), "a.txt", "one\n");
    capture(&made).await;
    assert_eq!(
        since_base(&repository, &made, 1).await,
        ["Modified a.txt +0 -2"]
    );
}

#[tokio::test]
async fn a_sparse_checkout_stays_sparse() {
    let ground = Ground::new();
    ground.clean();
    git(&ground.repo(), &["sparse-checkout", "set", "src"]);
    git(
        &ground.repo(),
        &["config", "core.sparseCheckoutCone", "true"],
    );
    let (repository, made) = ground.worktree().await;
    write(made.path(), "src/new.rs", "fn b() {}\n");
    capture(&made).await;
    assert_eq!(
        since_base(&repository, &made, 1).await,
        ["Added src/new.rs +1 -0"]
    );
}

#[tokio::test]
async fn a_race_of_git_with_a_command_of_the_user_is_run_again() {
    let ground = Ground::new();
    let program = ground.dir().join("racing-git");
    // As git fails when another one makes a worktree: with the branch, and half an entry.
    let script = format!(
        "#!/bin/sh\ncd '{}'\ncase \"$*\" in *worktree*add*) if mkdir ../raced; then\n\
         git branch outlive/r1 main; mkdir -p .git/worktrees/r1\n\
         echo 'fatal: failed to read .git/worktrees/9/commondir: Success' >&2; exit 128\nfi;; esac\n\
         cd - >/dev/null; exec git \"$@\"\n",
        ground.repo().display()
    );
    write(&ground.dir(), "racing-git", script);
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let racing = Git::at(program).await.unwrap();
    let repository = Repository::open_with(racing, &ground.repo()).await.unwrap();
    let made = create(&ground.place, &repository, "r1", Base::Head)
        .await
        .unwrap();
    assert!(ground.dir().join("raced").exists());
    assert_eq!(git(made.path(), &["status", "--porcelain"]), "");
    assert_eq!(
        git(&ground.repo(), &["worktree", "list"]).lines().count(),
        2
    );
}
