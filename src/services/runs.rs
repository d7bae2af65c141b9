//! `RunService`: jobs of this process.

use std::path::PathBuf;
use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::admission::Admission;
use super::caller::Caller;
use super::page_token::{PageToken, QueryFingerprint};
use super::parse::{self, FieldError};
use super::retained::{ReportOptions, reports_of};
use super::start_policy::StartPolicy;
use super::streams::Replies;
use super::{blocking, convert, listing, notes, status, watch};
use crate::jobs::{self, JobRequest, JobTable};
use crate::model::{DirectoryName, JobStatus};
use crate::repository::{Repository, RunSelector, RunsRoot, layout};
use crate::wire::pb;
use crate::wire::pb::run_service_server::RunService;

/// The longest request id, in characters.
const MAX_REQUEST_ID: usize = 128;

/// Starts jobs and tells how they fare.
#[derive(Debug, Clone)]
pub struct Runs {
    repository: Arc<Repository>,
    jobs: Arc<JobTable>,
    policy: Arc<StartPolicy>,
    admission: Admission,
}

impl Runs {
    /// Starts jobs in these roots under this policy.
    #[must_use]
    pub const fn new(
        repository: Arc<Repository>,
        jobs: Arc<JobTable>,
        policy: Arc<StartPolicy>,
        admission: Admission,
    ) -> Self {
        Self { repository, jobs, policy, admission }
    }

    fn refuse_read_only(&self) -> Result<(), jobs::Error> {
        if self.policy.read_only { Err(jobs::Error::ReadOnly) } else { Ok(()) }
    }
}

/// The directory that `output_dir` names: bare, or with the root's configured path in front; `None` when unset.
fn output_directory(root: &RunsRoot, text: &str) -> Result<Option<DirectoryName>, FieldError> {
    if text.is_empty() {
        return Ok(None);
    }
    // As text: a path comparison would normalise what is to be refused.
    let configured = root.configured().to_str().unwrap_or_default().trim_end_matches('/');
    let below = text.strip_prefix(configured).and_then(|rest| rest.strip_prefix('/'));
    let bare = below.filter(|_| !configured.is_empty()).unwrap_or(text);
    let directory = parse::directory("output_dir", bare)?;
    if layout::is_passed_over(directory.as_str().as_bytes()) {
        return Err(FieldError::path(
            "output_dir",
            "names that start with a dot, and lost+found, are no run directories",
        ));
    }
    Ok(Some(directory))
}

fn request_id(text: String) -> Result<Option<String>, FieldError> {
    if text.chars().count() > MAX_REQUEST_ID {
        return Err(FieldError::new("request_id", "at most 128 characters"));
    }
    Ok(Some(text).filter(|text| !text.is_empty()))
}

/// Whether a run can be started in a root, into that directory.
fn check_root(root: &RunsRoot, directory: Option<&DirectoryName>) -> Result<(), Status> {
    let exists = match directory {
        Some(directory) => root.has_entry(directory)?,
        None => root.check().map(|()| false)?,
    };
    if let Some(directory) = directory.filter(|_| exists) {
        let directory = crate::model::printable(directory.as_str(), 200);
        return Err(jobs::Error::OutputExists { root: root.name().to_string(), directory }.into());
    }
    if root.is_writable() {
        Ok(())
    } else {
        Err(jobs::Error::RootReadOnly { reason: format!("the runs root `{}` cannot be written", root.name()) }.into())
    }
}

#[tonic::async_trait]
impl RunService for Runs {
    async fn start_run(&self, request: Request<pb::StartRunRequest>) -> Result<Response<pb::StartRunResponse>, Status> {
        let caller = Caller::of(&request)?;
        let permit = self.admission.admit(&caller)?;
        self.refuse_read_only()?;
        let request = request.into_inner();
        let root = caller.root(&self.repository, &request.runs_dir)?;
        let directory = output_directory(&root, &request.output_dir)?;
        let labels = parse::labels(request.labels)?;
        let request_id = request_id(request.request_id)?;
        let (jobs, policy) = (Arc::clone(&self.jobs), Arc::clone(&self.policy));
        let trace_parent = notes::trace().map(|trace| trace.to_string());
        let job = blocking(permit, move || {
            let mut job = JobRequest {
                target_file: PathBuf::new(),
                assessment_file: PathBuf::new(),
                target: request.target,
                assessment: request.assessment,
                root,
                directory,
                labels,
                request_id,
                owner: caller.name().to_owned(),
                trace_parent,
            };
            if let Some(earlier) = jobs.repeated(&job)? {
                return Ok(earlier);
            }
            job.target_file = policy.profile("target", &job.target)?;
            job.assessment_file = policy.profile("assessment", &job.assessment)?;
            check_root(&job.root, job.directory.as_ref())?;
            let random = getrandom::u64().map_err(|error| status::internal(&error))?;
            let job = jobs.start(job, random)?;
            let by = caller.name();
            tracing::info!(job = %job.job_id, root = %job.root, directory = %job.directory, by, "job accepted");
            Ok(job)
        })
        .await?;
        notes::job(&job.job_id);
        Ok(Response::new(pb::StartRunResponse { run: Some(convert::job(job)) }))
    }

    async fn get_run(&self, request: Request<pb::GetRunRequest>) -> Result<Response<pb::GetRunResponse>, Status> {
        let caller = Caller::of(&request)?;
        let _permit = self.admission.admit(&caller)?;
        let request = request.into_inner();
        notes::job(&request.job_id);
        let job = self.jobs.get(&request.job_id, caller.roots())?;
        Ok(Response::new(pb::GetRunResponse { run: Some(convert::job(job)) }))
    }

    async fn cancel_run(
        &self,
        request: Request<pb::CancelRunRequest>,
    ) -> Result<Response<pb::CancelRunResponse>, Status> {
        let caller = Caller::of(&request)?;
        let _permit = self.admission.admit(&caller)?;
        self.refuse_read_only()?;
        let request = request.into_inner();
        notes::job(&request.job_id);
        let job = self.jobs.cancel(&request.job_id, caller.roots())?;
        tracing::info!(job = %job.job_id, status = %job.status, by = caller.name(), "cancellation asked for");
        Ok(Response::new(pb::CancelRunResponse { run: Some(convert::job(job)) }))
    }

    type WatchRunStream = Replies<pb::WatchRunResponse>;

    async fn watch_run(&self, request: Request<pb::WatchRunRequest>) -> Result<Response<Self::WatchRunStream>, Status> {
        let caller = Caller::of(&request)?;
        let permit = self.admission.admit_watch(&caller)?;
        let request = request.into_inner();
        notes::job(&request.job_id);
        let feed = self.jobs.watch(&request.job_id, caller.roots())?;
        let last = feed.last();
        if request.after > last {
            return Err(FieldError::new("after", format!("the last event of the job so far is number {last}")).into());
        }
        let heartbeat = self.jobs.settings().heartbeat;
        Ok(Response::new(watch::events(feed, request.after, heartbeat, caller, permit)))
    }

    async fn list_runs(&self, request: Request<pb::ListRunsRequest>) -> Result<Response<pb::ListRunsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let _permit = self.admission.admit(&caller)?;
        let request = request.into_inner();
        let limit = parse::page_size(request.page_size)?;
        let statuses = request.statuses.iter().map(|word| job_status(word)).collect::<Result<Vec<_>, _>>()?;
        // Jobs are those of this process, so a token of another one is a token of another list.
        let fingerprint = QueryFingerprint::of("ListRuns", self.jobs.instance(), &statuses);
        let below: Option<u64> = PageToken::read(&request.page_token, &fingerprint)?;
        let page = self.jobs.page(&statuses, below, limit, caller.roots());
        let sequences: Vec<u64> = page.jobs.iter().map(|job| job.sequence).collect();
        let mut runs: Vec<_> = page.jobs.into_iter().map(convert::job).collect();
        let kept = listing::fitting(&mut runs);
        let next = if kept < sequences.len() { sequences.get(kept.saturating_sub(1)).copied() } else { page.next };
        Ok(Response::new(pb::ListRunsResponse {
            runs,
            next_page_token: next.map(|sequence| PageToken::write(&fingerprint, sequence)).unwrap_or_default(),
            total_size: i64::try_from(page.total).unwrap_or(i64::MAX),
        }))
    }

    async fn get_run_reports(
        &self,
        request: Request<pb::GetRunReportsRequest>,
    ) -> Result<Response<pb::GetRunReportsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let permit = self.admission.admit(&caller)?;
        let request = request.into_inner();
        notes::job(&request.job_id);
        let (root, directory) = self.jobs.succeeded(&request.job_id, caller.roots())?;
        let options = ReportOptions {
            kind: request.kind,
            include_contents: request.include_contents,
            report_unsafe: request.report_unsafe,
        };
        blocking(permit, move || {
            let reply = reports_of(&root, &root.locate(&RunSelector::Directory(directory))?, &options)?;
            let pb::GetRetainedRunReportsResponse { run, reports, summary } = reply;
            Ok(Response::new(pb::GetRunReportsResponse { run, reports, summary }))
        })
        .await
    }
}

fn job_status(word: &str) -> Result<JobStatus, FieldError> {
    JobStatus::from_word(word).ok_or_else(|| {
        let known: Vec<_> = JobStatus::ALL.iter().map(|status| status.word()).collect();
        FieldError::new("statuses", format!("an unknown job status; the statuses are: {}", known.join(", ")))
    })
}
