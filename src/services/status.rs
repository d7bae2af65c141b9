//! The one place where errors become statuses: a code, a sentence that says what to do, and a stable reason.

use std::borrow::Cow;
use std::collections::HashMap;
use std::error::Error as _;
use std::time::Duration;

use tonic::metadata::MetadataValue;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::caller::AccessError;
use super::page_token;
use super::parse::FieldError;
use crate::jobs;
use crate::model::printable;
use crate::repository;

/// The domain of every reason.
pub const DOMAIN: &str = "guideboard.v1";

/// How long a message may be as its header carries it, in bytes. With the details, which hold it once more, it stays below 8 KiB, which is what
/// the strictest clients take.
const MAX_MESSAGE_HEADER: usize = 3072;

/// When a client should try again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The reason that a status carries; `None` when it carries none, as those that tonic makes itself.
#[must_use]
pub fn reason_of(status: &Status) -> Option<String> {
    status.get_details_error_info().map(|info| info.reason)
}

/// A refusal because a limit of the server is reached.
#[must_use]
pub fn limit_reached(message: &str) -> Status {
    build(Code::ResourceExhausted, "LIMIT_REACHED", message, true)
}

/// The refusal of a request because of a field, or of a header.
#[must_use]
pub fn field_invalid(field: &'static str, message: &str) -> Status {
    FieldError::new(field, message).into()
}

/// The refusal of a request that is larger than requests may be.
#[must_use]
pub fn request_too_large() -> Status {
    let message = format!("the request is larger than {} bytes; ask for less at once", super::MAX_REQUEST_BYTES);
    build(Code::InvalidArgument, "REQUEST_TOO_LARGE", &message, false)
}

/// The refusal of bytes that are no request of the call.
#[must_use]
pub fn request_malformed() -> Status {
    let message = "the request is no message of this call: a text that is not UTF-8, a field of another type, or no message at all";
    build(Code::InvalidArgument, "REQUEST_MALFORMED", message, false)
}

/// The refusal of a call that there is not.
#[must_use]
pub fn no_such_call() -> Status {
    build(Code::Unimplemented, "CALL_NOT_FOUND", "there is no such call; reflection lists those that there are", false)
}

/// The end of a call that took longer than its client, or the server, gives it.
#[must_use]
pub fn deadline_exceeded() -> Status {
    build(
        Code::DeadlineExceeded,
        "DEADLINE_EXCEEDED",
        "the call took longer than it may; a stream that can be resumed goes on where it ended",
        false,
    )
}

/// The end of a call whose request did not come to its end in time.
#[must_use]
pub fn request_late() -> Status {
    let message = "the request did not arrive whole in time; send it again, in one go";
    build(Code::DeadlineExceeded, "DEADLINE_EXCEEDED", message, false)
}

/// The refusal of a connection's further requests as long as too much of earlier ones has arrived without their ends.
#[must_use]
pub fn too_much_unfinished() -> Status {
    limit_reached("too many large requests are on their way over this connection; send fewer at once")
}

/// The end of a stream whose reader stopped reading.
#[must_use]
pub fn reader_stalled() -> Status {
    build(
        Code::Unavailable,
        "READER_STALLED",
        "nothing of the stream was read for too long; a stream that can be resumed goes on where it ended",
        true,
    )
}

/// The refusal of a server that is stopping.
#[must_use]
pub fn stopping() -> Status {
    build(
        Code::Unavailable,
        "STOPPING",
        "the server is stopping; try another one, or this one again after its restart",
        true,
    )
}

/// The server's own fault: the details go to its log only.
pub(super) fn internal(error: &dyn std::error::Error) -> Status {
    tracing::error!(error = %chain(error), "internal error");
    failed()
}

/// The answer to a fault of the server's own that was logged already.
#[must_use]
pub fn failed() -> Status {
    build(Code::Internal, "INTERNAL", "the server failed to answer; its log has the details", false)
}

/// A request that came to a handler past everything that says whose it is: a defect, and no reason to answer.
pub(super) fn no_caller() -> Status {
    tracing::error!("a call reached its handler without a caller");
    failed()
}

fn build(code: Code, reason: &str, message: &str, retry: bool) -> Status {
    let mut details = ErrorDetails::with_error_info(reason, DOMAIN, HashMap::new());
    if retry {
        details.set_retry_info(Some(RETRY_AFTER));
    }
    Status::with_error_details(code, bounded(message), details)
}

/// A message that fits into its header, where every byte that is not a plain letter takes three.
fn bounded(message: &str) -> Cow<'_, str> {
    let weight = |letter: char| if letter.is_ascii_alphanumeric() { 1 } else { 3 * letter.len_utf8() };
    let mut left = MAX_MESSAGE_HEADER;
    for (at, letter) in message.char_indices() {
        match left.checked_sub(weight(letter)) {
            Some(rest) => left = rest,
            None => return format!("{}…", message.get(..at).unwrap_or_default()).into(),
        }
    }
    message.into()
}

/// The message and all its causes, for the log.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}

/// The most problems of profiles that a refusal tells, and the bytes that they may take together.
const MAX_VIOLATIONS: (usize, usize) = (20, 3072);

/// The refusal of profiles and extensions that are not what they must be: each problem with the request's field that it belongs to.
pub(super) fn profile_invalid(problems: &[(&'static str, String)]) -> Status {
    let count = match problems.len() {
        1 => "1 problem".to_owned(),
        count => format!("{count} problems"),
    };
    let first = problems.first().map(|(_, told)| printable(told, 300)).unwrap_or_default();
    let message = format!("{count} in the profiles or extensions; the first: {first}");
    let mut details = ErrorDetails::with_error_info("PROFILE_INVALID", DOMAIN, HashMap::new());
    let (most, mut left) = MAX_VIOLATIONS;
    for (field, told) in problems.iter().take(most) {
        let told = printable(told, 1000);
        match left.checked_sub(field.len() + told.len() + 16) {
            Some(rest) => left = rest,
            None => break,
        }
        details.add_bad_request_violation(*field, told);
    }
    Status::with_error_details(Code::InvalidArgument, bounded(&message), details)
}

/// A plan that no message holds.
pub(super) fn plan_too_large() -> Status {
    let message = "the plan is larger than a message; name fewer check groups, or run `guide-board plan`";
    build(Code::FailedPrecondition, "DOCUMENT_TOO_LARGE", message, false)
}

impl From<FieldError> for Status {
    fn from(error: FieldError) -> Self {
        let message = format!("{}: {}", error.field, error.message);
        let mut details =
            ErrorDetails::with_error_info(error.reason, DOMAIN, [("field".to_owned(), error.field.to_owned())]);
        details.add_bad_request_violation(error.field, bounded(&error.message));
        Self::with_error_details(Code::InvalidArgument, bounded(&message), details)
    }
}

impl From<AccessError> for Status {
    fn from(error: AccessError) -> Self {
        use AccessError as E;
        let (code, reason) = match error {
            E::CredentialsMissing => (Code::Unauthenticated, "CREDENTIALS_MISSING"),
            E::CredentialsInvalid => (Code::Unauthenticated, "CREDENTIALS_INVALID"),
            E::CredentialsRevoked => (Code::Unauthenticated, "CREDENTIALS_REVOKED"),
            E::ScopeMissing(_) => (Code::PermissionDenied, "SCOPE_MISSING"),
            E::HostNotAllowed => (Code::PermissionDenied, "HOST_NOT_ALLOWED"),
            E::OriginNotAllowed => (Code::PermissionDenied, "ORIGIN_NOT_ALLOWED"),
        };
        let mut status = build(code, reason, &error.to_string(), false);
        if code == Code::Unauthenticated {
            status.metadata_mut().insert("www-authenticate", MetadataValue::from_static("Bearer"));
        }
        status
    }
}

impl From<repository::Error> for Status {
    fn from(error: repository::Error) -> Self {
        use repository::Error as E;
        let (code, reason, retry) = match &error {
            E::RootNotFound { .. } => (Code::NotFound, "ROOT_NOT_FOUND", false),
            E::RootNotScanned { .. } => (Code::Unavailable, "ROOT_NOT_SCANNED", true),
            E::RootAway { .. } => (Code::Unavailable, "ROOT_AWAY", true),
            E::RunNotFound { .. } => (Code::NotFound, "RUN_NOT_FOUND", false),
            E::RunIdAmbiguous { .. } => (Code::FailedPrecondition, "RUN_ID_AMBIGUOUS", false),
            E::PathInvalid(syntax) => return FieldError::path("path", syntax.to_string()).into(),
            E::NoSuchPlace { .. } => return page_token::not_a_token().into(),
            E::ArtifactNotFound { .. } | E::ReportNotFound { .. } => (Code::NotFound, "ARTIFACT_NOT_FOUND", false),
            E::NotAFile { .. } => (Code::FailedPrecondition, "NOT_A_FILE", false),
            E::UnsafePath { .. } | E::UnsafeRefs { .. } => (Code::FailedPrecondition, "UNSAFE_PATH", false),
            E::DocumentTooLarge { .. } | E::ItemTooLarge { .. } => {
                (Code::FailedPrecondition, "DOCUMENT_TOO_LARGE", false)
            }
            E::DocumentMalformed { .. } => (Code::DataLoss, "DOCUMENT_MALFORMED", false),
            E::GenerationMismatch { .. } => (Code::FailedPrecondition, "GENERATION_MISMATCH", false),
            E::DigestMismatch { .. } => (Code::FailedPrecondition, "DIGEST_MISMATCH", false),
            E::DigestDiffers { .. } => (Code::DataLoss, "DIGEST_MISMATCH", false),
            E::OffsetBeyondEnd { .. } => (Code::OutOfRange, "OFFSET_BEYOND_END", false),
            E::Changed { .. } => (Code::Aborted, "CHANGED_WHILE_READING", false),
            E::Unreadable { .. } => (Code::Unavailable, "UNREADABLE", true),
            E::Trouble { .. } => (Code::Unavailable, "IO_TROUBLE", true),
        };
        if let E::DocumentTooLarge { document, .. }
        | E::ItemTooLarge { document, .. }
        | E::DocumentMalformed { document, .. } = &error
        {
            let metadata = [("document".to_owned(), document.clone())];
            let details = ErrorDetails::with_error_info(reason, DOMAIN, metadata);
            return Self::with_error_details(code, bounded(&error.to_string()), details);
        }
        if error.source().is_some() {
            tracing::warn!(error = %chain(&error), "a file could not be read");
        }
        build(code, reason, &error.to_string(), retry)
    }
}

impl From<jobs::Error> for Status {
    fn from(error: jobs::Error) -> Self {
        use jobs::Error as E;
        let (code, reason, retry) = match &error {
            E::JobNotFound { .. } => (Code::NotFound, "JOB_NOT_FOUND", false),
            E::OutputExists { .. } => (Code::AlreadyExists, "OUTPUT_EXISTS", false),
            E::RequestIdReused => (Code::AlreadyExists, "REQUEST_ID_REUSED", false),
            E::QueueFull { .. } => (Code::ResourceExhausted, "QUEUE_FULL", true),
            E::NotSucceeded { .. } => (Code::FailedPrecondition, "JOB_NOT_SUCCEEDED", false),
            E::RootReadOnly { .. } | E::ReadOnly => (Code::FailedPrecondition, "ROOT_READ_ONLY", false),
            E::Stopping => return stopping(),
        };
        build(code, reason, &error.to_string(), retry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_any_letters_fits_into_its_header_and_a_plain_one_stays() {
        assert_eq!(bounded("there is no runs root `x`"), "there is no runs root `x`");
        for letter in ["a", " ", "%", "é", "名", "🦀", "\u{1}"] {
            let cut = build(Code::NotFound, "X", &letter.repeat(5000), false);
            assert!(cut.message().ends_with('…') && cut.message().starts_with(letter));
            let mut headers = http::HeaderMap::new();
            cut.add_header(&mut headers).expect("headers");
            let size: usize = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum();
            assert!(size < 8 << 10, "{letter:?}: {size}");
        }
    }
}
