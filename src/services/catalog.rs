//! `CatalogService`: what this server is, and what its assessments are made of.

use std::sync::Arc;

use jiff::Timestamp;
use tonic::{Request, Response, Status};

use tokio::sync::Semaphore;

use super::admission::Admission;
use super::caller::Caller;
use super::page_token::{PageToken, QueryFingerprint};
use super::parse::{self, FieldError};
use super::start_policy::StartPolicy;
use super::{MAX_MESSAGE_BYTES, MAX_PAGE_SIZE, MAX_REQUEST_BYTES, assessments, blocking, convert, status};
use crate::assessment::extensions::{Naming, Survey};
use crate::assessment::{AssessmentError, ProfileProblem, ProfileSource, check, plan};
use crate::jobs::{JobTable, StatusCounts};
use crate::model::JobStatus;
use crate::repository::{Repository, RunsRoot, View};
use crate::wire::pb;
use crate::wire::pb::catalog_service_server::CatalogService;

/// The schema version of every document that a run has.
const SCHEMA_VERSION: &str = "1";

/// How many profiles are looked at and assessments planned at once. A small document can be wrong in very many places, all of which are
/// found before the first is told: this bounds what that takes.
const MAX_CHECKS: usize = 4;

/// What a server tells of itself beside its roots and jobs.
#[derive(Debug, Clone, Copy)]
pub struct ServerFacts {
    /// When this process began to serve.
    pub started_at: Timestamp,
    /// Whether StartRun is refused.
    pub read_only: bool,
    /// Calls served at once.
    pub max_concurrent_calls: usize,
    /// Connections held at once.
    pub max_connections: usize,
}

/// Tells about the server.
#[derive(Debug, Clone)]
pub struct Catalog {
    repository: Arc<Repository>,
    jobs: Arc<JobTable>,
    facts: ServerFacts,
    policy: Arc<StartPolicy>,
    admission: Admission,
    checks: Arc<Semaphore>,
}

impl Catalog {
    /// Tells these things.
    #[must_use]
    pub fn new(
        repository: Arc<Repository>,
        jobs: Arc<JobTable>,
        facts: ServerFacts,
        policy: Arc<StartPolicy>,
        admission: Admission,
    ) -> Self {
        Self { repository, jobs, facts, policy, admission, checks: Arc::new(Semaphore::new(MAX_CHECKS)) }
    }

    /// Does such work on a thread where it may block, as soon as there is a place for it.
    async fn checking<T: Send + 'static>(
        &self,
        caller: &Caller,
        work: impl FnOnce(&StartPolicy) -> Result<T, Status> + Send + 'static,
    ) -> Result<Response<T>, Status> {
        let permit = self.admission.admit(caller)?;
        let place = Arc::clone(&self.checks).acquire_owned().await.map_err(|error| status::internal(&error))?;
        let policy = Arc::clone(&self.policy);
        blocking(permit, move || {
            let done = work(&policy);
            drop(place);
            done.map(Response::new)
        })
        .await
    }
}

#[tonic::async_trait]
impl CatalogService for Catalog {
    async fn get_server_info(
        &self,
        request: Request<pb::GetServerInfoRequest>,
    ) -> Result<Response<pb::GetServerInfoResponse>, Status> {
        let caller = Caller::of(&request)?;
        let permit = self.admission.admit(&caller)?;
        let this = self.clone();
        blocking(permit, move || Ok(Response::new(this.describe(&caller)))).await
    }

    async fn list_extensions(
        &self,
        request: Request<pb::ListExtensionsRequest>,
    ) -> Result<Response<pb::ListExtensionsResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        self.checking(&caller, move |policy| {
            let limit = parse::page_size(request.page_size)?;
            let fingerprint = QueryFingerprint::of("ListExtensions", "", &request.extension_dirs);
            let after: Option<String> = PageToken::read(&request.page_token, &fingerprint)?;
            let survey = Survey::of(&policy.extension_dirs(&request.extension_dirs)?, Naming::Names);
            let (mut reply, next) = assessments::page(&survey, after.as_deref(), limit);
            reply.next_page_token = next.map(|id| PageToken::write(&fingerprint, id)).unwrap_or_default();
            Ok(reply)
        })
        .await
    }

    async fn validate_profile(
        &self,
        request: Request<pb::ValidateProfileRequest>,
    ) -> Result<Response<pb::ValidateProfileResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        self.checking(&caller, move |policy| {
            let kind = request.kind();
            let source = match (request.path.as_str(), request.document) {
                ("", document) if document.is_empty() => {
                    return Err(FieldError::new("path", "give path or document").into());
                }
                ("", document) => ProfileSource::Text(document),
                (path, document) if document.is_empty() => policy.profile_source("path", path)?,
                _ => return Err(FieldError::new("document", "give path or document, not both").into()),
            };
            let directories = policy.extension_dirs(&request.extension_dirs)?;
            let verdict = match kind {
                pb::ProfileKind::Unspecified => {
                    return Err(FieldError::new("kind", "say what the profile describes: target or assessment").into());
                }
                pb::ProfileKind::Target => check::target(&source),
                pb::ProfileKind::Assessment => check::assessment(&source, Survey::of(&directories, Naming::Names)),
            };
            Ok(assessments::verdict(&verdict))
        })
        .await
    }

    async fn plan_assessment(
        &self,
        request: Request<pb::PlanAssessmentRequest>,
    ) -> Result<Response<pb::PlanAssessmentResponse>, Status> {
        let caller = Caller::of(&request)?;
        let request = request.into_inner();
        self.checking(&caller, move |policy| {
            let target = policy.profile_source("target", &request.target)?;
            let assessment = policy.profile_source("assessment", &request.assessment)?;
            let survey = Survey::of(&policy.extension_dirs(&request.extension_dirs)?, Naming::Names);
            let planned = plan::plan_with(&target, &assessment, survey).and_then(|plan| assessments::planned(&plan));
            planned.map_err(|error| not_planned(&error, &request.target))?.ok_or_else(status::plan_too_large)
        })
        .await
    }
}

impl Catalog {
    fn describe(&self, caller: &Caller) -> pb::GetServerInfoResponse {
        let settings = self.jobs.settings();
        let mut features = vec![format!("containment-{}", self.repository.containment())];
        features.push(if self.facts.read_only { "read-only" } else { "start-run" }.to_owned());
        let documents =
            ["retention-summary", "run", "plan", "sources.lock", "assessment-package", "submission-package"];
        pb::GetServerInfoResponse {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            schema_versions: documents.map(|name| (name.to_owned(), SCHEMA_VERSION.to_owned())).into(),
            roots: self.repository.visible(caller.roots()).map(|root| self.describe_root(root)).collect(),
            limits: Some(pb::ServerLimits {
                max_request_bytes: u64::try_from(MAX_REQUEST_BYTES).unwrap_or(u64::MAX),
                max_message_bytes: u64::try_from(MAX_MESSAGE_BYTES).unwrap_or(u64::MAX),
                max_concurrent_calls: limit(self.facts.max_concurrent_calls),
                max_connections: limit(self.facts.max_connections),
                max_running_jobs: limit(settings.max_running),
                max_queued_jobs: limit(settings.max_queued),
                max_page_size: limit(MAX_PAGE_SIZE),
            }),
            features,
            jobs: Some(job_counts(&self.jobs.counts(caller.roots()))),
            started_at: Some(convert::timestamp(self.facts.started_at)),
        }
    }

    fn describe_root(&self, root: &RunsRoot) -> pb::RunsRoot {
        let mut described = pb::RunsRoot {
            name: root.name().to_string(),
            read_only: self.facts.read_only || !root.is_writable(),
            ..Default::default()
        };
        match &*root.view() {
            View::Scanning => described.state = pb::RootState::Scanning.into(),
            View::Serving(snapshot) => {
                described.state = pb::RootState::Serving.into();
                described.run_count = i64::try_from(snapshot.run_count()).unwrap_or(i64::MAX);
                described.problem_count = i64::try_from(snapshot.broken_count()).unwrap_or(i64::MAX);
                described.scanned_at = Some(convert::timestamp(snapshot.scanned_at));
            }
            View::Away(reason) => {
                described.state = pb::RootState::Away.into();
                described.message.clone_from(reason);
            }
        }
        described
    }
}

/// Why there is no plan. What is wrong in the target profile belongs to that field, all else to the assessment, which names it.
fn not_planned(error: &AssessmentError, target: &str) -> Status {
    let AssessmentError::Invalid(problems) = error else { return status::internal(error) };
    let field = |problem: &ProfileProblem| if problem.file == target { "target" } else { "assessment" };
    let told: Vec<_> = problems.iter().map(|problem| (field(problem), problem.to_string())).collect();
    status::profile_invalid(&told)
}

fn job_counts(counts: &StatusCounts) -> pb::JobCounts {
    let of = |status: JobStatus| counts.get(status.word()).copied().unwrap_or(0);
    pb::JobCounts {
        queued: of(JobStatus::Queued),
        running: of(JobStatus::Running),
        succeeded: of(JobStatus::Succeeded),
        failed: of(JobStatus::Failed),
        cancelled: of(JobStatus::Cancelled),
    }
}

fn limit(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
