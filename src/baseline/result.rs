//! What the runner hands back: the evidence items and metadata of the runner protocol, as they stand in the JSON.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::model::{EvidenceResult, Severity};

/// The whole result of one runner.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunnerResult {
    /// One item for each check that was asked for, in that order.
    pub evidence: Vec<EvidenceItem>,
    /// How the files were found, how many, and whether a bound was reached.
    pub metadata: Map<String, Value>,
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EvidenceItem {
    /// The check, as the manifest names it.
    pub check_id: String,
    /// What was assessed, as the caller names it.
    pub subject_ref: String,
    /// The result.
    pub result: EvidenceResult,
    /// The severity of a fail or warning; absent otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Sentences for the maintainer: what was seen and what to do.
    pub observations: Vec<String>,
    /// The same for machines, with the references of the requirements.
    pub facts: Map<String, Value>,
    /// Where in the tree; left out when empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locations: Vec<Location>,
    /// The public requirements that the check maps to.
    pub requirement_refs: Vec<String>,
    /// Files left by the runner; this runner leaves none.
    pub artifact_refs: Vec<String>,
}

/// A place in the tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    /// The path relative to the tree.
    pub path: String,
    /// The line, counted from 1; absent where the whole file is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
}
