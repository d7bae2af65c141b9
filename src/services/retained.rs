//! `RetainedRunService`: durable history, from the directories themselves.

use std::sync::Arc;

use prost::Message;
use tonic::{Request, Response, Status};

use super::admission::Admission;
use super::caller::Caller;
use super::page_token::{self, PageToken, QueryFingerprint, RunPlace};
use super::parse::{self, FilterFields};
use super::streams::{self, Replies};
use super::{MAX_MESSAGE_BYTES, blocking, blocking_before_stream, convert, items, listing};
use crate::repository::{
    self, LocatedRun, ProblemQuery, ReadRequest, Repository, RunSelector, RunsRoot, UnsafeRefs, layout,
};
use crate::wire::pb;
use crate::wire::pb::retained_run_service_server::RetainedRunService;

/// Room that a reply with report contents keeps for everything else, in bytes.
const REPLY_SLACK: usize = 64 << 10;

/// Serves the retained runs of some roots.
#[derive(Debug, Clone)]
pub struct RetainedRuns {
    repository: Arc<Repository>,
    pub(super) admission: Admission,
}

impl RetainedRuns {
    /// Serves these roots. They are scanned by whoever owns them.
    #[must_use]
    pub const fn new(repository: Arc<Repository>, admission: Admission) -> Self {
        Self { repository, admission }
    }

    /// The root that a caller means.
    pub(super) fn root(&self, caller: &Caller, asked: &str) -> Result<Arc<RunsRoot>, Status> {
        caller.root(&self.repository, asked)
    }
}

/// Which reports of a run are wanted, and how.
#[derive(Debug, Clone)]
pub(super) struct ReportOptions {
    pub(super) kind: String,
    pub(super) include_contents: bool,
    pub(super) report_unsafe: bool,
}

/// Reads a run's reports again.
pub(super) fn reports_of(
    root: &RunsRoot,
    located: &LocatedRun,
    options: &ReportOptions,
) -> Result<pb::GetRetainedRunReportsResponse, Status> {
    let retained = located.retained()?;
    let run = convert::retained_run(root.name().as_str(), &retained);
    let kind = Some(options.kind.as_str()).filter(|kind| !kind.is_empty());
    // Without contents a report weighs little more than its path, and there are at most as many as a summary names.
    let wanted = retained.report_paths.iter().filter(|(name, _)| kind.is_none_or(|kind| kind == *name));
    let names: usize = wanted.map(|(name, path)| 256 + 3 * (name.len() + path.as_str().len())).sum();
    let room = MAX_MESSAGE_BYTES.saturating_sub(REPLY_SLACK + 2 * run.encoded_len() + names);
    let room = options.include_contents.then_some(room.min(MAX_MESSAGE_BYTES / 3 * 2));
    let reports = located.reports(&retained, kind, room, unsafe_refs(options.report_unsafe))?;
    let mut reply = pb::GetRetainedRunReportsResponse {
        run: Some(run),
        reports: reports.into_iter().map(|report| convert::report(report, options.include_contents)).collect(),
        summary: Some(convert::summary(retained)),
    };
    drop_contents_that_do_not_fit(&mut reply);
    if reply.encoded_len() > MAX_MESSAGE_BYTES {
        let detail = "it names more reports than fit into a reply; ask for one kind".to_owned();
        return Err(repository::Error::ItemTooLarge { document: layout::SUMMARY.to_owned(), detail }.into());
    }
    Ok(reply)
}

fn drop_contents_that_do_not_fit(reply: &mut pb::GetRetainedRunReportsResponse) {
    while reply.encoded_len() > MAX_MESSAGE_BYTES {
        let Some(report) = reply.reports.iter_mut().rev().find(|report| report.contents.is_some()) else { return };
        report.contents = None;
        report.contents_omitted = true;
    }
}

fn unsafe_refs(report: bool) -> UnsafeRefs {
    if report { UnsafeRefs::Report } else { UnsafeRefs::Refuse }
}

#[tonic::async_trait]
impl RetainedRunService for RetainedRuns {
    type StreamArtifactManifestStream = Replies<pb::StreamArtifactManifestResponse>;
    type ReadArtifactStream = Replies<pb::ReadArtifactResponse>;

    async fn list_retained_runs(
        &self,
        request: Request<pb::ListRetainedRunsRequest>,
    ) -> Result<Response<pb::ListRetainedRunsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let _permit = self.admission.admit(&caller)?;
        let request = request.into_inner();
        let root = self.root(&caller, &request.runs_dir)?;
        let limit = parse::page_size(request.page_size)?;
        let query = parse::query(FilterFields {
            target: request.target,
            assessment: request.assessment,
            statuses: request.statuses,
            completed_after: request.completed_after,
            completed_before: request.completed_before,
            source_commit: request.source_commit,
            labels: request.labels,
        })?;
        let fingerprint = QueryFingerprint::of("ListRetainedRuns", root.name().as_str(), &query);
        let after = page_token::read_run_place(&request.page_token, &fingerprint)?;
        let snapshot = root.snapshot()?;
        let page = snapshot.page(&query, after.as_ref(), limit);
        let name = root.name().as_str();
        let mut runs: Vec<_> =
            page.runs.iter().map(|run| convert::listed_run(name, run, snapshot.is_duplicate(run))).collect();
        let kept = listing::fitting(&mut runs);
        let next = if kept < page.runs.len() {
            page.runs.get(kept.saturating_sub(1)).map(|last| last.key())
        } else {
            page.next
        };
        Ok(Response::new(pb::ListRetainedRunsResponse {
            runs,
            next_page_token: next.map(|key| PageToken::write(&fingerprint, RunPlace::from(key))).unwrap_or_default(),
            total_size: count(page.total),
            status_counts: listing::fitting_counts(&page.status_counts),
            problem_count: count(snapshot.broken_count()),
            in_progress_count: count(snapshot.in_progress_count()),
            scanned_at: Some(convert::timestamp(snapshot.scanned_at)),
        }))
    }

    async fn list_problems(
        &self,
        request: Request<pb::ListProblemsRequest>,
    ) -> Result<Response<pb::ListProblemsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let _permit = self.admission.admit(&caller)?;
        let request = request.into_inner();
        let root = self.root(&caller, &request.runs_dir)?;
        let limit = parse::page_size(request.page_size)?;
        let query = ProblemQuery { reasons: parse::problem_reasons(&request.reasons)? };
        let fingerprint = QueryFingerprint::of("ListProblems", root.name().as_str(), &query);
        let after: Option<(String, String)> = PageToken::read(&request.page_token, &fingerprint)?;
        let snapshot = root.snapshot()?;
        let page = snapshot.problem_page(&query, after.as_ref(), limit);
        let places: Vec<_> =
            page.problems.iter().map(|at| (at.directory.clone(), at.reason.word().to_owned())).collect();
        let mut problems: Vec<_> =
            page.problems.into_iter().map(|problem| convert::problem(root.name().as_str(), problem)).collect();
        let kept = listing::fitting(&mut problems);
        let next = if kept < places.len() { places.get(kept.saturating_sub(1)).cloned() } else { page.next };
        Ok(Response::new(pb::ListProblemsResponse {
            problems,
            next_page_token: next.map(|place| PageToken::write(&fingerprint, place)).unwrap_or_default(),
            total_size: count(page.total),
            reason_counts: page.reason_counts.iter().map(|(word, n)| ((*word).to_owned(), count(*n))).collect(),
            scanned_at: Some(convert::timestamp(snapshot.scanned_at)),
        }))
    }

    async fn get_retained_run(
        &self,
        request: Request<pb::GetRetainedRunRequest>,
    ) -> Result<Response<pb::GetRetainedRunResponse>, Status> {
        let caller = Caller::of(&request)?;
        let permit = self.admission.admit(&caller)?;
        let request = request.into_inner();
        let root = self.root(&caller, &request.runs_dir)?;
        let selector = parse::selector(&request.run_id, &request.directory)?;
        blocking(permit, move || {
            let retained = root.locate(&selector)?.retained()?;
            let run = Some(convert::retained_run(root.name().as_str(), &retained));
            Ok(Response::new(pb::GetRetainedRunResponse { run, summary: Some(convert::summary(retained)) }))
        })
        .await
    }

    async fn get_latest_retained_run(
        &self,
        request: Request<pb::GetLatestRetainedRunRequest>,
    ) -> Result<Response<pb::GetLatestRetainedRunResponse>, Status> {
        let caller = Caller::of(&request)?;
        let permit = self.admission.admit(&caller)?;
        let request = request.into_inner();
        let root = self.root(&caller, &request.runs_dir)?;
        let query = parse::query(FilterFields {
            target: request.target,
            assessment: request.assessment,
            statuses: request.statuses,
            completed_after: request.completed_after,
            completed_before: request.completed_before,
            source_commit: request.source_commit,
            labels: request.labels,
        })?;
        blocking(permit, move || {
            let retained = root.latest(&query)?;
            let run = Some(convert::retained_run(root.name().as_str(), &retained));
            Ok(Response::new(pb::GetLatestRetainedRunResponse { run, summary: Some(convert::summary(retained)) }))
        })
        .await
    }

    async fn get_retained_run_reports(
        &self,
        request: Request<pb::GetRetainedRunReportsRequest>,
    ) -> Result<Response<pb::GetRetainedRunReportsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let permit = self.admission.admit(&caller)?;
        let request = request.into_inner();
        let root = self.root(&caller, &request.runs_dir)?;
        let selector = parse::selector(&request.run_id, &request.directory)?;
        let options = ReportOptions {
            kind: request.kind,
            include_contents: request.include_contents,
            report_unsafe: request.report_unsafe,
        };
        blocking(permit, move || reports_of(&root, &root.locate(&selector)?, &options).map(Response::new)).await
    }

    async fn stream_artifact_manifest(
        &self,
        request: Request<pb::StreamArtifactManifestRequest>,
    ) -> Result<Response<Self::StreamArtifactManifestStream>, Status> {
        let caller = Caller::of(&request)?;
        let permit = self.admission.admit(&caller)?;
        let request = request.into_inner();
        let root = self.root(&caller, &request.runs_dir)?;
        let name = root.name().to_string();
        let selector = parse::selector(&request.run_id, &request.directory)?;
        let unsafe_refs = unsafe_refs(request.report_unsafe);
        let (manifest, permit) =
            blocking_before_stream(permit, move || Ok(root.locate(&selector)?.manifest(unsafe_refs)?)).await?;
        Ok(Response::new(streams::manifest(manifest, name, request.include_unlisted, permit)))
    }

    async fn read_artifact(
        &self,
        request: Request<pb::ReadArtifactRequest>,
    ) -> Result<Response<Self::ReadArtifactStream>, Status> {
        let caller = Caller::of(&request)?;
        let permit = self.admission.admit(&caller)?;
        let request = request.into_inner();
        let root = self.root(&caller, &request.runs_dir)?;
        let selector: RunSelector = parse::selector(&request.run_id, &request.directory)?;
        let path = parse::path(&request.path)?;
        let limit = parse::unsigned("limit", request.limit)?;
        let read = ReadRequest {
            offset: parse::unsigned("offset", request.offset)?,
            limit: Some(limit).filter(|limit| *limit > 0),
            expected_generation: Some(request.expected_generation).filter(|text| !text.is_empty()),
            expected_sha256: parse::sha256("expected_sha256", request.expected_sha256)?,
            compute_sha256: request.compute_sha256,
        };
        let (reader, permit) =
            blocking_before_stream(permit, move || Ok(root.locate(&selector)?.read(path, &read)?)).await?;
        Ok(Response::new(streams::artifact(reader, permit)))
    }

    async fn list_findings(
        &self,
        request: Request<pb::ListFindingsRequest>,
    ) -> Result<Response<pb::ListFindingsResponse>, Status> {
        items::findings(self, request).await.map(Response::new)
    }

    async fn list_evidence(
        &self,
        request: Request<pb::ListEvidenceRequest>,
    ) -> Result<Response<pb::ListEvidenceResponse>, Status> {
        items::evidence(self, request).await.map(Response::new)
    }
}

pub(super) fn count<N: TryInto<i64>>(number: N) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
