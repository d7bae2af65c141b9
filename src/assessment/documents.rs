//! The documents of a run, as they are written: every key of the run directory contract, sections 2 and 3, newest generation.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::model::{Disposition, EvidenceResult, ResultStatus, Severity};

/// Where the documents stand in a run directory.
pub mod paths {
    /// The plan.
    pub const PLAN: &str = "plan.json";
    /// The source lock.
    pub const SOURCE_LOCK: &str = "sources.lock.json";
    /// The summary, whose presence makes the run retained.
    pub const SUMMARY: &str = "retention-summary.json";
    /// The evidence items.
    pub const EVIDENCE: &str = "normalized/evidence.json";
    /// The findings.
    pub const FINDINGS: &str = "normalized/findings.json";
    /// The mappings.
    pub const MAPPINGS: &str = "normalized/mappings.json";
    /// The assessment package.
    pub const PACKAGE: &str = "reports/assessment-package.json";
    /// The report for people.
    pub const REPORT: &str = "reports/report.md";
    /// The report fragments.
    pub const FRAGMENTS: &str = "reports/fragments.json";
    /// The submission package.
    pub const SUBMISSION: &str = "reports/submission-package.json";
    /// The export manifest.
    pub const EXPORT: &str = "exports/export-manifest.json";
}

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
    /// How long it may take.
    pub timeout_seconds: u64,
}

/// The four policy refs; none can be set yet.
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
    /// What it is: `framework`, `extension`, `target_profile`, `assessment_profile` or `authority`.
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

/// A place in what was assessed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Location {
    /// The path.
    pub path: String,
    /// The line, from 1.
    pub line: Option<u64>,
}

/// One item of `normalized/evidence.json`.
#[derive(Debug, Clone, Serialize)]
pub struct Evidence {
    /// Its id, unique in the run.
    pub id: String,
    /// The run id.
    pub run_id: String,
    /// The extension.
    pub extension_id: String,
    /// The check.
    pub check_id: String,
    /// What exactly was looked at.
    pub subject_ref: String,
    /// What was found.
    pub result: EvidenceResult,
    /// The severity that the runner gave it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// What was seen, in sentences.
    pub observations: Vec<String>,
    /// What was seen, for programs.
    pub facts: Map<String, Value>,
    /// Where.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub locations: Vec<Location>,
    /// The requirements concerned.
    pub requirement_refs: Vec<String>,
    /// The artifacts concerned, by path in the run directory.
    pub artifact_refs: Vec<String>,
    /// When the step began.
    pub started_at: String,
    /// When it ended.
    pub completed_at: String,
}

/// One item of `normalized/findings.json`.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// Its id, unique in the run.
    pub id: String,
    /// The run id.
    pub run_id: String,
    /// The evidence it comes from.
    pub evidence_id: String,
    /// The extension.
    pub extension_id: String,
    /// The check.
    pub check_id: String,
    /// What exactly was looked at.
    pub subject_ref: String,
    /// The evidence's result.
    pub classification: EvidenceResult,
    /// How grave it is.
    pub severity: Severity,
    /// The check's name for people.
    pub title: String,
    /// What was seen.
    pub description: String,
    /// Where.
    pub locations: Vec<Location>,
    /// The requirements concerned.
    pub requirement_refs: Vec<String>,
    /// The artifacts concerned.
    pub artifact_refs: Vec<String>,
    /// How policy sees it.
    pub disposition: Disposition,
    /// The expectation that covers it.
    pub expectation_ref: Option<String>,
    /// The waiver that covers it.
    pub waiver_ref: Option<String>,
    /// The challenges to it.
    pub challenge_refs: Vec<String>,
    /// The exclusions that concern it.
    pub exclusion_refs: Vec<String>,
    /// Whether somebody has looked at it.
    pub review_status: &'static str,
}

/// Findings by disposition, and those with challenges and exclusions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct FindingCounts {
    /// All.
    pub total: u64,
    /// Covered by nothing.
    pub unexpected: u64,
    /// Covered by an expectation.
    pub expected: u64,
    /// Covered by a waiver.
    pub waived: u64,
    /// With a challenge.
    pub challenged: u64,
    /// With an exclusion.
    pub excluded: u64,
}

/// One entry of the artifact manifest.
#[derive(Debug, Clone, Serialize)]
pub struct ManifestEntry {
    /// The path in the run directory.
    pub path: String,
    /// Its size.
    pub size_bytes: u64,
    /// Its SHA-256, bare lower-case hex.
    pub sha256: String,
    /// What kind of file its name says it is.
    pub media_type: String,
    /// The extension that left it.
    pub extension_id: String,
    /// The evidence that refers to it.
    pub evidence_refs: Vec<String>,
}

/// Evidence items by result word.
pub type EvidenceCounts = BTreeMap<&'static str, u64>;

/// `reports/assessment-package.json`.
#[derive(Debug, Serialize)]
pub struct Package<'a> {
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
    /// The source lock.
    pub source_lock: &'a SourceLock,
    /// Counts per evidence result.
    pub summary: &'a EvidenceCounts,
    /// Counts of mappings.
    pub mapping_summary: MappingSummary,
    /// Counts of findings.
    pub policy_summary: FindingCounts,
    /// The findings.
    pub findings: &'a [Finding],
    /// The ids of the evidence items.
    pub evidence_refs: Vec<&'a str>,
    /// Every regular file beneath `artifacts/`.
    pub artifact_manifest: &'a [ManifestEntry],
    /// The report fragments; none yet.
    pub report_fragments: &'a [Value],
    /// What the results do and do not say.
    pub certification_boundary: &'a str,
}

/// Counts of mappings; no mapping sets exist yet.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct MappingSummary {
    /// All.
    pub total: u64,
}

/// `reports/submission-package.json`.
#[derive(Debug, Serialize)]
pub struct Submission<'a> {
    /// The version of this document's form.
    pub schema_version: &'static str,
    /// The run id.
    pub run_id: &'a str,
    /// The sources, as in the lock.
    pub sources: &'a [Source],
    /// Every document of the run but this one and the summary, which are written last.
    pub documents: Vec<DocumentEntry>,
    /// Where the artifact manifest stands.
    pub artifact_manifest_ref: String,
    /// What runners and labels say about the run.
    pub reported_metadata: Value,
    /// What the results do and do not say.
    pub certification_boundary: &'a str,
}

/// A document with its digest.
#[derive(Debug, Clone, Serialize)]
pub struct DocumentEntry {
    /// The path in the run directory.
    pub path: String,
    /// Its size.
    pub size_bytes: usize,
    /// Its SHA-256, bare lower-case hex.
    pub sha256: String,
}

/// `exports/export-manifest.json`.
#[derive(Debug, Serialize)]
pub struct ExportManifest<'a> {
    /// What is exported.
    pub export_type: &'static str,
    /// The package it is made from.
    pub source_package_ref: &'static str,
    /// The source lock it is made from.
    pub source_lock_ref: &'static str,
    /// Counts per evidence result.
    pub summary: &'a EvidenceCounts,
    /// Counts of findings.
    pub policy_summary: FindingCounts,
    /// Counts of mappings.
    pub mapping_summary: MappingSummary,
    /// The report fragments; none yet.
    pub report_fragments: &'a [Value],
    /// How many of each there are.
    pub counts: ExportCounts,
    /// What the results do and do not say.
    pub certification_boundary: &'a str,
}

/// How many of each an export has.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct ExportCounts {
    /// Evidence items.
    pub evidence: usize,
    /// Findings.
    pub findings: usize,
    /// Mappings.
    pub mappings: usize,
    /// Artifacts.
    pub artifacts: usize,
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
