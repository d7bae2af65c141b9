//! Health per service and per root: NOT_SERVING before the first scan, while every root is away, and from the moment a stop is asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tonic::server::NamedService;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::server::HealthReporter;

use crate::repository::{Repository, RunsRoot, View};
use crate::services::{Catalog, RetainedRuns, Runs};
use crate::wire::pb::catalog_service_server::CatalogServiceServer;
use crate::wire::pb::retained_run_service_server::RetainedRunServiceServer;
use crate::wire::pb::run_service_server::RunServiceServer;

const RETAINED: &str = <RetainedRunServiceServer<RetainedRuns> as NamedService>::NAME;
const RUNS: &str = <RunServiceServer<Runs> as NamedService>::NAME;
const CATALOG: &str = <CatalogServiceServer<Catalog> as NamedService>::NAME;
/// The server as a whole.
const OVERALL: &str = "";

/// What health tells. Names: the empty one for the server as a whole, the full name of each service, and
/// `guideboard.v1.RetainedRunService/ROOT` for each runs root.
#[derive(Debug, Clone)]
pub(super) struct ServiceHealth {
    reporter: HealthReporter,
    is_stopping: Arc<AtomicBool>,
}

/// The health of these roots' services, and the service that tells it.
pub(super) async fn service(repository: &Repository) -> (ServiceHealth, HealthServer<impl Health>) {
    let (reporter, server) = tonic_health::server::health_reporter();
    let health = ServiceHealth { reporter, is_stopping: Arc::default() };
    health.update(repository).await;
    (health, server)
}

impl ServiceHealth {
    /// Tells what the roots are now.
    pub(super) async fn update(&self, repository: &Repository) {
        let mut scanned = true;
        let mut serving = false;
        for root in repository.roots() {
            let is_serving = matches!(&*root.view(), View::Serving(_));
            scanned &= !matches!(&*root.view(), View::Scanning);
            serving |= is_serving;
            self.set(&root_name(root), is_serving).await;
        }
        // One root away leaves the others to be served; the service is down when none is left.
        let retained = scanned && (serving || repository.roots().is_empty());
        self.set(RETAINED, retained).await;
        self.set(RUNS, retained).await;
        self.set(CATALOG, true).await;
        self.set(OVERALL, retained).await;
    }

    /// Tells NOT_SERVING for everything, from now on.
    pub(super) async fn stop(&self, repository: &Repository) {
        self.is_stopping.store(true, Ordering::SeqCst);
        self.update(repository).await;
    }

    async fn set(&self, name: &str, serving: bool) {
        let serving = serving && !self.is_stopping.load(Ordering::SeqCst);
        let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
        self.reporter.set_service_status(name, status).await;
    }
}

fn root_name(root: &RunsRoot) -> String {
    format!("{RETAINED}/{}", root.name())
}
