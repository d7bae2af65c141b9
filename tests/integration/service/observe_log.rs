//! The log of accesses: one line a request with what was asked and how it ended, and nothing that is nobody's business.

use std::collections::BTreeMap;
use std::fs::File;

use guide_board::client::Transport;
use guide_board::wire::pb;
use guide_board::wire::pb::catalog_service_client::CatalogServiceClient;
use guide_board::wire::pb::retained_run_service_client::RetainedRunServiceClient;
use guide_board::wire::pb::run_service_client::RunServiceClient;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::transport::Channel;
use tonic::{Code, Request};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::fixtures::{Setup, collect, eventually, put, put_summary, runs_over, summary};
use super::served::{Served, ended, stand_in, start_request, world_of_jobs};
use crate::support::{self, World};

const SECRET: &str = "s3cr3t-t0k3n";

/// A server process whose log is kept.
struct Logged<'a> {
    world: &'a World,
    served: Served,
    channel: Channel,
}

impl<'a> Logged<'a> {
    async fn over(world: &'a World, arguments: &[&str]) -> Self {
        put_summary(&world.path("runs"), "d", &summary("r", "2026-01-01T00:00:00Z"));
        put(&world.path("runs"), "d/artifacts/large", vec![7; 4 << 20]);
        let log = File::create(world.path("server.log")).expect("a log");
        let mut command = world.command();
        let arguments = [&["--log-format", "json"], arguments].concat();
        let served = Served::spawn(world, command.stderr(log), &arguments).await;
        let channel = served.channel().await;
        Self { world, served, channel }
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.world.path("server.log")).expect("the log")
    }

    /// The lines of the log of accesses so far.
    fn lines(&self) -> Vec<Value> {
        let text = self.text();
        let whole = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        whole.filter(|line| line["target"] == "guide_board::access").collect()
    }

    /// The one line of a request, once it is there.
    async fn line(&self, request_id: &str) -> Value {
        let of_it = || self.lines().into_iter().filter(|line| line["request_id"] == request_id).collect::<Vec<_>>();
        let lines = eventually("the line", async || Some(of_it()).filter(|lines| !lines.is_empty())).await;
        assert_eq!(lines.len(), 1, "{lines:?}");
        lines.into_iter().next().expect("one")
    }

    fn retained(&self) -> RetainedRunServiceClient<Channel> {
        RetainedRunServiceClient::new(self.channel.clone())
            .max_decoding_message_size(guide_board::services::MAX_MESSAGE_BYTES)
    }

    fn runs(&self) -> RunServiceClient<Transport> {
        runs_over(self.channel.clone())
    }
}

/// A request of that id.
fn named<T>(id: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("x-request-id", id.parse().expect("a value"));
    request
}

/// The fields of a line that do not differ from one time to the next.
fn fixed(line: &Value) -> BTreeMap<String, String> {
    let varying = [
        "timestamp",
        "level",
        "target",
        "message",
        "bytes_in",
        "bytes_out",
        "duration_ms",
        "request_id",
        "trace_id",
        "peer",
    ];
    let fields = line.as_object().expect("an object").iter().filter(|(key, _)| !varying.contains(&key.as_str()));
    fields.map(|(key, value)| (key.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))).collect()
}

fn expected(fields: &[(&str, &str)]) -> BTreeMap<String, String> {
    let common = [("face", "grpc"), ("status", "200"), ("end", "whole"), ("caller", "loopback")];
    common.iter().chain(fields).map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

const RETAINED: &str = "guideboard.v1.RetainedRunService";
const RUNS: &str = "guideboard.v1.RunService";

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_call_gives_one_line_that_says_what_it_was() {
    let world = world_of_jobs(&support::reports("pass"));
    let logged = Logged::over(&world, &["--extension-dir", "extensions"]).await;
    let list = pb::ListRetainedRunsRequest::default();
    logged.retained().list_retained_runs(named("list", list.clone())).await.expect("a list");
    let negative = pb::ListRetainedRunsRequest { page_size: -1, ..list };
    logged.retained().list_retained_runs(named("negative", negative)).await.expect_err("refused");
    let by_id = pb::GetRetainedRunRequest { run_id: "r".into(), ..Default::default() };
    logged.retained().get_retained_run(named("by-id", by_id)).await.expect("a run");
    let none = pb::GetRetainedRunRequest { directory: "none".into(), ..Default::default() };
    logged.retained().get_retained_run(named("none", none)).await.expect_err("no such run");
    let elsewhere = pb::ListRetainedRunsRequest { runs_dir: "elsewhere".into(), ..Default::default() };
    logged.retained().list_retained_runs(named("elsewhere", elsewhere)).await.expect_err("no such root");
    let read = pb::ReadArtifactRequest { directory: "d".into(), path: "artifacts/large".into(), ..Default::default() };
    collect(logged.retained().read_artifact(named("read", read)).await).await.expect("the bytes");
    let info = pb::GetServerInfoRequest {};
    CatalogServiceClient::new(logged.channel.clone()).get_server_info(named("info", info)).await.expect("info");
    let job = logged.runs().start_run(named("start", start_request())).await.expect("a job").into_inner();
    let job_id = job.run.expect("a job").job_id;
    let job = ended(logged.runs(), &job_id).await;
    let watch = pb::WatchRunRequest { job_id: job_id.clone(), after: 0 };
    collect(logged.runs().watch_run(named("watch", watch)).await).await.expect("events");
    let strange = pb::GetRunRequest { job_id: "/etc/passwd".into() };
    logged.runs().get_run(named("strange", strange)).await.expect_err("no such job");
    let check = HealthCheckRequest { service: String::new() };
    HealthClient::new(logged.channel.clone()).check(named("check", check)).await.expect("health");

    let request = "GET /retained-runs/r?runs_dir=runs HTTP/1.1\r\nhost: localhost\r\nx-request-id: http\r\nconnection: close\r\n\r\n";
    let answer = said(&logged, request).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("x-request-id: http\r\n"), "{answer}");

    let call = |service: &str, method: &str| format!("{service}/{method}");
    let list = call(RETAINED, "ListRetainedRuns");
    let get = call(RETAINED, "GetRetainedRun");
    let read = call(RETAINED, "ReadArtifact");
    let [start, watch, strange] = ["StartRun", "WatchRun", "GetRun"].map(|method| call(RUNS, method));
    let cases: [(&str, Vec<(&str, &str)>); 10] = [
        ("list", vec![("call", &list), ("root", "runs"), ("code", "OK")]),
        ("negative", vec![("call", &list), ("root", "runs"), ("code", "INVALID_ARGUMENT")]),
        ("by-id", vec![("call", &get), ("root", "runs"), ("run", "r"), ("code", "OK")]),
        ("none", vec![("call", &get), ("root", "runs"), ("directory", "none"), ("code", "NOT_FOUND")]),
        ("elsewhere", vec![("call", &list), ("code", "NOT_FOUND")]),
        ("read", vec![("call", &read), ("root", "runs"), ("directory", "d"), ("code", "OK")]),
        ("info", vec![("call", "guideboard.v1.CatalogService/GetServerInfo"), ("code", "OK")]),
        ("start", vec![("call", &start), ("root", "runs"), ("job", &job_id), ("code", "OK")]),
        ("watch", vec![("call", &watch), ("job", &job_id), ("code", "OK")]),
        ("strange", vec![("call", &strange), ("code", "NOT_FOUND")]),
    ];
    for (id, fields) in &cases {
        assert_eq!(fixed(&logged.line(id).await), expected(fields), "{id}");
    }
    let http = [
        ("face", "http"),
        ("route", "/retained-runs/{run_id}"),
        ("call", &get),
        ("root", "runs"),
        ("run", "r"),
        ("code", "OK"),
    ];
    assert_eq!(fixed(&logged.line("http").await), expected(&http));
    assert_eq!(job.status(), pb::JobStatus::Succeeded);
    let read = logged.line("read").await;
    let bytes = |line: &Value, key: &str| line[key].as_u64().expect("a number");
    assert!((4 << 20..5 << 20).contains(&bytes(&read, "bytes_out")) && bytes(&read, "bytes_in") > 5, "{read}");
    assert!(read["duration_ms"].as_f64().expect("a number") > 0.0 && read["level"] == "INFO");
    assert!(read["peer"].as_str().expect("a peer").starts_with("127.0.0.1:"));
    assert_eq!(read["trace_id"].as_str().expect("a trace").len(), 32);
    assert!(logged.lines().iter().all(|line| line["request_id"] != "check"), "a probe at the level of calls");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_its_client_drops_is_told_as_such_when_it_ends() {
    let world = World::new();
    let logged = Logged::over(&world, &[]).await;
    let read = pb::ReadArtifactRequest { directory: "d".into(), path: "artifacts/large".into(), ..Default::default() };
    let mut stream = logged.retained().read_artifact(named("dropped", read)).await.expect("a stream").into_inner();
    stream.message().await.expect("a message").expect("the first one");
    assert!(logged.lines().iter().all(|line| line["request_id"] != "dropped"), "told before its end");
    drop(stream);
    let line = logged.line("dropped").await;
    assert_eq!((line["end"].as_str(), line["code"].as_str()), (Some("client_gone"), Some("CANCELLED")));
    assert!(line["bytes_out"].as_u64().expect("a number") < 4 << 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_the_server_cuts_off_at_its_end_is_not_the_clients_doing() {
    let world = World::new();
    let mut logged = Logged::over(&world, &["--drain", "0.05"]).await;
    let read = pb::ReadArtifactRequest { directory: "d".into(), path: "artifacts/large".into(), ..Default::default() };
    let mut stream = logged.retained().read_artifact(named("cut", read)).await.expect("a stream").into_inner();
    stream.message().await.expect("a message").expect("the first one");
    logged.served.terminate();
    assert!(logged.served.ended().success());
    assert_eq!(logged.line("cut").await["end"], "cut_off");
}

/// Speaks HTTP/1.1 by hand; returns what is answered.
async fn said(logged: &Logged<'_>, request: &str) -> String {
    let mut stream = TcpStream::connect(logged.served.address).await.expect("connected");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("an answer");
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_over_http_that_is_refused_says_who_called_what_and_with_which_code() {
    let world = World::new();
    let logged = Logged::over(&world, &[]).await;
    let get = |id: &str, path: &str, host: &str| {
        format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nx-request-id: {id}\r\nconnection: close\r\n\r\n")
    };
    for (id, path, host, code) in [
        ("query", "/retained-runs?zqx=1", "localhost", "400"),
        ("path", "/zqx", "localhost", "404"),
        ("host", "/retained-runs", "evil.example", "403"),
    ] {
        assert!(said(&logged, &get(id, path, host)).await.starts_with(&format!("HTTP/1.1 {code} ")), "{id}");
    }
    let post = "POST /assessments/plan HTTP/1.1\r\nhost: localhost\r\nx-request-id: body\r\ncontent-length: 1\r\n\
                content-type: application/json\r\nconnection: close\r\n\r\n{";
    assert!(said(&logged, post).await.starts_with("HTTP/1.1 400 "));
    let told = async |id: &str| {
        let line = logged.line(id).await;
        ["call", "caller", "code"].map(|key| line[key].as_str().map(str::to_owned))
    };
    let called = |service: &str, method: &str| {
        let call = Some(format!("{service}/{method}"));
        [call, Some("loopback".to_owned()), Some("INVALID_ARGUMENT".to_owned())]
    };
    assert_eq!(told("query").await, called(RETAINED, "ListRetainedRuns"));
    assert_eq!(told("body").await, called("guideboard.v1.CatalogService", "PlanAssessment"));
    assert_eq!(told("path").await, [None, None, Some("NOT_FOUND".to_owned())]);
    assert_eq!(told("host").await, [None, None, Some("PERMISSION_DENIED".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_by_host_or_origin_names_it_harmlessly_and_the_reason() {
    for (headers, field, value, reason) in [
        ("host: evil.example", "host", "evil.example", "HOST_NOT_ALLOWED"),
        ("host: localhost\r\norigin: https://evil.example", "origin", "https://evil.example", "ORIGIN_NOT_ALLOWED"),
    ] {
        let world = World::new();
        let logged = Logged::over(&world, &[]).await;
        let long = "x".repeat(5000);
        let request = format!("GET /server HTTP/1.1\r\n{headers}{long}\u{202e}\r\nconnection: close\r\n\r\n");
        assert!(said(&logged, &request).await.starts_with("HTTP/1.1 403 "));
        let lines = eventually("the line", async || {
            let text = logged.text();
            let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let lines: Vec<_> = lines.filter(|line| line["message"] == "refused").collect();
            (!lines.is_empty()).then_some(lines)
        });
        let line = lines.await.remove(0);
        let named = line[field].as_str().expect("a name");
        assert!(named.starts_with(value) && named.ends_with('…') && named.chars().count() <= 101, "{line}");
        assert_eq!((line["reason"].as_str(), line["level"].as_str()), (Some(reason), Some("WARN")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_and_no_path_gets_into_the_log_whoever_asks() {
    let world = World::new();
    let logged = Logged::over(&world, &[]).await;
    let root = world.path("runs").display().to_string();
    let hostile =
        [SECRET, "/etc/passwd", "a\u{1b}[31m\nb", &root, &format!("{root}/d"), &"x".repeat(5000), "../../etc"];
    for text in hostile {
        let with_secret = |message| {
            let mut request = Request::new(message);
            request.metadata_mut().insert("authorization", format!("Bearer {SECRET}").parse().expect("a value"));
            request.metadata_mut().insert("cookie", SECRET.parse().expect("a value"));
            request
        };
        let message = pb::GetRetainedRunRequest { runs_dir: text.into(), run_id: "r".into(), ..Default::default() };
        logged.retained().get_retained_run(with_secret(message)).await.expect_err("refused");
        // A run and a job may be called by words that are none of these.
        if text != SECRET {
            let message = pb::GetRetainedRunRequest { run_id: text.into(), ..Default::default() };
            logged.retained().get_retained_run(with_secret(message)).await.expect_err("refused");
            let message = pb::GetRetainedRunRequest { directory: text.into(), ..Default::default() };
            logged.retained().get_retained_run(with_secret(message)).await.expect_err("refused");
            let code = logged.runs().get_run(pb::GetRunRequest { job_id: text.into() }).await.expect_err("none").code();
            assert_eq!(code, Code::NotFound);
        }
    }
    for path in ["/etc/passwd", "//", "/runs/r", &format!("/guideboard.v1.RunService/{SECRET}")] {
        let request = format!(
            "GET {path}?token={SECRET} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {SECRET}\r\n\
             x-request-id: {SECRET} /etc/shadow\r\nconnection: close\r\n\r\n"
        );
        assert!(said(&logged, &request).await.starts_with("HTTP/1.1 "));
    }
    eventually("the lines", async || (logged.lines().len() >= 7 + 3 * 6 + 4).then_some(())).await;
    assert!(!logged.text().contains(SECRET), "{}", logged.text());
    for line in logged.lines() {
        let text = line.to_string();
        assert!(!text.contains("/etc") && !text.contains(&root) && !text.contains("\\u001b"), "{text}");
        assert!(text.len() < 1500, "{text}");
    }
    let http: Vec<_> = logged.lines().into_iter().filter(|line| line["face"] == "http").collect();
    let routes: Vec<_> = http.iter().map(|line| line["route"].as_str().expect("a route")).collect();
    assert_eq!(routes, ["unknown", "unknown", "/runs/{job_id}", "unknown"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_accesses_can_be_switched_off_and_probes_into_it() {
    let world = World::new();
    let logged = Logged::over(&world, &["--access-log", "off"]).await;
    logged.retained().list_retained_runs(pb::ListRetainedRunsRequest::default()).await.expect("a list");
    assert!(logged.lines().is_empty() && logged.text().contains("listening"));
    drop(logged);
    let world = World::new();
    std::fs::create_dir(world.path("runs")).expect("made");
    let mut command = world.command();
    let log = File::create(world.path("server.log")).expect("a log");
    command.env("GUIDE_BOARD_LOG", "info,guide_board::access=debug").stderr(log);
    let served = Served::spawn(&world, &mut command, &["--log-format", "json"]).await;
    let channel = served.channel().await;
    HealthClient::new(channel.clone())
        .check(named("check", HealthCheckRequest { service: String::new() }))
        .await
        .expect("health");
    let logged = Logged { world: &world, served, channel };
    let line = logged.line("check").await;
    assert_eq!((line["level"].as_str(), line["call"].as_str()), (Some("DEBUG"), Some("grpc.health.v1.Health/Check")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_keeps_its_id_and_one_that_is_none_is_replaced() {
    let world = World::new();
    let service = Setup::new(&world.path("")).start().await;
    let returned = async |id: Option<&str>| {
        let mut request = Request::new(pb::ListRetainedRunsRequest::default());
        if let Some(id) = id {
            request.metadata_mut().insert("x-request-id", id.parse().expect("a value"));
        }
        let reply = service.retained().list_retained_runs(request).await.expect("a list");
        reply.metadata().get("x-request-id").expect("an id").to_str().expect("a text").to_owned()
    };
    let longest = "x".repeat(128);
    for id in ["1", "trace/7=~+._-", &longest] {
        assert_eq!(returned(Some(id)).await, id);
    }
    let made = returned(None).await;
    assert!(made.len() == 32 && made != returned(None).await);
    let too_long = "x".repeat(129);
    for id in ["", "a b", "<script>", "a,b", &too_long] {
        assert_eq!(returned(Some(id)).await.len(), 32, "{id}");
    }
    let refusal = pb::ListRetainedRunsRequest { page_size: -1, ..Default::default() };
    let refused = service.retained().list_retained_runs(named("refused", refusal)).await.expect_err("refused");
    assert_eq!(refused.metadata().get("x-request-id").expect("an id"), "refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_goes_on_in_the_trace_of_the_call_that_started_it() {
    let world = world_of_jobs("");
    let program = stand_in(&world, "echo \"$TRACEPARENT\" > \"$(dirname \"$0\")/trace\"; exit 3");
    let service = Setup::new(&world.path("")).jobs(Default::default(), program, Vec::new()).start().await;
    let mut request = Request::new(start_request());
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    request.metadata_mut().insert("traceparent", parent.parse().expect("a value"));
    let job = service.runs().start_run(request).await.expect("a job").into_inner().run.expect("a job");
    ended(service.runs(), &job.job_id).await;
    let told = std::fs::read_to_string(world.path("trace")).expect("a trace");
    let (version_and_trace, rest) = told.trim().split_at(36);
    assert_eq!(version_and_trace, &parent[..36]);
    assert!(rest.len() == 19 && rest.ends_with("-01") && rest != &parent[36..], "{told}");
}
