//! The outermost layer: whether a request is addressed to this server, and whether a web page may send it. It looks at no credentials.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::middleware::Next;
use http::{HeaderValue, Request, Response, StatusCode};
use tonic::{Code, Status};

use super::connection::Connection;
use super::{Access, host, origin};
use crate::server::http::{is_grpc, refused};
use crate::services::{AccessError, CallNotes};

/// Lets a request in, whatever face it is for, or refuses it.
pub(in crate::server) async fn door(
    State(access): State<Arc<Access>>,
    request: Request<Body>,
    next: Next,
) -> Response<Body> {
    let origin = match access.admits(&request) {
        Ok(origin) => origin,
        Err(error) => {
            if let Some(notes) = request.extensions().get::<Arc<CallNotes>>() {
                notes.set_code(Code::PermissionDenied);
            }
            access.tell_refused(&request, error);
            let status = Status::from(error);
            // As the request's protocol has it.
            return if is_grpc(&request) { status.into_http() } else { refused(&status) };
        }
    };
    let Some(origin) = origin else { return next.run(request).await };
    if origin::is_preflight(request.method(), request.headers()) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        origin::allow_preflight(response.headers_mut(), origin);
        return response;
    }
    let mut response = next.run(request).await;
    origin::allow(response.headers_mut(), origin);
    response
}

impl Access {
    /// Whether a request may come in, and for which page if one sent it.
    fn admits<B>(&self, request: &Request<B>) -> Result<Option<HeaderValue>, AccessError> {
        // Nobody resolves a name to a Unix socket, and clients call it what they like.
        let is_unix = matches!(request.extensions().get::<Connection>(), Some(Connection::Unix { .. }));
        let hosts = &self.allowed_hosts;
        if !is_unix && !host::is_addressed_here(request.version(), request.uri(), request.headers(), hosts) {
            return Err(AccessError::HostNotAllowed);
        }
        origin::of_request(request.headers(), &self.allowed_origins).map_err(|_| AccessError::OriginNotAllowed)
    }
}

#[cfg(test)]
mod tests {
    use axum::middleware::from_fn_with_state;
    use http::{HeaderMap, Method};
    use tower_service::Service as _;

    use super::*;
    use crate::server::access::AccessConfig;

    async fn asked(
        method: Method,
        headers: &[(&'static str, &'static str)],
        connection: Connection,
    ) -> (u16, HeaderMap) {
        let allowed_origins = vec!["https://board.example".parse().expect("an origin")];
        let access = Access::new(AccessConfig { allowed_origins, ..AccessConfig::default() });
        let mut request = Request::builder().method(method).uri("/runs").extension(connection);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let inside = axum::Router::new().fallback(async || "inside");
        let mut service = inside.layer(from_fn_with_state(access, door));
        let Ok(answer) = service.call(request.body(Body::empty()).expect("a request")).await;
        (answer.status().as_u16(), answer.headers().clone())
    }

    fn tcp() -> Connection {
        Connection::Tcp { peer: None, local: None }
    }

    #[tokio::test]
    async fn a_preflight_of_an_allowed_origin_is_answered_at_the_door_and_any_other_refused() {
        let preflight = |origin| [("host", "localhost"), ("origin", origin), ("access-control-request-method", "POST")];
        let (status, headers) = asked(Method::OPTIONS, &preflight("https://board.example"), tcp()).await;
        assert_eq!(status, 204);
        assert_eq!(headers["access-control-allow-origin"], "https://board.example");
        assert_eq!(headers["access-control-allow-methods"], "GET, HEAD, POST");
        assert!(headers["access-control-allow-headers"].to_str().is_ok_and(|names| names.contains("x-grpc-web")));
        assert_eq!(headers["vary"], "origin");
        assert!(!headers.contains_key("access-control-allow-credentials"));
        let (status, headers) = asked(Method::OPTIONS, &preflight("https://evil.example"), tcp()).await;
        assert_eq!((status, headers.get("access-control-allow-origin")), (403, None));
        // Without an origin it is a request like any other.
        let plain = [("host", "localhost"), ("access-control-request-method", "POST")];
        assert_eq!(asked(Method::OPTIONS, &plain, tcp()).await.0, 200);
    }

    #[tokio::test]
    async fn a_refusal_is_told_in_the_protocol_of_the_request() {
        let (status, headers) = asked(Method::GET, &[("host", "evil.example")], tcp()).await;
        assert_eq!((status, headers["content-type"].as_bytes()), (403, &b"application/json"[..]));
        let grpc = [("host", "evil.example"), ("content-type", "application/grpc+proto")];
        let (status, headers) = asked(Method::POST, &grpc, tcp()).await;
        assert_eq!((status, headers["grpc-status"].as_bytes()), (200, &b"7"[..]));
    }

    #[tokio::test]
    async fn over_a_unix_socket_the_host_is_what_the_client_likes_but_no_page_calls() {
        let unix = || Connection::Unix { uid: Some(0) };
        for host in ["evil.example", "/run/guide-board.sock", "%2Frun"] {
            assert_eq!(asked(Method::GET, &[("host", host)], unix()).await.0, 200, "{host}");
        }
        assert_eq!(asked(Method::GET, &[], unix()).await.0, 200);
        assert_eq!(asked(Method::GET, &[("origin", "null")], unix()).await.0, 403);
        assert_eq!(asked(Method::GET, &[], tcp()).await.0, 403);
    }
}
