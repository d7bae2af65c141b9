//! Readers that stop.

use std::time::Duration;

use guide_board::wire::pb::retained_run_service_client::RetainedRunServiceClient;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::PATIENCE;
use super::frames::{DATA, END_STREAM, HEADERS, Raw, WINDOW_UPDATE, call, call_headers, frame, message, stream_id};
use super::server::{Server, endpoint, going_on, large};
use crate::service::fixtures::eventually;

/// How many streams of each kind.
const STREAMS: usize = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_stop_hold_little_memory_and_give_everything_back() {
    let server = Server::start(&["--stall-time", "2", "--max-concurrent-calls", "256"]).await;
    let probe = server.probe();
    let mut grpc = Vec::new();
    let endpoint = endpoint(server.served.address);
    for _ in 0..4 {
        let channel = endpoint.connect().await.expect("connected");
        for _ in 0..STREAMS / 4 {
            let mut client = RetainedRunServiceClient::new(channel.clone());
            let mut stream = client.read_artifact(large()).await.expect("a stream").into_inner();
            stream.message().await.expect("a message").expect("the first one");
            grpc.push(stream);
        }
    }
    let mut http = Vec::new();
    for _ in 0..STREAMS {
        let mut stream = TcpStream::connect(server.served.address).await.expect("connected");
        let request = b"GET /retained-directories/d/artifacts/artifacts/large HTTP/1.1\r\nhost: localhost\r\n\r\n";
        stream.write_all(request).await.expect("sent");
        let mut first = [0; 12];
        stream.read_exact(&mut first).await.expect("an answer");
        assert_eq!(&first, b"HTTP/1.1 200");
        http.push(stream);
    }
    let peak = server.now();
    // The clients hold on to everything that they have; the server lets go by itself. What is left are the connections of gRPC.
    eventually("the ends of all", async || {
        let left = server.now().descriptors.saturating_sub(server.before.descriptors);
        (left <= 4 + 3).then_some(())
    })
    .await;
    let probed = probe.end().await;
    drop((grpc, http));
    server.calm("readers that stop (100 gRPC, 100 HTTP/1.1)", peak, 384 << 10, &probed).await;
}

/// Reads and gives the connection's window back, but no stream's, until `enough` says so or the server closes the connection; whether it did.
async fn starve(raw: &mut Raw, mut enough: impl FnMut(u8, u8, u32) -> bool) -> bool {
    let starving = async {
        while let Some((kind, flags, stream, payload)) = raw.frame().await {
            if enough(kind, flags, stream) {
                return false;
            }
            if kind == DATA && !payload.is_empty() {
                let more = u32::try_from(payload.len()).expect("small").to_be_bytes();
                let _ = raw.send(&frame(WINDOW_UPDATE, 0, 0, &more)).await;
            }
        }
        true
    };
    tokio::time::timeout(PATIENCE, starving).await.expect("in time")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_whose_windows_stay_shut_are_given_up_and_where_they_are_many_their_connection() {
    let server = Server::start(&["--stall-time", "0.3"]).await;
    let probe = server.probe();
    let read = call_headers("/guideboard.v1.RetainedRunService/ReadArtifact", &[]);
    let list = call_headers("/guideboard.v1.RetainedRunService/ListRetainedRuns", &[]);
    let open = async |count: usize| {
        let mut raw = Raw::open(server.served.address, &[]).await;
        let bytes: Vec<u8> = (0..count).flat_map(|count| call(stream_id(count), &read, &message(&large()))).collect();
        assert!(raw.send(&bytes).await);
        raw
    };
    let (mut few, mut many) = (open(4).await, open(STREAMS).await);
    let peak = server.now();
    assert!(starve(&mut many, |_, _, _| false).await, "its connection is closed");
    // The others had as long, and theirs goes on.
    assert!(few.send(&call(stream_id(4), &list, &[0; 5])).await);
    let is_answer = |kind, flags, stream| kind == HEADERS && flags & END_STREAM != 0 && stream == stream_id(4);
    assert!(!starve(&mut few, is_answer).await, "a call over the same connection is answered");
    let probed = probe.end().await;
    drop((few, many));
    server.calm("104 streams whose windows stay shut", peak, 128 << 10, &probed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_one_after_the_other_without_reading_an_answer_end_with_their_connection() {
    let server = Server::start(&["--stall-time", "1"]).await;
    let probe = server.probe();
    let mut tasks = Vec::new();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(server.served.address).await.expect("connected");
        tasks.push(tokio::spawn(async move {
            let one = "GET /retained-directories/d/artifacts/artifacts/large HTTP/1.1\r\nhost: localhost\r\n\
                       range: bytes=0-999999\r\n\r\n";
            let many = one.repeat(1000).into_bytes();
            // Until the server has had enough.
            while stream.write_all(&many).await.is_ok() {}
        }));
    }
    going_on(Duration::from_millis(500)).await;
    let peak = server.now();
    for task in tasks {
        tokio::time::timeout(PATIENCE, task).await.expect("closed in time").expect("no panic");
    }
    let probed = probe.end().await;
    server.calm("20 pipelines that read no answer", peak, 64 << 10, &probed).await;
}
