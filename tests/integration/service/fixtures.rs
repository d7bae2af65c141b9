//! A server in this process on a port of its own, clients for it, run directories for it to serve, and one way to look at a refusal.

use std::fmt::Debug;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use guide_board::client::{Credentials, Transport};
use guide_board::jobs::{JobSettings, JobTable, Launcher};
use guide_board::repository::root::{Containment, ContainmentChoice};
use guide_board::repository::{Repository, RootSpec};
use guide_board::server::access::AccessConfig;
use guide_board::server::{self, CallLimits, Config, ConnectionLimits, Listening, ServerError};
use guide_board::services::{DOMAIN, StartPolicy};
use guide_board::wire::pb;
use guide_board::wire::pb::catalog_service_client::CatalogServiceClient;
use guide_board::wire::pb::retained_run_service_client::RetainedRunServiceClient;
use guide_board::wire::pb::run_service_client::RunServiceClient;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Response, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_types::{ErrorDetails, StatusExt};

/// How long a condition may take to come true before a test gives up.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// The fixture roots that stand in the repository.
pub(super) fn committed_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/runs-root")
}

/// A server in the making: over `<directory>/runs`, with the profiles of `<directory>/profiles`.
pub(crate) struct Setup {
    pub(super) config: Config,
}

impl Setup {
    /// Over `<directory>/runs`, which is made, as the root `runs`.
    pub(crate) fn new(directory: &Path) -> Self {
        let runs = directory.join("runs");
        std::fs::create_dir_all(&runs).expect("made");
        Self::over(directory, &[("runs", &runs)])
    }

    /// Over these roots, which may be missing.
    pub(super) fn over(directory: &Path, roots: &[(&str, &Path)]) -> Self {
        let specs =
            roots.iter().map(|(name, path)| RootSpec { name: name.parse().expect("a name"), path: (*path).into() });
        let program = PathBuf::from(env!("CARGO_BIN_EXE_guide-board"));
        let launcher =
            Launcher { program, cli_command: Vec::new(), root: directory.to_owned(), extension_dirs: Vec::new() };
        let config = Config {
            repository: Arc::new(Repository::new(specs.collect(), containment()).expect("no clash")),
            jobs: JobTable::new(JobSettings::default(), launcher, "this-process".to_owned()),
            policy: StartPolicy {
                root: directory.to_owned(),
                profile_dirs: vec![directory.join("profiles")],
                extension_dirs: Vec::new(),
                read_only: false,
            },
            max_concurrent_calls: 64,
            max_calls_per_caller: None,
            connections: ConnectionLimits { max_connections: 64, ..ConnectionLimits::default() },
            calls: CallLimits::default(),
            access: AccessConfig::default(),
            poll_interval: Duration::from_millis(50),
            drain: Duration::from_secs(2),
            scanned: tokio::sync::watch::Sender::default(),
        };
        Self { config }
    }

    pub(super) fn with(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Jobs under these settings, as another process would have them, started by `program` with these extensions.
    pub(super) fn jobs(mut self, settings: JobSettings, program: PathBuf, extension_dirs: Vec<PathBuf>) -> Self {
        let root = self.config.policy.root.clone();
        let launcher = Launcher { program, cli_command: Vec::new(), root, extension_dirs };
        self.config.jobs = JobTable::new(settings, launcher, "another-process".to_owned());
        self
    }

    /// Starts it and waits until its health says SERVING.
    pub(crate) async fn start(self) -> Service {
        let service = self.start_unready().await;
        service.wait_until_health("", ServingStatus::Serving).await;
        service
    }

    /// Starts it; it may not have scanned anything yet.
    pub(super) async fn start_unready(self) -> Service {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        self.start_on(listener.into(), address)
    }

    /// Starts it on these listeners, of which clients use `address`.
    pub(super) fn start_on(self, listening: Listening, address: SocketAddr) -> Service {
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(server::run(listening, self.config, async move {
            let _ = stopped.await;
        }));
        let channel = Endpoint::from_shared(format!("http://{address}")).expect("a URI").connect_lazy();
        Service { address, channel, stop: Some(stop), task }
    }
}

pub(super) fn containment() -> Containment {
    ContainmentChoice::Auto.decide().expect("a containment")
}

/// A running server.
pub(crate) struct Service {
    pub(super) address: SocketAddr,
    pub(crate) channel: Channel,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<Result<(), ServerError>>,
}

/// The same type as the client has, so that helpers take both.
pub(super) fn runs_over(channel: Channel) -> RunServiceClient<Transport> {
    RunServiceClient::new(Transport::new(channel, Credentials::default()))
}

impl Service {
    pub(crate) fn retained(&self) -> RetainedRunServiceClient<Channel> {
        RetainedRunServiceClient::new(self.channel.clone())
            .max_decoding_message_size(guide_board::services::MAX_MESSAGE_BYTES)
    }

    pub(super) fn runs(&self) -> RunServiceClient<Transport> {
        runs_over(self.channel.clone()).max_decoding_message_size(guide_board::services::MAX_MESSAGE_BYTES)
    }

    pub(super) fn catalog(&self) -> CatalogServiceClient<Channel> {
        CatalogServiceClient::new(self.channel.clone())
    }

    pub(super) fn health(&self) -> HealthClient<Channel> {
        HealthClient::new(self.channel.clone())
    }

    /// A connection of its own.
    pub(super) async fn another_channel(&self) -> Channel {
        Endpoint::from_shared(format!("http://{}", self.address)).expect("a URI").connect().await.expect("connected")
    }

    pub(super) async fn health_of(&self, service: &str) -> Option<ServingStatus> {
        let request = HealthCheckRequest { service: service.to_owned() };
        self.health().check(request).await.ok().map(|reply| reply.get_ref().status())
    }

    pub(super) async fn wait_until_health(&self, service: &str, expected: ServingStatus) {
        let what = format!("health {expected:?} of {service:?}");
        eventually(&what, async || (self.health_of(service).await == Some(expected)).then_some(())).await;
    }

    /// Everything that a list of runs gives, page by page.
    pub(super) async fn list(&self, request: pb::ListRetainedRunsRequest) -> pb::ListRetainedRunsResponse {
        self.retained().list_retained_runs(request).await.expect("a list").into_inner()
    }

    /// Waits until the list shows this many runs and problems.
    pub(super) async fn wait_for_counts(&self, runs: i64, problems: i64) {
        eventually("the counts", async || {
            let list =
                self.retained().list_retained_runs(pb::ListRetainedRunsRequest::default()).await.ok()?.into_inner();
            (list.total_size == runs && list.problem_count == problems).then_some(())
        })
        .await;
    }

    /// Asks it to stop; `None` when it was asked before.
    pub(super) fn ask_to_stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
    }

    /// Asks it to stop and waits for the end; returns how long that took.
    pub(super) async fn stop(mut self) -> Duration {
        let began = Instant::now();
        self.ask_to_stop();
        let ended = tokio::time::timeout(PATIENCE, &mut self.task).await;
        ended.expect("an end in time").expect("no panic").expect("a clean end");
        began.elapsed()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.ask_to_stop();
    }
}

/// Waits until something is there, and gives up loudly.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(began.elapsed() < PATIENCE, "{what} did not come within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Asserts a refusal of this code with this reason, that its domain is the service's, and that it tells no path of this machine.
pub(super) fn refused<T: Debug>(outcome: Result<Response<T>, Status>, code: Code, reason: &str) -> Refusal {
    let status = outcome.map(Response::into_inner).expect_err("a refusal");
    refused_with(status, code, reason)
}

pub(super) fn refused_with(status: Status, code: Code, reason: &str) -> Refusal {
    assert_eq!(status.code(), code, "{status:?}");
    tells_no_path(&status);
    let details = status.get_error_details();
    let info = details.error_info().unwrap_or_else(|| panic!("no ErrorInfo: {status:?}"));
    assert_eq!((info.reason.as_str(), info.domain.as_str()), (reason, DOMAIN), "{status:?}");
    assert!(!status.message().is_empty(), "{status:?}");
    let must_retry = matches!(code, Code::Unavailable | Code::ResourceExhausted);
    assert_eq!(details.retry_info().is_some_and(|info| info.retry_delay.is_some()), must_retry, "{status:?}");
    Refusal { message: status.message().to_owned(), details }
}

/// Asserts INVALID_ARGUMENT that names the field.
pub(super) fn refused_field<T: Debug>(outcome: Result<Response<T>, Status>, reason: &str, field: &str) -> Refusal {
    let refusal = refused(outcome, Code::InvalidArgument, reason);
    let violations = refusal.details.bad_request().expect("a BadRequest").field_violations.clone();
    assert_eq!(violations.iter().map(|violation| violation.field.as_str()).collect::<Vec<_>>(), [field]);
    assert!(violations.iter().all(|violation| !violation.description.is_empty()));
    refusal
}

/// Asserts that nothing of a status names a directory of this machine.
pub(super) fn tells_no_path(status: &Status) {
    let details = String::from_utf8_lossy(status.details()).into_owned();
    let told = format!("{}\n{details}\n{:?}\n{status:?}", status.message(), status.metadata());
    for root in [std::env::temp_dir(), PathBuf::from(env!("CARGO_MANIFEST_DIR"))] {
        assert!(!told.contains(&*root.to_string_lossy()), "{told}");
    }
}

/// A refusal that was looked at.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) message: String,
    pub(super) details: ErrorDetails,
}

impl Refusal {
    pub(super) fn saying(self, part: &str) -> Self {
        assert!(self.message.contains(part), "`{part}` is not in: {}", self.message);
        self
    }
}

/// Reads a stream to its end.
pub(super) async fn collect<T>(reply: Result<Response<tonic::Streaming<T>>, Status>) -> Result<Vec<T>, Status> {
    let mut stream = reply?.into_inner();
    let mut messages = Vec::new();
    while let Some(message) = stream.message().await? {
        messages.push(message);
    }
    Ok(messages)
}

/// The error that a stream ends with, at its beginning or later.
pub(super) async fn stream_error<T: Debug>(reply: Result<Response<tonic::Streaming<T>>, Status>) -> Status {
    collect(reply).await.expect_err("a refusal")
}

/// A summary of this run id, completed at this time.
pub(crate) fn summary(run_id: &str, completed_at: &str) -> Value {
    json!({
        "schema_version": "1", "run_id": run_id, "target_profile_ref": "a-target", "assessment_profile_ref": "an-assessment",
        "result_status": "completed", "completed_at": completed_at,
    })
}

/// Writes a file of a run; the directories above it are made.
pub(crate) fn put(root: &Path, path: &str, contents: impl AsRef<[u8]>) -> PathBuf {
    let file = root.join(path);
    std::fs::create_dir_all(file.parent().expect("a parent")).expect("made");
    std::fs::write(&file, contents).expect("written");
    file
}

/// Writes a run's summary.
pub(crate) fn put_summary(root: &Path, directory: &str, summary: &Value) {
    put(root, &format!("{directory}/retention-summary.json"), summary.to_string());
}

/// The pages of a list, each of `page_size`, joined, with the tokens that led to them.
pub(super) async fn all_pages(service: &Service, request: pb::ListRetainedRunsRequest) -> Vec<pb::RetainedRun> {
    let mut runs = Vec::new();
    let mut request = request;
    loop {
        let page = service.list(request.clone()).await;
        runs.extend(page.runs);
        if page.next_page_token.is_empty() {
            return runs;
        }
        request.page_token = page.next_page_token;
    }
}

/// The directories of runs, in order.
pub(super) fn directories(runs: &[pb::RetainedRun]) -> Vec<&str> {
    runs.iter().map(|run| run.directory.as_str()).collect()
}
