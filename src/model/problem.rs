//! Problems: directories beneath a runs root that are not plain readable runs (contract, section 5).

use super::vocabulary::vocabulary;

vocabulary! {
    /// Why a directory is not a plain readable run.
    ProblemReason {
        /// No summary yet, and the lock on `run.json` is held.
        InProgress = "in_progress",
        /// No summary, and nobody is writing.
        Incomplete = "incomplete",
        /// The summary could not be opened or read.
        SummaryUnreadable = "summary_unreadable",
        /// The summary is larger than its cap.
        SummaryTooLarge = "summary_too_large",
        /// The summary is not JSON.
        SummaryNotJson = "summary_not_json",
        /// The summary is JSON, but not an object.
        SummaryNotObject = "summary_not_object",
        /// The summary is a link, a directory or a special file.
        SummaryNotRegular = "summary_not_regular",
        /// The summary has no run id.
        RunIdMissing = "run_id_missing",
        /// The summary's run id breaks the rule of run ids.
        RunIdInvalid = "run_id_invalid",
        /// The directory is a symbolic link.
        DirectoryIsLink = "directory_is_link",
        /// The directory's name is not UTF-8.
        DirectoryNameNotUtf8 = "directory_name_not_utf8",
        /// Another directory bears the same run id.
        RunIdDuplicate = "run_id_duplicate",
    }
}

impl ProblemReason {
    /// Whether it is a defect: a run that is being made is not.
    #[must_use]
    pub const fn is_broken(self) -> bool {
        !matches!(self, Self::InProgress)
    }
}

/// A directory that is not a plain readable run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The directory's name; bytes that are not UTF-8 are escaped as `\xNN`.
    pub directory: String,
    /// The raw name, when it is not UTF-8.
    pub directory_bytes: Option<Vec<u8>>,
    /// Why.
    pub reason: ProblemReason,
    /// One sentence for a person, without any absolute path.
    pub message: String,
    /// The run id concerned, for duplicates.
    pub run_id: Option<String>,
}
