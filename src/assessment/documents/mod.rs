//! The documents of a run, as they are written: every key of the run directory contract, sections 2 and 3, newest generation.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::model::ResultStatus;

mod items;
mod packages;

pub use items::{Evidence, EvidenceCounts, Finding, FindingCounts, Location, ManifestEntry, Mapping};
pub use packages::{
    DocumentEntry, ExpiredWaiver, ExportCounts, ExportManifest, Fragment, MappingSummary, Package, PolicySummary,
    Submission,
};

pub use crate::model::MappingStatus;

/// `run.json`.
#[derive(Debug, Clone, Serialize)]
pub struct RunDocument<'a> {
    /// The version of this document's form.
    pub schema_version: &'static str,
    /// The run id.
    pub run_id: &'a str,
    /// The target profile's id.
    pub target_profile_ref: &'a str,
    /// The assessment profile's id.
    pub assessment_profile_ref: &'a str,
    /// `running`, or the result.
    pub status: &'a str,
    /// When the run began.
    pub started_at: &'a str,
    /// When it ended.
    pub completed_at: Option<&'a str>,
    /// The run directory's absolute path when the run was made.
    pub output_dir: &'a str,
    /// What made the run.
    pub tool: Tool,
    /// The target profile as written.
    pub target_profile: &'a Value,
    /// The assessment profile as written.
    pub assessment_profile: &'a Value,
    /// The labels.
    pub labels: &'a BTreeMap<String, String>,
}

/// What made a run.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Tool {
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
}

impl Tool {
    /// This program.
    pub const THIS: Self = Self { name: "guide-board", version: env!("CARGO_PKG_VERSION") };
}

/// `plan.json`.
#[derive(Debug, Clone, Serialize)]
pub struct PlanDocument {
    /// The version of this document's form.
    pub schema_version: &'static str,
    /// The target profile's id.
    pub target_profile_ref: String,
    /// The assessment profile's id.
    pub assessment_profile_ref: String,
    /// The frameworks of interest.
    pub frameworks: Vec<String>,
    /// The extensions that take part.
    pub extensions: Vec<PlannedExtension>,
    /// What is done, in order.
    pub steps: Vec<Step>,
    /// The policy sets.
    pub policy: Policy,
    /// How runners run.
    pub runtime_policy: Map<String, Value>,
}

/// An extension in a plan.
#[derive(Debug, Clone, Serialize)]
pub struct PlannedExtension {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// `bundled`, or its directory.
    pub root: String,
}

/// One step of a plan: one runner makes the checks of one group.
#[derive(Debug, Clone, Serialize)]
pub struct Step {
    /// Its place, from 1.
    pub order: usize,
    /// The extension.
    pub extension_id: String,
    /// The group.
    pub check_group: String,
    /// The ids of the group's checks.
    pub checks: Vec<String>,
    /// The runner.
    pub runner_ref: String,
    /// What makes evidence of the report that the runner leaves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normalizer_ref: Option<String>,
    /// How long it may take.
    pub timeout_seconds: u64,
}

/// The four policy refs, resolved: the files as the source lock names them.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Policy {
    /// The expectation set.
    pub expectations_ref: Option<String>,
    /// The waiver set.
    pub waivers_ref: Option<String>,
    /// The challenge set.
    pub challenges_ref: Option<String>,
    /// The exclusion set.
    pub exclusions_ref: Option<String>,
}

/// `sources.lock.json`: what the run was made from.
#[derive(Debug, Clone, Serialize)]
pub struct SourceLock {
    /// The version of this document's form.
    pub schema_version: &'static str,
    /// The run id.
    pub run_id: String,
    /// The sources.
    pub sources: Vec<Source>,
}

/// One source.
#[derive(Debug, Clone, Serialize)]
pub struct Source {
    /// What it is: `framework`, `extension`, `extension_file`, `mapping_set`, `target_profile`, `assessment_profile`, `expectation_set`,
    /// `waiver_set`, `challenge_set`, `exclusion_set` or `authority`.
    pub kind: &'static str,
    /// Its id.
    pub id: String,
    /// Its version, when it has one.
    pub version: Option<String>,
    /// The file it was read from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Where it is published.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The SHA-256 of the file.
    pub sha256: Option<String>,
}

impl Source {
    /// A source that is no file of its own.
    pub(in crate::assessment) fn named(
        kind: &'static str,
        id: &str,
        version: Option<String>,
        url: Option<String>,
    ) -> Self {
        Self { kind, id: id.to_owned(), version, path: None, url, sha256: None }
    }
}

/// `retention-summary.json`.
#[derive(Debug, Serialize)]
pub struct Summary<'a> {
    /// The version of this document's form.
    pub schema_version: &'static str,
    /// The run id.
    pub run_id: &'a str,
    /// The target profile's id.
    pub target_profile_ref: &'a str,
    /// The assessment profile's id.
    pub assessment_profile_ref: &'a str,
    /// The outcome.
    pub result_status: ResultStatus,
    /// When the run began.
    pub started_at: &'a str,
    /// When it ended.
    pub completed_at: &'a str,
    /// Counts per evidence result.
    pub evidence_counts: &'a EvidenceCounts,
    /// Counts of findings.
    pub finding_counts: FindingCounts,
    /// The reports by kind.
    pub report_paths: BTreeMap<&'static str, &'static str>,
    /// The commits that were assessed.
    pub source_commits: &'a BTreeMap<String, String>,
    /// The labels.
    pub labels: &'a BTreeMap<String, String>,
    /// The retention wishes.
    pub retention_policy: &'a Value,
}
