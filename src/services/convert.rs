//! From the model to the wire.

mod items;

use std::sync::Arc;

use prost::Message;

use crate::jobs::{JobFailure, JobProgress, JobView};
use crate::model::{Detail, JobStatus, Marker, Problem, ProblemReason, ResultStatus, RunSummary};
use crate::repository::{FoundFile, ManifestRow, ReportFile, RetainedRun, RowState, RunEntry, layout};
use crate::wire::pb;

pub(super) use items::{evidence, finding, malformed_item};

/// An item above this size comes without its free-form part, in bytes.
const MAX_ITEM_BYTES: usize = 1 << 20;
/// A manifest entry above this size comes without its evidence refs, in bytes.
const MAX_ENTRY_BYTES: usize = 128 << 10;

/// A time of the model.
pub(super) fn timestamp(time: jiff::Timestamp) -> prost_types::Timestamp {
    // A time before 1970 has negative nanoseconds in the model, and none on the wire.
    let (seconds, nanos) = (time.as_second(), time.subsec_nanosecond());
    if nanos < 0 {
        prost_types::Timestamp { seconds: seconds - 1, nanos: nanos + 1_000_000_000 }
    } else {
        prost_types::Timestamp { seconds, nanos }
    }
}

fn result_status(word: Option<&str>) -> (i32, String) {
    let status = match word {
        None => pb::ResultStatus::Unspecified,
        Some(word) => match ResultStatus::from_word(word) {
            Some(ResultStatus::Completed) => pb::ResultStatus::Completed,
            Some(ResultStatus::Failed) => pb::ResultStatus::Failed,
            Some(ResultStatus::Blocked) => pb::ResultStatus::Blocked,
            Some(ResultStatus::InfrastructureError) => pb::ResultStatus::InfrastructureError,
            None => return (pb::ResultStatus::Unrecognized.into(), word.to_owned()),
        },
    };
    (status.into(), String::new())
}

fn words(markers: &[Marker]) -> Vec<String> {
    markers.iter().map(|marker| marker.word().to_owned()).collect()
}

/// A run as the index holds it.
pub(super) fn listed_run(root: &str, run: &RunEntry, is_duplicate: bool) -> pb::RetainedRun {
    let (result_status, result_status_word) = result_status(run.status.as_deref());
    let mut markers = run.markers.to_vec();
    if is_duplicate {
        markers.push(Marker::RunIdDuplicate);
        markers.sort_unstable();
    }
    let mut message = pb::RetainedRun {
        runs_dir: root.to_owned(),
        directory: run.directory.as_str().to_owned(),
        run_id: run.run_id.as_str().to_owned(),
        target_profile_ref: run.target.as_deref().unwrap_or_default().to_owned(),
        assessment_profile_ref: run.assessment.as_deref().unwrap_or_default().to_owned(),
        result_status,
        result_status_word,
        completed_at: run.completed_at.map(timestamp),
        compatibility: words(&markers),
        ..Default::default()
    };
    for detail in &run.details {
        match detail {
            Detail::StartedAt(time) => message.started_at = Some(timestamp(time)),
            Detail::EvidenceCount(word, count) => drop(message.evidence_counts.insert(word.to_owned(), count)),
            Detail::FindingCount(key, count) => drop(message.finding_counts.insert(key.to_owned(), count)),
            Detail::SourceCommit(source, id) => drop(message.source_commits.insert(source.to_owned(), id.to_owned())),
            Detail::Label(key, value) => drop(message.labels.insert(key.to_owned(), value.to_owned())),
        }
    }
    bounded_run(message)
}

/// A run read again, with all its markers.
pub(super) fn retained_run(root: &str, run: &RetainedRun) -> pb::RetainedRun {
    let RunSummary { run_id, .. } = &run.summary;
    let (result_status, result_status_word) = result_status(run.summary.result_status.as_deref());
    bounded_run(pb::RetainedRun {
        runs_dir: root.to_owned(),
        directory: run.directory.as_str().to_owned(),
        run_id: run_id.as_str().to_owned(),
        target_profile_ref: run.summary.target_profile_ref.clone().unwrap_or_default(),
        assessment_profile_ref: run.summary.assessment_profile_ref.clone().unwrap_or_default(),
        result_status,
        result_status_word,
        started_at: run.summary.started_at.map(timestamp),
        completed_at: run.summary.completed_at.map(timestamp),
        evidence_counts: run.summary.evidence_counts.clone(),
        finding_counts: run.summary.finding_counts.clone(),
        source_commits: run.summary.source_commits.clone(),
        labels: run.summary.labels.clone(),
        compatibility: words(&run.markers),
        free_form_omitted: false,
    })
}

fn bounded_run(mut run: pb::RetainedRun) -> pb::RetainedRun {
    if run.encoded_len() > MAX_ITEM_BYTES {
        run.evidence_counts.clear();
        run.finding_counts.clear();
        run.source_commits.clear();
        run.labels.clear();
        run.free_form_omitted = true;
    }
    run
}

/// A directory without a readable summary, by its place and markers.
pub(super) fn bare_run(root: &str, directory: &str, markers: &[Marker]) -> pb::RetainedRun {
    pb::RetainedRun {
        runs_dir: root.to_owned(),
        directory: directory.to_owned(),
        compatibility: words(markers),
        ..Default::default()
    }
}

/// The compatibility words of markers.
pub(super) fn compatibility(markers: &[Marker]) -> Vec<String> {
    words(markers)
}

/// Everything that a summary says.
pub(super) fn summary(run: RetainedRun) -> pb::RunSummary {
    let RetainedRun { summary, report_paths, unsafe_reports, .. } = run;
    let (result_status, result_status_word) = result_status(summary.result_status.as_deref());
    let mut message = pb::RunSummary {
        schema_version: summary.schema_version.unwrap_or_default(),
        run_id: summary.run_id.as_str().to_owned(),
        target_profile_ref: summary.target_profile_ref.unwrap_or_default(),
        assessment_profile_ref: summary.assessment_profile_ref.unwrap_or_default(),
        result_status,
        result_status_word,
        started_at: summary.started_at.map(timestamp),
        completed_at: summary.completed_at.map(timestamp),
        evidence_counts: summary.evidence_counts,
        finding_counts: summary.finding_counts,
        report_paths: report_paths.into_iter().map(|(kind, path)| (kind, path.as_str().to_owned())).collect(),
        unsafe_report_paths: unsafe_reports.into_iter().collect(),
        source_commits: summary.source_commits,
        labels: summary.labels,
        retention_policy: summary.retention_policy.map(|policy| pb::RetentionPolicy {
            summary_days: policy.summary_days,
            raw_artifact_days: policy.raw_artifact_days,
        }),
        unknown_keys: summary.unknown,
        malformed_keys: summary.malformed.into_iter().map(str::to_owned).collect(),
        free_form_omitted: false,
    };
    if message.encoded_len() > MAX_ITEM_BYTES {
        message.unknown_keys.clear();
        message.evidence_counts.clear();
        message.finding_counts.clear();
        message.source_commits.clear();
        message.labels.clear();
        message.report_paths.clear();
        message.unsafe_report_paths.clear();
        message.free_form_omitted = true;
    }
    message
}

/// A problem of a root.
pub(super) fn problem(root: &str, problem: Problem) -> pb::Problem {
    use pb::ProblemReason as Wire;
    let reason = match problem.reason {
        ProblemReason::InProgress => Wire::InProgress,
        ProblemReason::Incomplete => Wire::Incomplete,
        ProblemReason::SummaryUnreadable => Wire::SummaryUnreadable,
        ProblemReason::SummaryTooLarge => Wire::SummaryTooLarge,
        ProblemReason::SummaryNotJson => Wire::SummaryNotJson,
        ProblemReason::SummaryNotObject => Wire::SummaryNotObject,
        ProblemReason::SummaryNotRegular => Wire::SummaryNotRegular,
        ProblemReason::RunIdMissing => Wire::RunIdMissing,
        ProblemReason::RunIdInvalid => Wire::RunIdInvalid,
        ProblemReason::DirectoryIsLink => Wire::DirectoryIsLink,
        ProblemReason::DirectoryNameNotUtf8 => Wire::DirectoryNameNotUtf8,
        ProblemReason::RunIdDuplicate => Wire::RunIdDuplicate,
    };
    pb::Problem {
        runs_dir: root.to_owned(),
        directory: problem.directory,
        directory_bytes: problem.directory_bytes.unwrap_or_default().into(),
        reason: reason.into(),
        message: problem.message,
        run_id: problem.run_id.unwrap_or_default(),
    }
}

/// A report; its contents are added by the caller, who knows what fits.
pub(super) fn report(report: ReportFile, contents_asked: bool) -> pb::Report {
    let path = report.path.map(|path| path.as_str().to_owned()).unwrap_or_default();
    let (state, size_bytes) = match report.state {
        FoundFile::Present(identity) => (pb::FileState::Present, Some(identity.size())),
        FoundFile::Missing => (pb::FileState::Missing, None),
        FoundFile::NotRegular => (pb::FileState::NotRegularFile, None),
        FoundFile::Unreadable => (pb::FileState::Unreadable, None),
        FoundFile::UnsafePath => (pb::FileState::UnsafePath, None),
    };
    let contents_omitted = contents_asked && size_bytes.is_some() && report.contents.is_none();
    pb::Report {
        kind: report.kind,
        media_type: if path.is_empty() { String::new() } else { layout::media_type(&path).to_owned() },
        path,
        state: state.into(),
        size_bytes,
        sha256: report.recorded_sha256.unwrap_or_default(),
        contents: report.contents.map(Into::into),
        contents_omitted,
    }
}

/// A row of a manifest.
pub(super) fn artifact(row: ManifestRow) -> pb::Artifact {
    let state = match row.state {
        RowState::Present => pb::FileState::Present,
        RowState::OtherSize => pb::FileState::OtherSize,
        RowState::Missing => pb::FileState::Missing,
        RowState::NotRegular => pb::FileState::NotRegularFile,
        RowState::Unreadable => pb::FileState::Unreadable,
        RowState::UnsafePath => pb::FileState::UnsafePath,
        RowState::Unaddressable => pb::FileState::Unaddressable,
    };
    let mut artifact = pb::Artifact {
        path: row.shown_path,
        size_bytes: row.size_bytes,
        sha256: row.sha256.unwrap_or_default(),
        media_type: row.media_type,
        extension_id: row.extension_id.unwrap_or_default(),
        evidence_refs: row.evidence_refs,
        state: state.into(),
        unlisted: row.unlisted,
        evidence_refs_omitted: false,
    };
    if artifact.encoded_len() > MAX_ENTRY_BYTES {
        artifact.evidence_refs.clear();
        artifact.evidence_refs_omitted = true;
    }
    if artifact.encoded_len() > MAX_ENTRY_BYTES {
        // No media type and no extension id is that long: the words are as good as not recorded.
        artifact.media_type = layout::media_type(&artifact.path).to_owned();
        artifact.extension_id.clear();
    }
    artifact
}

/// How far a job is.
pub(super) fn job_progress(progress: JobProgress) -> pb::JobProgress {
    let JobProgress { done, total, last_check, current_check } = progress;
    pb::JobProgress { done, total, last_check, current_check }
}

/// A job's state.
pub(super) fn job(job: JobView) -> pb::Job {
    let status = match job.status {
        JobStatus::Queued => pb::JobStatus::Queued,
        JobStatus::Running => pb::JobStatus::Running,
        JobStatus::Succeeded => pb::JobStatus::Succeeded,
        JobStatus::Failed => pb::JobStatus::Failed,
        JobStatus::Cancelled => pb::JobStatus::Cancelled,
    };
    pb::Job {
        job_id: job.job_id,
        status: status.into(),
        target: job.target,
        assessment: job.assessment,
        runs_dir: job.root,
        directory: job.directory,
        run_id: job.run_id.unwrap_or_default(),
        labels: job.labels,
        created_at: Some(timestamp(job.created_at)),
        started_at: job.started_at.map(timestamp),
        ended_at: job.ended_at.map(timestamp),
        progress: job.progress.map(job_progress),
        exit_code: job.exit_code,
        signal: job.signal,
        cancel_requested_at: job.cancel_requested_at.map(timestamp),
        error: job.error.map(|error| {
            // Shared with the job's last event, hence mostly a copy.
            let JobFailure { message, log_lines } = Arc::unwrap_or_clone(error);
            pb::JobError { message, log_lines }
        }),
    }
}
