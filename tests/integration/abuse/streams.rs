//! Thousands of streams, and requests that never end.

use std::collections::BTreeSet;
use std::time::Duration;

use guide_board::wire::pb;
use tonic_health::pb::HealthCheckRequest;

use super::PATIENCE;
use super::frames::{
    ACK, DATA, END_HEADERS, END_STREAM, HEADERS, Heard, PING, RST_STREAM, Raw, WINDOW_UPDATE, block, call,
    call_headers, frame, message, stream_id,
};
use super::server::Server;
use crate::service::served::{stand_in, start, world_of_jobs};
use crate::support;

const LIST: &str = "/guideboard.v1.RetainedRunService/ListRetainedRuns";
const WATCH: &str = "/guideboard.v1.RunService/WatchRun";
const HEALTH_WATCH: &str = "/grpc.health.v1.Health/Watch";
/// Streams a connection, as the server announces it.
const STREAMS: usize = 256;
const CONNECTIONS: usize = 64;

/// Reads frames until so many streams have ended.
async fn until_ended(raw: &mut Raw, count: u64) -> Heard {
    let ended = async {
        let mut heard = Heard::default();
        while heard.ended < count {
            let (kind, flags, _, payload) = raw.frame().await.expect("the connection goes on");
            heard.note(kind, flags, &payload);
        }
        heard
    };
    tokio::time::timeout(PATIENCE, ended).await.expect("ended in time")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_waits_for_the_end_of_a_small_request_and_is_not_followed_by_a_reset() {
    let server = Server::start(&["--header-time", "5"]).await;
    let post = |length: &str| {
        block(&[
            (":method", "POST"),
            (":scheme", "http"),
            (":path", "/assessments/plan"),
            (":authority", "evil.example"),
            ("content-type", "application/json"),
            ("content-length", length),
        ])
    };
    let mut raw = Raw::open(server.served.address, &[]).await;
    // One that announces too much is refused at once, and so the other one's headers were read before.
    let asked = [frame(HEADERS, END_HEADERS, 1, &post("9")), frame(HEADERS, END_HEADERS, 3, &post("262145"))].concat();
    assert!(raw.send(&asked).await);
    let mut ends = Vec::new();
    let heard = async {
        while ends.len() < 3 {
            let (kind, flags, stream, _) = raw.frame().await.expect("the connection goes on");
            let is_end = matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0 || kind == RST_STREAM;
            if is_end {
                ends.push((stream, kind));
            }
            if (kind, stream) == (RST_STREAM, 3) {
                assert!(raw.send(&frame(DATA, END_STREAM, 1, &[b' '; 9])).await);
            }
        }
        // Whatever follows the answer comes before this.
        assert!(raw.send(&frame(PING, 0, 0, &[7; 8])).await);
        loop {
            let (kind, flags, stream, _) = raw.frame().await.expect("the connection goes on");
            assert!((kind, stream) != (RST_STREAM, 1), "reset");
            if (kind, flags & ACK) == (PING, ACK) {
                break;
            }
        }
    };
    tokio::time::timeout(PATIENCE, heard).await.expect("answered in time");
    assert_eq!(ends, [(3, DATA), (3, RST_STREAM), (1, DATA)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_never_end_are_ended_and_streams_beyond_the_limit_refused() {
    let server = Server::start(&["--header-time", "0.7"]).await;
    let probe = server.probe();
    let headers = call_headers(LIST, &[]);
    let mut connections = Vec::new();
    for _ in 0..8 {
        let mut raw = Raw::open(server.served.address, &[]).await;
        let bytes: Vec<u8> =
            (0..STREAMS + 100).flat_map(|count| frame(HEADERS, END_HEADERS, stream_id(count), &headers)).collect();
        assert!(raw.send(&bytes).await);
        connections.push(raw);
    }
    let mut refused = 0;
    for raw in &mut connections {
        let heard = until_ended(raw, STREAMS as u64 + 100).await;
        refused += heard.frames.get(&RST_STREAM).copied().unwrap_or_default();
    }
    // The others were told that their request was late.
    assert!(refused >= 800, "{refused}");
    let peak = server.now();
    let probed = probe.end().await;
    drop(connections);
    server.calm("2848 requests without an end over 8 connections", peak, 64 << 10, &probed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_requests_that_never_end_hold_a_bounded_memory_a_connection() {
    let server = Server::start(&["--header-time", "20"]).await;
    let probe = server.probe();
    let headers = call_headers(LIST, &[]);
    // A message that says it has 250 KiB, and lacks its last byte.
    let mut body = message(&pb::ListRetainedRunsRequest { target: "x".repeat(250 << 10), ..Default::default() });
    body.pop();
    let (mut connections, mut refused) = (Vec::new(), 0);
    for _ in 0..8 {
        let mut raw = Raw::open(server.served.address, &[]).await;
        // What the server is willing to take.
        let mut window = 65_535_usize;
        // Answered, or reset where more was sent before the answer was.
        let mut ended = BTreeSet::new();
        'streams: for count in 0..STREAMS / 8 {
            assert!(raw.send(&frame(HEADERS, END_HEADERS, stream_id(count), &headers)).await);
            for piece in body.chunks(16 << 10) {
                while window < piece.len() {
                    match tokio::time::timeout(Duration::from_millis(200), raw.frame()).await {
                        Ok(Some((WINDOW_UPDATE, _, 0, more))) => {
                            window += u32::from_be_bytes(more.try_into().expect("a number")) as usize;
                        }
                        Ok(Some((HEADERS | RST_STREAM, _, stream, _))) => drop(ended.insert(stream)),
                        Ok(frame) => drop(frame.expect("the connection goes on")),
                        Err(_) => break 'streams,
                    }
                }
                window -= piece.len();
                assert!(raw.send(&frame(DATA, 0, stream_id(count), piece)).await);
            }
        }
        // All but four: those are waited for as long as a request may take.
        let all = async {
            while ended.len() < STREAMS / 8 - 4 {
                let (kind, _, stream, _) = raw.frame().await.expect("the connection goes on");
                if matches!(kind, HEADERS | RST_STREAM) {
                    ended.insert(stream);
                }
            }
        };
        tokio::time::timeout(PATIENCE, all).await.expect("refused at once");
        refused += ended.len();
        connections.push(raw);
    }
    let peak = server.now();
    let probed = probe.end().await;
    drop(connections);
    assert!(refused >= 8 * (STREAMS / 8 - 4), "{refused}");
    // A MiB a connection of what is held, and what is on its way beside it.
    let what = format!("8 connections of large requests without an end, {refused} refused");
    server.calm(&what, peak, 64 << 10, &probed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_watches_hold_a_bounded_memory_and_others_are_served() {
    let world = world_of_jobs(&support::reports("pass"));
    super::server::with_run(&world);
    let engine = stand_in(&world, "while ! test -e go; do sleep 0.05; done");
    let mut command = world.command();
    let engine = engine.to_str().expect("UTF-8").to_owned();
    let arguments = ["--cli-command", &engine, "--profiles-dir", "profiles"];
    let mut server = Server::spawn(world, &mut command, &arguments).await;
    let job = start(server.served.client.runs(), crate::service::served::start_request()).await;
    // With the job's pipes, and the client that started it.
    server.before = server.now();
    // Some of them may not be open yet.
    server.before.descriptors += 8;
    for (path, body, places) in [
        (HEALTH_WATCH, message(&HealthCheckRequest::default()), 1024),
        (WATCH, message(&pb::WatchRunRequest { job_id: job.job_id.clone(), after: 0 }), 256),
    ] {
        let probe = server.probe();
        let headers = call_headers(path, &[]);
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            let mut raw = Raw::open(server.served.address, &[]).await;
            let bytes: Vec<u8> = (0..STREAMS).flat_map(|count| call(stream_id(count), &headers, &body)).collect();
            assert!(raw.send(&bytes).await);
            connections.push(raw);
        }
        let (mut going, mut refused) = (0, 0);
        for raw in &mut connections {
            let begun = async {
                let mut begun = 0;
                while begun < STREAMS {
                    let (kind, flags, ..) = raw.frame().await.expect("the connection goes on");
                    if kind == HEADERS {
                        begun += 1;
                        if flags & super::frames::END_STREAM == 0 { going += 1 } else { refused += 1 }
                    }
                }
            };
            tokio::time::timeout(PATIENCE, begun).await.expect("all are answered");
        }
        let peak = server.now();
        assert_eq!((going, refused), (places, STREAMS * CONNECTIONS - places), "as many watches as there are places");
        let probed = probe.end().await;
        drop(connections);
        let what = format!("{going} watches going by {path}, {refused} refused");
        server.calm(&what, peak, 192 << 10, &probed).await;
    }
    std::fs::write(server.world.path("go"), "").expect("written");
}
