//! What becomes of sealed bytes in the file.

use bytes::Bytes;
use run::RunId;
use store::{OnConflict, Scope, Sealed, Start};

use crate::conformance::{Attempt, World, start};
use crate::embedded::place;
use crate::embedded_file::path_of;

const MARK: &[u8] = b"sealed-bytes-to-look-for-";

fn sealed(n: usize) -> Sealed {
    let mut bytes = MARK.to_vec();
    // Of many lengths, also such that spill over to pages of their own.
    bytes.resize(MARK.len() + n * 977, b'.');
    Sealed {
        key_id: "k".into(),
        bytes: Bytes::from(bytes),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn erased_bytes_are_not_in_the_file_any_more() {
    let world = World::open(place()).await;
    let tenant = Scope::local().tenant;
    let mut runs: Vec<RunId> = Vec::new();
    for n in 0..12 {
        let asked = Start {
            credentials: Some(sealed(n)),
            ..start(&format!("t{n}"), OnConflict::Reject)
        };
        runs.push(asked.run);
        world.store.start(asked).await.unwrap();
        let name = format!("s{n}");
        world
            .store
            .put_secret(&tenant, &name, sealed(n))
            .await
            .unwrap();
    }
    let has_mark = |path: std::path::PathBuf| {
        let bytes = std::fs::read(path).unwrap();
        bytes.windows(MARK.len()).any(|window| window == MARK)
    };
    let backup = |name: &str| path_of(&world).with_file_name(name);
    world.store.backup(&backup("before.db")).await.unwrap();
    assert!(has_mark(backup("before.db")));

    world.worker("w1").await;
    for claimed in world.claim("w1", 12).await {
        Attempt::of(&claimed).finish(&world).await;
    }
    for n in 0..12 {
        let name = format!("s{n}");
        // Some are replaced by something shorter or longer first.
        if n % 3 == 0 {
            let other = Sealed {
                key_id: "k2".into(),
                bytes: Bytes::from(vec![b'x'; n * n * 100]),
            };
            let put = world.store.put_secret(&tenant, &name, other);
            assert!(put.await.unwrap());
        }
        assert!(world.store.delete_secret(&tenant, &name).await.unwrap());
    }
    for run in runs {
        assert_eq!(world.store.run_credentials(run).await, Ok(None));
    }
    // The write-ahead log goes with the last connection; then the file is all there is.
    world.store.close().await;
    assert!(!has_mark(path_of(&world)));
}
