//! Exit codes, and the one match from statuses to them.

use std::process::ExitCode;

use tonic::{Code, Status};

use super::terminal;
use crate::services::reason_of;

/// Done.
pub(super) const DONE: u8 = 0;
/// An internal error.
pub(super) const INTERNAL: u8 = 1;
/// Wrong usage.
pub(super) const USAGE: u8 = 2;
/// The assessment failed, or a gate is not met.
pub(super) const FAILED: u8 = 3;
/// Not found.
pub(super) const NOT_FOUND: u8 = 6;
/// Refused as unsafe or ambiguous.
pub(super) const REFUSED: u8 = 7;
/// The server cannot be reached, or refuses.
pub(super) const SERVER: u8 = 8;

/// Why a command ended without its result.
#[derive(Debug)]
pub(super) struct Failure {
    code: u8,
    message: String,
}

impl Failure {
    pub(super) fn new(code: u8, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// The same failure with more said before and after it.
    pub(super) fn about(mut self, before: &str, after: &str) -> Self {
        self.message = format!("{before}{}{after}", self.message);
        self
    }

    /// Tells the message and gives the code.
    pub(super) fn tell(&self) -> ExitCode {
        if !self.message.is_empty() {
            terminal::complain(&self.message);
        }
        ExitCode::from(self.code)
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        let reason = reason_of(&status).unwrap_or_default();
        let code = match (status.code(), reason.as_str()) {
            // A root that is away is, on a local directory, one that is not there.
            (Code::NotFound, _) | (Code::Unavailable, "ROOT_AWAY") => NOT_FOUND,
            (Code::InvalidArgument, "PATH_INVALID") => REFUSED,
            (Code::InvalidArgument | Code::OutOfRange, _) => USAGE,
            (Code::FailedPrecondition | Code::DataLoss | Code::AlreadyExists, _) => REFUSED,
            (Code::Unavailable | Code::ResourceExhausted | Code::PermissionDenied | Code::Unauthenticated, _) => SERVER,
            (Code::DeadlineExceeded | Code::Cancelled | Code::Unimplemented, _) => SERVER,
            (Code::Ok | Code::Unknown | Code::Internal | Code::Aborted, _) => INTERNAL,
        };
        Self { code, message: status.message().to_owned() }
    }
}

impl From<std::io::Error> for Failure {
    /// A closed pipe is success: the reader has what it wanted.
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self { code: DONE, message: String::new() };
        }
        Self { code: INTERNAL, message: format!("the result cannot be written: {error}") }
    }
}

impl From<crate::wire::DialectError> for Failure {
    fn from(error: crate::wire::DialectError) -> Self {
        Self { code: INTERNAL, message: error.to_string() }
    }
}

/// The exit code of a command's outcome; a failure is told.
pub(super) fn code_of(outcome: Result<u8, Failure>) -> ExitCode {
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(failure) => failure.tell(),
    }
}
