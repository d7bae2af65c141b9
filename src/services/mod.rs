//! The gRPC adapters: each handler parses, makes one call to the rooms below, and converts.
//!
//! With `server` and `client` the only rooms that know [`tonic::Status`]. The CLI calls the same handlers in process, so one question has
//! one answer whichever way it is asked.

mod admission;
mod assessments;
mod caller;
mod catalog;
mod convert;
mod items;
mod listing;
mod notes;
mod page_token;
mod parse;
mod retained;
mod runs;
mod start_policy;
mod status;
mod streams;
mod trace_context;
mod watch;

use admission::Permit;
pub use admission::{Admission, MAX_CONCURRENT_CALLS};
pub use assessments::{all_extensions, verdict};
pub use caller::{AccessError, Caller, Grant, Scope, local_request};
pub use catalog::{Catalog, ServerFacts};
pub use notes::{CallNotes, Noted, with_notes};
pub use retained::RetainedRuns;
pub use runs::Runs;
pub use start_policy::StartPolicy;
pub use status::{
    DOMAIN, deadline_exceeded, failed, field_invalid, limit_reached, no_such_call, reader_stalled, reason_of,
    request_late, request_malformed, request_too_large, stopping, too_much_unfinished,
};
pub use trace_context::TraceContext;

/// The largest reply message, in bytes.
pub const MAX_MESSAGE_BYTES: usize = 3 << 20;
/// The largest request, in bytes.
pub const MAX_REQUEST_BYTES: usize = 256 << 10;
/// The most items a page has.
pub const MAX_PAGE_SIZE: usize = 500;

/// Runs work that touches the disk on a thread where it may block. The work holds the call's permit: a caller who hangs up ends the call
/// and not the work, so calls begun and dropped would otherwise pile up without a bound.
async fn blocking<T: Send + 'static>(
    permit: Permit,
    work: impl FnOnce() -> Result<T, tonic::Status> + Send + 'static,
) -> Result<T, tonic::Status> {
    blocking_before_stream(permit, work).await.map(|(done, _permit)| done)
}

/// As [`blocking`], for work that a stream follows: gives the permit back, for the stream to hold.
async fn blocking_before_stream<T: Send + 'static>(
    permit: Permit,
    work: impl FnOnce() -> Result<T, tonic::Status> + Send + 'static,
) -> Result<(T, Permit), tonic::Status> {
    // What the work logs belongs to the call.
    let span = tracing::Span::current();
    let work = move || span.in_scope(work).map(|done| (done, permit));
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|panic| Err(status::internal(&panic)))
}
