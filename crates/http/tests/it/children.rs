//! What the process of an agent may do with its token, and what not.

use http::{Mode, Settings};
use reqwest::Method;
use run::{RequestId, RunId};
use serde_json::{Value, json};
use store::{Location, Options, Right, Store};
use wire::{ChildKey, NOTICE_BYTES};

use crate::server::{Answer, Server};
use crate::work::Attempt;

/// A server with an open run on the thread `card`, which waits for an approval, and another run beside it.
struct Scene {
    server: Server,
    run: String,
    token: String,
    other: String,
    /// Someone with every right.
    person: String,
}

fn token(store: &Store, run: &str) -> String {
    let key = ChildKey::new(store.secret_of_data().reveal());
    key.token(RunId::parse(run).unwrap()).reveal().to_owned()
}

impl Scene {
    async fn set(mode: Mode) -> Self {
        let settings = Settings {
            mode,
            ..Settings::default()
        };
        let server = Server::with(settings, Options::default()).await;
        let person = server.key("local", Some("ann"), &Right::ALL, None).await;
        let start =
            |thread: &str| Some(json!({"agent": "demo", "thread_id": thread, "input": "Hi"}));
        let run = server.call(&person, Method::POST, "/v1/runs", start("card"));
        let run = run.await.text("id").to_owned();
        let mut attempt = Attempt::claim(&server.store).await;
        attempt.begin().await;
        attempt.ask(&RequestId::nth(1), None).await;
        let other = server.call(&person, Method::POST, "/v1/runs", start("other"));
        let other = other.await.text("id").to_owned();
        Self {
            token: token(&server.store, &run),
            server,
            run,
            other,
            person,
        }
    }

    async fn child(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.server.call(&self.token, method, path, body).await
    }
}

const MODES: [Mode; 2] = [Mode::Keys, Mode::Open];

#[tokio::test]
async fn a_child_reads_its_run_changes_its_card_and_tells_notices() {
    for mode in MODES {
        let scene = Scene::set(mode).await;
        let run = &scene.run;
        let shown = scene
            .child(Method::GET, &format!("/v1/runs/{run}"), None)
            .await;
        assert_eq!((shown.status, shown.text("id")), (200, run.as_str()));
        for path in ["events", "inputs"] {
            let path = format!("/v1/runs/{run}/{path}");
            let read = scene.child(Method::GET, &path, None).await;
            assert_eq!(read.status, 200, "{path}");
        }
        let card = scene.child(Method::GET, "/v1/threads/card", None).await;
        assert_eq!((card.status, card.text("id")), (200, "card"));
        let change =
            json!({"title": "Blue", "column": "review", "labels": ["a"], "metadata": {"pr": 7}});
        let changed = scene.child(Method::PATCH, "/v1/threads/card", Some(change));
        let changed = changed.await;
        assert_eq!(
            (
                changed.status,
                changed.text("title"),
                changed.text("column")
            ),
            (200, "Blue", "review")
        );

        let notices = format!("/v1/runs/{run}/notices");
        let said = json!({"text": "All tests pass", "level": "warning"});
        assert_eq!(
            scene.child(Method::POST, &notices, Some(said)).await.status,
            201
        );
        // A person may do so, too; the level may be missing.
        let said = scene.server.call(
            &scene.person,
            Method::POST,
            &notices,
            Some(json!({"text": "Look"})),
        );
        assert_eq!(said.await.status, 201);
        let snapshot = scene
            .child(Method::GET, &format!("/v1/runs/{run}"), None)
            .await;
        let by = if mode == Mode::Keys { "ann" } else { "client" };
        assert_eq!(
            snapshot.body["snapshot"]["notices"],
            json!([
                {"level": "warning", "code": "told", "text": "All tests pass", "detail": {"by": "agent"}},
                {"level": "info", "code": "told", "text": "Look", "detail": {"by": by}},
            ])
        );
        for (body, code) in [
            (json!({"text": " "}), "invalid_request"),
            (
                json!({"text": "x".repeat(NOTICE_BYTES + 1)}),
                "invalid_request",
            ),
            (json!({"text": "x", "level": "loud"}), "invalid_request"),
            (json!({}), "invalid_request"),
        ] {
            let refused = scene.child(Method::POST, &notices, Some(body)).await;
            assert_eq!((refused.status, refused.text("code")), (400, code));
        }
    }
}

#[tokio::test]
async fn a_child_may_do_nothing_else_whatever_there_is() {
    // What is told to everybody, and what the test above is about.
    const PUBLIC: [&str; 3] = ["/healthz", "/readyz", "/openapi.json"];
    const OWN: [&str; 8] = [
        "GET /v1/runs/{run}",
        "GET /v1/runs/{run}/events",
        "GET /v1/runs/{run}/inputs",
        "GET /v1/runs/{run}/diff",
        "GET /v1/runs/{run}/blobs/{blob}",
        "POST /v1/runs/{run}/notices",
        "GET /v1/threads/{thread}",
        "PATCH /v1/threads/{thread}",
    ];
    for mode in MODES {
        let scene = Scene::set(mode).await;
        let reference = scene.server.get("/openapi.json").await.body;
        let mut n_refused = 0;
        for (path, methods) in reference["paths"].as_object().unwrap() {
            for method in methods.as_object().unwrap().keys() {
                let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
                if PUBLIC.contains(&&**path) || OWN.contains(&&*format!("{method} {path}")) {
                    continue;
                }
                let own = path
                    .replace("{run}", &scene.run)
                    .replace("{thread}", "card")
                    .replace("{request}", "q1");
                let body = (method != Method::GET).then(|| json!({"decision": "allow"}));
                let refused = scene.child(method.clone(), &own, body).await;
                assert_eq!(refused.status, 403, "{method} {own}: {:?}", refused.body);
                n_refused += 1;
            }
        }
        assert!(n_refused > 30, "{n_refused}");
        // What belongs to others reads like what does not exist.
        for (method, path, body) in [
            (Method::GET, format!("/v1/runs/{}", scene.other), None),
            (
                Method::GET,
                format!("/v1/runs/{}/events", scene.other),
                None,
            ),
            (
                Method::POST,
                format!("/v1/runs/{}/notices", scene.other),
                Some(json!({"text": "x"})),
            ),
            (Method::GET, "/v1/threads/other".to_owned(), None),
            (
                Method::PATCH,
                "/v1/threads/other".to_owned(),
                Some(json!({"title": "x"})),
            ),
        ] {
            let unknown = scene.child(method, &path, body).await;
            assert_eq!(
                (unknown.status, unknown.text("code")),
                (404, "not_found"),
                "{path}"
            );
        }
        // The approval is open still, and the run waits.
        let path = format!("/v1/runs/{}", scene.run);
        let shown = scene
            .server
            .call(&scene.person, Method::GET, &path, None)
            .await;
        assert_eq!(shown.text("status"), "waiting");
    }
}

#[tokio::test]
async fn a_childs_token_ends_with_its_run_and_outlives_its_server() {
    for mode in MODES {
        let scene = Scene::set(mode).await;
        let path = format!("/v1/runs/{}", scene.run);
        let notices = format!("{path}/notices");
        let said = || Some(json!({"text": "x"}));
        // A token that nobody gave.
        let mut forged = scene.token.clone();
        let last = if forged.ends_with('0') { "1" } else { "0" };
        forged.replace_range(forged.len() - 1.., last);
        let unknown = scene.server.call(&forged, Method::GET, &path, None).await;
        assert_eq!(
            (unknown.status, unknown.text("code")),
            (401, "credential_unknown")
        );

        assert_eq!(
            scene.child(Method::POST, &notices, said()).await.status,
            201
        );
        let stop = format!("{path}/stop");
        let stopped = scene
            .server
            .call(&scene.person, Method::POST, &stop, Some(json!({})));
        assert_eq!(stopped.await.body["run"]["status"], "aborted");
        for (method, path, body) in [
            (Method::GET, &path, None),
            (Method::POST, &notices, said()),
            (
                Method::PATCH,
                &"/v1/threads/card".to_owned(),
                Some(json!({"title": "x"})),
            ),
        ] {
            let over = scene.child(method, path, body).await;
            assert_eq!(
                (over.status, over.text("code")),
                (401, "credential_unknown"),
                "{path}"
            );
        }
        let late = scene
            .server
            .call(&scene.person, Method::POST, &notices, said())
            .await;
        assert_eq!((late.status, late.text("code")), (409, "run_final"));

        // The next server on the same data knows the tokens of runs that are open still; one on other data does not.
        let before = token(&scene.server.store, &scene.other);
        let Server {
            store,
            shutdown,
            task,
            directory,
            ..
        } = scene.server;
        shutdown.cancel();
        task.await.unwrap().unwrap();
        store.close().await;
        let open = async |name: &str| {
            let at = Location::Sqlite(directory.path().join(name));
            Store::open(&at, Options::default()).await.unwrap()
        };
        assert_eq!(token(&open("outlive.db").await, &scene.other), before);
        assert_ne!(token(&open("another.db").await, &scene.other), before);
    }
}
