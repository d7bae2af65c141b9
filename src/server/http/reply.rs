//! Answers that are one JSON document.

use axum::body::Body;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use prost_reflect::{DynamicMessage, MethodDescriptor};
use serde_json::Value as Json;

use super::in_process::{Caller, InProcess};
use super::refusal::Refusal;
use crate::wire::message_to_json;

/// JSON, as media types call it.
pub(super) const JSON: &str = "application/json";

/// What keeps pages of elsewhere from taking an answer in as an image or a script. It has no say where an origin is allowed to ask.
pub(super) const NO_EMBEDDING: (HeaderName, &str) =
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin");

/// Makes a call that answers once.
pub(super) async fn unary(
    grpc: &InProcess,
    caller: &Caller,
    call: &MethodDescriptor,
    request: DynamicMessage,
) -> Result<Response<Body>, Refusal> {
    let reply = grpc.unary(caller, call, request).await.map_err(|status| Refusal::of(&status))?;
    Ok(message(reply.get_ref()))
}

/// What a call answered.
pub(super) fn message(message: &DynamicMessage) -> Response<Body> {
    json(StatusCode::OK, &message_to_json(message))
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

/// A body of this media type, which nobody keeps, nobody guesses about, and no page of elsewhere embeds.
pub(super) fn with_type(media_type: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers: &mut HeaderMap = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(NO_EMBEDDING.0, HeaderValue::from_static(NO_EMBEDDING.1));
    response
}
