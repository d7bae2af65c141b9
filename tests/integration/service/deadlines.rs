//! Bounds in time: a client's deadline and the server's end calls and streams, and a reader that stops gives its place back.

use std::time::Duration;

use guide_board::wire::pb;
use tonic::metadata::MetadataValue;
use tonic::{Code, Request, Streaming};

use super::fixtures::{PATIENCE, Service, Setup, eventually, put, put_summary, refused, refused_with, summary};
use super::served::{start, start_request, waits_for_go, world_of_jobs};
use crate::support::World;

async fn serve(world: &World, change: impl FnOnce(&mut guide_board::server::Config)) -> Service {
    put_summary(&world.path("runs"), "d", &summary("r", "2026-01-01T00:00:00Z"));
    put(&world.path("runs"), "d/artifacts/large", vec![7; 48 << 20]);
    Setup::new(&world.path("")).with(change).start().await
}

fn large() -> pb::ReadArtifactRequest {
    pb::ReadArtifactRequest { directory: "d".into(), path: "artifacts/large".into(), ..Default::default() }
}

/// With the header alone; the client library's own timer would hide what the server does.
fn within<T>(message: T, timeout: &'static str) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("grpc-timeout", MetadataValue::from_static(timeout));
    request
}

/// The end of a stream of which only the first message is taken before `wait` is over.
async fn end_after<T>(mut stream: Streaming<T>, wait: Duration) -> tonic::Status {
    stream.message().await.expect("a message").expect("the first one");
    tokio::time::sleep(wait).await;
    loop {
        match tokio::time::timeout(PATIENCE, stream.message()).await.expect("in time") {
            Ok(Some(_)) => {}
            Ok(None) => panic!("a clean end over missing bytes"),
            Err(status) => return status,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clients_deadline_ends_a_stream_and_never_cleanly() {
    let world = World::new();
    let service = serve(&world, |_| {}).await;
    let stream = service.retained().read_artifact(within(large(), "300m")).await.expect("a stream").into_inner();
    let status = end_after(stream, Duration::from_millis(400)).await;
    refused_with(status, Code::DeadlineExceeded, "DEADLINE_EXCEEDED").saying("goes on where it ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clients_deadline_ends_a_watch_that_has_nothing_to_tell() {
    let world = world_of_jobs(&waits_for_go());
    let service = Setup::new(&world.path(""))
        .jobs(Default::default(), env!("CARGO_BIN_EXE_guide-board").into(), vec![world.path("extensions")])
        .with(|config| config.calls.call_time = Duration::from_millis(100))
        .start()
        .await;
    let job = start(service.runs(), start_request()).await;
    let request = pb::WatchRunRequest { job_id: job.job_id, after: 0 };
    // The server's own bound on calls, shorter here, is not for watches.
    let stream = service.runs().watch_run(within(request, "700m")).await.expect("a stream").into_inner();
    let status = end_after(stream, Duration::ZERO).await;
    refused_with(status, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    std::fs::write(world.path("go"), "").expect("written");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_servers_own_bound_ends_calls_and_streams_without_a_deadline() {
    let world = World::new();
    let service = serve(&world, |config| config.calls.call_time = Duration::from_millis(5)).await;
    let hash = pb::ReadArtifactRequest { compute_sha256: true, ..large() };
    refused(service.retained().read_artifact(hash).await, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
    eventually("a stream that began in time", async || {
        let stream = service.retained().read_artifact(large()).await.ok()?.into_inner();
        let status = end_after(stream, Duration::from_millis(20)).await;
        refused_with(status, Code::DeadlineExceeded, "DEADLINE_EXCEEDED");
        Some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_that_does_not_parse_is_refused_by_name() {
    let world = World::new();
    let service = serve(&world, |_| {}).await;
    for timeout in ["1s", "S", "123456789S", "1.5S"] {
        let request = within(pb::ListRetainedRunsRequest::default(), timeout);
        let refusal =
            refused(service.retained().list_retained_runs(request).await, Code::InvalidArgument, "FIELD_INVALID");
        refusal.saying("grpc-timeout");
    }
    let request = within(pb::ListRetainedRunsRequest::default(), "99999999H");
    service.retained().list_retained_runs(request).await.expect("a deadline in eleven thousand years");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_stops_gives_its_place_back_and_never_sees_a_clean_end() {
    let world = World::new();
    let service = serve(&world, |config| {
        config.max_concurrent_calls = 1;
        config.calls.stall_time = Duration::from_millis(200);
    })
    .await;
    let mut stalled = service.retained().read_artifact(large()).await.expect("a stream").into_inner();
    stalled.message().await.expect("a message").expect("the first one");
    let request = pb::ListRetainedRunsRequest::default();
    refused(service.retained().list_retained_runs(request.clone()).await, Code::ResourceExhausted, "LIMIT_REACHED");
    eventually("the place", async || service.retained().list_retained_runs(request.clone()).await.ok()).await;
    let status = end_after(stalled, Duration::ZERO).await;
    refused_with(status, Code::Unavailable, "READER_STALLED").saying("nothing of the stream was read");
    // A reader that takes its time, but takes something, is left alone.
    let mut slow = service.retained().read_artifact(large()).await.expect("a stream").into_inner();
    let mut bytes = 0;
    let mut messages = 0_u32;
    while let Some(message) = slow.message().await.expect("a whole stream") {
        bytes += message.data.len();
        messages += 1;
        if messages.is_multiple_of(60) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    assert_eq!(bytes, 48 << 20);
}
