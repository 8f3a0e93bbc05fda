//! Any edits, taken as a checkpoint, can be gone back to.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use proptest::prelude::*;
use worktree::{Bounds, Point};

use crate::ground::{Ground, capture, git, write};

#[derive(Debug, Clone)]
enum Edit {
    Write(usize, u8),
    Delete(usize),
    Move(usize, usize),
    Link(usize),
    Executable(usize),
    Stage,
    Commit,
}

/// Some are below others, so that files and directories change places.
const PATHS: &[&str] = &[
    "a.txt",
    "src/lib.rs",
    "src",
    "src/deep/x",
    "new",
    "new/y",
    "new/y/z",
    "x.log",
    "ä ö\n.txt",
    "-v",
];

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let path = 0..PATHS.len();
    let edit = prop_oneof![
        4 => (path.clone(), 0..4_u8).prop_map(|(path, text)| Edit::Write(path, text)),
        2 => path.clone().prop_map(Edit::Delete),
        1 => (path.clone(), path.clone()).prop_map(|(from, to)| Edit::Move(from, to)),
        1 => path.clone().prop_map(Edit::Link),
        1 => path.prop_map(Edit::Executable),
        1 => Just(Edit::Stage),
        1 => Just(Edit::Commit),
    ];
    prop::collection::vec(edit, 1..12)
}

fn clear(path: &Path) {
    if path.symlink_metadata().is_ok_and(|at| at.is_dir()) {
        fs::remove_dir_all(path).unwrap();
    } else {
        let _ = fs::remove_file(path);
    }
}

/// Makes room for a path, also where a file is in the way above it.
fn room(top: &Path, name: &str) {
    let path = top.join(name);
    for above in path.ancestors().skip(1).take_while(|above| *above != top) {
        if above.symlink_metadata().is_ok_and(|at| !at.is_dir()) {
            fs::remove_file(above).unwrap();
        }
    }
    clear(&path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
}

fn apply(top: &Path, edit: &Edit) {
    match *edit {
        Edit::Write(path, text) => {
            room(top, PATHS[path]);
            // The sizes are the same, so that only contents tell.
            write(top, PATHS[path], format!("{text}\n"));
        }
        Edit::Delete(path) => clear(&top.join(PATHS[path])),
        Edit::Move(from, to) => {
            let aside = top.join("aside.log");
            if fs::rename(top.join(PATHS[from]), &aside).is_ok() {
                room(top, PATHS[to]);
                fs::rename(aside, top.join(PATHS[to])).unwrap();
            }
        }
        Edit::Link(path) => {
            room(top, PATHS[path]);
            symlink("a.txt", top.join(PATHS[path])).unwrap();
        }
        Edit::Executable(path) => {
            let path = top.join(PATHS[path]);
            if path.symlink_metadata().is_ok_and(|at| at.is_file()) {
                fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
            }
        }
        Edit::Stage => drop(git(top, &["add", "-A"])),
        Edit::Commit => drop(git(top, &["commit", "-qam", "x", "--allow-empty"])),
    }
}

/// The tree of the files as `git add` makes it, in an index of its own.
fn tree(top: &Path) -> String {
    let copy = tempfile::tempdir().unwrap();
    let index = copy.path().join("index");
    let git_dir = git(top, &["rev-parse", "--absolute-git-dir"]);
    fs::copy(Path::new(&git_dir).join("index"), &index).unwrap();
    let told = std::process::Command::new("sh")
        .args([
            "-c",
            "rm -f \"$GIT_INDEX_FILE\" && git read-tree HEAD && git add -A && git write-tree",
        ])
        .env("GIT_INDEX_FILE", &index)
        .current_dir(top)
        .output()
        .unwrap();
    String::from_utf8(told.stdout)
        .unwrap()
        .trim_end()
        .to_owned()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_checkpoint_is_what_git_would_add_and_can_be_gone_back_to(first in edits(), second in edits()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let ground = Ground::new();
            let user = ground.theirs();
            let (repository, made) = ground.worktree().await;
            let path = made.path();
            for edit in &first {
                apply(path, edit);
            }
            git(path, &["add", "-A"]);
            let expected = tree(path);
            let captured = capture(&made).await;
            assert_eq!(captured.checkpoint.tree.as_str(), expected);

            for edit in &second {
                apply(path, edit);
            }
            let restored = made.checkout().restore(1, Bounds::default()).await.unwrap();
            let now = capture(&made).await.checkpoint;
            assert_eq!(now.tree.as_str(), expected);
            let before = Point::Checkpoint(restored.before.checkpoint.number);
            made.checkout().restore(restored.before.checkpoint.number, Bounds::default()).await.unwrap();
            capture(&made).await;
            let last = *repository.checkpoint_numbers(made.run()).await.unwrap().last().unwrap();
            let changes = repository.changes(made.run(), &before, &Point::Checkpoint(last)).await.unwrap();
            assert_eq!(changes.files, 0, "{changes:?}");
            assert_eq!(ground.theirs(), user);
        });
    }
}
