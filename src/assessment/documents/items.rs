//! The items of `normalized/` and of the artifact manifest, and their counts.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::model::{Disposition, EvidenceResult, MappingStatus, Severity};

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
    /// What is wrong, in one line.
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
    pub review_status: String,
    /// What else policy says about it, in sentences.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub policy_notes: Vec<String>,
}

/// One item of `normalized/mappings.json`: a requirement of a mapping set, its controls, and what the evidence says.
#[derive(Debug, Clone, Serialize)]
pub struct Mapping {
    /// Its id, unique in the run.
    pub id: String,
    /// The mapping set.
    pub mapping_set: String,
    /// The requirement.
    pub requirement_ref: String,
    /// The controls that it stands for.
    pub control_refs: Vec<String>,
    /// The evidence about it.
    pub evidence_refs: Vec<String>,
    /// What the evidence says.
    pub status: MappingStatus,
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
