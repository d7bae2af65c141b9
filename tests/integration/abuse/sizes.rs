//! Requests that are too large in every way.

use std::fmt::Write as _;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::PATIENCE;
use super::frames::{DATA, END_HEADERS, END_STREAM, HEADERS, Raw, block, call_headers, frame};
use super::server::Server;

/// The first line of what the server answers to these bytes; empty when it hangs up without a word.
async fn answer(address: SocketAddr, bytes: Vec<u8>) -> String {
    let stream = TcpStream::connect(address).await.expect("connected");
    let (mut reader, mut writer) = stream.into_split();
    let sending = tokio::spawn(async move {
        let _ = writer.write_all(&bytes).await;
        // Held until the answer is there.
        writer
    });
    let mut said = vec![0; 4096];
    let count = tokio::time::timeout(PATIENCE, reader.read(&mut said)).await.expect("an end in time").unwrap_or(0);
    sending.abort();
    said.truncate(count);
    String::from_utf8_lossy(&said).lines().next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_beyond_every_size_are_refused_by_what_they_are() {
    let server = Server::start(&["--header-time", "1"]).await;
    let probe = server.probe();
    let post = |rest: &str, body: &[u8]| {
        let head = "POST /profiles/validate HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
        [head.as_bytes(), rest.as_bytes(), b"\r\n", body].concat()
    };
    let get =
        |path: &str, headers: &str| format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{headers}\r\n").into_bytes();
    let of_length = |body: &[u8]| post(&format!("content-length: {}\r\n", body.len()), body);
    let chunk = [b"10000\r\n".to_vec(), vec![b' '; 0x10000], b"\r\n".to_vec()].concat();
    let deep = [b"{\"document\": ".to_vec(), b"[".repeat(120_000), b"]".repeat(120_000), b"}".to_vec()].concat();
    let headers = (0..5000).fold(String::new(), |mut text, count| {
        let _ = write!(text, "x-{count}: y\r\n");
        text
    });
    let requests = [
        ("a body of 8 MiB", of_length(&vec![b' '; 8 << 20]), &["413"][..]),
        ("chunks of 16 MiB", post("transfer-encoding: chunked\r\n", &chunk.repeat(256)), &["413"]),
        ("JSON of 120 000 levels", of_length(&deep), &["400"]),
        ("a path of 1 MiB", get(&"/x".repeat(512 << 10), ""), &["414", "431", ""]),
        (
            "a million query parameters",
            get(&format!("/retained-runs?{}", "a=b&".repeat(1_000_000)), ""),
            &["414", "431", ""],
        ),
        ("2000 query parameters", get(&format!("/retained-runs?{}", "no_one=&".repeat(1900)), ""), &["400"]),
        ("5000 headers", get("/health", &headers), &["431", ""]),
        ("a header of 1 MiB", get("/health", &format!("x: {}\r\n", "y".repeat(1 << 20))), &["431", ""]),
    ];
    for (name, bytes, expected) in requests {
        let said = answer(server.served.address, bytes).await;
        let code = said.split(' ').nth(1).unwrap_or_default();
        assert!(expected.contains(&code), "{name}: {said}");
    }
    let headers = call_headers("/guideboard.v1.RetainedRunService/ListRetainedRuns", &[]);
    // A message that says it has 4 GiB, and one whose headers have no end.
    let mut raw = Raw::open(server.served.address, &[]).await;
    let huge = [frame(HEADERS, END_HEADERS, 1, &headers), frame(DATA, 0, 1, &[0, 0xff, 0xff, 0xff, 0xff, 1])].concat();
    assert!(raw.send(&huge).await);
    let large = block(&[("x", &"y".repeat(12 << 10))]);
    let many =
        [frame(HEADERS, END_STREAM, 3, &headers), frame(9, 0, 3, &large).repeat(2), frame(9, END_HEADERS, 3, &large)];
    assert!(raw.send(&many.concat()).await);
    let answered = async {
        let mut answered = Vec::new();
        while answered.len() < 2 {
            let Some((kind, _, stream, _)) = raw.frame().await else { break };
            if kind == HEADERS && !answered.contains(&stream) {
                answered.push(stream);
            }
        }
        answered
    };
    let answered = tokio::time::timeout(PATIENCE, answered).await.expect("in time");
    assert!(answered.contains(&1), "{answered:?}");
    drop(raw);
    let peak = server.now();
    let probed = probe.end().await;
    server.calm("10 requests beyond every size", peak, 64 << 10, &probed).await;
}
