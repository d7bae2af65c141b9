//! Exit codes, and the one match from statuses to them.

use std::process::ExitCode;

use tonic::{Code, Status};
use tonic_types::StatusExt;

use super::terminal;
use crate::model::ResultStatus;
use crate::services::reason_of;

/// Done.
pub(super) const DONE: u8 = 0;
/// An internal error.
pub(super) const INTERNAL: u8 = 1;
/// Wrong usage: whoever gave the command can mend it.
pub(super) const USAGE: u8 = 2;
/// The assessment failed, or a gate is not met.
pub(super) const FAILED: u8 = 3;
/// The assessment is blocked.
pub(super) const BLOCKED: u8 = 4;
/// The assessment broke on an infrastructure error.
pub(super) const INFRASTRUCTURE: u8 = 5;
/// Not found.
pub(super) const NOT_FOUND: u8 = 6;
/// Refused as unsafe or ambiguous.
pub(super) const REFUSED: u8 = 7;
/// The server cannot be reached, or refuses.
pub(super) const SERVER: u8 = 8;
/// Ended by Ctrl-C.
pub(super) const INTERRUPTED: u8 = 130;
/// Ended by SIGTERM.
pub(super) const TERMINATED: u8 = 143;

/// How an assessment ended, and whether its gate is met.
pub(super) const fn of_assessment(status: ResultStatus, gate_met: bool) -> u8 {
    match status {
        ResultStatus::Completed if gate_met => DONE,
        ResultStatus::Completed | ResultStatus::Failed => FAILED,
        ResultStatus::Blocked => BLOCKED,
        ResultStatus::InfrastructureError => INFRASTRUCTURE,
    }
}

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

    /// The exit code.
    pub(super) const fn code(&self) -> u8 {
        self.code
    }

    /// The same with words before and after what is told.
    pub(super) fn around(self, before: &str, after: &str) -> Self {
        Self { code: self.code, message: format!("{before}{}{after}", self.message) }
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
            // The disk's trouble, not the server's: the same with and without one.
            (Code::Unavailable, "UNREADABLE" | "IO_TROUBLE") => INTERNAL,
            (Code::FailedPrecondition | Code::DataLoss | Code::AlreadyExists, _) => REFUSED,
            (Code::Unavailable | Code::ResourceExhausted | Code::PermissionDenied | Code::Unauthenticated, _) => SERVER,
            (Code::DeadlineExceeded | Code::Cancelled | Code::Unimplemented, _) => SERVER,
            (Code::Ok | Code::Unknown | Code::Internal | Code::Aborted, _) => INTERNAL,
        };
        Self { code, message: told(&status) }
    }
}

/// A status as the command line says it: with its options in place of a request's fields.
fn told(status: &Status) -> String {
    let violations = status.get_details_bad_request().map(|request| request.field_violations).unwrap_or_default();
    let Some(violation) = violations.into_iter().next() else { return status.message().to_owned() };
    let option = match violation.field.as_str() {
        "path" => "PATH",
        "runs_dir" => "--runs-dir",
        "run_id" => "--run-id",
        "directory" => "--directory",
        "statuses" => "--status",
        "source_commit" => "--commit",
        "labels" => "--label",
        "reasons" => "--reason",
        "results" => "--result",
        "severities" => "--severity",
        "dispositions" => "--disposition",
        "classifications" => "--classification",
        "check_ids" => "--check",
        "target" => "--target",
        "assessment" => "--assessment",
        "completed_after" => "--since",
        "output_dir" => "--output-dir",
        "request_id" => "--request-id",
        "kind" => "--kind",
        "after" => "--after",
        field => field,
    };
    format!("{option}: {}", violation.description)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::Error;

    #[test]
    fn the_codes_are_those_of_the_table() {
        let code = |error: Error| Failure::from(Status::from(error)).code;
        let path = || "p".to_owned();
        let io = || std::io::Error::other("x");
        assert_eq!(code(Error::RootAway { root: path(), reason: path() }), 6);
        assert_eq!(code(Error::RunNotFound { message: path() }), 6);
        assert_eq!(code(Error::ArtifactNotFound { path: path() }), 6);
        assert_eq!(code(Error::RunIdAmbiguous { run_id: path(), directories: Vec::new() }), 7);
        assert_eq!(code(Error::UnsafeRefs { message: path() }), 7);
        assert_eq!(code(Error::NotAFile { path: path() }), 7);
        assert_eq!(code(Error::DocumentMalformed { document: path(), detail: path() }), 7);
        assert_eq!(code(Error::OffsetBeyondEnd { offset: 2, size: 1 }), 2);
        assert_eq!(code(Error::Unreadable { path: path(), source: io() }), 1);
        assert_eq!(code(Error::Trouble { path: path(), source: io() }), 1);
        assert_eq!(code(Error::Changed { path: path() }), 1);
        assert_eq!(Failure::from(Status::unavailable("gone")).code, 8);
        assert_eq!(Failure::from(Status::unauthenticated("who")).code, 8);
        assert_eq!(Failure::from(std::io::Error::from(std::io::ErrorKind::BrokenPipe)).code, 0);
        use ResultStatus as Word;
        let statuses = [Word::Completed, Word::Failed, Word::Blocked, Word::InfrastructureError];
        assert_eq!(statuses.map(|status| of_assessment(status, true)), [0, 3, 4, 5]);
        assert_eq!(statuses.map(|status| of_assessment(status, false)), [3, 3, 4, 5]);
    }
}
