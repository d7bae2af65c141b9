//! `CatalogService`: what this server is.

use std::sync::Arc;

use jiff::Timestamp;
use tonic::{Request, Response, Status};

use super::admission::Admission;
use super::{MAX_MESSAGE_BYTES, MAX_PAGE_SIZE, MAX_REQUEST_BYTES, blocking, convert};
use crate::jobs::{JobTable, StatusCounts};
use crate::model::JobStatus;
use crate::repository::{Repository, RunsRoot, View};
use crate::wire::pb;
use crate::wire::pb::catalog_service_server::CatalogService;

/// The schema version of every document that a run has.
const SCHEMA_VERSION: &str = "1";

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
    admission: Admission,
}

impl Catalog {
    /// Tells these things.
    #[must_use]
    pub const fn new(
        repository: Arc<Repository>,
        jobs: Arc<JobTable>,
        facts: ServerFacts,
        admission: Admission,
    ) -> Self {
        Self { repository, jobs, facts, admission }
    }
}

#[tonic::async_trait]
impl CatalogService for Catalog {
    async fn get_server_info(
        &self,
        _request: Request<pb::GetServerInfoRequest>,
    ) -> Result<Response<pb::GetServerInfoResponse>, Status> {
        let permit = self.admission.admit()?;
        let this = self.clone();
        blocking(permit, move || Ok(Response::new(this.describe()))).await
    }
}

impl Catalog {
    fn describe(&self) -> pb::GetServerInfoResponse {
        let settings = self.jobs.settings();
        let mut features = vec![format!("containment-{}", self.repository.containment())];
        features.push(if self.facts.read_only { "read-only" } else { "start-run" }.to_owned());
        let documents =
            ["retention-summary", "run", "plan", "sources.lock", "assessment-package", "submission-package"];
        pb::GetServerInfoResponse {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            schema_versions: documents.map(|name| (name.to_owned(), SCHEMA_VERSION.to_owned())).into(),
            roots: self.repository.roots().iter().map(|root| self.describe_root(root)).collect(),
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
            jobs: Some(job_counts(&self.jobs.counts())),
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
