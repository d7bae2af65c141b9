//! Putting the documents of a run together and in place, in the order that the contract asks.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::documents::{
    DocumentEntry, Evidence, EvidenceCounts, ExportCounts, ExportManifest, Finding, FindingCounts, ManifestEntry,
    MappingSummary, Package, RunDocument, Source, SourceLock, Step, Submission, Summary, paths,
};
use super::error::AssessmentError;
use super::extensions::Check;
use super::outcome;
use super::plan::Plan;
use super::report::{ReportData, report};
use super::runner::StepOutcome;
use crate::model::{RelativePath, ResultStatus, RunId, format_timestamp};
use crate::repository::record::{Irregular, RecordError, RunRecord};

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
    pub(super) finding_counts: FindingCounts,
    pub(super) runners: Vec<Value>,
    pub(super) certification_boundary: String,
}

/// A document as it is written: readable, with a line break at the end.
pub(super) fn json(document: &impl Serialize) -> Result<Vec<u8>, AssessmentError> {
    let mut bytes = serde_json::to_vec_pretty(document)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// What the run is made from.
pub(super) fn source_lock(run_id: &RunId, plan: &Plan) -> SourceLock {
    let mut sources = Vec::new();
    for (kind, id, document) in [
        ("target_profile", &plan.target.id, &plan.target.document),
        ("assessment_profile", &plan.assessment.id, &plan.assessment.document),
    ] {
        sources.push(Source {
            kind,
            id: id.clone(),
            version: None,
            path: Some(document.name.clone()),
            url: None,
            sha256: Some(document.sha256.clone()),
        });
    }
    let mut seen = HashSet::new();
    for extension in &plan.extensions {
        sources.push(Source {
            kind: "extension",
            id: extension.manifest.id.clone(),
            version: Some(extension.manifest.version.clone()).filter(|version| !version.is_empty()),
            path: Some(extension.document.name.clone()),
            url: None,
            sha256: Some(extension.document.sha256.clone()),
        });
        for framework in &extension.manifest.supported_frameworks {
            let text = |key: &str| framework.get(key).and_then(Value::as_str).map(str::to_owned);
            let Some(id) = framework.as_str().map(str::to_owned).or_else(|| text("id")) else { continue };
            let wanted = plan.assessment.frameworks.is_empty() || plan.assessment.frameworks.contains(&id);
            if wanted && seen.insert(("framework", id.clone())) {
                let (version, url) = (text("version"), text("source_url"));
                sources.push(Source { kind: "framework", id, version, path: None, url, sha256: None });
            }
        }
        for authority in &extension.manifest.authorities {
            if seen.insert(("authority", authority.id.clone())) {
                sources.push(Source {
                    kind: "authority",
                    id: authority.id.clone(),
                    version: None,
                    path: None,
                    url: authority.url.clone(),
                    sha256: None,
                });
            }
        }
    }
    for id in &plan.assessment.frameworks {
        if seen.insert(("framework", id.clone())) {
            sources.push(Source {
                kind: "framework",
                id: id.clone(),
                version: None,
                path: None,
                url: None,
                sha256: None,
            });
        }
    }
    SourceLock { schema_version: "1", run_id: run_id.to_string(), sources }
}

/// Writes what is known before the first runner starts, so that an incomplete run says what it was meant to be.
pub(super) fn write_early(
    record: &RunRecord,
    plan: &Plan,
    lock: &SourceLock,
) -> Result<Vec<DocumentEntry>, AssessmentError> {
    let mut written = Written { record, entries: Vec::new() };
    written.write(paths::PLAN, &json(&plan.document)?)?;
    written.write(paths::SOURCE_LOCK, &json(lock)?)?;
    Ok(written.entries)
}

/// Turns what runners reported into the run's items: artifacts hashed, refs checked against them, ids given, findings made.
pub(super) fn finish_items(
    record: &RunRecord,
    run_id: &RunId,
    plan: &Plan,
    performed: Vec<Performed>,
) -> Result<Finished, AssessmentError> {
    let walk = record.walk(&relative("artifacts")?)?;
    let present: HashSet<&str> = walk.files.iter().map(|file| file.path.as_str()).collect();
    let mut evidence: Vec<Evidence> = Vec::new();
    let mut runners = Vec::new();
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
            let declared = check(plan, &step.extension_id, &item.check_id).map(|check| &check.requirement_refs);
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
    let mut referring: HashMap<&str, Vec<String>> = HashMap::new();
    for item in &evidence {
        for artifact in &item.artifact_refs {
            referring.entry(artifact).or_default().push(item.id.clone());
        }
    }
    let artifacts = walk
        .files
        .iter()
        .map(|file| ManifestEntry {
            path: file.path.to_string(),
            size_bytes: file.size_bytes,
            sha256: file.sha256.clone(),
            media_type: mime_guess::from_path(file.path.as_str()).first_or_octet_stream().to_string(),
            extension_id: owner(file.path.as_str()).to_owned(),
            evidence_refs: referring.remove(file.path.as_str()).unwrap_or_default(),
        })
        .collect();
    let findings = outcome::findings(&evidence, |item| {
        let title = check(plan, &item.extension_id, &item.check_id).and_then(|check| check.title.clone());
        title.unwrap_or_else(|| item.check_id.clone())
    });
    let mut boundaries: Vec<&str> =
        plan.extensions.iter().filter_map(|extension| extension.manifest.certification_boundary.as_deref()).collect();
    boundaries.insert(0, BOUNDARY);
    Ok(Finished {
        result_status: outcome::result_status(&evidence, &findings),
        evidence_counts: outcome::evidence_counts(&evidence),
        finding_counts: outcome::finding_counts(&findings),
        certification_boundary: boundaries.join("\n"),
        evidence,
        findings,
        artifacts,
        runners,
    })
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

fn check<'a>(plan: &'a Plan, extension_id: &str, check_id: &str) -> Option<&'a Check> {
    let extension = super::extension_of(plan, extension_id)?;
    extension.manifest.check_groups.iter().flat_map(|group| &group.checks).find(|check| check.id == check_id)
}

/// Everything that the last documents are made from.
pub(super) struct Documents<'a> {
    pub(super) run: &'a RunDocument<'a>,
    pub(super) plan: &'a Plan,
    pub(super) lock: &'a SourceLock,
    pub(super) source_commits: &'a BTreeMap<String, String>,
    pub(super) completed_at: &'a str,
    pub(super) finished: &'a Finished,
}

impl Documents<'_> {
    /// Writes everything, the summary last. `early` are the documents that stand already.
    pub(super) fn write(&self, mut record: RunRecord, early: Vec<DocumentEntry>) -> Result<(), AssessmentError> {
        let (run, finished) = (self.run, self.finished);
        let fragments: &[Value] = &[];
        let mut written = Written { record: &record, entries: early };
        written.write(paths::EVIDENCE, &json(&finished.evidence)?)?;
        written.write(paths::FINDINGS, &json(&finished.findings)?)?;
        written.write(paths::MAPPINGS, &json(&[(); 0])?)?;
        written.write(paths::FRAGMENTS, &json(&fragments)?)?;
        let package = Package {
            schema_version: "1",
            run_id: run.run_id,
            target_profile_ref: run.target_profile_ref,
            assessment_profile_ref: run.assessment_profile_ref,
            result_status: finished.result_status,
            started_at: run.started_at,
            completed_at: self.completed_at,
            source_lock: self.lock,
            summary: &finished.evidence_counts,
            mapping_summary: MappingSummary::default(),
            policy_summary: finished.finding_counts,
            findings: &finished.findings,
            evidence_refs: finished.evidence.iter().map(|item| item.id.as_str()).collect(),
            artifact_manifest: &finished.artifacts,
            report_fragments: fragments,
            certification_boundary: &finished.certification_boundary,
        };
        written.write(paths::PACKAGE, &json(&package)?)?;
        written.write(paths::REPORT, self.report().as_bytes())?;
        let export = ExportManifest {
            export_type: "assessment_package",
            source_package_ref: paths::PACKAGE,
            source_lock_ref: paths::SOURCE_LOCK,
            summary: &finished.evidence_counts,
            policy_summary: finished.finding_counts,
            mapping_summary: MappingSummary::default(),
            report_fragments: fragments,
            counts: ExportCounts {
                evidence: finished.evidence.len(),
                findings: finished.findings.len(),
                mappings: 0,
                artifacts: finished.artifacts.len(),
            },
            certification_boundary: &finished.certification_boundary,
        };
        written.write(paths::EXPORT, &json(&export)?)?;
        let run_json = json(run)?;
        let mut documents = written.entries;
        documents.push(entry("run.json", &run_json));
        documents.sort_by(|one, other| one.path.cmp(&other.path));
        let submission = Submission {
            schema_version: "1",
            run_id: run.run_id,
            sources: &self.lock.sources,
            documents,
            artifact_manifest_ref: format!("{}#/artifact_manifest", paths::PACKAGE),
            reported_metadata: json!({
                "tool": run.tool,
                "labels": run.labels,
                "known_gaps": self.plan.target.known_gaps,
                "runners": finished.runners,
            }),
            certification_boundary: &finished.certification_boundary,
        };
        record.write(&relative(paths::SUBMISSION)?, &json(&submission)?)?;
        record.replace_run_json(&run_json)?;
        record.finish(&json(&self.summary())?)?;
        Ok(())
    }

    fn summary(&self) -> Summary<'_> {
        Summary {
            schema_version: "1",
            run_id: self.run.run_id,
            target_profile_ref: self.run.target_profile_ref,
            assessment_profile_ref: self.run.assessment_profile_ref,
            result_status: self.finished.result_status,
            started_at: self.run.started_at,
            completed_at: self.completed_at,
            evidence_counts: &self.finished.evidence_counts,
            finding_counts: self.finished.finding_counts,
            report_paths: BTreeMap::from([
                ("assessment_package", paths::PACKAGE),
                ("report", paths::REPORT),
                ("submission_package", paths::SUBMISSION),
            ]),
            source_commits: self.source_commits,
            labels: self.run.labels,
            retention_policy: &self.plan.assessment.retention_policy,
        }
    }

    fn report(&self) -> String {
        report(&ReportData {
            run_id: self.run.run_id,
            target: self.run.target_profile_ref,
            assessment: self.run.assessment_profile_ref,
            result_status: self.finished.result_status,
            started_at: self.run.started_at,
            completed_at: self.completed_at,
            plan: &self.plan.document,
            evidence: &self.finished.evidence,
            findings: &self.finished.findings,
            counts: self.finished.finding_counts,
            artifacts: &self.finished.artifacts,
            source_commits: self.source_commits,
            known_gaps: self.plan.target.known_gaps.len(),
            certification_boundary: &self.finished.certification_boundary,
        })
    }
}

/// Writes documents and remembers their digests.
struct Written<'a> {
    record: &'a RunRecord,
    entries: Vec<DocumentEntry>,
}

impl Written<'_> {
    fn write(&mut self, path: &str, bytes: &[u8]) -> Result<(), AssessmentError> {
        self.record.write(&relative(path)?, bytes)?;
        self.entries.push(entry(path, bytes));
        Ok(())
    }
}

fn entry(path: &str, bytes: &[u8]) -> DocumentEntry {
    DocumentEntry {
        path: path.to_owned(),
        size_bytes: bytes.len(),
        sha256: data_encoding::HEXLOWER.encode(&Sha256::digest(bytes)),
    }
}

fn relative(path: &str) -> Result<RelativePath, AssessmentError> {
    path.parse().map_err(|_| AssessmentError::Record(RecordError::InTheWay { path: path.to_owned() }))
}
