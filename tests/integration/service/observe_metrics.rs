//! What a scrape of `/metrics` on the health listener tells, after a known set of calls.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use guide_board::server::{ConnectionLimits, Listener, Listening};
use guide_board::wire::pb;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tonic::codegen::http;
use tonic_health::pb::health_check_response::ServingStatus;

use super::fixtures::{Service, Setup, collect, eventually, put, put_summary, summary};
use super::served::{ended, start, start_request, world_of_jobs};
use crate::support::{self, World};

/// A server whose health listener is asked.
pub(crate) struct Scraped {
    service: Service,
    health: SocketAddr,
}

impl Scraped {
    pub(crate) async fn start(setup: Setup) -> Self {
        let main = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let health = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let (address, health_address) = (main.local_addr().expect("one"), health.local_addr().expect("one"));
        let listening = Listening { main: Listener::Tcp(main), tls: None, health: Some(health) };
        let service = setup.start_on(listening, address);
        service.wait_until_health("", ServingStatus::Serving).await;
        Self { service, health: health_address }
    }

    /// Makes a call.
    pub(crate) async fn list(&self, request: pb::ListRetainedRunsRequest) {
        self.service.list(request).await;
    }

    /// Asks the health listener; returns the head and the body of the answer.
    async fn get(&self, path: &str) -> (String, String) {
        let mut stream = TcpStream::connect(self.health).await.expect("connected");
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        (head.to_owned(), body.to_owned())
    }

    /// The text of a scrape.
    pub(crate) async fn text(&self) -> String {
        let (head, body) = self.get("/metrics").await;
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(head.to_lowercase().contains("content-type: application/openmetrics-text; version=1.0.0"), "{head}");
        assert!(body.ends_with("# EOF\n"));
        body
    }

    /// The series and their values.
    async fn series(&self) -> BTreeMap<String, f64> {
        let text = self.text().await;
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        samples
            .map(|line| {
                let (series, value) = line.rsplit_once(' ').expect("a sample");
                (series.to_owned(), value.parse().expect("a number"))
            })
            .collect()
    }
}

fn method(name: &str, service: &str, kind: &str, method: &str) -> String {
    format!("{name}{{grpc_type=\"{kind}\",grpc_service=\"{service}\",grpc_method=\"{method}\"}}")
}

fn handled(service: &str, kind: &str, method: &str, code: &str) -> String {
    format!(
        "grpc_server_handled_total{{grpc_type=\"{kind}\",grpc_service=\"{service}\",grpc_method=\"{method}\",grpc_code=\"{code}\"}}"
    )
}

const RETAINED: &str = "guideboard.v1.RetainedRunService";

#[tokio::test(flavor = "multi_thread")]
async fn a_scrape_tells_exactly_the_calls_that_were_made() {
    let world = World::new();
    put_summary(&world.path("runs"), "d", &summary("r", "2026-01-01T00:00:00Z"));
    put(&world.path("runs"), "d/artifacts/large", vec![7; 1 << 20]);
    put(&world.path("runs"), "broken-off/run.json", "{}");
    let scraped = Scraped::start(Setup::new(&world.path(""))).await;
    let service = &scraped.service;
    for _ in 0..3 {
        service.list(pb::ListRetainedRunsRequest::default()).await;
    }
    let negative = pb::ListRetainedRunsRequest { page_size: -1, ..Default::default() };
    service.retained().list_retained_runs(negative).await.expect_err("refused");
    let none = pb::GetRetainedRunRequest { run_id: "none".into(), ..Default::default() };
    service.retained().get_retained_run(none).await.expect_err("none");
    let read = pb::ReadArtifactRequest { directory: "d".into(), path: "artifacts/large".into(), ..Default::default() };
    let messages = collect(service.retained().read_artifact(read).await).await.expect("the bytes").len();

    let series = scraped.series().await;
    let of = |name: &str| series.get(name).copied();
    let list = |name| method(name, RETAINED, "unary", "ListRetainedRuns");
    assert_eq!(of(&list("grpc_server_started_total")), Some(4.0));
    assert_eq!(of(&list("grpc_server_msg_received_total")), Some(4.0));
    assert_eq!(of(&list("grpc_server_msg_sent_total")), Some(3.0));
    assert_eq!(of(&list("grpc_server_handling_seconds_count")), Some(4.0));
    assert_eq!(of(&handled(RETAINED, "unary", "ListRetainedRuns", "OK")), Some(3.0));
    assert_eq!(of(&handled(RETAINED, "unary", "ListRetainedRuns", "InvalidArgument")), Some(1.0));
    assert_eq!(of(&handled(RETAINED, "unary", "GetRetainedRun", "NotFound")), Some(1.0));
    assert_eq!(of(&handled(RETAINED, "unary", "GetRetainedRun", "OK")), Some(0.0));
    assert_eq!(of(&handled(RETAINED, "server_stream", "ReadArtifact", "OK")), Some(1.0));
    let sent = method("grpc_server_msg_sent_total", RETAINED, "server_stream", "ReadArtifact");
    assert_eq!(of(&sent), Some(messages as f64));
    let bucket = "grpc_server_handling_seconds_bucket{le=\"+Inf\",grpc_type=\"unary\",grpc_service=\"guideboard.v1.RetainedRunService\",grpc_method=\"ListRetainedRuns\"}";
    assert_eq!(of(bucket), Some(4.0));
    for bound in ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "10.0"] {
        assert!(series.contains_key(&bucket.replace("+Inf", bound)), "{bound}");
    }
    assert_eq!(of("guide_board_calls_in_flight"), Some(0.0));
    assert_eq!(of("guide_board_snapshot_runs{root=\"runs\"}"), Some(1.0));
    assert_eq!(of("guide_board_snapshot_problems{root=\"runs\",reason=\"incomplete\"}"), Some(1.0));
    assert_eq!(of("guide_board_snapshot_problems{root=\"runs\",reason=\"run_id_invalid\"}"), Some(0.0));
    assert_eq!(of("guide_board_snapshot_in_progress{root=\"runs\"}"), Some(0.0));
    assert!(of("guide_board_snapshot_age_seconds{root=\"runs\"}").is_some_and(|age| (0.0..30.0).contains(&age)));
    assert_eq!(of("guide_board_root_state{root=\"runs\",state=\"serving\"}"), Some(1.0));
    assert_eq!(of("guide_board_root_state{root=\"runs\",state=\"away\"}"), Some(0.0));
    assert!(of("guide_board_scans_total{root=\"runs\",outcome=\"done\"}").is_some_and(|count| count >= 1.0));
    assert_eq!(of("guide_board_scans_total{root=\"runs\",outcome=\"failed\"}"), Some(0.0));
    assert_eq!(of("guide_board_connections_open{listener=\"main\"}"), Some(1.0));
    assert_eq!(of("guide_board_connections_accepted_total{listener=\"main\"}"), Some(1.0));
    assert_eq!(of(&format!("guide_board_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"))), Some(1.0));
    assert!(of("process_start_time_seconds").is_some_and(|time| time > 1.7e9));
    if cfg!(target_os = "linux") {
        assert!(of("process_resident_memory_bytes").is_some_and(|bytes| bytes > 1e6));
        assert!(of("process_open_fds").is_some_and(|open| open > 3.0) && of("process_threads").is_some());
        assert!(of("process_cpu_seconds_total").is_some_and(|seconds| seconds > 0.0));
    }
    let (head, _) = scraped.get("/elsewhere").await;
    assert!(!head.contains("openmetrics"), "{head}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_unknown_paths_make_one_series() {
    let world = World::new();
    let scraped = Scraped::start(Setup::new(&world.path(""))).await;
    let before: BTreeSet<String> = scraped.series().await.into_keys().collect();
    let mut client = tonic::client::Grpc::new(scraped.service.channel.clone());
    for number in 0..1000 {
        client.ready().await.expect("ready");
        let path = match number % 3 {
            0 => format!("/guideboard.v1.RetainedRunService/Method{number}"),
            1 => format!("/service{number}.v1.Service/Method"),
            _ => format!("/{number}/{{grpc_method=\"x\"}}").replace(['{', '}', '"'], "%22"),
        };
        let path = http::uri::PathAndQuery::try_from(path).expect("a path");
        let codec = tonic_prost::ProstCodec::<pb::GetServerInfoRequest, pb::GetServerInfoResponse>::default();
        let request = tonic::Request::new(pb::GetServerInfoRequest {});
        let outcome = client.unary(request, path, codec).await;
        assert_eq!(outcome.expect_err("unknown").code(), tonic::Code::Unimplemented);
    }
    let after = scraped.series().await;
    let name = |metric| method(metric, "unknown", "unknown", "unknown");
    assert_eq!(after.get(&name("grpc_server_started_total")), Some(&1000.0));
    assert_eq!(after.get(&handled("unknown", "unknown", "unknown", "Unimplemented")), Some(&1000.0));
    let new: Vec<_> = after.keys().filter(|series| !before.contains(*series)).collect();
    let is_expected = |series: &&String| {
        series.contains("grpc_method=\"unknown\"") || series.starts_with("guide_board_requests_total")
    };
    assert!(new.iter().copied().all(|series| is_expected(&series)) && new.len() < 20, "{new:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_that_goes_away_and_jobs_that_end_are_told() {
    let world = world_of_jobs(&support::reports("pass"));
    let binary = env!("CARGO_BIN_EXE_guide-board").into();
    let setup = Setup::over(&world.path(""), &[("runs", &world.path("runs")), ("gone", &world.path("gone"))]);
    let scraped = Scraped::start(setup.jobs(Default::default(), binary, vec![world.path("extensions")])).await;
    let job = start(scraped.service.runs(), start_request()).await;
    ended(scraped.service.runs(), &job.job_id).await;
    let wrong = pb::StartRunRequest { output_dir: job.directory, ..start_request() };
    scraped.service.runs().start_run(wrong).await.expect_err("exists");
    let series = scraped.series().await;
    let of = |name: &str| series.get(name).copied();
    for (name, value) in [
        ("guide_board_jobs_accepted_total", 1.0),
        ("guide_board_jobs_started_total", 1.0),
        ("guide_board_jobs_ended_total{status=\"succeeded\"}", 1.0),
        ("guide_board_jobs_ended_total{status=\"failed\"}", 0.0),
        ("guide_board_jobs{status=\"succeeded\"}", 1.0),
        ("guide_board_jobs{status=\"queued\"}", 0.0),
        ("guide_board_root_state{root=\"gone\",state=\"away\"}", 1.0),
        ("guide_board_root_state{root=\"gone\",state=\"serving\"}", 0.0),
    ] {
        assert_eq!(of(name), Some(value), "{name}");
    }
    assert!(of("guide_board_scans_total{root=\"gone\",outcome=\"failed\"}").is_some_and(|count| count >= 1.0));
    assert!(of("guide_board_snapshot_runs{root=\"gone\"}").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_under_way_and_a_connection_that_says_nothing_are_counted() {
    let world = World::new();
    put_summary(&world.path("runs"), "d", &summary("r", "2026-01-01T00:00:00Z"));
    put(&world.path("runs"), "d/artifacts/large", vec![7; 4 << 20]);
    let limits = ConnectionLimits { header_time: Duration::from_millis(200), ..ConnectionLimits::default() };
    let scraped = Scraped::start(Setup::new(&world.path("")).with(|config| config.connections = limits)).await;
    let read = pb::ReadArtifactRequest { directory: "d".into(), path: "artifacts/large".into(), ..Default::default() };
    let mut stream = scraped.service.retained().read_artifact(read).await.expect("a stream").into_inner();
    stream.message().await.expect("a message").expect("the first one");
    assert_eq!(scraped.series().await.get("guide_board_calls_in_flight"), Some(&1.0));
    drop(stream);
    let cancelled = handled(RETAINED, "server_stream", "ReadArtifact", "Canceled");
    eventually("the end", async || (scraped.series().await.get(&cancelled) == Some(&1.0)).then_some(())).await;
    assert_eq!(scraped.series().await.get("guide_board_calls_in_flight"), Some(&0.0));
    let silent = TcpStream::connect(scraped.service.address).await.expect("connected");
    let too_slow = "guide_board_connections_refused_total{listener=\"main\",reason=\"too_slow\"}";
    eventually("the silent one", async || (scraped.series().await.get(too_slow) == Some(&1.0)).then_some(())).await;
    drop(silent);
}
