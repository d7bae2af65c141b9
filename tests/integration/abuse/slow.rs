//! Clients that take their time: over headers, over bodies, over handshakes, or over nothing at all.

use std::io::Write as _;
use std::net::SocketAddr;
use std::process::Child;
use std::time::Duration;

use guide_board::wire::pb;
use guide_board::wire::pb::retained_run_service_client::RetainedRunServiceClient;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint};

use super::PATIENCE;
use super::frames::{DATA, END_HEADERS, HEADERS, Raw, call_headers, frame, message};
use super::server::{Server, figures_of, going_on};
use crate::service::fixtures::eventually;
use crate::support::World;

/// How many clients of each kind.
const CLIENTS: usize = 100;
/// The pause between two bytes.
const DRIP: Duration = Duration::from_millis(100);

/// Sends `opening`, and then `drop` again and again, until the server closes the connection; returns what it said.
async fn drip(kind: &str, address: SocketAddr, opening: &[u8], drop: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.write_all(opening).await.expect("sent");
    let (mut reader, mut writer) = stream.into_split();
    let drop = drop.to_vec();
    let dripping = tokio::spawn(async move {
        while writer.write_all(&drop).await.is_ok() {
            tokio::time::sleep(DRIP).await;
        }
    });
    let mut said = Vec::new();
    // A reset is an end too.
    let ended = tokio::time::timeout(PATIENCE, reader.read_to_end(&mut said)).await;
    assert!(ended.is_ok(), "{kind}: not closed in time, after {}", String::from_utf8_lossy(&said));
    dripping.abort();
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_takes_their_time_over_a_request_is_told_so_and_cut_off() {
    let server = Server::start(&["--header-time", "0.8", "--idle-time", "0.8", "--max-connections", "1000"]).await;
    let probe = server.probe();
    let post = "POST /profiles/validate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
    let kinds: [(&str, String, &[u8], &[u8]); 5] = [
        ("slow headers", "GET /health HTTP/1.1\r\nhost: localhost\r\n".to_owned(), b"x: y\r\n", b""),
        ("slow bodies", format!("{post}content-length: 100000\r\n\r\n"), b" ", b"HTTP/1.1 408"),
        ("endless chunks", format!("{post}transfer-encoding: chunked\r\n\r\n"), b"1\r\n \r\n", b"HTTP/1.1 408"),
        (
            "keep-alive without a request",
            "GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n".to_owned(),
            b"",
            b"HTTP/1.1 200",
        ),
        ("nothing", String::new(), b"", b""),
    ];
    let mut clients = Vec::new();
    for (kind, opening, drop, expected) in kinds {
        for _ in 0..CLIENTS {
            let (address, opening) = (server.served.address, opening.clone());
            clients.push(tokio::spawn(async move {
                let said = drip(kind, address, opening.as_bytes(), drop).await;
                let told = String::from_utf8_lossy(&said).into_owned();
                // What was sent after the answer may have the connection reset before it is read.
                assert!(said.starts_with(expected) || said.is_empty() && !drop.is_empty(), "{kind}: {told}");
                !said.is_empty()
            }));
        }
    }
    going_on(Duration::from_millis(400)).await;
    let peak = server.now();
    let mut told = 0;
    for client in clients {
        told += usize::from(client.await.expect("closed as it should be"));
    }
    assert!(told > 2 * CLIENTS, "{told}");
    let probed = probe.end().await;
    server.calm("500 slow clients of HTTP/1.1", peak, 64 << 10, &probed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_of_grpc_that_comes_a_byte_at_a_time_is_late() {
    let server = Server::start(&["--header-time", "0.6"]).await;
    let probe = server.probe();
    let headers = call_headers("/guideboard.v1.RetainedRunService/ListRetainedRuns", &[]);
    let body = message(&pb::ListRetainedRunsRequest { target: "x".repeat(1000), ..Default::default() });
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let (address, headers, body) = (server.served.address, headers.clone(), body.clone());
        clients.push(tokio::spawn(async move {
            let mut raw = Raw::open(address, &[]).await;
            assert!(raw.send(&frame(HEADERS, END_HEADERS, 1, &headers)).await);
            for byte in body {
                assert!(raw.send(&frame(DATA, 0, 1, &[byte])).await);
                while let Ok(Some((kind, _, _, payload))) = tokio::time::timeout(DRIP, raw.frame()).await {
                    if kind == HEADERS {
                        return String::from_utf8_lossy(&payload).into_owned();
                    }
                }
            }
            panic!("never answered");
        }));
    }
    going_on(Duration::from_millis(300)).await;
    let peak = server.now();
    for client in clients {
        tokio::time::timeout(PATIENCE, client).await.expect("answered in time").expect("answered");
    }
    let probed = probe.end().await;
    server.calm("100 slow requests of gRPC", peak, 64 << 10, &probed).await;
}

/// A server that speaks TLS, which the usual way to wait for one does not. Dropped, it is killed.
struct Encrypted {
    child: Child,
    endpoint: Endpoint,
    address: SocketAddr,
}

impl Drop for Encrypted {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Encrypted {
    async fn start(world: &World, arguments: &[&str]) -> Self {
        let issued = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
        std::fs::write(world.path("cert.pem"), issued.cert.pem()).expect("written");
        std::fs::write(world.path("key.pem"), issued.signing_key.serialize_pem()).expect("written");
        let mut command = world.command();
        command.args(["serve", "--listen", "127.0.0.1:0", "--port-file", "port"]);
        command.args(["--tls-cert", "cert.pem", "--tls-key", "key.pem"]).args(arguments);
        let child = command.env("GUIDE_BOARD_LOG", "error").spawn().expect("the binary starts");
        let port: u16 =
            eventually("the port file", async || std::fs::read_to_string(world.path("port")).ok()?.trim().parse().ok())
                .await;
        let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(issued.cert.pem()));
        let endpoint = Endpoint::from_shared(format!("https://localhost:{port}")).expect("a URI");
        let endpoint = endpoint.tls_config(tls.domain_name("localhost")).expect("a configuration");
        Self { child, endpoint, address: SocketAddr::from(([127, 0, 0, 1], port)) }
    }

    /// A call over a connection of its own.
    async fn list(&self) -> Result<(), String> {
        let channel = self.endpoint.connect().await.map_err(|error| format!("{error:?}"))?;
        let request = pb::ListRetainedRunsRequest::default();
        let reply = RetainedRunServiceClient::new(channel).list_retained_runs(request).await;
        reply.map(drop).map_err(|status| format!("{status:?}"))
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handshakes_of_tls_that_stop_in_the_middle_are_ended_and_others_get_theirs() {
    let world = super::server::world();
    for most in ["400", "100"] {
        let _ = std::fs::remove_file(world.path("port"));
        let server = Encrypted::start(&world, &["--header-time", "1", "--max-connections", most]).await;
        eventually("a served call", async || server.list().await.ok()).await;
        let before = figures_of(server.child.id());
        let mut unfinished = Vec::new();
        for _ in 0..300 {
            let mut stream = TcpStream::connect(server.address).await.expect("connected");
            // A record of 512 bytes with a client's first words, of which these are all.
            stream.write_all(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03").await.expect("sent");
            unfinished.push(tokio::spawn(async move {
                let mut said = Vec::new();
                let _ = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut said)).await.expect("closed in time");
            }));
        }
        // Also where there are more of them than places.
        let mut answered = 0;
        while answered < 5 || unfinished.iter().any(|client| !client.is_finished()) {
            server.list().await.expect("another client is served");
            answered += 1;
        }
        for client in unfinished {
            client.await.expect("closed in time");
        }
        let after = eventually("as many descriptors as before", async || {
            Some(figures_of(server.child.id())).filter(|after| after.descriptors <= before.descriptors)
        })
        .await;
        let grown = after.peak_kib.saturating_sub(before.rss_kib);
        let _ = writeln!(
            std::io::stderr(),
            "300 unfinished handshakes, {most} places: before {before}; after {after}; highest {} KiB; {answered} other \
             handshakes and calls",
            after.peak_kib
        );
        assert!(grown < 64 << 10, "{grown} KiB more");
    }
}
