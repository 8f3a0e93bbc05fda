//! The guard over real connections.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::Url;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::resolver::{Answer, Lookup};
use super::{Guard, Refused};

/// A server that gives each connection the next answer, `{port}` filled in, and tells what it was asked.
struct Server {
    address: SocketAddr,
    asked: tokio::sync::mpsc::UnboundedReceiver<String>,
}

async fn server(answers: Vec<String>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, asked) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        for answer in answers {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.unwrap());
            }
            tell.send(String::from_utf8(head).unwrap()).unwrap();
            let answer = answer.replace("{port}", &address.port().to_string());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    Server { address, asked }
}

fn ok() -> String {
    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok".into()
}

fn redirect(to: &str) -> String {
    format!(
        "HTTP/1.1 302 Found\r\nconnection: close\r\ncontent-length: 0\r\nlocation: {to}\r\n\r\n"
    )
}

/// Gives each look-up the next answer; the last one again and again.
#[derive(Debug)]
struct Fickle {
    answers: Vec<&'static str>,
    asked: AtomicUsize,
}

impl Lookup for Fickle {
    fn lookup(&self, _: String) -> Answer {
        let n = self.asked.fetch_add(1, Ordering::SeqCst);
        let answer = self.answers[n.min(self.answers.len() - 1)];
        let addresses = answer
            .split(' ')
            .map(|text| SocketAddr::new(text.parse().unwrap(), 0))
            .collect();
        Box::pin(async move { io::Result::Ok(addresses) })
    }
}

fn fickle(allow: &[&str], answers: &[&'static str]) -> (Guard, Arc<Fickle>) {
    let lookup = Arc::new(Fickle {
        answers: answers.to_vec(),
        asked: AtomicUsize::new(0),
    });
    let guard = Guard {
        lookup: Arc::clone(&lookup) as Arc<dyn Lookup>,
        ..Guard::new(allow).unwrap()
    };
    (guard, lookup)
}

async fn get(guard: &Guard, url: &str) -> Result<(u16, String), reqwest::Error> {
    let client = guard.client_builder().build().unwrap();
    let request = client.get(url).header("x-secret", "s3cret");
    let answer = request.send().await?;
    let location = answer
        .headers()
        .get("location")
        .map(|value| value.to_str().unwrap().to_owned());
    Ok((answer.status().as_u16(), location.unwrap_or_default()))
}

#[track_caller]
fn refused(result: Result<(u16, String), reqwest::Error>) -> String {
    let error = result.expect_err("refused");
    Refused::behind(&error).expect("by the guard").to_string()
}

#[track_caller]
fn check(url: &str, expected: Option<&str>) {
    let refused = Guard::new(&["10.9.9.9"])
        .unwrap()
        .check(&Url::parse(url).unwrap());
    assert_eq!(
        refused.err().map(|it| it.to_string()).as_deref(),
        expected,
        "{url}"
    );
}

#[test]
fn a_url_is_checked_before_it_is_requested() {
    check("https://example.com/a?b#c", None);
    check("http://1.1.1.1/", None);
    check("http://10.9.9.9:8080/", None);
    check(
        "ftp://example.com/",
        Some("only http and https can be requested, not ftp"),
    );
    check(
        "file:///etc/passwd",
        Some("only http and https can be requested, not file"),
    );
    let credentials = Some("an address with a user or a password in it is not requested");
    check("http://user@example.com/", credentials);
    check("http://:password@example.com/", credentials);
    check(
        "http://10.0.0.1/",
        Some(
            "address 10.0.0.1 of host 10.0.0.1 is private; an operator can allow it with allow_hosts",
        ),
    );
}

#[test]
fn other_spellings_of_an_address_do_not_pass() {
    let loopback = Some(
        "address 127.0.0.1 of host 127.0.0.1 is this machine (loopback); an operator can allow it with allow_hosts",
    );
    for url in [
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://127。0。0。1/",
    ] {
        check(url, loopback);
    }
    check(
        "http://[::ffff:a9fe:a9fe]/",
        Some(
            "address ::ffff:169.254.169.254 of host [::ffff:a9fe:a9fe] is a cloud's metadata address; an operator can \
             allow it with allow_hosts",
        ),
    );
}

#[tokio::test]
async fn a_name_is_refused_by_what_it_resolves_to() {
    let guard = Guard::new(&[""; 0]).unwrap();
    let text = refused(get(&guard, "http://localhost:9/").await);
    assert!(
        text.contains("of host localhost is this machine (loopback)"),
        "{text}"
    );
}

#[tokio::test]
async fn an_allowed_name_is_connected() {
    let server = server(vec![ok()]).await;
    let guard = Guard::new(&["localhost"]).unwrap();
    let url = format!("http://localhost:{}/", server.address.port());
    assert_eq!(get(&guard, &url).await.unwrap(), (200, String::new()));
}

#[tokio::test]
async fn a_redirect_to_a_private_address_is_refused() {
    let server = server(vec![redirect("http://169.254.169.254/latest/meta-data/")]).await;
    let guard = Guard::new(&["127.0.0.1"]).unwrap();
    let text = refused(get(&guard, &format!("http://{}/", server.address)).await);
    assert!(
        text.contains("169.254.169.254 is a cloud's metadata address"),
        "{text}"
    );
}

#[tokio::test]
async fn a_redirect_within_the_origin_is_followed_and_keeps_the_headers() {
    let mut server = server(vec![redirect("/next"), ok()]).await;
    let guard = Guard::new(&["127.0.0.1"]).unwrap();
    assert_eq!(
        get(&guard, &format!("http://{}/", server.address))
            .await
            .unwrap()
            .0,
        200
    );
    server.asked.recv().await.unwrap();
    let second = server.asked.recv().await.unwrap();
    assert!(
        second.starts_with("GET /next ") && second.contains("x-secret: s3cret"),
        "{second}"
    );
}

#[tokio::test]
async fn a_redirect_to_another_origin_is_given_back_and_nothing_goes_there() {
    let target = "http://localhost:{port}/elsewhere";
    let server = server(vec![redirect(target)]).await;
    let guard = Guard::new(&["127.0.0.1", "localhost"]).unwrap();
    let (status, location) = get(&guard, &format!("http://{}/", server.address))
        .await
        .unwrap();
    assert_eq!(status, 302);
    assert_eq!(
        location,
        format!("http://localhost:{}/elsewhere", server.address.port())
    );
}

#[tokio::test]
async fn redirects_have_a_bound() {
    let server = server(vec![redirect("/again"); 10]).await;
    let guard = Guard::new(&["127.0.0.1"]).unwrap();
    let text = refused(get(&guard, &format!("http://{}/", server.address)).await);
    assert_eq!(text, "more than 5 redirects");
}

#[tokio::test]
async fn an_answer_that_changes_is_checked_each_time_and_looked_up_once_per_connection() {
    // The allowed loopback address stands for the public one: the second look-up must not get through.
    let server = server(vec![ok(), ok()]).await;
    let (guard, lookup) = fickle(&["127.0.0.1"], &["127.0.0.1", "10.0.0.7"]);
    let url = format!("http://rebind.example:{}/", server.address.port());
    assert_eq!(get(&guard, &url).await.unwrap().0, 200);
    assert_eq!(
        lookup.asked.load(Ordering::SeqCst),
        1,
        "no second look-up after the check"
    );
    assert_eq!(
        refused(get(&guard, &url).await),
        "address 10.0.0.7 of host rebind.example is private; an operator can allow it with allow_hosts"
    );
}

#[tokio::test]
async fn of_several_addresses_only_admitted_ones_are_connected() {
    let mut server = server(vec![ok()]).await;
    let (guard, _) = fickle(&["127.0.0.1"], &["10.0.0.7 127.0.0.1 169.254.169.254"]);
    let url = format!("http://mixed.example:{}/", server.address.port());
    assert_eq!(get(&guard, &url).await.unwrap().0, 200);
    assert!(
        server
            .asked
            .recv()
            .await
            .unwrap()
            .contains("host: mixed.example")
    );
}

#[tokio::test]
async fn a_redirect_to_a_name_with_a_private_address_is_refused_within_the_origin_too() {
    let server = server(vec![redirect("/next"), ok()]).await;
    let (guard, _) = fickle(&["127.0.0.1"], &["127.0.0.1", "10.0.0.7"]);
    let url = format!("http://rebind.example:{}/", server.address.port());
    assert!(refused(get(&guard, &url).await).contains("10.0.0.7"));
}
