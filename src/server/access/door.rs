//! The outermost layer: whether a request is addressed to this server, and whether a web page may send it. It looks at no credentials.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response, StatusCode};
use tonic::body::Body;
use tonic::codegen::{Body as HttpBody, Service};
use tonic::{Code, Status};
use tower_layer::Layer;

use super::connection::Connection;
use super::{Access, host, origin};
use crate::services::{AccessError, CallNotes, reason_of};

/// Puts the door in front of a service, whatever face it serves.
#[derive(Debug, Clone)]
pub struct DoorLayer(pub(super) Arc<Access>);

impl<S> Layer<S> for DoorLayer {
    type Service = Door<S>;

    fn layer(&self, inner: S) -> Door<S> {
        Door { inner, access: Arc::clone(&self.0) }
    }
}

/// A service behind the door.
#[derive(Debug, Clone)]
pub struct Door<S> {
    inner: S,
    access: Arc<Access>,
}

impl<S, B, R> Service<Request<B>> for Door<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    R: HttpBody<Data = Bytes> + Send + 'static,
    R::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let origin = match self.access.admits(&request) {
            Ok(origin) => origin,
            Err(error) => {
                let refusal = refusal(error, &request);
                if let Some(notes) = request.extensions().get::<Arc<CallNotes>>() {
                    notes.set_code(Code::PermissionDenied);
                }
                self.access.tell_refused(&request, error);
                return Box::pin(std::future::ready(Ok(refusal)));
            }
        };
        if let Some(origin) = origin.as_ref().filter(|_| origin::is_preflight(request.method(), request.headers())) {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NO_CONTENT;
            origin::allow_preflight(response.headers_mut(), origin.clone());
            return Box::pin(std::future::ready(Ok(response)));
        }
        let answer = self.inner.call(request);
        Box::pin(async move {
            let mut response = answer.await?.map(Body::new);
            if let Some(origin) = origin {
                origin::allow(response.headers_mut(), origin);
            }
            Ok(response)
        })
    }
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

/// A refusal as the request's protocol has it.
fn refusal<B>(error: AccessError, request: &Request<B>) -> Response<Body> {
    let status = Status::from(error);
    let content_type = request.headers().get(CONTENT_TYPE).map_or(&[][..], HeaderValue::as_bytes);
    if content_type.starts_with(b"application/grpc") {
        return status.into_http();
    }
    let document = serde_json::json!({"error": {
        "code": StatusCode::FORBIDDEN.as_u16(),
        "status": "PERMISSION_DENIED",
        "reason": reason_of(&status).unwrap_or_default(),
        "message": status.message(),
    }});
    debug_assert_eq!(status.code(), Code::PermissionDenied);
    let mut response = Response::new(Body::new(document.to_string()));
    *response.status_mut() = StatusCode::FORBIDDEN;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use http::{HeaderMap, Method};

    use super::*;
    use crate::server::access::AccessConfig;

    /// Answers 200 to everything.
    #[derive(Debug, Clone)]
    struct Inner;

    impl Service<Request<()>> for Inner {
        type Response = Response<Body>;
        type Error = Infallible;
        type Future = std::future::Ready<Result<Response<Body>, Infallible>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request<()>) -> Self::Future {
            std::future::ready(Ok(Response::new(Body::new("inside".to_owned()))))
        }
    }

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
        let answer = access.door().layer(Inner).call(request.body(()).expect("a request")).await.expect("an answer");
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
