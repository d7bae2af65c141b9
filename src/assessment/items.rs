//! From what runners reported to the run's items: ids, refs checked against the artifacts, findings, counts.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::documents::{
    Evidence, EvidenceCounts, Finding, ManifestEntry, Mapping, MappingSummary, PolicySummary, Step,
};
use super::error::AssessmentError;
use super::extensions::Check;
use super::plan::Plan;
use super::runner::StepOutcome;
use super::writing::relative;
use super::{mappings, outcome, policy};
use crate::model::{ResultStatus, RunId, format_timestamp};
use crate::repository::layout;
use crate::repository::record::{Irregular, RecordedFile, RunRecord, Walk};

/// What is said when no extension says where its results end.
const BOUNDARY: &str = "This run is evidence for a review. It is not a certification and claims no conformance.";

/// A step with what it came to.
pub(super) struct Performed {
    pub(super) step: Step,
    pub(super) outcome: StepOutcome,
}

/// Everything that the documents say about the outcome.
pub(super) struct Finished {
    pub(super) evidence: Vec<Evidence>,
    pub(super) findings: Vec<Finding>,
    pub(super) artifacts: Vec<ManifestEntry>,
    pub(super) result_status: ResultStatus,
    pub(super) evidence_counts: EvidenceCounts,
    pub(super) policy_summary: PolicySummary,
    pub(super) mappings: Vec<Mapping>,
    pub(super) mapping_summary: MappingSummary,
    pub(super) runners: Vec<Value>,
    pub(super) certification_boundary: String,
}

/// Turns what runners reported into the run's items: artifacts hashed, refs checked against them, ids given, findings made, policy and mappings
/// put to them. `preflights` is what the submission package tells of those.
pub(super) fn finish_items(
    record: &RunRecord,
    run_id: &RunId,
    plan: &Plan,
    performed: Vec<Performed>,
    preflights: Vec<Value>,
    now: Timestamp,
) -> Result<Finished, AssessmentError> {
    let walk = record.walk(&relative("artifacts")?)?;
    let present: HashSet<&str> = walk.files.iter().map(|file| file.path.as_str()).collect();
    let checks = checks(plan);
    let mut evidence: Vec<Evidence> = Vec::new();
    let mut runners = preflights;
    let mut told = HashSet::new();
    for Performed { step, outcome } in performed {
        let mine: Vec<&Irregular> =
            walk.irregular.iter().filter(|irregular| owner(&irregular.path) == step.extension_id).collect();
        let mut left = if told.insert(step.extension_id.clone()) { left_behind(&mine) } else { Vec::new() };
        let mut metadata = outcome.metadata;
        if let (Some(fields), false) = (metadata.as_object_mut(), left.is_empty()) {
            let listed: Vec<Value> =
                mine.iter().map(|irregular| json!({"path": irregular.path, "what": irregular.kind.noun()})).collect();
            fields.insert("not_listed".to_owned(), Value::Array(listed));
        }
        runners.push(metadata);
        for item in outcome.items {
            let (artifact_refs, mut doubts) = artifact_refs(&item.artifact_refs, &step.extension_id, &present);
            let mut observations = item.observations;
            observations.append(&mut doubts);
            observations.append(&mut left);
            let declared = checks.get(&(step.extension_id.as_str(), item.check_id.as_str()));
            let declared = declared.map(|check| &check.requirement_refs);
            evidence.push(Evidence {
                id: format!("evidence-{:04}", evidence.len() + 1),
                run_id: run_id.to_string(),
                extension_id: step.extension_id.clone(),
                check_id: item.check_id,
                subject_ref: if item.subject_ref.is_empty() { plan.target.id.clone() } else { item.subject_ref },
                result: item.result,
                severity: item.severity,
                observations,
                facts: item.facts,
                locations: item.locations,
                requirement_refs: match declared {
                    Some(declared) if item.requirement_refs.is_empty() => declared.clone(),
                    _ => item.requirement_refs,
                },
                artifact_refs,
                started_at: format_timestamp(outcome.started_at),
                completed_at: format_timestamp(outcome.completed_at),
            });
        }
    }
    let artifacts = manifest(&walk, &evidence);
    let mut findings = outcome::findings(&evidence, &plan.target.id, |item| {
        let check = checks.get(&(item.extension_id.as_str(), item.check_id.as_str()));
        check.and_then(|check| check.title.clone()).unwrap_or_else(|| item.check_id.clone())
    });
    let policy_summary = policy::apply(&plan.policy, &mut findings, now);
    let mappings = mappings::mappings(&plan.mappings, &evidence, &findings);
    let mut boundaries: Vec<&str> =
        plan.extensions.iter().filter_map(|extension| extension.manifest.certification_boundary.as_deref()).collect();
    boundaries.insert(0, BOUNDARY);
    Ok(Finished {
        result_status: outcome::result_status(&evidence, &findings),
        evidence_counts: outcome::evidence_counts(&evidence),
        policy_summary,
        mapping_summary: mappings::summary(&mappings),
        mappings,
        certification_boundary: boundaries.join("\n"),
        evidence,
        findings,
        artifacts,
        runners,
    })
}

/// The artifact manifest again, for what programs that ran since have changed.
pub(super) fn artifacts_again(
    record: &RunRecord,
    evidence: &[Evidence],
) -> Result<Vec<ManifestEntry>, AssessmentError> {
    Ok(manifest(&record.walk(&relative("artifacts")?)?, evidence))
}

/// The artifact manifest: every regular file, and the evidence that refers to it.
fn manifest(walk: &Walk, evidence: &[Evidence]) -> Vec<ManifestEntry> {
    let mut referring: HashMap<&str, Vec<String>> = HashMap::new();
    for item in evidence {
        for artifact in &item.artifact_refs {
            referring.entry(artifact).or_default().push(item.id.clone());
        }
    }
    let entry = |file: &RecordedFile| ManifestEntry {
        path: file.path.to_string(),
        size_bytes: file.size_bytes,
        sha256: file.sha256.clone(),
        media_type: layout::media_type(file.path.as_str()).to_owned(),
        extension_id: owner(file.path.as_str()).to_owned(),
        evidence_refs: referring.get(file.path.as_str()).cloned().unwrap_or_default(),
    };
    walk.files.iter().map(entry).collect()
}

/// The extension that a path beneath `artifacts/` belongs to.
fn owner(path: &str) -> &str {
    path.split('/').nth(1).unwrap_or_default()
}

fn left_behind(irregular: &[&Irregular]) -> Vec<String> {
    const MOST: usize = 10;
    let mut told: Vec<String> = irregular
        .iter()
        .take(MOST)
        .map(|irregular| {
            format!(
                "the runner left {} at {}; it was not followed and is not listed",
                irregular.kind.noun(),
                irregular.path
            )
        })
        .collect();
    if irregular.len() > MOST {
        told.push(format!("and {} more such things", irregular.len() - MOST));
    }
    told
}

/// A runner's refs as paths in the run directory: relative to its working directory, or already beneath `artifacts/`.
fn artifact_refs(refs: &[String], extension_id: &str, present: &HashSet<&str>) -> (Vec<String>, Vec<String>) {
    let (mut kept, mut doubts) = (Vec::new(), Vec::new());
    for text in refs {
        let beneath = format!("artifacts/{extension_id}/{}", text.strip_prefix("./").unwrap_or(text));
        match [beneath.as_str(), text.as_str()].into_iter().find(|path| present.contains(path)) {
            Some(path) => kept.push(path.to_owned()),
            None => doubts.push(format!(
                "the artifact {} is no regular file that the runner left",
                crate::model::printable(text, 200)
            )),
        }
    }
    (kept, doubts)
}

/// The declared checks by extension and id.
fn checks(plan: &Plan) -> HashMap<(&str, &str), &Check> {
    let groups = plan.extensions.iter().flat_map(|extension| {
        let manifest = &extension.manifest;
        manifest.check_groups.iter().map(|group| (manifest.id.as_str(), group))
    });
    let checks = groups.flat_map(|(extension, group)| group.checks.iter().map(move |check| (extension, check)));
    checks.map(|(extension, check)| ((extension, check.id.as_str()), check)).collect()
}
