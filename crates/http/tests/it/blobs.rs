//! Files beside a run's log.

use bytes::Bytes;
use reqwest::Method;
use run::{RunId, Tenant};

use crate::server::Server;

#[tokio::test]
async fn a_file_of_a_run_is_saved_and_never_shown_as_a_page() {
    let server = Server::open().await;
    let run = server.start("t").await;
    let page = Bytes::from_static(b"<script>alert(1)</script>");
    let other = server.start("u").await;
    let (tenant, id) = (Tenant::local(), RunId::parse(&run).unwrap());
    let kept = server
        .store
        .put_blob(&tenant, id, "text/html", page.clone());
    let hash = kept.await.unwrap();
    let (high, low) = hash.split_at(16);
    let digits = |half: &[u8]| format!("{:032x}", u128::from_be_bytes(half.try_into().unwrap()));
    let hash = digits(high) + &digits(low);
    let path = format!("/v1/runs/{run}/blobs/{hash}");
    let answer = server.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "text/html");
    assert_eq!(header("content-disposition"), "attachment");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert!(header("content-security-policy").starts_with("sandbox"));
    assert_eq!(answer.bytes().await.unwrap(), page);

    for (path, status, code) in [
        (format!("/v1/runs/{run}/blobs/12"), 400, "invalid_id"),
        // Another run has no such file, though the tenant has.
        (format!("/v1/runs/{other}/blobs/{hash}"), 404, "not_found"),
        (
            format!("/v1/runs/{run}/blobs/{}", "0".repeat(64)),
            404,
            "not_found",
        ),
        (
            format!(
                "/v1/runs/{}/blobs/{hash}",
                run.replace(&run[..8], "00000000")
            ),
            404,
            "not_found",
        ),
    ] {
        let answer = server.get(&path).await;
        assert_eq!(
            (answer.status, answer.text("code")),
            (status, code),
            "{path}"
        );
    }
}
