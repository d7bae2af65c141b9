//! The end: bounded whatever clients do, no new work, and nobody waits for a stream that nobody reads.

use std::time::Duration;

use guide_board::jobs::JobSettings;
use guide_board::model::VisibleRoots;
use guide_board::wire::pb;
use guide_board::wire::pb::run_service_client::RunServiceClient;
use tokio::net::TcpStream;
use tonic::Code;

use super::fixtures::{PATIENCE, Service, Setup, collect, eventually, put, put_summary, refused, summary};
use super::served::{start, start_request, waits_for_go, world_of_jobs};
use crate::support::World;

/// The drain time of the servers here, and some slack for two busy cores.
const DRAIN: Duration = Duration::from_secs(2);
const BOUND: Duration = Duration::from_secs(5);

async fn serve(world: &World) -> Service {
    put_summary(&world.path("runs"), "d", &summary("r", "2026-01-01T00:00:00Z"));
    put(&world.path("runs"), "d/artifacts/large", vec![7; 24 << 20]);
    Setup::new(&world.path("")).with(|config| config.drain = DRAIN).start().await
}

fn large() -> pb::ReadArtifactRequest {
    pb::ReadArtifactRequest { directory: "d".into(), path: "artifacts/large".into(), ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_server_ends_at_once_and_its_port_is_closed() {
    let world = World::new();
    let service = serve(&world).await;
    let address = service.address;
    let _idle = service.another_channel().await;
    let took = service.stop().await;
    assert!(took < DRAIN, "{took:?}");
    eventually("a closed port", async || TcpStream::connect(address).await.is_err().then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_being_read_comes_to_its_end() {
    let world = World::new();
    let mut service = serve(&world).await;
    let mut stream = service.retained().read_artifact(large()).await.expect("a stream").into_inner();
    stream.message().await.expect("a message").expect("the first one");
    service.ask_to_stop();
    let mut bytes = 0;
    while let Some(message) = stream.message().await.expect("a whole stream") {
        bytes += message.data.len();
    }
    assert_eq!(bytes, 24 << 20);
    assert!(service.stop().await < BOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_nobody_reads_is_cut_off_at_the_bound() {
    let world = World::new();
    let service = serve(&world).await;
    let mut stream = service.retained().read_artifact(large()).await.expect("a stream").into_inner();
    stream.message().await.expect("a message").expect("the first one");
    let took = service.stop().await;
    assert!((DRAIN..BOUND).contains(&took), "{took:?}");
    let rest = async {
        while let Some(message) = stream.message().await? {
            drop(message);
        }
        Ok::<_, tonic::Status>(())
    };
    tokio::time::timeout(BOUND, rest).await.expect("an end").expect_err("never a clean end over missing bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_after_the_stop_are_refused() {
    let world = World::new();
    let mut service = serve(&world).await;
    let mut held = service.retained().read_artifact(large()).await.expect("a stream").into_inner();
    held.message().await.expect("a message").expect("the first one");
    service.ask_to_stop();
    let request = pb::ListRetainedRunsRequest::default;
    let status = eventually("a refusal", async || service.retained().list_retained_runs(request()).await.err()).await;
    assert_ne!(status.code(), tonic::Code::ResourceExhausted, "{status:?}");
    let outcome = collect(service.retained().read_artifact(large()).await).await;
    assert!(outcome.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_only_being_started_when_the_drain_ends_is_ended_too() {
    let world = world_of_jobs("exec sleep 600");
    for _ in 0..3 {
        let service = Setup::new(&world.path(""))
            .jobs(JobSettings::default(), env!("CARGO_BIN_EXE_guide-board").into(), vec![world.path("extensions")])
            .with(|config| config.drain = Duration::ZERO)
            .start()
            .await;
        start(service.runs(), start_request()).await;
        let took = service.stop().await;
        assert!(took < BOUND, "{took:?}: the processes were not asked to end");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_jobs_are_cancelled_and_new_ones_refused_while_a_running_one_drains() {
    let world = world_of_jobs(&waits_for_go());
    let settings = JobSettings { max_running: 1, ..JobSettings::default() };
    let setup = Setup::new(&world.path("")).jobs(
        settings,
        env!("CARGO_BIN_EXE_guide-board").into(),
        vec![world.path("extensions")],
    );
    let jobs = std::sync::Arc::clone(&setup.config.jobs);
    let mut service = setup.with(|config| config.drain = PATIENCE).start().await;
    let running = start(service.runs(), start_request()).await;
    let waiting = start(service.runs(), start_request()).await;
    service.ask_to_stop();
    let cancelled =
        eventually("the cancelled job", async || jobs.get(&waiting.job_id, &VisibleRoots::All).ok()?.ended_at).await;
    assert!(cancelled > jobs.get(&waiting.job_id, &VisibleRoots::All).expect("a job").created_at);
    let view = jobs.get(&waiting.job_id, &VisibleRoots::All).expect("a job");
    assert_eq!(view.status, guide_board::model::JobStatus::Cancelled);
    assert!(view.error.expect("an error").message.contains("stopped before"));
    // Whoever follows the running job can, also over a connection of its own; only new jobs are refused.
    let channel = service.another_channel().await;
    let mut client = RunServiceClient::new(channel);
    let followed = client.get_run(pb::GetRunRequest { job_id: running.job_id.clone() }).await.expect("answered");
    assert_eq!(followed.into_inner().run.expect("a job").status(), pb::JobStatus::Running);
    refused(client.start_run(start_request()).await, Code::Unavailable, "STOPPING");
    std::fs::write(world.path("go"), "").expect("written");
    service.stop().await;
    assert_eq!(
        jobs.get(&running.job_id, &VisibleRoots::All).expect("a job").status,
        guide_board::model::JobStatus::Succeeded
    );
}
