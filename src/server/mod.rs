//! The running service: a listener, the services on it, health and reflection, refreshing of the roots, and an end that is bounded.
//!
//! [`run`] takes a bound listener and a shutdown future: whoever calls it decides where to listen and when to stop, so a test starts the
//! real server.

pub mod access;
mod arriving;
mod bounded;
mod connections;
mod health;
mod http;
mod listen;
mod observe;
mod places;
mod quiet;
mod readers;
mod refresh;
mod throttle;
mod timely;
mod tls;
mod transport;

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ::http::{Request, Response};
use axum::body::Body;
use axum::middleware::{from_fn_with_state, map_response};
use jiff::Timestamp;
use tokio::sync::watch;
use tonic::service::Routes;
use tower::util::BoxCloneSyncService;
use tower_http::catch_panic::CatchPanicLayer;
use tower_layer::Layer as _;
use tower_service::Service;

use self::access::{Access, AccessConfig};
use bounded::CallBounds;
pub use bounded::CallLimits;
pub use connections::ConnectionLimits;
use connections::{App, Ends};
pub use listen::{Listener, Listening};
use observe::{Metrics, Requests};
pub use tls::{Tls, TlsError, TlsFiles};

use crate::jobs::JobTable;
use crate::repository::Repository;
use crate::services::{self, Admission, Catalog, MAX_REQUEST_BYTES, RetainedRuns, Runs, ServerFacts, StartPolicy};
use crate::wire::pb::catalog_service_server::CatalogServiceServer;
use crate::wire::pb::retained_run_service_server::RetainedRunServiceServer;
use crate::wire::pb::run_service_server::RunServiceServer;
use crate::wire::{DESCRIPTOR_SET, RuleError};

/// How long calls may take to end after the last job did, whatever is left of the drain time.
const LAST_CALLS: Duration = Duration::from_secs(1);
/// How long connections that are cut off may take to end.
const LAST_WORDS: Duration = Duration::from_millis(250);
/// How many connections the health listener holds at once.
const MAX_PROBES: usize = 64;
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
    /// Calls of one caller served at once; `None`: as many as of all.
    pub max_calls_per_caller: Option<usize>,
    /// The limits of connections.
    pub connections: ConnectionLimits,
    /// How long calls may take.
    pub calls: CallLimits,
    /// Who may call.
    pub access: AccessConfig,
    /// The least time between two refreshes of a root.
    pub poll_interval: Duration,
    /// How long calls and jobs may take to end after the shutdown was asked for.
    pub drain: Duration,
    /// Becomes true when the first look at every root has ended, whatever it found, and health tells it.
    pub scanned: watch::Sender<bool>,
}

/// Why a server could not run.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The reflection service refuses the descriptor set: a defect of the build.
    #[error("the descriptor set cannot be reflected")]
    Reflection(#[from] tonic_reflection::server::Error),
    /// The HTTP paths cannot be read from the protos: a defect of the build.
    #[error("the HTTP paths cannot be read")]
    Paths(#[from] RuleError),
    /// What accepts connections ended although nobody asked for it: a defect.
    #[error("the listener broke off")]
    BrokeOff,
}

/// Serves until `shutdown` resolves, then ends within the drain time: health says NOT_SERVING, no job is accepted, calls and running jobs
/// get the drain time, and what is left is cut off and cancelled.
///
/// # Errors
/// When the build is defective, or what accepts connections breaks off.
pub async fn run(
    listening: impl Into<Listening>,
    config: Config,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServerError> {
    let admission = Admission::new(config.max_concurrent_calls);
    let admission = match config.max_calls_per_caller {
        Some(limit) => admission.per_caller(limit),
        None => admission,
    };
    let facts = ServerFacts {
        started_at: Timestamp::now(),
        read_only: config.policy.read_only,
        max_concurrent_calls: config.max_concurrent_calls,
        max_connections: config.connections.max_connections,
    };
    let metrics = Arc::new(Metrics::new(Arc::clone(&config.repository), Arc::clone(&config.jobs), facts.started_at));
    let retained = RetainedRuns::new(Arc::clone(&config.repository), admission.clone());
    let policy = Arc::new(config.policy);
    let (repository, jobs) = (Arc::clone(&config.repository), Arc::clone(&config.jobs));
    let runs = Runs::new(Arc::clone(&repository), Arc::clone(&jobs), Arc::clone(&policy), admission.clone());
    let catalog = Catalog::new(repository, jobs, facts, policy, admission.clone());
    let (health, health_service) = health::service(&config.repository, config.scanned).await;
    let (stop, stopped) = watch::channel(false);
    let (cut, is_cut) = watch::channel(false);
    for root in config.repository.roots() {
        let refresher = refresh::keep_fresh(
            Arc::clone(root),
            Arc::clone(&config.repository),
            health.clone(),
            metrics.scans_of(root.name().as_str()),
            config.poll_interval,
            stopped.clone(),
        );
        tokio::spawn(refresher);
    }
    let access = Access::new(config.access);
    access.warn_of_unknown_roots(&config.repository);
    tokio::spawn(Arc::clone(&access).keep_fresh(stopped.clone()));
    let bounds = CallBounds::new(config.calls, stopped.clone());
    let calls = Routes::new(RetainedRunServiceServer::new(retained).max_decoding_message_size(MAX_REQUEST_BYTES))
        .add_service(RunServiceServer::new(runs).max_decoding_message_size(MAX_REQUEST_BYTES))
        .add_service(CatalogServiceServer::new(catalog).max_decoding_message_size(MAX_REQUEST_BYTES))
        .add_service(health_service.clone());
    let calls = if access.serves_reflection() { with_reflection(calls)? } else { calls };
    // What every face calls. The guard is the outermost of those that decide, and what they refuse is counted, too.
    let calls = calls
        .into_axum_router()
        .layer(map_response(transport::explain))
        .layer(from_fn_with_state(bounds.clone(), bounded::bound))
        .layer(from_fn_with_state(Arc::clone(&access), access::guard))
        .layer(from_fn_with_state(Arc::clone(&metrics), observe::count));
    let probes = Routes::new(health_service)
        .into_axum_router()
        .layer(from_fn_with_state(bounds, bounded::bound))
        .layer(from_fn_with_state(Arc::clone(&metrics), observe::count));
    let probes = http::health_alone(probes);
    let Listening { main, tls, health: health_listener } = listening.into();
    let requests = Requests::new(Arc::clone(&metrics), is_cut.clone());
    let ends = Ends { stop: stopped.clone(), cut: is_cut };
    // The certificates are looked at for as long as the server runs.
    let reloading = tls.clone().map(|tls| tokio::spawn(tls.keep_fresh()));
    let served = app(from_fn_with_state(access, access::door).layer(http::router(calls)?), requests.clone());
    let counts = metrics.connections_of("main");
    let mut serving = tokio::spawn(connections::serve(main, tls, served, config.connections, ends.clone(), counts));
    let probing = health_listener.map(|listener| {
        let limits = ConnectionLimits { max_connections: MAX_PROBES, ..config.connections };
        let counts = metrics.connections_of("health");
        let served = app(probes.merge(observe::scrapes(metrics)), requests.clone());
        tokio::spawn(connections::serve(Listener::Tcp(listener), None, served, limits, ends, counts))
    });
    tokio::select! {
        ended = &mut serving => {
            if let Err(error) = ended {
                tracing::error!(%error, "the server task failed");
            }
            return Err(ServerError::BrokeOff);
        }
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
    // Calls on their way get what is left of the drain time. What stands after it is cut off.
    let deadline = deadline.max(Instant::now() + LAST_CALLS);
    if tokio::time::timeout_at(deadline.into(), &mut serving).await.is_err() {
        let _ = cut.send(true);
        // What was cut off is told in the log once those who served it have noticed.
        let ended = async {
            let _ = (&mut serving).await;
            requests.ended().await;
        };
        if tokio::time::timeout(LAST_WORDS, ended).await.is_err() {
            serving.abort();
        }
    }
    for task in [reloading, probing].into_iter().flatten() {
        task.abort();
    }
    Ok(())
}

/// A service as it serves the requests of connections.
fn app<S, B>(service: S, requests: Requests) -> App
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
    B: hyper::body::Body<Data = bytes::Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let service = CatchPanicLayer::custom(answer_panic).layer(service);
    BoxCloneSyncService::new(from_fn_with_state(requests, observe::follow).layer(service))
}

/// Lets running jobs end by the deadline, then ends them; returns whether none is left.
fn drain_jobs(jobs: &JobTable, deadline: Instant) -> bool {
    if jobs.wait_until_idle(deadline) {
        return true;
    }
    jobs.terminate_running();
    jobs.wait_until_idle(Instant::now() + jobs.settings().grace + TERMINATION_SLACK)
}

/// Adds reflection, in both versions that tools speak.
fn with_reflection(routes: Routes) -> Result<Routes, tonic_reflection::server::Error> {
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
    Ok(routes.add_service(builder().build_v1()?).add_service(builder().build_v1alpha()?))
}

/// A defect that panics answers INTERNAL instead of resetting the stream.
fn answer_panic(panic: Box<dyn std::any::Any + Send>) -> ::http::Response<tonic::body::Body> {
    log_panic(&*panic);
    services::failed().into_http()
}

fn log_panic(panic: &(dyn std::any::Any + Send)) {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    tracing::error!(panic = text, "a handler panicked");
}
