//! Clients that hold every place there is for a connection.

use std::time::{Duration, Instant};

use guide_board::wire::pb::retained_run_service_client::RetainedRunServiceClient;

use super::PATIENCE;
use super::frames::{ACK, PING, Raw, SETTINGS, frame};
use super::server::{Server, endpoint, large};
use crate::service::fixtures::eventually;

/// A client that answers what it has to answer, so that its connection stands, and asks for nothing; until the server closes it.
async fn stands(mut raw: Raw) {
    while let Some((kind, flags, _, payload)) = raw.frame().await {
        if flags & ACK == 0 && matches!(kind, PING | SETTINGS) {
            let payload = if kind == PING { payload } else { Vec::new() };
            let _ = raw.send(&frame(kind, ACK, 0, &payload)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_connections_that_hold_every_place_keep_nobody_out() {
    let server = Server::start(&["--max-connections", "8"]).await;
    let probe_over_new_connections = server.probe();
    let until = Instant::now() + super::flood_time();
    let mut held = tokio::task::JoinSet::new();
    let mut opened = 0;
    let mut most = 0;
    while Instant::now() < until || opened < 100 {
        // Others as many as there are places, always.
        while held.len() < 16 {
            held.spawn(stands(Raw::open(server.served.address, &[]).await));
            opened += 1;
        }
        most = most.max(server.now().descriptors);
        tokio::time::timeout(PATIENCE, held.join_next()).await.expect("one has to leave").expect("one").expect("ended");
    }
    let peak = server.now();
    let probed = probe_over_new_connections.end().await;
    held.shutdown().await;
    // One is accepted before it has a place; the fixture's own has one of the eight.
    assert!(most <= server.before.descriptors + 8 + 2, "{most} descriptors, {} before", server.before);
    server.calm(&format!("{opened} idle connections for 8 places"), peak, 32 << 10, &probed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_whose_readers_have_stopped_give_their_places_back() {
    let server = Server::start(&["--max-connections", "4", "--stall-time", "0.5"]).await;
    let endpoint = endpoint(server.served.address);
    let mut held = Vec::new();
    for _ in 0..4 {
        let mut client = RetainedRunServiceClient::new(endpoint.connect().await.expect("connected"));
        let mut stream = client.read_artifact(large()).await.expect("a stream").into_inner();
        stream.message().await.expect("a message").expect("the first one");
        held.push((client, stream));
    }
    let began = Instant::now();
    let probe = server.probe();
    let peak = server.now();
    let probed = probe.end().await;
    // Not before the streams were given up: each is a call.
    assert!(began.elapsed() >= Duration::from_millis(400), "{:?}", began.elapsed());
    eventually("the connections of those who stopped are gone or idle", async || {
        (server.now().descriptors <= server.before.descriptors + 4).then_some(())
    })
    .await;
    drop(held);
    server.calm("4 connections whose readers stopped, for 4 places", peak, 64 << 10, &probed).await;
}
