//! Why an assessment could not be made.

use std::fmt;
use std::path::PathBuf;

use crate::process::SpawnError;
use crate::repository::ambient::AmbientError;
use crate::repository::record::RecordError;

/// One thing that is wrong in a document that the operator wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileProblem {
    /// The file, as it was named.
    pub file: String,
    /// A JSON pointer into it; empty for the document as a whole.
    pub pointer: String,
    /// What is wrong and what is expected.
    pub message: String,
}

impl fmt::Display for ProfileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pointer.as_str() {
            "" if self.message.starts_with(&self.file) => f.write_str(&self.message),
            "" => write!(f, "{}: {}", self.file, self.message),
            pointer => write!(f, "{}: {pointer}: {}", self.file, self.message),
        }
    }
}

/// Why an assessment could not be made. `Display` is fit for the one who asked and says what to do; the cause is in `source()`.
#[derive(Debug, thiserror::Error)]
pub enum AssessmentError {
    /// Profiles or extension manifests are not what they must be: everything that is wrong, at once. Correct them and run again.
    #[error("{}", listed(.0))]
    Invalid(Vec<ProfileProblem>),
    /// A credential cannot be used safely. Nothing was run.
    #[error("{0}")]
    Credentials(String),
    /// The output directory's name cannot be written into the run's documents.
    #[error("the output directory {} is not UTF-8; choose another name", .0.display())]
    OutputNotUtf8(PathBuf),
    /// The run directory could not be made or written. Whatever was written stays, without a summary.
    #[error("{0}")]
    Record(#[source] RecordError),
    /// The supervisor could not be started.
    #[error("{0}")]
    Supervisor(#[source] SpawnError),
    /// A file that the operator named could not be read.
    #[error("{0}")]
    Ambient(#[source] AmbientError),
    /// The system has no randomness for a run id. Give one with `--run-id`.
    #[error("the system gives no randomness for a run id; give one with --run-id")]
    Randomness(#[source] getrandom::Error),
    /// A document could not be put into JSON: a fault of this program.
    #[error("a document of the run could not be written as JSON; this is a fault of guide-board")]
    Encoding(#[source] serde_json::Error),
    /// The run was asked to end. Its directory stays as it is, without a summary.
    #[error("cancelled; the incomplete run stays in {}", .0.display())]
    Cancelled(PathBuf),
}

impl AssessmentError {
    /// Whether the one who asked can correct it: a usage error rather than a failure.
    #[must_use]
    pub const fn is_usage(&self) -> bool {
        match self {
            Self::Invalid(_)
            | Self::Credentials(_)
            | Self::OutputNotUtf8(_)
            | Self::Ambient(_)
            | Self::Record(RecordError::OutputExists { .. } | RecordError::CannotCreate { .. }) => true,
            Self::Record(_) | Self::Supervisor(_) | Self::Randomness(_) | Self::Encoding(_) | Self::Cancelled(_) => {
                false
            }
        }
    }
}

impl From<RecordError> for AssessmentError {
    fn from(error: RecordError) -> Self {
        Self::Record(error)
    }
}

impl From<serde_json::Error> for AssessmentError {
    fn from(error: serde_json::Error) -> Self {
        Self::Encoding(error)
    }
}

/// The most problems that are told one by one.
pub const TOLD_PROBLEMS: usize = 50;

fn listed(problems: &[ProfileProblem]) -> String {
    let mut text = match problems.len() {
        1 => "1 problem in the profiles or extensions:".to_owned(),
        count => format!("{count} problems in the profiles or extensions:"),
    };
    for problem in problems.iter().take(TOLD_PROBLEMS) {
        text.push_str("\n  ");
        text.push_str(&problem.to_string());
    }
    if let Some(more) = problems.len().checked_sub(TOLD_PROBLEMS).filter(|more| *more > 0) {
        text.push_str(&format!("\n  and {more} more"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_very_many_problems_the_first_are_told_and_the_others_counted() {
        let problem = ProfileProblem { file: "f".to_owned(), pointer: "/x".to_owned(), message: "wrong".to_owned() };
        let told = |count: usize| AssessmentError::Invalid(vec![problem.clone(); count]).to_string();
        assert!(told(50).starts_with("50 problems") && told(50).lines().count() == 51 && !told(50).contains("more"));
        assert!(told(70_000).starts_with("70000 problems") && told(70_000).ends_with("\n  and 69950 more"));
    }
}
