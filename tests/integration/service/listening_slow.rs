//! Connections that only wait: without a greeting, with endless headers, without a request.

use std::time::{Duration, Instant};

use guide_board::server::ConnectionLimits;
use guide_board::wire::pb;
use guide_board::wire::pb::retained_run_service_client::RetainedRunServiceClient;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::fixtures::{PATIENCE, Service, Setup, eventually};
use crate::support::World;

const SHORT: Duration = Duration::from_millis(400);

async fn serve(world: &World, limits: ConnectionLimits) -> Service {
    Setup::new(&world.path("")).with(|config| config.connections = limits).start().await
}

/// Waits until the server closes a connection; returns what it said and how long that took.
async fn closed(stream: &mut TcpStream) -> (Vec<u8>, Duration) {
    let began = Instant::now();
    let mut said = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut said)).await;
    // A reset is an end too.
    let _ = read.expect("the connection is closed in time");
    (said, began.elapsed())
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_says_nothing_or_hardly_anything_is_not_waited_for() {
    let world = World::new();
    let limits = ConnectionLimits { header_time: SHORT, max_connections: 2, ..ConnectionLimits::default() };
    let service = serve(&world, limits).await;
    for greeting in ["", "P", "PRI * HTTP/2.0\r\n", "GET", "G"] {
        let mut stream = TcpStream::connect(service.address).await.expect("connected");
        stream.write_all(greeting.as_bytes()).await.expect("sent");
        let (_, took) = closed(&mut stream).await;
        assert!(took >= SHORT / 2, "{greeting:?}: {took:?}");
    }
    // One place is the fixture's own; the other is free again.
    let mut other = RetainedRunServiceClient::new(service.another_channel().await);
    other.list_retained_runs(pb::ListRetainedRunsRequest::default()).await.expect("served");
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_trickle_are_cut_off_however_steadily_they_come() {
    let world = World::new();
    let limits = ConnectionLimits { header_time: SHORT, ..ConnectionLimits::default() };
    let service = serve(&world, limits).await;
    let mut stream = TcpStream::connect(service.address).await.expect("connected");
    stream.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\n").await.expect("sent");
    let began = Instant::now();
    let mut end = [0; 1];
    loop {
        assert!(began.elapsed() < PATIENCE, "still served");
        if stream.write_all(b"x-a: b\r\n").await.is_err() {
            break;
        }
        let read = tokio::time::timeout(Duration::from_millis(50), stream.read(&mut end)).await;
        if matches!(read, Ok(Ok(0) | Err(_))) {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_are_too_large_are_refused_and_others_served() {
    let world = World::new();
    let service = serve(&world, ConnectionLimits { max_header_bytes: 8192, ..ConnectionLimits::default() }).await;
    let mut stream = TcpStream::connect(service.address).await.expect("connected");
    let header = format!("GET /health HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n", "y".repeat(64 << 10));
    let _ = stream.write_all(header.as_bytes()).await;
    let (said, _) = closed(&mut stream).await;
    let said = String::from_utf8_lossy(&said);
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 431"), "{said}");
    let mut request = tonic::Request::new(pb::ListRetainedRunsRequest::default());
    request.metadata_mut().insert("x-large", "y".repeat(32 << 10).parse().expect("a value"));
    service.retained().list_retained_runs(request).await.expect_err("refused");
    // Over a connection of its own: the server may have ended the one that was refused.
    let mut other = RetainedRunServiceClient::new(service.another_channel().await);
    other.list_retained_runs(pb::ListRetainedRunsRequest::default()).await.expect("served");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_without_requests_is_closed_and_its_client_goes_on() {
    let world = World::new();
    let service = serve(&world, ConnectionLimits { idle_time: SHORT, ..ConnectionLimits::default() }).await;
    let mut idle = TcpStream::connect(service.address).await.expect("connected");
    idle.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.expect("sent");
    let (said, took) = closed_after_goaway(&mut idle).await;
    assert!(said && took >= SHORT / 2, "{took:?}");
    // A call that meets the end of an idle connection fails, as with any server; the next one is served.
    let asks = async || service.retained().list_retained_runs(pb::ListRetainedRunsRequest::default()).await.ok();
    eventually("a call", asks).await;
    // The client's own connection stands idle beyond the bound, and the next call is served over another.
    tokio::time::sleep(SHORT * 2).await;
    eventually("a call over a new connection", asks).await;
}

/// Whether a GOAWAY frame came, and how long until then.
async fn closed_after_goaway(stream: &mut TcpStream) -> (bool, Duration) {
    let began = Instant::now();
    let wait = async {
        loop {
            let mut head = [0; 9];
            if stream.read_exact(&mut head).await.is_err() {
                return false;
            }
            let mut body = vec![0; usize::from(head[1]) << 8 | usize::from(head[2])];
            stream.read_exact(&mut body).await.expect("a whole frame");
            if head[3] == 7 {
                return true;
            }
        }
    };
    let said = tokio::time::timeout(PATIENCE, wait).await.expect("in time");
    (said, began.elapsed())
}
