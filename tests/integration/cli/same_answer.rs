//! The same question through gRPC and through the command line gives the same answer, for every call of RetainedRunService and CatalogService that
//! the command line has, over every root.

use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::time::Duration;

use guide_board::client::Client;
use guide_board::jobs::{JobSettings, JobTable, Launcher};
use guide_board::repository::root::ContainmentChoice;
use guide_board::repository::{Repository, RootSpec};
use guide_board::server::access::AccessConfig;
use guide_board::server::{self, Config};
use guide_board::services::{StartPolicy, reason_of};
use guide_board::wire::{Named, pb, to_json};
use prost::Message;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tonic::{Code, Response, Status, Streaming};

use super::place::Place;

const ROOTS: [&str; 4] = ["runs", "odd", "broken", "empty"];

/// A server over one root, which it calls by its directory's name, as the command line does.
struct Served {
    client: Client,
    root: &'static str,
    place: Place,
    _stop: oneshot::Sender<()>,
}

async fn serve(root: &'static str) -> Served {
    let place = Place::new();
    let spec = RootSpec { name: root.parse().expect("a name"), path: place.path(root) };
    let program = Path::new(env!("CARGO_BIN_EXE_guide-board")).to_owned();
    let launcher = Launcher { program, cli_command: Vec::new(), root: place.path("."), extension_dirs: Vec::new() };
    let containment = ContainmentChoice::Auto.decide().expect("a containment");
    let config = Config {
        repository: Arc::new(Repository::new(vec![spec], containment).expect("no clash")),
        jobs: JobTable::new(JobSettings::default(), launcher, "this-process".to_owned()),
        policy: StartPolicy {
            root: place.path("."),
            profile_dirs: vec![place.path("")],
            extension_dirs: vec![place.path("extensions")],
            read_only: true,
        },
        max_concurrent_calls: 64,
        max_calls_per_caller: None,
        calls: guide_board::server::CallLimits::default(),
        connections: guide_board::server::ConnectionLimits::default(),
        access: AccessConfig::default(),
        poll_interval: Duration::from_millis(50),
        drain: Duration::from_secs(1),
        scanned: tokio::sync::watch::Sender::default(),
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(server::run(listener, config, async move {
        let _ = stopped.await;
    }));
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    let client = Client::connect_ready(address, deadline).await.expect("a server that serves");
    Served { client, root, place, _stop: stop }
}

impl Served {
    fn ask(&self, arguments: &[&str]) -> Output {
        self.place.command().args(["runs", "--runs-dir", self.root]).args(arguments).output().expect("it ran")
    }

    /// Compares what the server answered with what the command line prints for these arguments.
    fn compare<M: Named>(&self, reply: Result<M, Status>, arguments: &[&str]) {
        let output = self.ask(&[arguments, &["--json"]].concat());
        match reply {
            Ok(message) => {
                assert_eq!(output.status.code(), Some(0), "{} {arguments:?}: {output:?}", self.root);
                let printed: Value = serde_json::from_slice(&output.stdout).expect("JSON");
                let expected = without_scan(to_json(&message).expect("the dialect"));
                assert_eq!(without_scan(printed), expected, "{} {arguments:?}", self.root);
            }
            Err(status) => self.compare_refusal(&status, &output, arguments),
        }
    }

    /// The command line refuses what the server refuses, with the code that belongs to it, and prints nothing.
    fn compare_refusal(&self, status: &Status, output: &Output, arguments: &[&str]) {
        let reason = reason_of(status).unwrap_or_default();
        let code = match (status.code(), reason.as_str()) {
            (Code::NotFound, _) => 6,
            (Code::FailedPrecondition | Code::DataLoss, _) | (Code::InvalidArgument, "PATH_INVALID") => 7,
            (Code::InvalidArgument | Code::OutOfRange, _) => 2,
            other => panic!("{arguments:?}: {other:?}"),
        };
        assert_eq!((output.status.code(), output.stdout.len()), (Some(code), 0), "{arguments:?}: {status:?}");
        let told = String::from_utf8_lossy(&output.stderr);
        let said = status.message().split_once(": ").filter(|_| code == 2 || reason == "PATH_INVALID");
        let sentence = said.map_or(status.message(), |(_, sentence)| sentence);
        assert!(told.contains(sentence), "{arguments:?}: {told} {status:?}");
    }

    async fn directories(&self) -> Vec<String> {
        let request = pb::ListRetainedRunsRequest::default();
        let runs = self.client.retained().list_retained_runs(request).await.expect("a list").into_inner().runs;
        let request = pb::ListProblemsRequest::default();
        let problems = self.client.retained().list_problems(request).await.expect("problems").into_inner().problems;
        let mut directories: Vec<String> = runs.into_iter().map(|run| run.directory).collect();
        // A name that is not UTF-8 cannot be asked for.
        let named = problems.into_iter().filter(|problem| problem.directory_bytes.is_empty());
        directories.extend(named.map(|problem| problem.directory));
        directories.push("nobody".to_owned());
        directories.sort();
        directories.dedup();
        directories
    }
}

/// Without the moment of the scan, which is another for each asker.
fn without_scan(mut json: Value) -> Value {
    if let Some(time) = json.get_mut("scanned_at") {
        assert!(time.is_string());
        *time = Value::Null;
    }
    json
}

/// The protobuf merge of a stream's messages.
async fn merged<M: Message + Default>(reply: Result<Response<Streaming<M>>, Status>) -> Result<M, Status> {
    let mut stream = reply?.into_inner();
    let mut whole = M::default();
    while let Some(message) = stream.message().await? {
        whole.merge(message.encode_to_vec().as_slice()).expect("a message");
    }
    Ok(whole)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_the_lists() {
    for root in ROOTS {
        let served = serve(root).await;
        let retained = || served.client.retained();
        let all = pb::ListRetainedRunsRequest { page_size: 500, ..Default::default() };
        let reply = retained().list_retained_runs(all.clone()).await.map(Response::into_inner);
        served.compare(reply, &["list"]);
        let some = pb::ListRetainedRunsRequest {
            statuses: vec!["completed".to_owned(), "failed".to_owned()],
            target: "sample-repository".to_owned(),
            completed_after: Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 0 }),
            page_size: 2,
            ..all
        };
        let reply = retained().list_retained_runs(some).await.map(Response::into_inner);
        let filters = ["--status", "completed", "--status", "failed", "--target", "sample-repository"];
        let rest = ["--since", "2023-11-14T22:13:20Z", "--limit", "2"];
        served.compare(reply, &[&["list"][..], &filters, &rest].concat());
        let request = pb::GetLatestRetainedRunRequest::default();
        let reply = retained().get_latest_retained_run(request).await.map(Response::into_inner);
        served.compare(reply, &["latest"]);
        let request = pb::ListProblemsRequest { page_size: 500, ..Default::default() };
        served.compare(retained().list_problems(request).await.map(Response::into_inner), &["problems"]);
        let request = pb::ListProblemsRequest { reasons: vec!["sad".to_owned()], ..Default::default() };
        let reply = retained().list_problems(request).await.map(Response::into_inner);
        served.compare(reply, &["problems", "--reason", "sad"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn about_every_single_run() {
    for root in ROOTS {
        let served = serve(root).await;
        let retained = || served.client.retained();
        for directory in served.directories().await {
            let request = pb::GetRetainedRunRequest { directory: directory.clone(), ..Default::default() };
            let reply = retained().get_retained_run(request).await.map(Response::into_inner);
            served.compare(reply, &["show", "--directory", &directory]);
            let request = pb::GetRetainedRunReportsRequest {
                directory: directory.clone(),
                report_unsafe: true,
                ..Default::default()
            };
            let reply = retained().get_retained_run_reports(request).await.map(Response::into_inner);
            served.compare(reply, &["report", "--directory", &directory]);
            for (page_size, limit) in [(500, "1000"), (2, "2")] {
                let request = pb::ListFindingsRequest { directory: directory.clone(), page_size, ..Default::default() };
                let reply = retained().list_findings(request).await.map(Response::into_inner);
                served.compare(reply, &["findings", "--directory", &directory, "--limit", limit]);
                let request = pb::ListEvidenceRequest { directory: directory.clone(), page_size, ..Default::default() };
                let reply = retained().list_evidence(request).await.map(Response::into_inner);
                served.compare(reply, &["evidence", "--directory", &directory, "--limit", limit]);
            }
            for include_unlisted in [false, true] {
                let request = pb::StreamArtifactManifestRequest {
                    directory: directory.clone(),
                    report_unsafe: true,
                    include_unlisted,
                    ..Default::default()
                };
                let reply = merged(retained().stream_artifact_manifest(request).await).await;
                let flags: &[&str] = if include_unlisted { &["--include-unlisted"] } else { &[] };
                served.compare(reply, &[&["artifacts", "--directory", &directory], flags].concat());
            }
        }
        for run_id in ["run-20260508T164334Z-7f3a91c2", "twice", "states", "a/b"] {
            let request = pb::GetRetainedRunRequest { run_id: run_id.to_owned(), ..Default::default() };
            let reply = retained().get_retained_run(request).await.map(Response::into_inner);
            served.compare(reply, &["show", "--run-id", run_id]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn about_the_items_that_match() {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    for (root, directory) in [("runs", "run-20250318T091205Z"), ("odd", "broke"), ("odd", "states")] {
        let served = serve(root).await;
        let findings = pb::ListFindingsRequest {
            directory: directory.to_owned(),
            severities: words(&["low", "grave", ""]),
            dispositions: words(&["unexpected", "disputed"]),
            classifications: words(&["warning", ""]),
            check_ids: words(&["security-policy", "b"]),
            ..Default::default()
        };
        let reply = served.client.retained().list_findings(findings).await.map(Response::into_inner);
        let filters = ["--severity", "low", "--severity", "grave", "--severity", "", "--disposition", "unexpected"];
        let more = ["--disposition", "disputed", "--classification", "warning", "--classification", ""];
        let checks = ["--check", "security-policy", "--check", "b"];
        served.compare(reply, &[&["findings", "--directory", directory][..], &filters, &more, &checks].concat());
        let evidence = pb::ListEvidenceRequest {
            directory: directory.to_owned(),
            results: words(&["pass", "unknown"]),
            severities: words(&[""]),
            ..Default::default()
        };
        let reply = served.client.retained().list_evidence(evidence).await.map(Response::into_inner);
        let filters = ["--result", "pass", "--result", "unknown", "--severity", ""];
        served.compare(reply, &[&["evidence", "--directory", directory][..], &filters].concat());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_the_bytes_of_every_output() {
    for root in ["runs", "odd"] {
        let served = serve(root).await;
        let mut read = 0;
        for directory in served.directories().await {
            let request = pb::StreamArtifactManifestRequest {
                directory: directory.clone(),
                report_unsafe: true,
                include_unlisted: true,
                ..Default::default()
            };
            let manifest = merged(served.client.retained().stream_artifact_manifest(request).await).await;
            let listed = manifest.map(|manifest| manifest.artifact_manifest).unwrap_or_default();
            let mut paths: Vec<String> = listed.into_iter().map(|artifact| artifact.path).collect();
            paths.extend(["../x", "reports", "secret.txt", "run.json"].map(str::to_owned));
            for path in paths.iter().filter(|path| !path.is_empty()) {
                for (offset, limit) in [("0", "0"), ("1", "3"), ("1000000", "0")] {
                    let request = pb::ReadArtifactRequest {
                        directory: directory.clone(),
                        path: path.clone(),
                        offset: offset.parse().expect("a number"),
                        limit: limit.parse().expect("a number"),
                        ..Default::default()
                    };
                    let arguments = ["cat", "--directory", &directory, path, "--offset", offset, "--limit", limit];
                    let output = served.ask(&arguments);
                    match pieces(served.client.retained().read_artifact(request).await).await {
                        Ok(bytes) => {
                            assert_eq!((output.status.code(), output.stdout), (Some(0), bytes), "{arguments:?}");
                            read += 1;
                        }
                        Err(status) => served.compare_refusal(&status, &output, &arguments),
                    }
                }
            }
        }
        assert!(read > 10, "{read}");
    }
}

async fn pieces(reply: Result<Response<Streaming<pb::ReadArtifactResponse>>, Status>) -> Result<Vec<u8>, Status> {
    let mut stream = reply?.into_inner();
    let mut bytes = Vec::new();
    while let Some(message) = stream.message().await? {
        bytes.extend_from_slice(&message.data);
    }
    Ok(bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn extensions_and_verdicts() {
    let served = serve("empty").await;
    let catalog = || served.client.catalog();
    let ask = |arguments: &[&str]| {
        let output = served.place.command().args(["--extension-dir", "extensions"]).args(arguments).output();
        String::from_utf8(output.expect("it ran").stdout).expect("text")
    };
    let json = |arguments: &[&str]| serde_json::from_str::<Value>(&ask(arguments)).expect("JSON");
    let all = catalog().list_extensions(pb::ListExtensionsRequest::default()).await.expect("a list").into_inner();
    assert!(all.extensions.iter().any(|extension| extension.id == "crashing"));
    assert_eq!(json(&["extensions", "list", "--json"]), to_json(&all).expect("JSON"));
    for (path, kind, command) in [
        ("wrong.json", pb::ProfileKind::Target, "validate-target"),
        ("wrong.json", pb::ProfileKind::Assessment, "validate-assessment"),
        ("absent.json", pb::ProfileKind::Assessment, "validate-assessment"),
        ("a-file", pb::ProfileKind::Target, "validate-target"),
    ] {
        let request = pb::ValidateProfileRequest { kind: kind.into(), path: path.to_owned(), ..Default::default() };
        let verdict = catalog().validate_profile(request).await.expect("a verdict").into_inner();
        assert_eq!(json(&["profile", command, path, "--json"]), to_json(&verdict).expect("JSON"), "{command} {path}");
    }
}
