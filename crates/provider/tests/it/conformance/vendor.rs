//! A server that is a vendor: it judges requests and answers by the name of the model.

use std::sync::Arc;

use provider::{Client, Vendor};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::{Asked, Failure, Flavour, Reason, Said};
use crate::server::{self, Seen};

pub(crate) const KEY: &str = "sk-test-0123456789abcdef";

/// A vendor that can be called, and the model to call.
pub(crate) struct Place {
    pub(crate) vendor: Vendor,
    pub(crate) model: String,
    pub(crate) models: Vec<String>,
    server: Option<JoinHandle<()>>,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

impl Place {
    /// A server of this flavour.
    pub(crate) async fn start(flavour: impl Flavour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let root = format!("http://{}", listener.local_addr().unwrap());
        let vendor = flavour.vendor(&root).with_key(KEY);
        let flavour = Arc::new(flavour);
        let server = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(flavour.clone(), stream));
            }
        });
        Self {
            vendor,
            model: "good".into(),
            models: vec!["good".into(), "other".into()],
            server: Some(server),
        }
    }

    /// Somewhere else.
    pub(crate) fn real(vendor: Vendor, model: &str) -> Self {
        Self {
            vendor,
            model: model.to_owned(),
            models: vec![model.to_owned()],
            server: None,
        }
    }

    /// The same with another model.
    pub(crate) fn with(&self, model: &str) -> Self {
        Self {
            vendor: self.vendor.clone(),
            model: model.to_owned(),
            models: Vec::new(),
            server: None,
        }
    }

    pub(crate) fn client(&self) -> Client {
        let builder = Client::builder();
        // A proxy of the machine has no business in between; the way to a real vendor may need one.
        let is_local = self.vendor.base_url.starts_with("http://127.0.0.1");
        let builder = if is_local {
            builder.no_proxy()
        } else {
            builder
        };
        Client::new(builder.build().unwrap())
    }
}

/// How the server treats the bytes of an answer.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    Whole,
    /// Each byte for itself.
    Bytes,
    /// The connection ends behind the last frame, in the middle of the body.
    Cut,
    /// Nothing more comes.
    Hang,
}

async fn serve(flavour: Arc<impl Flavour>, mut stream: TcpStream) {
    let Seen { head, body } = server::request(&mut stream).await;
    let target = head.split(' ').nth(1).unwrap().to_owned();
    let (header, before) = flavour.key_header();
    let has_key = head.contains(&format!("\r\n{header}: {before}{KEY}\r\n"));
    let (models, list) = flavour.models();
    if target == models {
        assert!(has_key, "{head}");
        return status(&mut stream, 200, "", list).await;
    }
    let model = body["model"].as_str().map_or_else(
        || {
            let method = target.rsplit('/').next().unwrap();
            method.split(':').next().unwrap().to_owned()
        },
        str::to_owned,
    );
    assert_eq!(target, flavour.path(&model));
    let fail = |failure, words: &str| flavour.failure(failure, words);
    let asked = match flavour.read(&body) {
        Ok(asked) => asked,
        Err(words) => {
            let body = fail(Failure::Invalid, &words);
            return status(&mut stream, 400, "", &body).await;
        }
    };
    match &*model {
        "unknown" => {
            let body = fail(Failure::UnknownModel, "unknown");
            return status(&mut stream, 404, "", &body).await;
        }
        "keyless" => {
            let body = fail(Failure::Key, &format!("wrong key {KEY}"));
            return status(&mut stream, 401, "", &body).await;
        }
        "limited" => {
            let body = fail(Failure::RateLimit, "slow down");
            return status(&mut stream, 429, "retry-after: 7\r\n", &body).await;
        }
        "broken" => {
            let body = fail(Failure::Broken, "on fire");
            return status(&mut stream, 503, "", &body).await;
        }
        _ => assert!(has_key, "{head}"),
    }
    let (script, manner) = script(&model, &asked);
    let mut frames = flavour.write(&script);
    if model == "garbage" {
        frames.push(match flavour.media_type() {
            "text/event-stream" => format!("data: <{KEY}>\n\n"),
            _ => format!("<{KEY}>\n"),
        });
    }
    let media_type = flavour.media_type();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {media_type}\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
    );
    let _ = stream.write_all(head.as_bytes()).await;
    let whole = frames.concat();
    let size = if manner == Manner::Bytes {
        1
    } else {
        whole.len().max(1)
    };
    for piece in whole.as_bytes().chunks(size) {
        let mut chunk = format!("{:x}\r\n", piece.len()).into_bytes();
        chunk.extend_from_slice(piece);
        chunk.extend_from_slice(b"\r\n");
        let _ = stream.write_all(&chunk).await;
    }
    match manner {
        Manner::Whole | Manner::Bytes => {
            let _ = stream.write_all(b"0\r\n\r\n").await;
        }
        Manner::Cut => {}
        Manner::Hang => {
            let mut rest = [0; 64];
            while stream.read(&mut rest).await.is_ok_and(|read| read > 0) {}
        }
    }
}

fn script(model: &str, asked: &Asked) -> (Vec<Said>, Manner) {
    use Said::{Call, End, Error, Noise, OddEnd, Refusal, Text, Thought};
    let hello = || vec![Text("o"), Text("k"), End(Reason::Stop)];
    let script = match model {
        "noisy" => vec![Noise, Text("ok"), Noise, End(Reason::Stop)],
        "odd" => vec![Text("ok"), OddEnd],
        "empty" => vec![End(Reason::Stop)],
        "error" => vec![Text("o"), Error("on fire")],
        "refusing" => vec![Refusal("I will not.")],
        "cut" | "ended" | "stalled" | "garbage" => vec![Text("o")],
        _ if asked.has_schema => vec![Text("{\"city\":"), Text(" \"Paris\"}"), End(Reason::Stop)],
        _ if asked.results.len() == 2 => vec![Text("17 and 23"), End(Reason::Stop)],
        _ if asked.has_tools => vec![
            Thought("Two cities, two calls."),
            Call("Paris"),
            Call("Rome"),
            End(Reason::Tools),
        ],
        _ => hello(),
    };
    let manner = match model {
        "bytes" => Manner::Bytes,
        "cut" | "unended" => Manner::Cut,
        "stalled" => Manner::Hang,
        _ => Manner::Whole,
    };
    (script, manner)
}

async fn status(stream: &mut TcpStream, status: u16, headers: &str, body: &str) {
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    let _ = stream.write_all(answer.as_bytes()).await;
}
