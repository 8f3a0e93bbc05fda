//! Checkpoints: what they hold, what they leave as it was, and what changed between them.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use tokio::task::JoinSet;
use worktree::{Base, Bounds, NoteKind, Point, Removal};

use crate::ground::{
    Ground, capture, code, create, git, id, lines, remove, run, since_base, theirs, write,
};

/// Writes one thing into a new worktree; the checkpoint differs from the base by these lines.
async fn check(change: impl FnOnce(&Path), expected: &[&str]) {
    let ground = Ground::new();
    let (repository, made) = ground.worktree().await;
    change(made.path());
    let (user, agent) = (ground.theirs(), index_and_files(made.path()));
    let captured = capture(&made).await;
    assert_eq!(captured.notes, []);
    assert_eq!(since_base(&repository, &made, 1).await, expected);
    assert_eq!(ground.theirs(), user);
    assert_eq!(index_and_files(made.path()), agent);
}

/// The index of a worktree, its HEAD, and its files with their times.
fn index_and_files(path: &Path) -> impl PartialEq + std::fmt::Debug + use<> {
    let git_dir = git(path, &["rev-parse", "--absolute-git-dir"]);
    let index = fs::read(Path::new(&git_dir).join("index")).ok();
    (index, git(path, &["symbolic-ref", "HEAD"]), theirs(path))
}

#[tokio::test]
async fn a_checkpoint_holds_what_is_not_ignored() {
    check(|_| {}, &[]).await;
    check(
        |path| write(path, "a.txt", "one\nTWO\nthree\nfour\n"),
        &["Modified a.txt +2 -1"],
    )
    .await;
    check(
        |path| fs::remove_file(path.join("a.txt")).unwrap(),
        &["Deleted a.txt +0 -3"],
    )
    .await;
    check(
        |path| {
            write(path, "new/with \"quotes\"\nand ä.txt", "x\n");
            write(path, "target/out", "ignored");
            write(path, "x.log", "ignored");
        },
        &["Added new/with \"quotes\"\nand ä.txt +1 -0"],
    )
    .await;
    check(
        |path| write(path, "bin", b"\0\x01\x02"),
        &["Added bin binary"],
    )
    .await;
    check(
        |path| fs::rename(path.join("a.txt"), path.join("b.txt")).unwrap(),
        &["Renamed a.txt -> b.txt +0 -0"],
    )
    .await;
    check(
        |path| {
            fs::remove_file(path.join("a.txt")).unwrap();
            symlink("src/lib.rs", path.join("a.txt")).unwrap();
        },
        &["Retyped a.txt +1 -3"],
    )
    .await;
    check(
        |path| write(path, "-n", "an option by its name\n"),
        &["Added -n +1 -0"],
    )
    .await;
}

#[tokio::test]
async fn files_and_directories_change_places() {
    check(
        |path| {
            fs::remove_file(path.join("a.txt")).unwrap();
            write(path, "a.txt/inner", "x\n");
        },
        &["Deleted a.txt +0 -3", "Added a.txt/inner +1 -0"],
    )
    .await;
    check(
        |path| {
            fs::remove_dir_all(path.join("src")).unwrap();
            write(path, "src", "x\n");
        },
        &["Added src +1 -0", "Deleted src/lib.rs +0 -1"],
    )
    .await;
    check(
        |path| {
            fs::rename(path.join("src"), path.join("source")).unwrap();
            symlink("source", path.join("src")).unwrap();
        },
        &[
            "Renamed src/lib.rs -> source/lib.rs +0 -0",
            "Added src +1 -0",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_change_of_the_same_size_in_the_same_tick_is_seen() {
    let ground = Ground::new();
    let (repository, made) = ground.worktree().await;
    let path = made.path();
    // As on a disk that counts whole seconds: the file and the index say the same time.
    git(path, &["config", "core.trustCtime", "false"]);
    git(path, &["config", "core.checkStat", "minimal"]);
    let tick = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let at_the_tick = |file: &Path| {
        let file = fs::File::options().write(true).open(file).unwrap();
        file.set_modified(tick).unwrap();
    };
    write(path, "a.txt", "1\n");
    at_the_tick(&path.join("a.txt"));
    git(path, &["commit", "-qam", "one"]);
    at_the_tick(&ground.repo().join(".git/worktrees/r1/index"));
    write(path, "a.txt", "2\n");
    at_the_tick(&path.join("a.txt"));
    capture(&made).await;
    let shown = git(path, &["show", "refs/outlive/checkpoints/r1/1:a.txt"]);
    assert_eq!(shown, "2");
    assert_eq!(
        since_base(&repository, &made, 1).await,
        ["Modified a.txt +1 -3"]
    );
}

#[tokio::test]
async fn a_checkpoint_differs_by_what_git_diff_shows() {
    let ground = Ground::new();
    let (repository, made) = ground.worktree().await;
    capture(&made).await;
    let path = made.path();
    write(path, "a.txt", "one\nTWO\nthree\n");
    write(path, "deep/new.txt", "a\nb\n");
    write(path, "crlf.txt", "a\r\nb\r\n");
    write(path, "bin", b"\0\xff");
    fs::rename(path.join("src/lib.rs"), path.join("src/main.rs")).unwrap();
    capture(&made).await;
    git(path, &["add", "-A"]);
    let expected = git(path, &["diff", "--cached", "-M", "HEAD"]) + "\n";

    let base = Point::Commit(made.base().commit.clone());
    for from in [base, Point::Checkpoint(1)] {
        let to = Point::Checkpoint(2);
        let diff = repository
            .diff(made.run(), &from, &to, 1 << 20)
            .await
            .unwrap();
        assert_eq!(
            (diff.text.as_str(), diff.truncated),
            (expected.as_str(), false)
        );
    }
    let counts = git(path, &["diff", "--cached", "-M", "--shortstat", "HEAD"]);
    let changes = repository.changes(made.run(), &Point::Checkpoint(1), &Point::Checkpoint(2));
    let changes = changes.await.unwrap();
    let told = format!(
        "{} files changed, {} insertions(+), {} deletion(-)",
        changes.files, changes.additions, changes.deletions
    );
    assert_eq!(counts.trim(), told);
}

#[tokio::test]
async fn a_long_diff_is_cut_behind_a_line_and_says_so() {
    let ground = Ground::new();
    let (repository, made) = ground.worktree().await;
    write(made.path(), "long.txt", "a line of text\n".repeat(100_000));
    capture(&made).await;
    let (from, to) = (Point::Nothing, Point::Checkpoint(1));
    let diff = repository
        .diff(made.run(), &from, &to, 5_000)
        .await
        .unwrap();
    assert!(diff.truncated && diff.text.len() <= 5_000 && diff.text.ends_with('\n'));
    let changes = repository.changes(made.run(), &from, &to).await.unwrap();
    assert_eq!(changes.additions, 100_006);
}

#[tokio::test]
async fn turns_are_compared_with_each_other() {
    let ground = Ground::new();
    let (repository, made) = ground.worktree().await;
    for (number, text) in (1..).zip(["1\n", "1\n2\n", "2\n"]) {
        write(made.path(), "turn.txt", text);
        assert_eq!(capture(&made).await.checkpoint.number, number);
    }
    for (from, to, expected) in [
        (1, 2, "Modified turn.txt +1 -0"),
        (2, 3, "Modified turn.txt +0 -1"),
        (3, 1, "Modified turn.txt +1 -1"),
    ] {
        let (from, to) = (Point::Checkpoint(from), Point::Checkpoint(to));
        let changes = repository.changes(made.run(), &from, &to).await.unwrap();
        assert_eq!(lines(&changes), [expected]);
    }
    let none = repository.changes(made.run(), &Point::Checkpoint(1), &Point::Checkpoint(9));
    assert_eq!(code(none.await), "checkpoint_unknown");
}

#[tokio::test]
async fn what_does_not_fit_is_left_out_and_noted() {
    let ground = Ground::new();
    let (repository, made) = ground.worktree().await;
    let path = made.path();
    write(path, "big", vec![b'x'; 2_000]);
    write(path, "a.txt", "x\n".repeat(1_000));
    write(path, "small", "s\n");
    write(path, "small2", "s\n");
    let fifo = Command::new("mkfifo").arg(path.join("pipe")).status();
    assert!(fifo.unwrap().success());
    fs::remove_file(path.join("src/lib.rs")).unwrap();
    let fifo = Command::new("mkfifo").arg(path.join("src/lib.rs")).status();
    assert!(fifo.unwrap().success());
    let bounds = Bounds {
        file_bytes: 1_000,
        total_bytes: 3,
        files: 10,
    };
    let captured = made.checkout().capture(bounds).await.unwrap();
    let notes: Vec<_> = captured
        .notes
        .iter()
        .map(|note| (note.kind, note.path.as_str()))
        .collect();
    assert_eq!(
        notes,
        [
            (NoteKind::TooBig, "a.txt"),
            (NoteKind::TooBig, "big"),
            (NoteKind::NoRoom, "small2"),
            (NoteKind::Special, "src/lib.rs"),
        ]
    );
    assert_eq!(
        since_base(&repository, &made, 1).await,
        ["Added small +1 -0"]
    );
}

#[tokio::test]
async fn the_users_own_working_tree_has_checkpoints_too() {
    let ground = Ground::new();
    let before = ground.theirs();
    let repository = ground.open().await;
    let shared = repository.shared(run("s"));
    let captured = shared.capture(Bounds::default()).await.unwrap();
    assert_eq!(ground.theirs(), before);
    let head = Point::Commit(captured.checkpoint.head.unwrap());
    let changes = repository
        .changes(&run("s"), &head, &Point::Checkpoint(1))
        .await
        .unwrap();
    assert_eq!(
        lines(&changes),
        [
            "Modified a.txt +1 -1",
            "Added staged.txt +1 -0",
            "Added untracked.txt +1 -0"
        ]
    );
}

#[tokio::test]
async fn a_branch_without_a_commit_has_checkpoints() {
    let ground = Ground::empty();
    write(&ground.repo(), "a", "1\n");
    let before = ground.theirs();
    let repository = ground.open().await;
    let captured = repository
        .shared(run("s"))
        .capture(Bounds::default())
        .await
        .unwrap();
    assert_eq!(captured.checkpoint.head, None);
    let s = run("s");
    let changes = repository.changes(&s, &Point::Nothing, &Point::Checkpoint(1));
    assert_eq!(lines(&changes.await.unwrap()), ["Added a +1 -0"]);
    assert_eq!(ground.theirs(), before);
}

#[tokio::test]
async fn a_merge_in_the_middle_is_taken_as_it_lies_there() {
    let ground = Ground::new();
    ground.clean();
    let (repository, made) = ground.worktree().await;
    let path = made.path();
    write(&ground.repo(), "a.txt", "theirs\n");
    git(&ground.repo(), &["commit", "-qam", "theirs"]);
    write(path, "a.txt", "ours\n");
    git(path, &["commit", "-qam", "ours"]);
    assert!(!crate::ground::git_does(path, &["merge", "-q", "main"]));
    capture(&made).await;
    let shown = git(path, &["show", "refs/outlive/checkpoints/r1/1:a.txt"]);
    assert!(shown.starts_with("<<<<<<< HEAD\nours\n"), "{shown}");
    assert_eq!(git(path, &["ls-files", "-u"]).lines().count(), 3);
    assert!(!since_base(&repository, &made, 1).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn checkpoints_at_once_get_numbers_of_their_own() {
    let ground = Ground::new();
    let (repository, made) = ground.worktree().await;
    let mut takers = JoinSet::new();
    for _ in 0..8 {
        let made = made.clone();
        takers.spawn(async move { capture(&made).await.checkpoint.number });
    }
    let mut numbers = takers.join_all().await;
    numbers.sort_unstable();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(
        repository.checkpoint_numbers(&run("r1")).await.unwrap(),
        numbers
    );
    repository.forget(&run("r1")).await.unwrap();
    assert_eq!(git(&ground.repo(), &["for-each-ref", "refs/outlive"]), "");
}

#[tokio::test]
async fn an_agent_that_breaks_the_link_to_git_changes_nothing_elsewhere() {
    let ground = Ground::new();
    // The place lies inside the user's repository, where git looks next.
    let place = worktree::Place::open(&ground.repo().join(".outlive")).unwrap();
    let repository = ground.open().await;
    assert_eq!(
        git(&ground.repo(), &["status", "--porcelain", ".outlive"]),
        ""
    );
    let made = create(&place, &repository, "r1", Base::Head).await.unwrap();
    write(made.path(), "a.txt", "changed\n");
    git(made.path(), &["commit", "-qam", "work"]);
    let head = id(made.path(), "HEAD");
    fs::remove_file(made.path().join(".git")).unwrap();
    let user = git(&ground.repo(), &["ls-files", "--stage"]);
    assert_eq!(capture(&made).await.checkpoint.head, Some(head));
    assert_eq!(
        since_base(&repository, &made, 1).await,
        ["Modified a.txt +1 -3"]
    );
    assert_eq!(git(&ground.repo(), &["ls-files", "--stage"]), user);
}

#[tokio::test]
async fn ten_thousand_files_are_no_trouble() {
    let ground = Ground::empty();
    let mut import =
        "commit refs/heads/main\ncommitter U <u@example.com> 0 +0000\ndata 1\nx\n".to_owned();
    for n in 0..10_000 {
        write!(
            import,
            "M 644 inline many/{}/{n}.txt\ndata 5\n{n:04}\n\n",
            n % 100
        )
        .unwrap();
    }
    write(&ground.dir(), "import", import);
    let import = format!(
        "git fast-import --quiet < {}",
        ground.dir().join("import").display()
    );
    let import = Command::new("sh")
        .args(["-c", &import])
        .current_dir(ground.repo())
        .status();
    assert!(import.unwrap().success());
    let (repository, made) = ground.worktree().await;
    for n in 0..10_000 {
        write(
            made.path(),
            &format!("many/{}/{n}.txt", n % 100),
            "changed\n",
        );
    }
    capture(&made).await;
    let base = Point::Commit(made.base().commit.clone());
    let changes = repository
        .changes(made.run(), &base, &Point::Checkpoint(1))
        .await
        .unwrap();
    assert_eq!((changes.files, changes.additions), (10_000, 10_000));
    assert_eq!(changes.list.len(), worktree::limits::CHANGES);
    let removed = remove(&ground.place, &repository, "r1", Removal::default()).await;
    assert!(removed.unwrap().saved.is_some());
}

#[tokio::test]
async fn a_worktree_that_was_deleted_while_at_work_is_gone() {
    let ground = Ground::new();
    let (_, made) = ground.worktree().await;
    fs::remove_dir_all(made.path()).unwrap();
    let captured = made.checkout().capture(Bounds::default()).await;
    assert_eq!(code(captured), "worktree_gone");
}
