//! The running service: a listener, the services on it, health and reflection, refreshing of the roots, and an end that is bounded.
//!
//! [`run`] takes a bound listener and a shutdown future: whoever calls it decides where to listen and when to stop, so a test starts the
//! real server.

pub mod access;
mod connections;
mod health;
mod refresh;

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tonic::transport::Server;
use tower_http::catch_panic::CatchPanicLayer;

use self::access::{Access, AccessConfig};
use crate::jobs::JobTable;
use crate::repository::Repository;
use crate::services::{self, Admission, Catalog, MAX_REQUEST_BYTES, RetainedRuns, Runs, ServerFacts, StartPolicy};
use crate::wire::DESCRIPTOR_SET;
use crate::wire::pb::catalog_service_server::CatalogServiceServer;
use crate::wire::pb::retained_run_service_server::RetainedRunServiceServer;
use crate::wire::pb::run_service_server::RunServiceServer;

/// How often an idle connection is asked whether it is still there.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
/// How long it may take to answer.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);
/// Calls at once a connection.
const MAX_STREAMS: u32 = 256;
/// The largest header list, in bytes.
const MAX_HEADER_BYTES: u32 = 16 << 10;
/// How long calls may take to end after the last job did, whatever is left of the drain time.
const LAST_CALLS: Duration = Duration::from_secs(1);
/// How long the processes of cancelled jobs may take beyond their grace time, before the server gives up on them.
const TERMINATION_SLACK: Duration = Duration::from_secs(2);

/// What a server serves, and its limits.
#[derive(Debug)]
pub struct Config {
    /// The runs roots.
    pub repository: Arc<Repository>,
    /// The jobs.
    pub jobs: Arc<JobTable>,
    /// Where a job's profiles may stand, and whether jobs may be started.
    pub policy: StartPolicy,
    /// Calls served at once.
    pub max_concurrent_calls: usize,
    /// Connections held at once.
    pub max_connections: usize,
    /// Who may call.
    pub access: AccessConfig,
    /// The least time between two refreshes of a root.
    pub poll_interval: Duration,
    /// How long calls and jobs may take to end after the shutdown was asked for.
    pub drain: Duration,
}

/// Why a server could not run.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The reflection service refuses the descriptor set: a defect of the build.
    #[error("the descriptor set cannot be reflected")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The transport failed.
    #[error("the listener failed")]
    Transport(#[from] tonic::transport::Error),
}

/// Serves until `shutdown` resolves, then ends within the drain time: health says NOT_SERVING, no job is accepted, calls and running jobs
/// get the drain time, and what is left is cut off and cancelled.
///
/// # Errors
/// When the listener fails or the build is defective.
pub async fn run(
    listener: TcpListener,
    config: Config,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServerError> {
    let admission = Admission::new(config.max_concurrent_calls);
    let facts = ServerFacts {
        started_at: Timestamp::now(),
        read_only: config.policy.read_only,
        max_concurrent_calls: config.max_concurrent_calls,
        max_connections: config.max_connections,
    };
    let retained = RetainedRuns::new(Arc::clone(&config.repository), admission.clone());
    let policy = Arc::new(config.policy);
    let (repository, jobs) = (Arc::clone(&config.repository), Arc::clone(&config.jobs));
    let runs = Runs::new(Arc::clone(&repository), Arc::clone(&jobs), Arc::clone(&policy), admission.clone());
    let catalog = Catalog::new(repository, jobs, facts, policy, admission.clone());
    let (health, health_service) = health::service(&config.repository).await;
    let (stop, stopped) = watch::channel(false);
    let (cut, is_cut) = watch::channel(false);
    for root in config.repository.roots() {
        let refresher = refresh::keep_fresh(
            Arc::clone(root),
            Arc::clone(&config.repository),
            health.clone(),
            config.poll_interval,
            stopped.clone(),
        );
        tokio::spawn(refresher);
    }
    let access = Access::new(config.access);
    access.warn_of_unknown_roots(&config.repository);
    tokio::spawn(Arc::clone(&access).keep_fresh(stopped.clone()));
    let (reflection, reflection_alpha) = access.serves_reflection().then(reflection).transpose()?.unzip();
    let mut asked_to_stop = stopped.clone();
    let serving = Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE_INTERVAL))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .http2_max_header_list_size(MAX_HEADER_BYTES)
        .max_concurrent_streams(MAX_STREAMS)
        // The first is the outermost.
        .layer(CatchPanicLayer::custom(answer_panic))
        .layer(access.door())
        .layer(access.guard())
        .add_service(RetainedRunServiceServer::new(retained).max_decoding_message_size(MAX_REQUEST_BYTES))
        .add_service(RunServiceServer::new(runs).max_decoding_message_size(MAX_REQUEST_BYTES))
        .add_service(CatalogServiceServer::new(catalog).max_decoding_message_size(MAX_REQUEST_BYTES))
        .add_service(health_service)
        .add_optional_service(reflection)
        .add_optional_service(reflection_alpha)
        .serve_with_incoming_shutdown(connections::accept(listener, config.max_connections, is_cut), async move {
            // An error means that the sender is gone, and with it the server.
            let _ = asked_to_stop.wait_for(|stop| *stop).await;
        });
    let mut serving = tokio::spawn(serving);
    tokio::select! {
        ended = &mut serving => return flatten(ended),
        () = shutdown => {}
    }
    tracing::info!("stopping");
    health.stop(&config.repository).await;
    config.jobs.stop_accepting();
    let deadline = Instant::now() + config.drain;
    // As long as jobs drain, whoever follows them can: calls are answered and connections accepted.
    let jobs_ended = tokio::task::spawn_blocking(move || drain_jobs(&config.jobs, deadline)).await;
    if !jobs_ended.unwrap_or(false) {
        tracing::warn!("some processes of jobs did not end in time; their supervisors go on ending them");
    }
    admission.stop();
    let _ = stop.send(true);
    // Once no call is left, a connection is held only by a health watch, which would hold it forever.
    let deadline = deadline.max(Instant::now() + LAST_CALLS);
    let _ = tokio::time::timeout_at(deadline.into(), admission.wait_until_idle(config.max_concurrent_calls)).await;
    match tokio::time::timeout(Duration::from_millis(250), &mut serving).await {
        Ok(ended) => flatten(ended),
        Err(_) => {
            let _ = cut.send(true);
            if tokio::time::timeout(Duration::from_millis(250), &mut serving).await.is_err() {
                serving.abort();
            }
            Ok(())
        }
    }
}

fn flatten(ended: Result<Result<(), tonic::transport::Error>, tokio::task::JoinError>) -> Result<(), ServerError> {
    match ended {
        Ok(outcome) => outcome.map_err(ServerError::Transport),
        Err(error) => {
            tracing::error!(%error, "the server task failed");
            Ok(())
        }
    }
}

/// Lets running jobs end by the deadline, then ends them; returns whether none is left.
fn drain_jobs(jobs: &JobTable, deadline: Instant) -> bool {
    if jobs.wait_until_idle(deadline) {
        return true;
    }
    jobs.terminate_running();
    jobs.wait_until_idle(Instant::now() + jobs.settings().grace + TERMINATION_SLACK)
}

type Reflection<S> = tonic_reflection::server::v1::ServerReflectionServer<S>;
type ReflectionAlpha<S> = tonic_reflection::server::v1alpha::ServerReflectionServer<S>;

/// Reflection in both versions that tools speak.
fn reflection() -> Result<
    (
        Reflection<impl tonic_reflection::server::v1::ServerReflection>,
        ReflectionAlpha<impl tonic_reflection::server::v1alpha::ServerReflection>,
    ),
    tonic_reflection::server::Error,
> {
    let builder = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            // So that tools can show the details of an error, which no method mentions.
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
            // Either version by itself would list itself alone.
            .register_encoded_file_descriptor_set(tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET)
            .include_reflection_service(false)
    };
    Ok((builder().build_v1()?, builder().build_v1alpha()?))
}

/// A defect that panics answers INTERNAL instead of resetting the stream.
fn answer_panic(panic: Box<dyn std::any::Any + Send>) -> http::Response<tonic::body::Body> {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    tracing::error!(panic = text, "a handler panicked");
    services::failed().into_http()
}
