//! Connections: accepting, bounding and ending them.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::http::header::{CONNECTION, HeaderValue};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;
use wire::Code;

use crate::bell::Bell;
use crate::error::Error;
use crate::limits::{ACCEPT_PAUSE, HEADER_BYTES, REFUSED_CONNECTIONS};
use crate::socket::Socket;
use crate::{App, Mode, router};

/// Why the server does not serve.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// An open server on an address that others can reach.
    #[error(
        "a server without keys must listen on a loopback address, not on {0}; make a key first"
    )]
    OpenToOthers(SocketAddr),
    /// The listener cannot be used.
    #[error("failed to use the listener")]
    Listener(#[source] io::Error),
}

/// Serves until `shutdown`, then ends in good order: nothing new is accepted, streams tell their clients to come back,
/// and requests under way get the `drain` time of the settings.
pub async fn serve(
    listener: TcpListener,
    app: App,
    shutdown: CancellationToken,
) -> Result<(), ServeError> {
    let address = listener.local_addr().map_err(ServeError::Listener)?;
    if app.settings.mode == Mode::Open && !address.ip().is_loopback() {
        return Err(ServeError::OpenToOthers(address));
    }
    let server = Arc::new(Server {
        router: router(app.clone()),
        app,
        ended: CancellationToken::new(),
    });
    let connections = TaskTracker::new();
    let room = Arc::new(Semaphore::new(server.app.settings.limits.connections));
    let refusals = Arc::new(Semaphore::new(REFUSED_CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Each of these ends by itself: a client that went away, or descriptors that others will give back.
                tracing::warn!("failed to accept a connection: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let server = Arc::clone(&server);
        if let Ok(permit) = Arc::clone(&room).try_acquire_owned() {
            connections.spawn(server.connection(stream, Place::Seat(permit)));
        } else if let Ok(permit) = Arc::clone(&refusals).try_acquire_owned() {
            connections.spawn(server.connection(stream, Place::Door(permit)));
        }
    }
    drop(listener);
    server.app.closing.cancel();
    connections.close();
    let drain = server.app.settings.limits.drain;
    if tokio::time::timeout(drain, connections.wait())
        .await
        .is_err()
    {
        tracing::warn!(
            "{} connections did not end within {drain:?} and are cut",
            connections.len()
        );
        server.ended.cancel();
        connections.wait().await;
    }
    Ok(())
}

struct Server {
    router: Router,
    app: App,
    /// Cuts the connections that did not end by themselves.
    ended: CancellationToken,
}

/// Where a connection stands while it is open.
enum Place {
    /// It is served.
    Seat(OwnedSemaphorePermit),
    /// There is no room: it is told so and closed.
    Door(OwnedSemaphorePermit),
}

impl Server {
    async fn connection(self: Arc<Self>, stream: TcpStream, place: Place) {
        // A frame is to leave when it is written, not when the next one comes.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!("failed to set TCP_NODELAY: {error}");
        }
        let (_permit, served) = match place {
            Place::Seat(permit) => (permit, true),
            Place::Door(permit) => (permit, false),
        };
        let service = service_fn(|request: Request<Incoming>| {
            let router = served.then(|| self.router.clone());
            async move {
                let response = match router {
                    Some(router) => router
                        .oneshot(request.map(Body::new))
                        .await
                        .unwrap_or_else(|never| match never {}),
                    None => no_room(),
                };
                Ok::<Response, Infallible>(response)
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.app.settings.limits.header_timeout)
            .max_buf_size(HEADER_BYTES)
            .serve_connection(Socket::new(stream), service);
        let mut connection = pin!(connection);
        let mut cut = pin!(self.ended.cancelled());
        let mut closing = pin!(self.app.closing.cancelled());
        let mut is_closing = false;
        let mut bell = Bell::default();
        let ended = poll_fn(|context| {
            let cut = bell.poll(context, |context| {
                if !is_closing && closing.as_mut().poll(context).is_ready() {
                    is_closing = true;
                    connection.as_mut().graceful_shutdown();
                }
                cut.as_mut().poll(context)
            });
            if cut.is_ready() {
                return Poll::Ready(Ok(()));
            }
            connection.as_mut().poll(context)
        })
        .await;
        if let Err(error) = ended {
            // Clients go away whenever they like.
            tracing::debug!("a connection ended: {error}");
        }
    }
}

fn no_room() -> Response {
    let error = Error::new(
        Code::TooManyConnections,
        "the server has as many connections open as it may",
    );
    let mut response = error.into_response();
    response
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
