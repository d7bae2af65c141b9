//! A run as its summary tells it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::artifact::StoredPath;
use super::ids::RunId;

/// A compatibility marker: what a reader should know about an older or damaged run. Open words on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Marker {
    /// The package has no artifact manifest.
    ArtifactManifestMissing,
    /// There is no assessment package; the artifact manifest is then empty.
    AssessmentPackageMissing,
    /// A known key of the summary has a value of the wrong type.
    FieldMalformed,
    /// There is no Markdown report.
    ReportMissing,
    /// Another directory bears the same run id.
    RunIdDuplicate,
    /// There is no source lock.
    SourceLockMissing,
    /// There is no submission package.
    SubmissionPackageMissing,
    /// The summary or the package names a path that is refused.
    UnsafeReportRef,
}

impl Marker {
    /// The marker's word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::ArtifactManifestMissing => "artifact-manifest-missing",
            Self::AssessmentPackageMissing => "assessment-package-missing",
            Self::FieldMalformed => "field-malformed",
            Self::ReportMissing => "report-missing",
            Self::RunIdDuplicate => "run-id-duplicate",
            Self::SourceLockMissing => "source-lock-missing",
            Self::SubmissionPackageMissing => "submission-package-missing",
            Self::UnsafeReportRef => "unsafe-report-ref",
        }
    }
}

/// How long the run's owner wishes its parts to be kept, in days.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Retention {
    /// Days to keep the summary.
    pub summary_days: Option<u64>,
    /// Days to keep raw artifacts.
    pub raw_artifact_days: Option<u64>,
}

/// Everything that a `retention-summary.json` says (contract, section 2). Only `run_id` is required.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunSummary {
    /// The run id.
    pub run_id: RunId,
    /// The document's schema version.
    pub schema_version: Option<String>,
    /// The id of the target profile.
    pub target_profile_ref: Option<String>,
    /// The id of the assessment profile.
    pub assessment_profile_ref: Option<String>,
    /// The result word, listed or not.
    pub result_status: Option<String>,
    /// When the run began.
    pub started_at: Option<Timestamp>,
    /// When the run ended.
    pub completed_at: Option<Timestamp>,
    /// Evidence items by result word.
    pub evidence_counts: BTreeMap<String, u64>,
    /// Findings by the summary's own keys.
    pub finding_counts: BTreeMap<String, u64>,
    /// Report paths by kind, as stored.
    pub report_paths: BTreeMap<String, StoredPath>,
    /// Commit ids by source name.
    pub source_commits: BTreeMap<String, String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Retention wishes.
    pub retention_policy: Option<Retention>,
    /// Unknown and malformed keys with their JSON text.
    pub unknown: BTreeMap<String, String>,
    /// Known keys whose value has the wrong type.
    pub malformed: BTreeSet<&'static str>,
}
