//! What streaming an artifact manifest holds in memory, and how soon it begins: a server in a process of its own, a package of a million
//! entries, a million files in one directory. Prints the peak of the server's memory beyond what it held before, and the time to the first
//! message beside that of one plain pass over the package.
//!
//! `cargo bench --bench manifest` measures 1 000 000 entries; `GUIDE_BOARD_BENCH_ENTRIES=100000` says how many.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::as_conversions,
    reason = "a test stops where something is not as it should be"
)]
#![allow(clippy::disallowed_methods, reason = "a benchmark makes and reads real files")]

use std::fs;
use std::io::{BufReader, BufWriter, Write};
use std::net::SocketAddr;
use std::ops::ControlFlow;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use guide_board::client::Client;
use guide_board::repository::decode::read_manifest;
use guide_board::wire::pb;
use serde::de::IgnoredAny;

/// How often each time is taken; the least counts, since everything else only adds to it.
const ROUNDS: usize = 3;
const PACKAGE: &str = "reports/assessment-package.json";

fn main() {
    let count = std::env::var("GUIDE_BOARD_BENCH_ENTRIES").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
    let directory = tempfile::tempdir().expect("a directory");
    let runs = directory.path().join("runs");
    eprintln!("making {count} files");
    make_run(&runs.join("small"), 10, 10);
    make_run(&runs.join("large"), count, count);
    let package = runs.join("large").join(PACKAGE);
    let bytes = fs::metadata(&package).expect("there").len();
    let plain = least(|| {
        serde_json::from_reader::<_, IgnoredAny>(open(&package)).expect("JSON");
    });
    let parsing = least(|| {
        read_manifest(fs::File::open(&package).expect("opened"), &mut |_| ControlFlow::Continue(()))
            .expect("a package");
    });
    println!(
        "package: {count} entries, {} MiB; plain JSON pass {plain:.2?}, manifest pass {parsing:.2?}\n",
        bytes >> 20
    );
    println!(
        "| what | first message | ÷ plain JSON pass | ÷ manifest pass | whole | rows | memory before | peak beyond it |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let measured = |what: &str, include_unlisted: bool| {
        let row = runtime.block_on(measure(directory.path(), include_unlisted));
        let ratio = |to: Duration| format!("{:.2}", row.first.as_secs_f64() / to.as_secs_f64());
        println!(
            "| {what} | {:.2?} | {} | {} | {:.2?} | {} | {:.1} MiB | {:.1} MiB |",
            row.first,
            ratio(plain),
            ratio(parsing),
            row.whole,
            row.rows,
            row.before as f64 / f64::from(1 << 20),
            row.grown as f64 / f64::from(1 << 20)
        );
    };
    measured("all files listed", false);
    measured("all files listed, unlisted ones looked for", true);
    write_package(&runs.join("large"), 0);
    measured("no file listed, unlisted ones looked for", true);
}

fn open(path: &Path) -> BufReader<fs::File> {
    BufReader::with_capacity(64 << 10, fs::File::open(path).expect("opened"))
}

fn least(mut work: impl FnMut()) -> Duration {
    let mut once = || {
        let began = Instant::now();
        work();
        began.elapsed()
    };
    (0..ROUNDS).map(|_| once()).min().unwrap_or_default()
}

/// A run with so many files in one directory, and a package that lists so many of them.
fn make_run(run: &Path, files: usize, listed: usize) {
    fs::create_dir_all(run.join("reports")).expect("made");
    fs::create_dir_all(run.join("artifacts/harness")).expect("made");
    let run_id = run.file_name().and_then(|name| name.to_str()).expect("UTF-8");
    fs::write(run.join("retention-summary.json"), format!("{{\"run_id\":\"{run_id}\"}}")).expect("written");
    for number in 0..files {
        fs::write(run.join(path_of(number)), "").expect("written");
    }
    write_package(run, listed);
}

fn path_of(number: usize) -> String {
    format!("artifacts/harness/case-{number:07}.log")
}

/// Entries as our writer makes them.
fn write_package(run: &Path, listed: usize) {
    let mut package = BufWriter::new(fs::File::create(run.join(PACKAGE)).expect("created"));
    write!(package, "{{\"summary\": {{}}, \"artifact_manifest\": [").expect("written");
    for number in 0..listed {
        let comma = if number == 0 { "" } else { "," };
        write!(
            package,
            "{comma}\n{{\"path\": \"{}\", \"size_bytes\": 0, \"sha256\": \"{number:064x}\", \"media_type\": \"text/plain\", \
             \"extension_id\": \"harness\", \"evidence_refs\": [\"evidence-{number}\"]}}",
            path_of(number)
        )
        .expect("written");
    }
    writeln!(package, "]}}").expect("written");
    package.flush().expect("written");
}

type Messages = tonic::Streaming<pb::StreamArtifactManifestResponse>;

struct Row {
    first: Duration,
    whole: Duration,
    rows: usize,
    before: u64,
    grown: u64,
}

/// Streams the large manifest from a server that has streamed nothing but a small one.
async fn measure(directory: &Path, include_unlisted: bool) -> Row {
    let server = Server::start(directory);
    let client = Client::connect_ready(server.address, Instant::now() + Duration::from_secs(60)).await.expect("ready");
    stream(&client, "small", include_unlisted).await;
    // Sets the peak back to what is held now.
    let _ = fs::write(format!("/proc/{}/clear_refs", server.child.id()), "5");
    let before = server.bytes_of("VmRSS:");
    let (mut first, whole, rows) = stream(&client, "large", include_unlisted).await;
    for _ in 1..ROUNDS {
        first = first.min(first_message(&client, "large", include_unlisted).await.0);
    }
    let grown = server.bytes_of("VmHWM:").saturating_sub(before);
    Row { first, whole, rows, before, grown }
}

/// The time to the first message, and what follows it.
async fn first_message(client: &Client, run_id: &str, include_unlisted: bool) -> (Duration, Instant, Messages) {
    let request =
        pb::StreamArtifactManifestRequest { run_id: run_id.to_owned(), include_unlisted, ..Default::default() };
    let began = Instant::now();
    let mut stream = client.retained().stream_artifact_manifest(request).await.expect("a stream").into_inner();
    stream.message().await.expect("a message").expect("the header");
    (began.elapsed(), began, stream)
}

async fn stream(client: &Client, run_id: &str, include_unlisted: bool) -> (Duration, Duration, usize) {
    let (first, began, mut stream) = first_message(client, run_id, include_unlisted).await;
    let mut rows = 0;
    while let Some(message) = stream.message().await.expect("a message") {
        rows += message.artifact_manifest.len();
    }
    (first, began.elapsed(), rows)
}

/// The server in a process of its own. Dropped, it is killed.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn start(directory: &Path) -> Self {
        let port_file = directory.join("port");
        let _ = fs::remove_file(&port_file);
        let child = Command::new(env!("CARGO_BIN_EXE_guide-board"))
            .current_dir(directory)
            .args(["serve", "--listen", "127.0.0.1:0", "--port-file", "port", "--runs-dir", "runs"])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary starts");
        let port = loop {
            match fs::read_to_string(&port_file).ok().and_then(|text| text.trim().parse().ok()) {
                Some(port) => break port,
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        };
        Self { child, address: SocketAddr::from(([127, 0, 0, 1], port)) }
    }

    /// A line of the process's status; 0 where the system does not tell.
    fn bytes_of(&self, key: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) << 10
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
