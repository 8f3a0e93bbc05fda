//! Keeps web pages away from a server without keys: a page may send requests to this machine, also under a name of its
//! own that it lets point here (DNS rebinding), but it cannot forge Host and Origin.

use axum::extract::{Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use wire::Code;

use crate::error::Error;
use crate::{App, Mode, Settings};

/// Checks Host and Origin of every request to an open server.
pub(crate) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let checked = match app.settings.mode {
        Mode::Open => check(&app.settings, request.headers(), request.uri()),
        // A credential is never sent by a browser on its own.
        Mode::Keys => Ok(()),
    };
    match checked {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    }
}

fn check(settings: &Settings, headers: &HeaderMap, uri: &Uri) -> Result<(), Error> {
    let mut hosts = headers.get_all(HOST).iter();
    let host = match (uri.authority(), hosts.next(), hosts.next()) {
        // RFC 9112, 3.2.2: an absolute target takes precedence over Host.
        (Some(authority), _, None) => authority.as_str(),
        (None, Some(host), None) => host.to_str().unwrap_or_default(),
        _ => "",
    };
    if !is_own(settings, host) {
        return Err(Error::new(
            Code::HostNotAllowed,
            "the Host header does not name this server; use a loopback name such as 127.0.0.1, or add the name to allowed_hosts",
        ));
    }
    for origin in headers.get_all(ORIGIN) {
        let origin = origin.to_str().unwrap_or_default();
        let same = origin
            .split_once("://")
            .is_some_and(|(scheme, rest)| matches!(scheme, "http" | "https") && rest == host);
        if !same && !settings.allows_origin(origin) {
            return Err(Error::new(
                Code::OriginNotAllowed,
                "a web page of another origin may not use this server; add its origin to allowed_origins if it is yours",
            ));
        }
    }
    Ok(())
}

impl Settings {
    /// Whether web pages of this origin may use the server.
    pub(crate) fn allows_origin(&self, origin: &str) -> bool {
        let public = self.public_url.iter().map(|url| {
            let path = url.split_once("://").and_then(|(_, rest)| rest.find('/'));
            let scheme = url.find("://").map_or(0, |at| at + 3);
            path.map_or(url.as_str(), |at| &url[..scheme + at])
        });
        self.allowed_origins
            .iter()
            .map(|origin| origin.trim_end_matches('/'))
            .chain(public)
            .any(|allowed| allowed.eq_ignore_ascii_case(origin))
    }
}

/// Whether a Host header names this machine, whatever the port.
fn is_own(settings: &Settings, host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, "")) => address,
            Some((address, port)) if port.starts_with(':') => address,
            _ => return false,
        },
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let loopback = name
        .parse::<std::net::IpAddr>()
        .is_ok_and(|address| address.is_loopback());
    let local =
        name.eq_ignore_ascii_case("localhost") || name.to_ascii_lowercase().ends_with(".localhost");
    let public = settings
        .public_url
        .as_deref()
        .and_then(|url| url.parse::<Uri>().ok());
    let public = public.as_ref().and_then(Uri::host).into_iter();
    let mut listed = settings
        .allowed_hosts
        .iter()
        .map(String::as_str)
        .chain(public);
    loopback || local || listed.any(|own| own.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[track_caller]
    fn check(host: &str, origin: Option<&str>, expected: Result<(), Code>) {
        let settings = Settings {
            allowed_hosts: vec!["box.lan".to_owned()],
            allowed_origins: vec!["https://app.example.com/".to_owned()],
            public_url: Some("https://runs.example.com/outlive".to_owned()),
            ..Settings::default()
        };
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_str(host).unwrap());
        if let Some(origin) = origin {
            headers.insert(ORIGIN, HeaderValue::from_str(origin).unwrap());
        }
        let found = super::check(&settings, &headers, &Uri::from_static("/v1/runs"));
        assert_eq!(
            found.map_err(|error| error.code()),
            expected,
            "{host} {origin:?}"
        );
    }

    #[test]
    fn only_this_machines_names_are_hosts() {
        for host in [
            "127.0.0.1:4600",
            "127.8.9.1",
            "localhost:1",
            "LOCALHOST",
            "app.localhost",
            "[::1]:4600",
            "[::1]",
            "box.lan:80",
            "runs.example.com",
        ] {
            check(host, None, Ok(()));
        }
        for host in [
            "",
            "evil.example",
            "127.0.0.1.evil.example",
            "localhost.evil.example:4600",
            "10.0.0.1:4600",
            "[::1",
            "[::1]evil",
            "[fe80::1]:4600",
        ] {
            check(host, None, Err(Code::HostNotAllowed));
        }
    }

    #[test]
    fn only_the_own_and_allowed_origins_may_ask() {
        for origin in [
            "http://127.0.0.1:4600",
            "https://app.example.com",
            "https://runs.example.com",
        ] {
            check("127.0.0.1:4600", Some(origin), Ok(()));
        }
        for origin in [
            "null",
            "",
            "http://127.0.0.1:3000",
            "http://evil.example",
            "https://app.example.com.evil.example",
            "file://127.0.0.1:4600",
        ] {
            check("127.0.0.1:4600", Some(origin), Err(Code::OriginNotAllowed));
        }
    }
}
