//! Health per service and per root: NOT_SERVING before the first scan, while every root is away, and from the moment a stop is asked for.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use tokio::sync::{Mutex, watch};
use tokio_stream::Stream;
use tonic::server::NamedService;
use tonic::{Request, Response, Status};
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{HealthCheckRequest, HealthCheckResponse};
use tonic_health::server::{HealthReporter, HealthService, WatchStream};

use crate::repository::{Repository, RunsRoot, View};
use crate::services::{AccessError, Caller, Catalog, RetainedRuns, Runs};
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
    scanned: watch::Sender<bool>,
    /// Held from the look at the roots until all of it is told: of two updates at once the one that looked first may not tell last.
    telling: Arc<Mutex<()>>,
}

/// The health of these roots' services, and the service that tells it. `scanned` becomes true when the first look at every root has ended.
pub(super) async fn service(
    repository: &Repository,
    scanned: watch::Sender<bool>,
) -> (ServiceHealth, HealthServer<impl Health>) {
    let reporter = HealthReporter::new();
    let told = ToldHealth(HealthService::from_health_reporter(reporter.clone()));
    let health = ServiceHealth { reporter, is_stopping: Arc::default(), scanned, telling: Arc::default() };
    health.update(repository).await;
    (health, HealthServer::new(told))
}

/// Health as it is told: the server and its services to everybody, a root to whoever sees it. To others there is no such name.
struct ToldHealth(HealthService);

/// A name that nothing is registered by: every root has a name of its own behind it.
const NO_ROOT: &str = concat!("guideboard.v1.RetainedRunService", "/");

/// The request as it may be answered, and whose credentials it takes.
fn told(mut request: Request<HealthCheckRequest>) -> (Request<HealthCheckRequest>, Option<Caller>) {
    let caller = request.extensions().get::<Caller>().cloned();
    let root = request.get_ref().service.strip_prefix(NO_ROOT);
    let Some(root) = root else { return (request, None) };
    if caller.as_ref().is_some_and(|caller| caller.roots().sees(root)) {
        return (request, caller);
    }
    NO_ROOT.clone_into(&mut request.get_mut().service);
    (request, None)
}

#[tonic::async_trait]
impl Health for ToldHealth {
    async fn check(&self, request: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        self.0.check(told(request).0).await
    }

    type WatchStream = ToldWatch;

    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<ToldWatch>, Status> {
        let (request, caller) = told(request);
        let stream = self.0.watch(request).await?.into_inner();
        let revoked: Option<Revoked> =
            caller.map(|caller| -> Revoked { Box::pin(async move { caller.revoked().await }) });
        Ok(Response::new(ToldWatch { stream, revoked }))
    }
}

type Revoked = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A watch that ends when the credentials that it took are withdrawn.
struct ToldWatch {
    stream: WatchStream,
    revoked: Option<Revoked>,
}

impl Stream for ToldWatch {
    type Item = Result<HealthCheckResponse, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.revoked.as_mut().is_some_and(|revoked| revoked.as_mut().poll(cx).is_ready()) {
            // The transport asks for nothing after an error.
            self.revoked = None;
            return Poll::Ready(Some(Err(AccessError::CredentialsRevoked.into())));
        }
        Pin::new(&mut self.stream).poll_next(cx)
    }
}

impl ServiceHealth {
    /// Tells what the roots are now.
    pub(super) async fn update(&self, repository: &Repository) {
        let _telling = self.telling.lock().await;
        let mut scanned = true;
        let mut serving = false;
        for root in repository.roots() {
            let view = root.view();
            let is_serving = matches!(&*view, View::Serving(_));
            scanned &= !matches!(&*view, View::Scanning);
            serving |= is_serving;
            self.set(&root_name(root), is_serving).await;
        }
        // One root away leaves the others to be served; the service is down when none is left.
        let retained = scanned && (serving || repository.roots().is_empty());
        self.set(RETAINED, retained).await;
        self.set(RUNS, retained).await;
        self.set(CATALOG, true).await;
        self.set(OVERALL, retained).await;
        if scanned {
            self.scanned.send_replace(true);
        }
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

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::repository::RootSpec;
    use crate::repository::root::ContainmentChoice;

    /// Roots over these directories, which nobody has looked at.
    fn roots(directories: &[&TempDir; 2]) -> Arc<Repository> {
        let named = ["one", "two"].iter().zip(directories);
        let specs = named.map(|(name, directory)| RootSpec {
            name: name.parse().expect("a name"),
            path: directory.path().to_owned(),
        });
        let containment = ContainmentChoice::Auto.decide().expect("a containment");
        Arc::new(Repository::new(specs.collect(), containment).expect("no clash"))
    }

    async fn overall(health: &ServiceHealth) -> ServingStatus {
        let told = HealthService::from_health_reporter(health.reporter.clone());
        let reply = told.check(Request::new(HealthCheckRequest::default())).await.expect("known");
        if reply.get_ref().status == 1 { ServingStatus::Serving } else { ServingStatus::NotServing }
    }

    #[tokio::test]
    async fn the_first_look_has_ended_when_every_root_was_looked_at_whatever_was_found() {
        let (there, gone) = (tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory"));
        let repository = roots(&[&there, &gone]);
        gone.close().expect("removed");
        let scanned = watch::Sender::new(false);
        let (health, _service) = service(&repository, scanned.clone()).await;
        let [there, gone] = repository.roots() else { panic!("two roots") };
        there.refresh().expect("a look");
        health.update(&repository).await;
        assert_eq!((*scanned.borrow(), overall(&health).await), (false, ServingStatus::NotServing));
        assert!(gone.refresh().is_err());
        health.update(&repository).await;
        assert_eq!((*scanned.borrow(), overall(&health).await), (true, ServingStatus::Serving));
    }

    #[tokio::test]
    async fn an_update_looks_at_the_roots_when_its_turn_to_tell_has_come_and_not_before() {
        let directories = [tempfile::tempdir().expect("a directory"), tempfile::tempdir().expect("a directory")];
        let repository = roots(&[&directories[0], &directories[1]]);
        let (health, _service) = service(&repository, watch::Sender::new(false)).await;
        repository.roots()[0].refresh().expect("a look");
        let anothers_turn = health.telling.lock().await;
        let update = tokio::spawn({
            let (repository, health) = (Arc::clone(&repository), health.clone());
            async move { health.update(&repository).await }
        });
        // One thread: the update runs until it waits.
        tokio::task::yield_now().await;
        repository.roots()[1].refresh().expect("a look");
        drop(anothers_turn);
        update.await.expect("no panic");
        assert_eq!(overall(&health).await, ServingStatus::Serving);
    }
}
