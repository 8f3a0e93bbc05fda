//! Keys, tokens and blobs.

use bytes::Bytes;
use run::{RunId, Tenant, ThreadId};
use store::{Credential, NewKey, NewToken, ReadError, Right, Scope, Target};

use super::{Place, World, scope_of, start};

fn key(tenant: &str, name: &str, hash: u8) -> NewKey {
    let scope = scope_of(tenant, Some("ann"));
    NewKey {
        name: name.to_owned(),
        hash: [hash; 32],
        tenant: scope.tenant,
        user: scope.user,
        rights: vec![Right::Read, Right::Start],
        agents: Some(vec!["writer".into()]),
    }
}

pub(crate) async fn a_key_opens_until_it_is_revoked(place: Place) {
    let mut world = World::open(place).await;
    let new = key("default", "k", 1);
    assert!(world.store.create_key(new.clone()).await.unwrap());
    world.reopen().await;
    let store = &world.store;
    let opens = Credential {
        key: Some("k".into()),
        tenant: new.tenant.clone(),
        user: new.user.clone(),
        rights: new.rights.clone(),
        agents: new.agents.clone(),
        target: None,
        expires_at: None,
    };
    assert_eq!(store.credential([1; 32]).await, Ok(Some(opens)));
    assert_eq!(store.credential([2; 32]).await, Ok(None));
    let other = scope_of("other", None).tenant;
    assert!(!store.revoke_key(&other, "k").await.unwrap());
    assert!(store.revoke_key(&new.tenant, "k").await.unwrap());
    assert!(!store.revoke_key(&new.tenant, "k").await.unwrap());
    assert_eq!(store.credential([1; 32]).await, Ok(None));
    let keys = store.keys(None).await.unwrap();
    assert_eq!(keys[0].revoked_at, Some(world.now()));
}

pub(crate) async fn names_of_keys_are_unique_per_tenant(place: Place) {
    let world = World::open(place).await;
    let store = &world.store;
    assert!(store.create_key(key("a", "k", 1)).await.unwrap());
    assert!(!store.create_key(key("a", "k", 2)).await.unwrap());
    assert!(store.create_key(key("b", "k", 3)).await.unwrap());
    assert_eq!(store.keys(None).await.unwrap().len(), 2);
    let a = scope_of("a", None).tenant;
    assert_eq!(store.keys(Some(&a)).await.unwrap().len(), 1);
}

pub(crate) async fn a_token_opens_until_it_ends(place: Place) {
    let mut world = World::open(place).await;
    let run = start("t", store::OnConflict::Reject).run;
    let thread = ThreadId::parse("t").unwrap();
    for (n, target) in [(1, Target::Run(run)), (2, Target::Thread(thread))] {
        let scope = scope_of("default", Some("ann"));
        let token = NewToken {
            key: None,
            hash: [n; 32],
            tenant: scope.tenant,
            user: scope.user,
            target: target.clone(),
            rights: vec![Right::Read],
            agents: None,
            expires_at: world.now().plus_ms(1_000),
        };
        world.store.create_token(token).await.unwrap();
        world.advance(999);
        world.reopen().await;
        let opens = world.store.credential([n; 32]).await.unwrap().unwrap();
        assert_eq!(opens.target, Some(target));
        assert_eq!(opens.expires_at, Some(world.now().plus_ms(1)));
        world.advance(1);
        assert_eq!(world.store.credential([n; 32]).await, Ok(None));
    }
}

pub(crate) async fn a_token_ends_with_the_key_that_made_it(place: Place) {
    let world = World::open(place).await;
    let store = &world.store;
    assert!(store.create_key(key("default", "k", 1)).await.unwrap());
    let scope = scope_of("default", Some("ann"));
    let token = NewToken {
        key: Some("k".into()),
        hash: [2; 32],
        tenant: scope.tenant.clone(),
        user: scope.user,
        target: Target::Thread(ThreadId::parse("t").unwrap()),
        rights: vec![Right::Read],
        agents: None,
        expires_at: world.now().plus_ms(1_000),
    };
    store.create_token(token).await.unwrap();
    assert!(store.credential([2; 32]).await.unwrap().is_some());
    assert!(store.revoke_key(&scope.tenant, "k").await.unwrap());
    assert_eq!(store.credential([2; 32]).await, Ok(None));
}

/// Keeps bytes of a run.
async fn put(
    world: &World,
    tenant: &Tenant,
    run: RunId,
    media_type: &str,
    bytes: &Bytes,
) -> [u8; 32] {
    let kept = world.store.put_blob(tenant, run, media_type, bytes.clone());
    kept.await.unwrap()
}

pub(crate) async fn a_blob_is_kept_by_its_content_per_tenant(place: Place) {
    let mut world = World::open(place).await;
    let (a, b) = (Scope::local().tenant, scope_of("b", None).tenant);
    let run = world.run("t").await;
    let bytes = Bytes::from(vec![7; 3 * 1024 * 1024]);
    let hash = put(&world, &a, run, "image/png", &bytes).await;
    let again = put(&world, &a, run, "text/plain", &bytes).await;
    assert_eq!(hash, again, "the first media type stays");
    world.reopen().await;
    let kept = world.store.blob(run, hash).await.unwrap();
    assert_eq!(kept, ("image/png".to_owned(), bytes));
    let elsewhere = world.run("u").await;
    let unknown = Err(ReadError::Unknown);
    assert_eq!(world.store.blob(elsewhere, hash).await, unknown);
    assert_eq!(world.store.blob(run, [0; 32]).await, unknown);
    let too_large = Bytes::from(vec![0; store::BLOB_BYTES + 1]);
    let refused = world.store.put_blob(&a, run, "x/y", too_large).await;
    assert_eq!(refused.unwrap_err().code, "too_large");
    // Of a run that is not theirs nobody keeps anything.
    let other = put(&world, &b, run, "x/y", &Bytes::from_static(b"b")).await;
    assert_eq!(world.store.blob(run, other).await, unknown);
}

pub(crate) async fn a_blob_goes_with_the_last_run_that_has_it(place: Place) {
    let mut world = World::with(place, |options| options.retain_ms = Some(1_000)).await;
    let scope = Scope::local();
    let tenant = &scope.tenant;
    let (shared, own) = (Bytes::from_static(b"shared"), Bytes::from_static(b"own"));
    let old = world.attempt("t").await;
    let shared_hash = put(&world, tenant, old.run, "x/y", &shared).await;
    let own_hash = put(&world, tenant, old.run, "x/y", &own).await;
    old.finish(&world).await;
    world.advance(500);
    let young = world.attempt("u").await;
    assert_eq!(
        put(&world, tenant, young.run, "x/y", &shared).await,
        shared_hash
    );
    young.finish(&world).await;
    // The log of the first one expires, the second one is deleted.
    world.advance(600);
    World::until("the old log has expired", async || {
        world.store.blob(old.run, own_hash).await == Err(ReadError::Unknown)
    })
    .await;
    world.reopen().await;
    assert!(world.store.blob(young.run, shared_hash).await.is_ok());
    world.store.delete_run(&scope, young.run).await.unwrap();
    let gone = world.store.blob(young.run, shared_hash).await;
    assert_eq!(gone, Err(ReadError::Unknown));
    // Nor is it kept for nobody.
    let next = world.run("v").await;
    put(&world, tenant, next, "a/b", &shared).await;
    let kept = world.store.blob(next, shared_hash).await.unwrap();
    assert_eq!(kept.0, "a/b", "the first media type went with the bytes");
}
