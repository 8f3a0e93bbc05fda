//! Every address of the server: its handler, and what is said of it.

use axum::Router;
use axum::http::Method;
use axum::routing::{MethodRouter, delete, get, post, put};
use wire::{AgentList, Code, CreateToken, PutSecret, SecretList, TokenBody};

use crate::faces::{agui, aisdk, openai};
use crate::reference::{Doc, Group};
use crate::{App, agents, auth, operations, runs, secrets, threads};

/// An address.
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) handler: MethodRouter<App>,
    pub(crate) doc: Doc,
}

pub(crate) fn route(
    method: Method,
    path: &'static str,
    handler: MethodRouter<App>,
    doc: Doc,
) -> Route {
    Route {
        method,
        path,
        handler,
        doc,
    }
}

/// A router of every address.
pub(crate) fn all() -> Router<App> {
    routes().into_iter().fold(Router::new(), |router, route| {
        router.route(route.path, route.handler)
    })
}

/// The table.
pub(crate) fn routes() -> Vec<Route> {
    let mut routes = runs::routes();
    routes.extend(threads::routes());
    routes.extend(openai::routes());
    routes.extend(agui::routes());
    routes.extend(aisdk::routes());
    routes.extend(other_routes());
    routes
}

pub(crate) const WAIT: &str = "how long to wait for something new, for example `20s`; at most 60 s";
pub(crate) const TOKEN: &str = "a token, where no header can be set";
pub(crate) const IDEMPOTENCY_KEY: &str = "a repeat under the same key gives the same run";
pub(crate) const LIMIT: &str = "entries of the page, from 1 to 200; 50 if missing";
pub(crate) const BELOW: &str =
    "below this thread; threads below others are listed only so, unless they have a column";
pub(crate) const CURSOR: &str = "the `next` of the page before";

fn other_routes() -> Vec<Route> {
    let agents = Doc::new(Group::Agents, "Lists the agents that the caller may start")
        .right("read")
        .json::<AgentList>(200, "the agents, by name");
    let token = Doc::new(
        Group::Access,
        "Makes a short-lived token for one run or thread",
    )
    .text("Not with a token, and never wider than the key that asks for it.")
    .right("manage")
    .body::<CreateToken>()
    .json::<TokenBody>(201, "the token, shown this once")
    .codes(&[
        Code::InvalidJson,
        Code::InvalidRequest,
        Code::UnsupportedMediaType,
        Code::NotFound,
    ]);
    let put_secret = Doc::new(Group::Access, "Keeps a secret of the tenant, encrypted")
        .text("Agents use the secret that has the name of their model's vendor, or the one that the vendor's `key_secret` names, before the environment of the server. What was there under the name is replaced. Not with a token, and not with a key that acts as one user.")
        .right("manage")
        .body::<PutSecret>()
        .empty(204, "it is kept")
        .codes(&[
            Code::InvalidId,
            Code::InvalidJson,
            Code::InvalidRequest,
            Code::UnsupportedMediaType,
            Code::SecretsDisabled,
            Code::TooManySecrets,
        ]);
    let list_secrets = Doc::new(
        Group::Access,
        "Lists the tenant's secrets, without their values",
    )
    .right("manage")
    .json::<SecretList>(200, "names and times");
    let delete_secret = Doc::new(Group::Access, "Erases a secret")
        .right("manage")
        .empty(204, "it is gone")
        .codes(&[Code::InvalidId, Code::NotFound]);
    let health = Doc::new(Group::Operations, "Whether the process answers").plain(
        200,
        "application/json",
        "it does",
    );
    let ready = Doc::new(Group::Operations, "Whether requests can be served")
        .plain(200, "application/json", "they can")
        .codes(&[Code::StoreUnavailable, Code::ShuttingDown]);
    let metrics = Doc::new(Group::Operations, "Metrics in Prometheus' text format")
        .right("manage")
        .plain(200, "text/plain", "the metrics")
        .codes(&[Code::RouteUnknown]);
    let document = Doc::new(Group::Operations, "This reference as an OpenAPI document").plain(
        200,
        "application/json",
        "the document",
    );
    vec![
        route(Method::GET, "/v1/agents", get(agents::list), agents),
        route(Method::POST, "/v1/tokens", post(auth::create_token), token),
        route(Method::GET, "/v1/secrets", get(secrets::list), list_secrets),
        route(
            Method::PUT,
            "/v1/secrets/{secret}",
            put(secrets::put),
            put_secret,
        ),
        route(
            Method::DELETE,
            "/v1/secrets/{secret}",
            delete(secrets::delete),
            delete_secret,
        ),
        route(Method::GET, "/healthz", get(operations::healthz), health),
        route(Method::GET, "/readyz", get(operations::readyz), ready),
        route(Method::GET, "/metrics", get(operations::metrics), metrics),
        route(
            Method::GET,
            "/openapi.json",
            get(operations::openapi),
            document,
        ),
    ]
}
