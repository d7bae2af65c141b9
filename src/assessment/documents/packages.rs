//! The packages: what is handed on as a whole.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::{EvidenceCounts, Finding, FindingCounts, ManifestEntry, Source, SourceLock};
use crate::model::ResultStatus;

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
    pub mapping_summary: &'a MappingSummary,
    /// What policy did with the findings.
    pub policy_summary: &'a PolicySummary,
    /// The findings.
    pub findings: &'a [Finding],
    /// The ids of the evidence items.
    pub evidence_refs: Vec<&'a str>,
    /// Every regular file beneath `artifacts/`.
    pub artifact_manifest: &'a [ManifestEntry],
    /// The report fragments.
    pub report_fragments: &'a [Fragment],
    /// What the results do and do not say.
    pub certification_boundary: &'a str,
}

/// Counts of mappings.
#[derive(Debug, Clone, Default, Serialize)]
pub struct MappingSummary {
    /// All.
    pub total: u64,
    /// Those of each status that occurs.
    pub by_status: BTreeMap<&'static str, u64>,
}

/// What policy did with the findings.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PolicySummary {
    /// Counts of findings.
    #[serde(flatten)]
    pub counts: FindingCounts,
    /// Waivers that would cover findings and have expired.
    pub expired_waivers: Vec<ExpiredWaiver>,
    /// Entries of the policy sets that concern no finding, as `<kind>:<id>`.
    pub unused: Vec<String>,
}

/// A waiver that no longer waives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ExpiredWaiver {
    /// Its id.
    pub waiver_ref: String,
    /// Who answers for it.
    pub owner: String,
    /// When it expired, as written.
    pub expires: String,
    /// The findings that it would cover.
    pub finding_refs: Vec<String>,
}

/// One entry of `reports/fragments.json`: what an extension adds to the report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fragment {
    /// Its id: `<extension id>/<fragment id>`.
    pub id: String,
    /// Its heading.
    pub title: String,
    /// Its text.
    pub markdown: String,
    /// The same for programs; `null` when it has no such part.
    pub structured: Value,
    /// The extension that it comes from.
    pub extension_id: String,
    /// Why it has no text, when making it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
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
    /// What policy did with the findings.
    pub policy_summary: &'a PolicySummary,
    /// Counts of mappings.
    pub mapping_summary: &'a MappingSummary,
    /// The report fragments.
    pub report_fragments: &'a [Fragment],
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
