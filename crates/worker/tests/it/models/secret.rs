//! Which key a vendor is called with, and where it never appears.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use run::{RunId, Status};
use store::{Scope, Sealed};
use wire::{Belongs, SealKeys};
use worker::Keys;

use super::*;

const OURS: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const OTHER: &str = "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const RUNS: &str = "sk-of-the-run-alone";
const TENANTS: &str = "sk-of-the-tenant-alone";

fn sealed(belongs: Belongs<'_>, value: &str) -> Sealed {
    let keys = SealKeys::parse(OURS).unwrap();
    let sealed = keys.seal(belongs, value.as_bytes(), [9; wire::NONCE_BYTES]);
    Sealed {
        key_id: sealed.key_id,
        bytes: Bytes::from(sealed.bytes),
    }
}

async fn put(house: &House, name: &str) {
    let tenant = Scope::local().tenant;
    let sealed = sealed(Belongs::Secret(&tenant, name), TENANTS);
    let put = house.store.put_secret(&tenant, name, sealed);
    assert!(put.await.unwrap());
}

async fn start(house: &mut House, vendor: Option<&str>) -> RunId {
    let tenant = Scope::local().tenant;
    let credentials = vendor.map(|vendor| {
        let value = format!(r#"{{"vendors":{{"{vendor}":"{RUNS}"}}}}"#);
        move |run: RunId| sealed(Belongs::Run(&tenant, run), &value)
    });
    let spec = AgentSpec {
        max_tries: 1,
        ..model()
    };
    house.start_sealed("t", spec, credentials).await
}

fn hire_with(house: &mut House, stub: &Stub, seal: Option<&str>, name: Option<&str>) -> Hired {
    let vendor = Vendor::openai(stub.url()).with_key(KEY);
    let names: BTreeMap<String, String> = name
        .map(|name| ("stub".to_owned(), name.to_owned()))
        .into_iter()
        .collect();
    let seal = seal.map(|key| SealKeys::parse(key).unwrap());
    let models = Models::new(
        provider::Client::builder().build().unwrap(),
        Vendors::from([("stub".to_owned(), vendor)]),
    );
    let settings = house.settings();
    house.hire_as(settings, models.with_keys(Keys::new(seal, names)))
}

/// Starts a run with its own key for a vendor, where secrets of these names are stored and the configuration names one;
/// gives the key of the call.
async fn check(
    credentials: Option<&str>,
    secrets: &[&str],
    key_secret: Option<&str>,
    expected: &str,
) {
    let case = format!("{credentials:?} {secrets:?} {key_secret:?}");
    let stub = Stub::start(vec![Answer::text(&["hi"])]).await;
    let mut house = House::new().await;
    for name in secrets {
        put(&house, name).await;
    }
    let run = start(&mut house, credentials).await;
    let worker = hire_with(&mut house, &stub, Some(OURS), key_secret);
    let (control, _) = house.text_at_end(run).await;
    assert_eq!(outcome(&control), (Status::Succeeded, "completed"));
    assert_eq!(stub.keys(), [Some(format!("Bearer {expected}"))], "{case}");
    assert_eq!(house.store.run_credentials(run).await, Ok(None));
    worker.leave().await;
}

#[tokio::test]
async fn the_runs_own_key_comes_before_the_tenants_and_that_before_the_servers() {
    check(Some("stub"), &["stub"], None, RUNS).await;
    check(Some("another"), &["stub"], None, TENANTS).await;
    check(None, &["stub"], None, TENANTS).await;
    check(None, &["other"], None, KEY).await;
    check(None, &["other"], Some("other"), TENANTS).await;
    check(None, &["stub"], Some("other"), KEY).await;
    check(None, &[], None, KEY).await;
}

#[tokio::test]
async fn what_cannot_be_decrypted_ends_the_run_and_calls_nobody() {
    for (credentials, seal, says) in [
        (Some("stub"), Some(OTHER), "the run's credentials"),
        (Some("stub"), None, "OUTLIVE_SECRET_KEY is not set"),
        (None, Some(OTHER), "the secret \"stub\""),
        (None, None, "the secret \"stub\""),
    ] {
        let stub = Stub::start(vec![]).await;
        let mut house = House::new().await;
        put(&house, "stub").await;
        let run = start(&mut house, credentials).await;
        let worker = hire_with(&mut house, &stub, seal, None);
        let (control, _) = house.text_at_end(run).await;
        let run::State::Final(ended) = &control.state else {
            panic!()
        };
        let error = ended.error.as_ref().unwrap();
        assert_eq!(error.code, "secret_unreadable");
        assert!(error.message.contains(says), "{}", error.message);
        assert_eq!(stub.requests().len(), 0);
        worker.leave().await;
    }
}

/// What is traced, as bytes.
#[derive(Clone, Default)]
struct Traced(Arc<Mutex<Vec<u8>>>);

impl io::Write for Traced {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn keys_are_in_no_log_no_error_no_trace_and_not_in_the_file() {
    let traced = Traced::default();
    let writer = traced.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // Of all threads, those of the store too. No other test of this binary has a subscriber.
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let told = async {
        // The vendor repeats the key that it refuses.
        let said = |key: &str| Answer::status(401, &[], &format!("bad key {key}"));
        let stub = Stub::start(vec![said(RUNS), said(TENANTS)]).await;
        let mut house = House::new().await;
        put(&house, "stub").await;
        let worker = hire_with(&mut house, &stub, Some(OURS), None);
        let mut told = Vec::new();
        for credentials in [Some("stub"), None] {
            let run = start(&mut house, credentials).await;
            let (control, _) = house.text_at_end(run).await;
            assert_eq!(outcome(&control), (Status::Failed, "rejected"));
            told.push(format!("{control:?}{:?}", house.record(run).await));
            told.push(serde_json::to_string(&house.events(run).await).unwrap());
        }
        worker.leave().await;
        let directory = house.close().await;
        let mut bytes = told.concat().into_bytes();
        for file in std::fs::read_dir(directory.path()).unwrap() {
            bytes.extend(std::fs::read(file.unwrap().path()).unwrap());
        }
        bytes
    }
    .await;
    let traced = traced.0.lock().unwrap().clone();
    // It was told of, without the key.
    for bytes in [&told, &traced] {
        let text = String::from_utf8_lossy(bytes);
        assert!(
            text.contains("bad key ***") || text.contains("attempt"),
            "{text}"
        );
    }
    for bytes in [told, traced] {
        for key in [RUNS, TENANTS, KEY] {
            let found = bytes
                .windows(key.len())
                .any(|window| window == key.as_bytes());
            assert!(!found, "{key} was told");
        }
    }
}
