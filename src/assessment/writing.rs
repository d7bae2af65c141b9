//! Putting the documents of a run together and in place, in the order that the contract asks.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::documents::{
    DocumentEntry, ExportCounts, ExportManifest, MappingSummary, Package, RunDocument, Source, SourceLock, Submission,
    Summary,
};
use super::error::AssessmentError;
use super::items::Finished;
use super::plan::Plan;
use super::report::{ReportData, report};
use crate::model::{RelativePath, RunId};
use crate::repository::layout;
use crate::repository::record::{RecordError, RunRecord};

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
    written.write(layout::PLAN, &json(&plan.document)?)?;
    written.write(layout::SOURCE_LOCK, &json(lock)?)?;
    Ok(written.entries)
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
        written.write(layout::EVIDENCE, &json(&finished.evidence)?)?;
        written.write(layout::FINDINGS, &json(&finished.findings)?)?;
        written.write(layout::MAPPINGS, &json(&[(); 0])?)?;
        written.write(layout::FRAGMENTS, &json(&fragments)?)?;
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
        written.write(layout::ASSESSMENT_PACKAGE, &json(&package)?)?;
        written.write(layout::REPORT, self.report().as_bytes())?;
        let export = ExportManifest {
            export_type: "assessment_package",
            source_package_ref: layout::ASSESSMENT_PACKAGE,
            source_lock_ref: layout::SOURCE_LOCK,
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
        written.write(layout::EXPORT_MANIFEST, &json(&export)?)?;
        let run_json = json(run)?;
        let mut documents = written.entries;
        documents.push(entry("run.json", &run_json));
        documents.sort_by(|one, other| one.path.cmp(&other.path));
        let submission = Submission {
            schema_version: "1",
            run_id: run.run_id,
            sources: &self.lock.sources,
            documents,
            artifact_manifest_ref: format!("{}#/artifact_manifest", layout::ASSESSMENT_PACKAGE),
            reported_metadata: json!({
                "tool": run.tool,
                "labels": run.labels,
                "known_gaps": self.plan.target.known_gaps,
                "runners": finished.runners,
            }),
            certification_boundary: &finished.certification_boundary,
        };
        record.write(&relative(layout::SUBMISSION_PACKAGE)?, &json(&submission)?)?;
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
                ("assessment_package", layout::ASSESSMENT_PACKAGE),
                ("report", layout::REPORT),
                ("submission_package", layout::SUBMISSION_PACKAGE),
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

pub(super) fn relative(path: &str) -> Result<RelativePath, AssessmentError> {
    path.parse().map_err(|_| AssessmentError::Record(RecordError::InTheWay { path: path.to_owned() }))
}
