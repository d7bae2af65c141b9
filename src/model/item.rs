//! The normalized items of a run: evidence and findings (contract, section 3).

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::artifact::StoredPath;

/// A place in what was assessed. Its path is data: it is no place in the run, and nothing is opened by it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Location {
    /// The path as recorded.
    pub path: String,
    /// The line.
    pub line: Option<u64>,
}

/// What a document says beyond the keys that are known, and what of it could not be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ItemRest {
    /// Unknown and malformed keys with their JSON text.
    pub unknown: BTreeMap<String, String>,
    /// Known keys whose value has the wrong type.
    pub malformed: BTreeSet<&'static str>,
    /// Whether large values were left out because the item is larger than 1 MiB in its document.
    pub is_cut: bool,
}

/// One item of `normalized/evidence.json`. Texts are empty where the item gives none; nothing is required.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EvidenceItem {
    /// Its id.
    pub id: String,
    /// The run id as the item gives it.
    pub run_id: String,
    /// The extension.
    pub extension_id: String,
    /// The check.
    pub check_id: String,
    /// What exactly was looked at.
    pub subject_ref: String,
    /// The result word, listed or not.
    pub result: String,
    /// The severity word, listed or not.
    pub severity: String,
    /// What was seen, in sentences.
    pub observations: Vec<String>,
    /// What was seen, by key with its JSON text.
    pub facts: BTreeMap<String, String>,
    /// Where.
    pub locations: Vec<Location>,
    /// The requirements concerned.
    pub requirement_refs: Vec<String>,
    /// The artifacts concerned, as stored.
    pub artifact_refs: Vec<StoredPath>,
    /// When the check began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub completed_at: Option<Timestamp>,
    /// Everything else.
    pub rest: ItemRest,
}

/// One item of `normalized/findings.json`. Texts are empty where the item gives none; nothing is required.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FindingItem {
    /// Its id.
    pub id: String,
    /// The run id as the item gives it.
    pub run_id: String,
    /// The evidence it comes from.
    pub evidence_id: String,
    /// The extension.
    pub extension_id: String,
    /// The check.
    pub check_id: String,
    /// What exactly was looked at.
    pub subject_ref: String,
    /// The evidence's result word, listed or not.
    pub classification: String,
    /// The severity word, listed or not.
    pub severity: String,
    /// What is wrong, in one line.
    pub title: String,
    /// What was seen.
    pub description: String,
    /// Where.
    pub locations: Vec<Location>,
    /// The requirements concerned.
    pub requirement_refs: Vec<String>,
    /// The artifacts concerned, as stored.
    pub artifact_refs: Vec<StoredPath>,
    /// The disposition word, listed or not.
    pub disposition: String,
    /// The expectation that covers it.
    pub expectation_ref: String,
    /// The waiver that covers it.
    pub waiver_ref: String,
    /// The challenges to it.
    pub challenge_refs: Vec<String>,
    /// The exclusions that concern it.
    pub exclusion_refs: Vec<String>,
    /// Whether somebody has looked at it, an open word.
    pub review_status: String,
    /// Everything else.
    pub rest: ItemRest,
}
