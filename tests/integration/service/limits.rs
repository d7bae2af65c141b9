//! Limits: calls and connections at once, request size, and peers that speak no HTTP/2 at all.

use std::time::Duration;

use guide_board::wire::pb;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;
use tonic::transport::Endpoint;

use super::fixtures::{PATIENCE, Service, Setup, collect, eventually, put, put_summary, refused, summary};
use crate::support::World;

async fn with_large_artifact(world: &World, calls: usize) -> Service {
    put_summary(&world.path("runs"), "d", &summary("r", "2026-01-01T00:00:00Z"));
    put(&world.path("runs"), "d/artifacts/large", vec![7; 24 << 20]);
    Setup::new(&world.path("")).with(|config| config.max_concurrent_calls = calls).start().await
}

fn large() -> pb::ReadArtifactRequest {
    pb::ReadArtifactRequest { directory: "d".into(), path: "artifacts/large".into(), ..Default::default() }
}

fn list() -> pb::ListRetainedRunsRequest {
    pb::ListRetainedRunsRequest::default()
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_beyond_the_limit_are_refused_at_once_and_there_is_room_again_afterwards() {
    let world = World::new();
    let service = with_large_artifact(&world, 2).await;
    let mut first = service.retained().read_artifact(large()).await.expect("a stream").into_inner();
    let mut second = service.retained().read_artifact(large()).await.expect("a stream").into_inner();
    for stream in [&mut first, &mut second] {
        stream.message().await.expect("a message").expect("the first one");
    }
    refused(service.retained().list_retained_runs(list()).await, Code::ResourceExhausted, "LIMIT_REACHED");
    refused(service.retained().read_artifact(large()).await, Code::ResourceExhausted, "LIMIT_REACHED");
    let request = pb::GetRunRequest { job_id: "x".into() };
    refused(service.runs().get_run(request).await, Code::ResourceExhausted, "LIMIT_REACHED");
    let info = service.catalog().get_server_info(pb::GetServerInfoRequest {}).await;
    refused(info, Code::ResourceExhausted, "LIMIT_REACHED");
    assert!(service.health_of("").await.is_some(), "health is asked for nothing");
    // A reader that hangs up gives its place back.
    drop(first);
    eventually("a place", async || service.retained().list_retained_runs(list()).await.ok()).await;
    while second.message().await.expect("a message").is_some() {}
    let both = [
        collect(service.retained().read_artifact(large()).await).await,
        collect(service.retained().read_artifact(large()).await).await,
    ];
    assert!(both.iter().all(|outcome| outcome.as_ref().is_ok_and(|messages| messages.len() > 90)));
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_are_begun_and_dropped_leave_no_place_taken() {
    let world = World::new();
    let service = with_large_artifact(&world, 4).await;
    // Large enough that hashing it takes longer than the least that a timer can wait.
    put(&world.path("runs"), "d/artifacts/hashed", vec![7; 32 << 20]);
    for _ in 0..50 {
        let mut client = service.retained();
        let hash = pb::ReadArtifactRequest { path: "artifacts/hashed".into(), compute_sha256: true, ..large() };
        let _ = tokio::time::timeout(Duration::from_millis(1), client.read_artifact(hash)).await;
    }
    eventually("all places", async || {
        let mut streams = Vec::new();
        for _ in 0..4 {
            streams.push(service.retained().read_artifact(large()).await.ok()?);
        }
        Some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_beyond_the_limit_wait_as_long_as_all_others_have_calls() {
    let world = World::new();
    put_summary(&world.path("runs"), "d", &summary("r", "2026-01-01T00:00:00Z"));
    put(&world.path("runs"), "d/artifacts/large", vec![7; 24 << 20]);
    let setup = Setup::new(&world.path("")).with(|config| config.connections.max_connections = 1);
    let service = setup.start().await;
    let mut stream = service.retained().read_artifact(large()).await.expect("a stream").into_inner();
    stream.message().await.expect("a message").expect("the first one");
    let waiting = TcpStream::connect(service.address).await.expect("the kernel's queue takes it");
    let mut waiting = tokio::spawn(greets(waiting));
    assert!(tokio::time::timeout(Duration::from_millis(300), &mut waiting).await.is_err(), "served beyond the limit");
    drop(stream);
    let served = tokio::time::timeout(PATIENCE, waiting).await.expect("in time").expect("no panic");
    drop(served.expect("the second connection is served once the first has no call"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_without_a_call_is_told_to_go_when_its_place_is_wanted() {
    let world = World::new();
    let setup = Setup::new(&world.path("")).with(|config| config.connections.max_connections = 1);
    let service = setup.start_unready().await;
    let first = TcpStream::connect(service.address).await.expect("connected");
    let mut first = greets(first).await.expect("served");
    // Health watched for ever is no call that keeps a place.
    let second = service.another_channel().await;
    let mut health = tonic_health::pb::health_client::HealthClient::new(second);
    let watch = health.watch(tonic_health::pb::HealthCheckRequest::default()).await.expect("a watch");
    let mut said = Vec::new();
    // A reset is an end too.
    let _ = tokio::time::timeout(PATIENCE, first.read_to_end(&mut said)).await.expect("closed");
    let third = TcpStream::connect(service.address).await.expect("connected");
    drop(greets(third).await.expect("served"));
    let mut watch = watch.into_inner();
    let end = async { while watch.message().await.is_ok_and(|message| message.is_some()) {} };
    tokio::time::timeout(PATIENCE, end).await.expect("its connection is gone");
}

/// Opens HTTP/2 and waits for the server's first frame.
async fn greets(mut stream: TcpStream) -> Option<TcpStream> {
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.ok()?;
    let mut frame = [0; 9];
    stream.read_exact(&mut frame).await.ok()?;
    (frame[3] == 4).then_some(stream)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_oversized_request_is_answered_and_the_connection_goes_on() {
    let world = World::new();
    let service = Setup::new(&world.path("")).start().await;
    let request = pb::ListRetainedRunsRequest { target: "x".repeat(400 << 10), ..list() };
    let outcome = service.retained().list_retained_runs(request).await;
    refused(outcome, Code::InvalidArgument, "REQUEST_TOO_LARGE").saying("262144");
    let request = pb::ReadArtifactRequest { path: "x".repeat(4 << 20), run_id: "r".into(), ..Default::default() };
    refused(service.retained().read_artifact(request).await, Code::InvalidArgument, "REQUEST_TOO_LARGE");
    assert_eq!(service.list(list()).await.total_size, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_of_no_service_and_a_message_that_is_none_are_answered() {
    let world = World::new();
    let service = Setup::new(&world.path("")).start().await;
    let mut client = tonic::client::Grpc::new(service.another_channel().await);
    let codec = tonic_prost::ProstCodec::<pb::Job, pb::ListRetainedRunsResponse>::default();
    let path = "/guideboard.v1.RetainedRunService/ListRetainedRuns".parse().expect("a path");
    client.ready().await.expect("ready");
    // Field 1 of a job is a text like `runs_dir`, field 9 of it a message where `page_size` is a number.
    let job = pb::Job { created_at: Some(prost_types::Timestamp::default()), ..Default::default() };
    let outcome = client.unary(tonic::Request::new(job.clone()), path, codec).await;
    refused(outcome, Code::InvalidArgument, "REQUEST_MALFORMED").saying("no message of this call");
    let codec = tonic_prost::ProstCodec::<pb::Job, pb::ListRetainedRunsResponse>::default();
    let path = "/guideboard.v1.NoService/NoCall".parse().expect("a path");
    client.ready().await.expect("ready");
    let outcome = client.unary(tonic::Request::new(job), path, codec).await;
    refused(outcome, Code::Unimplemented, "CALL_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_on_the_port_harms_nobody() {
    let world = World::new();
    let service = Setup::new(&world.path("")).start().await;
    let preface: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let garbage: [Vec<u8>; 7] = [
        vec![],
        vec![0; 100_000],
        b"GET /retained-runs HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        (0..=255).cycle().take(70_000).collect(),
        [preface, &[0xff; 64]].concat(),
        // A settings frame, and headers that are cut off in the middle.
        [preface, &[0, 0, 0, 4, 0, 0, 0, 0, 0], &[0, 0, 40, 1, 5, 0, 0, 0, 1, 0x82, 0x86]].concat(),
    ];
    for bytes in garbage {
        let mut stream = TcpStream::connect(service.address).await.expect("connected");
        // The server may hang up in the middle; that is its right.
        let _ = stream.write_all(&bytes).await;
        let _ = stream.shutdown().await;
        let mut rest = Vec::new();
        let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await.expect("an end");
        assert!(rest.len() < 10_000);
    }
    assert_eq!(service.list(list()).await.total_size, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_of_the_client_ends_a_call() {
    let world = World::new();
    let service = with_large_artifact(&world, 4).await;
    // Large enough that hashing it takes longer than the least that a timer can wait.
    put(&world.path("runs"), "d/artifacts/hashed", vec![7; 32 << 20]);
    let channel = Endpoint::from_shared(format!("http://{}", service.address))
        .expect("a URI")
        .connect()
        .await
        .expect("connected");
    let mut client = pb::retained_run_service_client::RetainedRunServiceClient::new(channel);
    let mut request = tonic::Request::new(pb::ReadArtifactRequest {
        path: "artifacts/hashed".into(),
        compute_sha256: true,
        ..large()
    });
    request.set_timeout(Duration::from_nanos(1));
    let status = client.read_artifact(request).await.expect_err("a deadline that has passed");
    assert!(matches!(status.code(), Code::DeadlineExceeded | Code::Cancelled), "{status:?}");
}
