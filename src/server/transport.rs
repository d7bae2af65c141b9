//! The refusals that the transport makes by itself, before a handler is asked: with a code, a reason and a sentence as all others have.

use axum::body::Body;
use http::Response;
use tonic::{Code, Status};

use crate::services;

/// Where a status carries its details.
const DETAILS: &str = "grpc-status-details-bin";

/// An answer as it is, unless it is a refusal of the transport's own: those carry no details, and blame the server for what a request was.
pub(super) async fn explain(response: Response<Body>) -> Response<Body> {
    if response.headers().contains_key(DETAILS) {
        return response;
    }
    // A status in the headers is one that came before the first message.
    match Status::from_header_map(response.headers()).map(|status| status.code()) {
        Some(Code::OutOfRange) => services::request_too_large().into_http(),
        Some(Code::Internal) => services::request_malformed().into_http(),
        _ => response,
    }
}
