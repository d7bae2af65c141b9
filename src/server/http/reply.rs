//! Answers that are one JSON document.

use axum::body::Body;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use prost_reflect::{DynamicMessage, MethodDescriptor};
use serde_json::Value as Json;

use super::in_process::{Caller, InProcess};
use super::refusal::Refusal;
use crate::wire::message_to_json;

/// JSON, as media types call it.
pub(super) const JSON: &str = "application/json";

/// Makes a call that answers once.
pub(super) async fn unary(
    grpc: &InProcess,
    caller: &Caller,
    call: &MethodDescriptor,
    message: DynamicMessage,
) -> Result<Response<Body>, Refusal> {
    let reply = grpc.unary(caller, call, message).await.map_err(|status| Refusal::of(&status))?;
    Ok(json(StatusCode::OK, &message_to_json(reply.get_ref())))
}

/// One JSON document, which ends with a line feed.
pub(super) fn json(code: StatusCode, document: &Json) -> Response<Body> {
    let text = format!("{document}\n");
    let length = HeaderValue::from(text.len());
    let mut response = with_type(JSON, Body::from(text));
    *response.status_mut() = code;
    // Also where there is no body, as for HEAD.
    response.headers_mut().insert(CONTENT_LENGTH, length);
    response
}

/// A body of this media type, which nobody keeps and nobody guesses about.
pub(super) fn with_type(media_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers: &mut HeaderMap = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
