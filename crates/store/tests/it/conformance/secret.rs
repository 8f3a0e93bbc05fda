//! What is sealed.

use bytes::Bytes;
use run::{By, Command, Outcome, Reason, Work};
use store::{OnConflict, SECRETS, Scope, Sealed, SecretEntry, Start};

use super::{Attempt, Place, World, scope_of, start};

fn sealed(key_id: &str, bytes: &[u8]) -> Sealed {
    Sealed {
        key_id: key_id.to_owned(),
        bytes: Bytes::copy_from_slice(bytes),
    }
}

pub(crate) async fn a_secret_is_kept_replaced_and_erased_per_tenant(place: Place) {
    let mut world = World::open(place).await;
    let (a, b) = (scope_of("a", None).tenant, scope_of("b", None).tenant);
    let (old, new) = (sealed("k1", b"old"), sealed("k2", b"newer"));
    assert!(world.store.put_secret(&a, "x", old.clone()).await.unwrap());
    assert!(world.store.put_secret(&b, "x", old.clone()).await.unwrap());
    world.advance(5);
    assert!(world.store.put_secret(&a, "x", new.clone()).await.unwrap());
    world.reopen().await;
    let store = &world.store;
    assert_eq!(store.secret(&a, "x").await, Ok(Some(new)));
    assert_eq!(store.secret(&b, "x").await, Ok(Some(old)));
    let entry = SecretEntry {
        name: "x".into(),
        updated_at: world.now(),
        key_id: "k2".into(),
    };
    assert_eq!(store.secrets(&a).await, Ok(vec![entry]));
    assert_eq!(store.delete_secret(&a, "x").await, Ok(true));
    assert_eq!(store.delete_secret(&a, "x").await, Ok(false));
    assert_eq!(store.secret(&a, "x").await, Ok(None));
    assert_eq!(store.secrets(&a).await, Ok(vec![]));
    assert_eq!(store.secrets(&b).await.unwrap().len(), 1);
}

pub(crate) async fn a_tenant_has_at_most_so_many_secrets(place: Place) {
    let world = World::open(place).await;
    let a = scope_of("a", None).tenant;
    let put = async |n: usize| {
        let name = format!("s{n}");
        let put = world.store.put_secret(&a, &name, sealed("k", b"v"));
        put.await.unwrap()
    };
    for n in 0..SECRETS {
        assert!(put(n).await);
    }
    assert!(!put(SECRETS).await);
    assert!(put(7).await, "one that is there can be replaced");
    assert_eq!(world.store.secrets(&a).await.unwrap().len(), SECRETS);
}

fn with_credentials(thread: &str, on_conflict: OnConflict) -> Start {
    Start {
        credentials: Some(sealed("k", b"sealed credentials")),
        ..start(thread, on_conflict)
    }
}

pub(crate) async fn credentials_stay_with_a_run_until_its_end(place: Place) {
    let mut world = World::open(place).await;
    let asked = with_credentials("t", OnConflict::Reject);
    let run = asked.run;
    let kept = Some(sealed("k", b"sealed credentials"));
    world.store.start(asked).await.unwrap();
    let plain = world.run("plain").await;
    world.reopen().await;
    assert_eq!(world.store.run_credentials(run).await, Ok(kept.clone()));
    assert_eq!(world.store.run_credentials(plain).await, Ok(None));
    world.worker("w1").await;
    let attempt = Attempt::of(&world.claim("w1", 1).await[0]);
    assert_eq!(attempt.run, run);
    assert_eq!(world.store.run_credentials(run).await, Ok(kept));
    attempt.finish(&world).await;
    assert_eq!(world.store.run_credentials(run).await, Ok(None));
    world.reopen().await;
    assert_eq!(world.store.run_credentials(run).await, Ok(None));
}

pub(crate) async fn credentials_go_with_every_kind_of_end(place: Place) {
    let world = World::open(place).await;
    let scope = Scope::local();
    let stop = Command::Stop {
        by: By::server(),
        why: None,
        superseded_by: None,
    };
    // Stopped while it waits in line.
    let first = with_credentials("t", OnConflict::Reject);
    let second = with_credentials("t", OnConflict::Enqueue);
    let (first_run, second_run) = (first.run, second.run);
    world.store.start(first).await.unwrap();
    world.store.start(second).await.unwrap();
    world.store.command(&scope, second_run, stop).await.unwrap();
    assert_eq!(world.store.run_credentials(second_run).await, Ok(None));
    // Failed by its worker.
    world.worker("w1").await;
    let attempt = Attempt::of(&world.claim("w1", 1).await[0]);
    let failed = Outcome::aborted(Reason::Interrupted);
    attempt.work(&world, Work::Finish(failed)).await.unwrap();
    assert_eq!(world.store.run_credentials(first_run).await, Ok(None));
}

pub(crate) async fn a_repeated_start_keeps_the_first_credentials(place: Place) {
    let world = World::open(place).await;
    let asked = with_credentials("t", OnConflict::Reject);
    let run = asked.run;
    let again = Start {
        credentials: Some(sealed("k", b"others")),
        ..asked.clone()
    };
    world.store.start(asked).await.unwrap();
    world.store.start(again).await.unwrap();
    let kept = world.store.run_credentials(run).await.unwrap().unwrap();
    assert_eq!(&kept.bytes[..], b"sealed credentials");
}
