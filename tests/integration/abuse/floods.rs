//! Floods of frames: resets, pings, settings, priorities, empty frames, and frames that are none.

use std::time::Instant;

use guide_board::wire::pb;
use tokio::io::AsyncWriteExt;

use super::flood_time;
use super::frames::{
    CONTINUATION, DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, Heard, PING, PRIORITY, RST_STREAM, Raw, SETTINGS,
    WINDOW_UPDATE, call, call_headers, frame, message, next_frame, stream_id,
};
use super::server::{Server, large, with_run};
use crate::support::World;

const LIST: &str = "/guideboard.v1.RetainedRunService/ListRetainedRuns";
const READ: &str = "/guideboard.v1.RetainedRunService/ReadArtifact";
/// CANCEL.
const CANCEL: [u8; 4] = [0, 0, 0, 8];
/// The most resets of one test.
const RESETS: u64 = 100_000;
/// How many connections flood at once.
const CONNECTIONS: usize = 4;
/// What a flood may cost, in KiB.
const COST_KIB: u64 = 64 << 10;

/// Opens streams and resets them at once, in bursts, over one connection after the other, until the time is over; returns how many, and how many
/// connections the server ended because of it.
async fn reset(server: &Server, body: &[u8], headers: &[u8], burst: usize, most: u64) -> (u64, u64) {
    let (mut resets, mut ended) = (0, 0);
    let until = Instant::now() + flood_time();
    while Instant::now() < until && resets < most {
        let mut raw = Raw::open(server.served.address, &[]).await;
        let mut opened = 0;
        'connection: while Instant::now() < until && resets < most {
            let mut bytes = Vec::new();
            for _ in 0..burst {
                bytes.extend(call(stream_id(opened), headers, body));
                bytes.extend(frame(RST_STREAM, 0, stream_id(opened), &CANCEL));
                opened += 1;
            }
            // Its answer comes when the burst was read.
            bytes.extend(frame(PING, 0, 0, &[7; 8]));
            if !raw.send(&bytes).await {
                ended += 1;
                break;
            }
            resets += burst as u64;
            loop {
                match raw.frame().await {
                    Some((PING, ..)) => break,
                    Some((GOAWAY, ..)) | None => {
                        ended += 1;
                        break 'connection;
                    }
                    Some(_) => {}
                }
            }
        }
    }
    (resets, ended)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_are_opened_and_reset_at_once_cost_nothing_for_long() {
    let server = Server::start(&[]).await;
    for burst in [10, 1000] {
        let probe = server.probe();
        let headers = call_headers(LIST, &[]);
        let body = message(&pb::ListRetainedRunsRequest::default());
        let one = || reset(&server, &body, &headers, burst, RESETS / CONNECTIONS as u64);
        let (first, second, third, fourth) = tokio::join!(one(), one(), one(), one());
        let peak = server.now();
        let all = [first, second, third, fourth];
        let (resets, ended) = (all.iter().map(|one| one.0).sum::<u64>(), all.iter().map(|one| one.1).sum::<u64>());
        // Many resets at once end the connection.
        assert!(resets > 0 && (burst < 100 || ended > 0), "{all:?}");
        let probed = probe.end().await;
        let what = format!("{resets} resets in bursts of {burst}, {ended} connections ended for it");
        server.calm(&what, peak, COST_KIB, &probed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_begins_costly_calls_and_resets_them_keeps_nobody_else_from_calling() {
    let world = World::new();
    with_run(&world);
    let tokens = "[[token]]\nname = \"greedy\"\ntoken = \"greedy-greedy-greedy\"\nscopes = [\"read\"]\n\
                  [[token]]\nname = \"other\"\ntoken = \"other-other-other-other\"\nscopes = [\"read\"]\n";
    std::fs::write(world.path("tokens.toml"), tokens).expect("written");
    let mut command = world.command();
    let limits = ["--tokens", "tokens.toml", "--max-concurrent-calls", "6", "--max-calls-per-caller", "4"];
    let server = Server::spawn(world, &mut command, &limits).await;
    let probe = super::probe::Probe::start_as(server.served.address, Some("other-other-other-other"));
    let headers = call_headers(READ, &[("authorization", "Bearer greedy-greedy-greedy")]);
    let body = message(&pb::ReadArtifactRequest { compute_sha256: true, ..large() });
    let (resets, _) = reset(&server, &body, &headers, 10, RESETS).await;
    let peak = server.now();
    let probed = probe.end().await;
    assert!(resets > 0 && probed.refused == 0, "{resets} {probed}");
    server.calm(&format!("{resets} resets of calls that hash 64 MiB"), peak, COST_KIB, &probed).await;
}

/// Sends the same bytes over and over on connections that begin with `opening`, and reads what comes back or does not, until the time is over or
/// the server has had enough; returns how many bytes it took, and what it said.
async fn pour(server: &Server, opening: Vec<u8>, bytes: Vec<u8>, reads: bool) -> (u64, Heard) {
    let mut raw = Raw::open(server.served.address, &[]).await;
    let _ = raw.send(&opening).await;
    let Raw { mut writer, mut reader } = raw;
    let hearing = tokio::spawn(async move {
        let mut heard = Heard::default();
        if !reads {
            // Held, so that the connection stands.
            tokio::time::sleep(flood_time()).await;
        }
        while let Some((kind, flags, _, payload)) = next_frame(&mut reader).await {
            heard.note(kind, flags, &payload);
        }
        heard
    });
    let mut taken = 0;
    let pouring = async {
        while let Ok(count) = writer.write(&bytes).await {
            taken += count as u64;
        }
    };
    let _ = tokio::time::timeout(flood_time(), pouring).await;
    let _ = writer.shutdown().await;
    drop(writer);
    let heard = tokio::time::timeout(super::PATIENCE, hearing).await.expect("the connection ends").expect("no panic");
    (taken, heard)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_of_frames_are_answered_or_ended_and_nothing_piles_up() {
    let server = Server::start(&[]).await;
    let headers = call_headers(LIST, &[]);
    let open = frame(HEADERS, END_HEADERS, 1, &headers);
    let half_open = frame(HEADERS, 0, 1, &headers);
    let floods: [(&str, Vec<u8>, Vec<u8>, bool); 9] = [
        ("PING", vec![], frame(PING, 0, 0, &[0; 8]), true),
        ("PING, no answer read", vec![], frame(PING, 0, 0, &[0; 8]), false),
        ("SETTINGS", vec![], frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 9]), true),
        ("SETTINGS, no answer read", vec![], frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 9]), false),
        ("PRIORITY", vec![], frame(PRIORITY, 0, 3, &[0, 0, 0, 0, 9]), true),
        ("empty DATA", open.clone(), frame(DATA, 0, 1, &[]), true),
        ("empty CONTINUATION", half_open.clone(), frame(CONTINUATION, 0, 1, &[]), true),
        (
            "CONTINUATION",
            half_open,
            frame(CONTINUATION, 0, 1, &super::frames::block(&[("x", &"y".repeat(8000))])),
            true,
        ),
        ("WINDOW_UPDATE of one byte", vec![], frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1]), true),
    ];
    for (name, opening, one, reads) in floods {
        let probe = server.probe();
        let many = one.repeat((32 << 10) / one.len() + 1);
        let pour = || pour(&server, opening.clone(), many.clone(), reads);
        let (first, second) = tokio::join!(pour(), pour());
        let peak = server.now();
        let probed = probe.end().await;
        let frames = (first.0 + second.0) / one.len() as u64;
        let goaway = first.1.goaway.or(second.1.goaway);
        let what = format!("{frames} frames of {name}, ended with {goaway:?}");
        server.calm(&what, peak, COST_KIB, &probed).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_that_break_the_rules_end_their_connection_and_no_other() {
    let server = Server::start(&[]).await;
    let probe = server.probe();
    let headers = call_headers(LIST, &[]);
    let opened = frame(HEADERS, END_HEADERS, 1, &headers);
    let overflow = frame(WINDOW_UPDATE, 0, 0, &[0x7f, 0xff, 0xff, 0xff]);
    let broken: [Vec<u8>; 12] = [
        // The window beyond its largest.
        [overflow.clone(), overflow].concat(),
        // Frames on streams where they have no place, and streams that nobody opened.
        frame(HEADERS, END_HEADERS, 0, &headers),
        frame(DATA, 0, 0, &[1]),
        frame(DATA, END_STREAM, 5, &[1]),
        frame(SETTINGS, 0, 1, &[]),
        frame(RST_STREAM, 0, 9, &CANCEL),
        frame(HEADERS, END_HEADERS, 2, &headers),
        // Sizes that they cannot have.
        frame(PING, 0, 0, &[0; 7]),
        frame(SETTINGS, 0, 0, &[0; 5]),
        frame(WINDOW_UPDATE, 0, 0, &[0; 4]),
        [frame(DATA, 0, 1, &[]), vec![0xff; 9], vec![0; 4096]].concat(),
        // Headers that do not decode, and others in their midst.
        [frame(HEADERS, 0, 1, &[0x80]), opened].concat(),
    ];
    for bytes in broken {
        let mut raw = Raw::open(server.served.address, &[]).await;
        let _ = raw.send(&bytes).await;
        let heard = raw.hear_out().await;
        assert!(heard.goaway.is_some() || !heard.frames.contains_key(&GOAWAY), "{bytes:?}");
    }
    let peak = server.now();
    let probed = probe.end().await;
    server.calm("12 connections that break the rules", peak, COST_KIB, &probed).await;
}
