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
use crate::services::{AccessError, reason_of};

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
