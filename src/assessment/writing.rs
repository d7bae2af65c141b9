//! Putting the documents of a run together and in place, in the order that the contract asks.

use std::collections::{BTreeMap, HashSet};
use std::io::{BufWriter, Write};
use std::path::Path;

use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::documents::{
    DocumentEntry, Evidence, ExportCounts, ExportManifest, Finding, Fragment, ManifestEntry, Mapping, Package,
    PlanDocument, PolicySummary, RunDocument, Source, SourceLock, Submission, Summary,
};
use super::error::AssessmentError;
use super::extensions::{Extension, Framework};
use super::items::Finished;
use super::plan::Plan;
use super::profile::Document;
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
        sources.push(of_document(kind, id, None, document));
    }
    for set in &plan.policy {
        sources.push(of_document(set.kind.source_kind(), &set.id, set.version.clone(), &set.document));
    }
    let mut seen = HashSet::new();
    for extension in &plan.extensions {
        of_extension(extension, &plan.assessment.frameworks, &mut sources, &mut seen);
    }
    for set in &plan.mappings {
        sources.push(match &set.document {
            Some(document) => of_document("mapping_set", &set.id, set.version.clone(), document),
            // It stands in a manifest, which is locked.
            None => Source::named("mapping_set", &set.id, set.version.clone(), None),
        });
    }
    for id in &plan.assessment.frameworks {
        if seen.insert(("framework", id.clone())) {
            sources.push(Source::named("framework", id, None, None));
        }
    }
    SourceLock { schema_version: "1", run_id: run_id.to_string(), sources }
}

fn of_document(kind: &'static str, id: &str, version: Option<String>, document: &Document) -> Source {
    Source {
        path: Some(document.name.clone()),
        sha256: Some(document.sha256.clone()),
        ..Source::named(kind, id, version, None)
    }
}

/// An extension, the files that its manifest names, and the frameworks and authorities that it speaks of.
fn of_extension(
    extension: &Extension,
    wanted: &[String],
    sources: &mut Vec<Source>,
    seen: &mut HashSet<(&'static str, String)>,
) {
    let manifest = &extension.manifest;
    let version = Some(manifest.version.clone()).filter(|version| !version.is_empty());
    sources.push(of_document("extension", &manifest.id, version, &extension.document));
    for (_, path) in manifest.paths() {
        let id = format!("{}/{path}", manifest.id);
        // A command may name what is no file; mapping sets are locked as such.
        let Ok(bytes) = extension.bytes(path) else { continue };
        if seen.insert(("extension_file", id.clone())) {
            let sha256 = Some(data_encoding::HEXLOWER.encode(&Sha256::digest(&bytes)));
            let path = Some(extension.name_of(path));
            sources.push(Source { path, sha256, ..Source::named("extension_file", &id, None, None) });
        }
    }
    for framework in &manifest.supported_frameworks {
        let id = framework.id();
        let is_wanted = wanted.is_empty() || wanted.iter().any(|wanted| wanted == id);
        if is_wanted && seen.insert(("framework", id.to_owned())) {
            let (version, url) = match framework {
                Framework::Id(_) => (None, None),
                Framework::Described { version, source_url, .. } => (version.clone(), source_url.clone()),
            };
            sources.push(Source::named("framework", id, version, url));
        }
    }
    for authority in &manifest.authorities {
        if seen.insert(("authority", authority.id.clone())) {
            sources.push(Source::named("authority", &authority.id, None, authority.url.clone()));
        }
    }
}

/// Writes what is known before the first runner starts, so that an incomplete run says what it was meant to be.
pub(super) fn write_early(
    record: &RunRecord,
    plan: &Plan,
    lock: &SourceLock,
) -> Result<Vec<DocumentEntry>, AssessmentError> {
    let mut written = Written { record, entries: Vec::new() };
    written.json(layout::PLAN, &plan.document)?;
    written.json(layout::SOURCE_LOCK, lock)?;
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

/// See [`Documents::for_fragments`]. It borrows everything: a run of many items is not held twice.
#[derive(Serialize)]
pub(super) struct ForFragments<'a> {
    schema_version: &'static str,
    run_dir: &'a Path,
    run_id: &'a str,
    plan: &'a PlanDocument,
    evidence: &'a [Evidence],
    findings: &'a [Finding],
    mappings: &'a [Mapping],
    assessment_package: Package<'a>,
    policy_summary: &'a PolicySummary,
    source_lock: &'a SourceLock,
}

impl Documents<'_> {
    /// The package with these fragments in it.
    fn package<'a>(&'a self, fragments: &'a [Fragment], artifacts: &'a [ManifestEntry]) -> Package<'a> {
        let (run, finished) = (self.run, self.finished);
        Package {
            schema_version: "1",
            run_id: run.run_id,
            target_profile_ref: run.target_profile_ref,
            assessment_profile_ref: run.assessment_profile_ref,
            result_status: finished.result_status,
            started_at: run.started_at,
            completed_at: self.completed_at,
            source_lock: self.lock,
            summary: &finished.evidence_counts,
            mapping_summary: &finished.mapping_summary,
            policy_summary: &finished.policy_summary,
            findings: &finished.findings,
            evidence_refs: finished.evidence.iter().map(|item| item.id.as_str()).collect(),
            artifact_manifest: artifacts,
            report_fragments: fragments,
            certification_boundary: &finished.certification_boundary,
        }
    }

    /// What a function that makes a report fragment reads, but for what differs from one to the next.
    pub(super) fn for_fragments<'a>(&'a self, output_dir: &'a Path) -> ForFragments<'a> {
        let finished = self.finished;
        ForFragments {
            schema_version: "1",
            run_dir: output_dir,
            run_id: self.run.run_id,
            plan: &self.plan.document,
            evidence: &finished.evidence,
            findings: &finished.findings,
            mappings: &finished.mappings,
            assessment_package: self.package(&[], &self.finished.artifacts),
            policy_summary: &finished.policy_summary,
            source_lock: self.lock,
        }
    }

    /// Writes everything, the summary last. `early` are the documents that stand already, `artifacts` the files that stand now.
    pub(super) fn write(
        &self,
        mut record: RunRecord,
        early: Vec<DocumentEntry>,
        fragments: &[Fragment],
        artifacts: &[ManifestEntry],
    ) -> Result<(), AssessmentError> {
        let (run, finished) = (self.run, self.finished);
        let mut written = Written { record: &record, entries: early };
        written.json(layout::EVIDENCE, &finished.evidence)?;
        written.json(layout::FINDINGS, &finished.findings)?;
        written.json(layout::MAPPINGS, &finished.mappings)?;
        written.json(layout::FRAGMENTS, &fragments)?;
        written.json(layout::ASSESSMENT_PACKAGE, &self.package(fragments, artifacts))?;
        written.write(layout::REPORT, self.report(fragments, artifacts).as_bytes())?;
        let export = ExportManifest {
            export_type: "assessment_package",
            source_package_ref: layout::ASSESSMENT_PACKAGE,
            source_lock_ref: layout::SOURCE_LOCK,
            summary: &finished.evidence_counts,
            policy_summary: &finished.policy_summary,
            mapping_summary: &finished.mapping_summary,
            report_fragments: fragments,
            counts: ExportCounts {
                evidence: finished.evidence.len(),
                findings: finished.findings.len(),
                mappings: finished.mappings.len(),
                artifacts: artifacts.len(),
            },
            certification_boundary: &finished.certification_boundary,
        };
        written.json(layout::EXPORT_MANIFEST, &export)?;
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
            finding_counts: self.finished.policy_summary.counts,
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

    fn report(&self, fragments: &[Fragment], artifacts: &[ManifestEntry]) -> String {
        report(&ReportData {
            run_id: self.run.run_id,
            target: self.run.target_profile_ref,
            assessment: self.run.assessment_profile_ref,
            result_status: self.finished.result_status,
            started_at: self.run.started_at,
            completed_at: self.completed_at,
            plan: &self.plan.document,
            runners: &self.finished.runners,
            evidence: &self.finished.evidence,
            findings: &self.finished.findings,
            policy: &self.finished.policy_summary,
            mappings: &self.finished.mappings,
            fragments,
            artifacts,
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

    /// Writes a document piece by piece: a run of many items is not held twice.
    fn json(&mut self, path: &str, document: &impl Serialize) -> Result<(), AssessmentError> {
        let file = self.record.create_file(&relative(path)?)?;
        let mut file = Digesting { file: BufWriter::with_capacity(1 << 16, file), digest: Sha256::new(), size: 0 };
        let failed = |error: std::io::Error| {
            AssessmentError::Record(RecordError::Failed {
                operation: "written",
                path: path.to_owned(),
                source: rustix::io::Errno::from_io_error(&error).unwrap_or(rustix::io::Errno::IO),
            })
        };
        serde_json::to_writer_pretty(&mut file, document).map_err(|error| match error.io_error_kind() {
            Some(_) => failed(error.into()),
            None => AssessmentError::Encoding(error),
        })?;
        file.write_all(b"\n").and_then(|()| file.flush()).map_err(failed)?;
        let sha256 = data_encoding::HEXLOWER.encode(&file.digest.finalize());
        self.entries.push(DocumentEntry { path: path.to_owned(), size_bytes: file.size, sha256 });
        Ok(())
    }
}

/// A file that is hashed as it is written.
struct Digesting<W: Write> {
    file: BufWriter<W>,
    digest: Sha256,
    size: usize,
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.file.write_all(bytes)?;
        self.digest.update(bytes);
        self.size = self.size.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.file.flush()
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
