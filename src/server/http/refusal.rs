//! Refusals as HTTP has them: the usual status, and a JSON body of one shape.

use std::fmt::Display;

use axum::body::Body;
use http::header::{ALLOW, CONTENT_RANGE, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value as Json, json};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::reply;
use crate::wire::{FieldFault, PathFault};

/// Why a request is not answered.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    http: StatusCode,
    code: Code,
    reason: String,
    message: String,
    violations: Vec<(String, String)>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Refusal {
    fn new(http: StatusCode, code: Code, reason: &str, message: impl Into<String>) -> Self {
        let (reason, message) = (reason.to_owned(), message.into());
        Self { http, code, reason, message, violations: Vec::new(), headers: Vec::new() }
    }

    /// What a call answered.
    pub(super) fn of(status: &Status) -> Self {
        let (http, name) = names(status.code());
        let details = status.get_error_details();
        let reason = details.error_info().map_or(name, |info| info.reason.as_str());
        let mut refusal = Self::new(http, status.code(), reason, status.message());
        let violations = details.bad_request().into_iter().flat_map(|request| &request.field_violations);
        refusal.violations =
            violations.map(|violation| (violation.field.clone(), violation.description.clone())).collect();
        if let Some(delay) = details.retry_info().and_then(|info| info.retry_delay) {
            let seconds = delay.as_secs() + u64::from(delay.subsec_nanos() > 0);
            refusal.headers.push((RETRY_AFTER, HeaderValue::from(seconds)));
        }
        if status.code() == Code::Unauthenticated {
            refusal.headers.push((WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        }
        refusal
    }

    fn invalid(reason: &str, field: &str, message: &str) -> Self {
        let told = format!("{field}: {message}");
        let mut refusal = Self::new(StatusCode::BAD_REQUEST, Code::InvalidArgument, reason, told);
        refusal.violations.push((field.to_owned(), message.to_owned()));
        refusal
    }

    /// A field that does not parse.
    pub(super) fn field(field: &str, message: &str) -> Self {
        Self::invalid("FIELD_INVALID", &crate::model::printable(field, 200), message)
    }

    /// A path that does not decode.
    pub(super) fn path(fault: &PathFault) -> Self {
        Self::invalid("PATH_INVALID", "path", &fault.to_string())
    }

    /// A query that does not decode.
    pub(super) fn query(fault: &PathFault) -> Self {
        Self::field("query", &fault.to_string())
    }

    pub(super) fn no_such_path() -> Self {
        let message = "there is nothing at this path; docs/api.md lists the paths";
        Self::new(StatusCode::NOT_FOUND, Code::NotFound, "PATH_NOT_FOUND", message)
    }

    /// Another method than these.
    pub(super) fn not_allowed(methods: &str) -> Self {
        let message = format!("this path is asked with {methods}");
        let refusal = Self::new(StatusCode::METHOD_NOT_ALLOWED, Code::Unimplemented, "METHOD_NOT_ALLOWED", message);
        refusal.with(ALLOW, methods)
    }

    /// A body that is too large.
    pub(super) fn too_large(limit: usize) -> Self {
        let message = format!("the body is larger than {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, Code::InvalidArgument, "REQUEST_TOO_LARGE", message)
    }

    /// A body that did not come to its end: because of a bound, or because the client is gone.
    pub(super) fn broken(error: axum::Error) -> Self {
        let status = Status::from_error(Box::new(error));
        match status.code() {
            Code::DeadlineExceeded => Self { http: StatusCode::REQUEST_TIMEOUT, ..Self::of(&status) },
            Code::ResourceExhausted => Self::of(&status),
            _ => Self::field("body", "it broke off"),
        }
    }

    /// A body that is no JSON by its type.
    pub(super) fn not_json() -> Self {
        let message = "the body must be JSON, with the header `Content-Type: application/json`";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::InvalidArgument, "CONTENT_TYPE_UNSUPPORTED", message)
    }

    /// A path of gRPC that is asked otherwise.
    pub(super) fn not_grpc() -> Self {
        let message = "this path speaks gRPC and gRPC-Web; docs/api.md lists those that speak JSON";
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, Code::InvalidArgument, "CONTENT_TYPE_UNSUPPORTED", message)
    }

    /// A range beyond the end of what has this size.
    pub(super) fn range(size: u64) -> Self {
        let message = format!("the range begins beyond the end; the size is {size} bytes");
        let refusal = Self::new(StatusCode::RANGE_NOT_SATISFIABLE, Code::OutOfRange, "OFFSET_BEYOND_END", message);
        refusal.with(CONTENT_RANGE, format!("bytes */{size}"))
    }

    /// A precondition on the entity tag that does not hold.
    pub(super) fn precondition() -> Self {
        let message = "the file is another one than `If-Match` asks for";
        Self::new(StatusCode::PRECONDITION_FAILED, Code::FailedPrecondition, "GENERATION_MISMATCH", message)
    }

    /// Whether the file is another one than when it was looked at.
    pub(super) fn is_changed(&self) -> bool {
        self.reason == "GENERATION_MISMATCH"
    }

    /// The code of gRPC that says as much.
    pub(super) const fn code(&self) -> Code {
        self.code
    }

    pub(super) fn with(mut self, name: HeaderName, value: impl Display) -> Self {
        if let Ok(value) = HeaderValue::try_from(value.to_string()) {
            self.headers.push((name, value));
        }
        self
    }

    /// The body: `{"error": …}`.
    pub(super) fn to_json(&self) -> Json {
        let mut error = json!({
            "code": self.http.as_u16(), "status": names(self.code).1, "reason": self.reason, "message": self.message,
        });
        if !self.violations.is_empty()
            && let Some(error) = error.as_object_mut()
        {
            let violations = self.violations.iter();
            let violations = violations.map(|(field, description)| json!({"field": field, "description": description}));
            error.insert("field_violations".to_owned(), violations.collect());
        }
        json!({ "error": error })
    }

    pub(super) fn into_response(self) -> Response<Body> {
        let mut response = reply::json(self.http, &self.to_json());
        response.headers_mut().extend(self.headers);
        response
    }
}

impl From<FieldFault> for Refusal {
    fn from(fault: FieldFault) -> Self {
        Self::field(&fault.field, &fault.message)
    }
}

/// The HTTP status of a code, by the mapping of `google.rpc.Code`, and its name.
fn names(code: Code) -> (StatusCode, &'static str) {
    match code {
        Code::Ok => (StatusCode::OK, "OK"),
        // 499, the client closed its request.
        Code::Cancelled => (StatusCode::from_u16(499).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), "CANCELLED"),
        Code::Unknown => (StatusCode::INTERNAL_SERVER_ERROR, "UNKNOWN"),
        Code::InvalidArgument => (StatusCode::BAD_REQUEST, "INVALID_ARGUMENT"),
        Code::DeadlineExceeded => (StatusCode::GATEWAY_TIMEOUT, "DEADLINE_EXCEEDED"),
        Code::NotFound => (StatusCode::NOT_FOUND, "NOT_FOUND"),
        Code::AlreadyExists => (StatusCode::CONFLICT, "ALREADY_EXISTS"),
        Code::PermissionDenied => (StatusCode::FORBIDDEN, "PERMISSION_DENIED"),
        Code::ResourceExhausted => (StatusCode::TOO_MANY_REQUESTS, "RESOURCE_EXHAUSTED"),
        Code::FailedPrecondition => (StatusCode::BAD_REQUEST, "FAILED_PRECONDITION"),
        Code::Aborted => (StatusCode::CONFLICT, "ABORTED"),
        Code::OutOfRange => (StatusCode::BAD_REQUEST, "OUT_OF_RANGE"),
        Code::Unimplemented => (StatusCode::NOT_IMPLEMENTED, "UNIMPLEMENTED"),
        Code::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL"),
        Code::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"),
        Code::DataLoss => (StatusCode::INTERNAL_SERVER_ERROR, "DATA_LOSS"),
        Code::Unauthenticated => (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"),
    }
}
