//! GetServerInfo and health: what they say while serving, before the first scan, and while a stop is under way.

use std::time::Duration;

use guide_board::services::{Admission, Catalog, ServerFacts, local_request};
use guide_board::wire::pb;
use guide_board::wire::pb::catalog_service_server::CatalogService;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus::{NotServing, Serving};

use super::fixtures::{Setup, eventually, put, put_summary, refused, summary};
use crate::support::World;

const SERVICES: [&str; 4] =
    ["", "guideboard.v1.RetainedRunService", "guideboard.v1.RunService", "guideboard.v1.RetainedRunService/runs"];
const CATALOG: &str = "guideboard.v1.CatalogService";

#[tokio::test(flavor = "multi_thread")]
async fn the_server_tells_its_version_roots_limits_and_features() {
    let world = World::new();
    put_summary(&world.path("runs"), "d", &summary("r", "2026-01-01T00:00:00Z"));
    put(&world.path("runs"), "broken-off/run.json", "{}");
    let service =
        Setup::over(&world.path(""), &[("runs", &world.path("runs")), ("gone", &world.path("gone"))]).start().await;
    let info = service.catalog().get_server_info(pb::GetServerInfoRequest {}).await.expect("info").into_inner();
    assert_eq!(info.version, env!("CARGO_PKG_VERSION"));
    assert_eq!(info.schema_versions["retention-summary"], "1");
    let [serving, away] = &info.roots[..] else { panic!("two roots") };
    assert_eq!(
        (serving.name.as_str(), serving.state(), serving.run_count, serving.problem_count),
        ("runs", pb::RootState::Serving, 1, 1)
    );
    assert!(serving.scanned_at.is_some() && !serving.read_only && serving.message.is_empty());
    assert_eq!((away.name.as_str(), away.state(), away.read_only), ("gone", pb::RootState::Away, true));
    assert_eq!(away.message, "its directory does not exist");
    let limits = info.limits.expect("limits");
    assert_eq!((limits.max_request_bytes, limits.max_message_bytes), (256 << 10, 3 << 20));
    assert_eq!((limits.max_concurrent_calls, limits.max_connections, limits.max_page_size), (64, 64, 500));
    assert_eq!((limits.max_running_jobs, limits.max_queued_jobs), (2, 64));
    let mut sorted = info.features.clone();
    sorted.sort();
    assert_eq!(info.features, sorted);
    assert!(
        info.features.iter().any(|word| word.starts_with("containment-"))
            && info.features.contains(&"start-run".into())
    );
    assert!(info.started_at.is_some() && info.jobs == Some(pb::JobCounts::default()));
    for service_name in SERVICES.into_iter().chain([CATALOG]) {
        assert_eq!(service.health_of(service_name).await, Some(Serving), "{service_name}");
    }
    assert_eq!(service.health_of("guideboard.v1.RetainedRunService/gone").await, Some(NotServing));
    let unknown = service.health().check(HealthCheckRequest { service: "no.such.Service".to_owned() }).await;
    assert_eq!(unknown.expect_err("unknown").code(), Code::NotFound);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_only_root_is_away_is_not_serving_but_tells_of_itself() {
    let world = World::new();
    let service = Setup::over(&world.path(""), &[("runs", &world.path("gone"))]).start_unready().await;
    service.wait_until_health(CATALOG, Serving).await;
    for name in SERVICES {
        assert_eq!(service.health_of(name).await, Some(NotServing), "{name}");
    }
    eventually("the root away", async || {
        let info = service.catalog().get_server_info(pb::GetServerInfoRequest {}).await.expect("info").into_inner();
        (info.roots[0].state() == pb::RootState::Away).then_some(())
    })
    .await;
    std::fs::create_dir(world.path("gone")).expect("made");
    service.wait_until_health("", Serving).await;
}

#[test]
fn before_the_first_scan_nothing_is_served_and_lists_are_unavailable() {
    // One thread for blocking work, held by the test: the first scan cannot begin before the test lets go.
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).max_blocking_threads(1).enable_all().build();
    let (let_go, held) = std::sync::mpsc::channel::<()>();
    runtime.expect("a runtime").block_on(async {
        let begun = std::sync::Arc::new(tokio::sync::Notify::new());
        let begins = std::sync::Arc::clone(&begun);
        tokio::task::spawn_blocking(move || {
            begins.notify_one();
            let _ = held.recv();
        });
        begun.notified().await;
        let world = World::new();
        let service = Setup::new(&world.path("")).start_unready().await;
        for name in SERVICES {
            assert_eq!(service.health_of(name).await, Some(NotServing), "{name}");
        }
        assert_eq!(service.health_of(CATALOG).await, Some(Serving));
        let outcome = service.retained().list_retained_runs(pb::ListRetainedRunsRequest::default()).await;
        refused(outcome, Code::Unavailable, "ROOT_NOT_SCANNED").saying("`runs`");
        let outcome = service.retained().list_problems(pb::ListProblemsRequest::default()).await;
        refused(outcome, Code::Unavailable, "ROOT_NOT_SCANNED");
        let_go.send(()).expect("held");
        service.wait_until_health("", Serving).await;
        assert_eq!(service.list(pb::ListRetainedRunsRequest::default()).await.total_size, 0);
        service.stop().await;
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_that_was_not_scanned_yet_is_told_as_scanning() {
    let world = World::new();
    let config = Setup::new(&world.path("")).config;
    let facts = ServerFacts {
        started_at: "2026-01-01T00:00:00Z".parse().expect("a time"),
        read_only: false,
        max_concurrent_calls: 1,
        max_connections: 1,
    };
    let policy = std::sync::Arc::new(config.policy);
    let catalog = Catalog::new(config.repository, config.jobs, facts, policy, Admission::new(1));
    let info = catalog.get_server_info(local_request(pb::GetServerInfoRequest {})).await.expect("info").into_inner();
    assert_eq!((info.roots[0].state(), info.roots[0].scanned_at), (pb::RootState::Scanning, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_sees_not_serving_before_the_connection_ends() {
    let world = World::new();
    let mut service = Setup::new(&world.path("")).start().await;
    let request = HealthCheckRequest { service: String::new() };
    let mut watch = service.health().watch(request).await.expect("a watch").into_inner();
    assert_eq!(watch.message().await.expect("a message").expect("one").status(), Serving);
    service.ask_to_stop();
    assert_eq!(watch.message().await.expect("a message").expect("one").status(), NotServing);
    let took = service.stop().await;
    assert!(took < Duration::from_secs(2), "an open watch held the shutdown for {took:?}");
}
