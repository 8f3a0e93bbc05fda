//! A disk that is full, where a small one can be mounted.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use worktree::{Base, Bounds, Place, Removal, Repository};

use crate::ground::{code, create, git, init, read, remove, theirs, write};

struct Disk(PathBuf);

impl Disk {
    fn mount(dir: &Path, options: &str) -> Option<Self> {
        let path = dir.join("disk");
        fs::create_dir_all(&path).unwrap();
        run(
            "mount",
            &["-t", "tmpfs", "-o", options, "tmpfs", path.to_str()?],
        )
        .then(|| Self(path))
    }

    /// Leaves only this much free.
    fn fill(&self, free: usize) {
        let filler = self.0.join("filler");
        let mut bytes = 64 << 20;
        while bytes >= 4096 {
            let before = fs::read(&filler).map_or(0, |text| text.len());
            if fs::write(&filler, vec![1; before + bytes]).is_err() {
                fs::write(&filler, vec![1; before]).unwrap();
                bytes /= 2;
            }
        }
        let full = fs::metadata(&filler).unwrap().len();
        let file = fs::File::options().write(true).open(&filler).unwrap();
        file.set_len(full - free as u64).unwrap();
    }

    fn empty(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        run("umount", &["-l", self.0.to_str().unwrap()]);
    }
}

fn run(program: &str, args: &[&str]) -> bool {
    let mut command = Command::new(program);
    let status = command.args(args).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

#[tokio::test]
async fn a_full_disk_is_said_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().canonicalize().unwrap();
    let Some(disk) = Disk::mount(&dir, "size=12m") else {
        return;
    };
    let repo = disk.0.join("repo");
    init(&repo);
    for n in 0..40 {
        write(&repo, &format!("f{n}"), vec![b'a' + n; 50_000]);
    }
    git(&repo, &["add", "."]);
    git(&repo, &["commit", "-qm", "first"]);
    let place = Place::open(&disk.0.join("data")).unwrap();
    let repository = Repository::open(&repo).await.unwrap();
    for free in [0, 8_192, 100_000, 1_000_000] {
        let before = theirs(&repo);
        disk.fill(free);
        let made = create(&place, &repository, "r1", Base::Head).await;
        assert_eq!(code(made), "disk_full", "{free} bytes free");
        assert_eq!(theirs(&repo), before);
        disk.empty();
        let made = create(&place, &repository, "r1", Base::Head).await.unwrap();
        assert_eq!(git(made.path(), &["status", "--porcelain"]), "");

        write(made.path(), "work", vec![7; 200_000]);
        disk.fill(0);
        assert_eq!(
            code(made.checkout().capture(Bounds::default()).await),
            "disk_full"
        );
        let removed = remove(&place, &repository, "r1", Removal::default()).await;
        assert_eq!(code(removed), "disk_full");
        assert_eq!(
            fs::read(made.path().join("work")).unwrap(),
            vec![7; 200_000]
        );
        assert_eq!(read(made.path(), "f0").len(), 50_000);
        disk.empty();
        let delete = Removal {
            branch: worktree::BranchFate::Delete,
            ..Removal::default()
        };
        let removed = remove(&place, &repository, "r1", delete).await.unwrap();
        assert!(removed.saved.is_some());
        assert_eq!(theirs(&repo), before);
        repository.forget(&crate::ground::run("r1")).await.unwrap();
        git(&repo, &["gc", "-q", "--prune=now"]);
    }
}
