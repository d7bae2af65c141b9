//! Servers that are not as they should be: whose texts would steer a terminal, whose bytes are not those that are due, that are busy, or older.

mod refused;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use guide_board::wire::pb;
use guide_board::wire::pb::retained_run_service_server::{RetainedRunService, RetainedRunServiceServer};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::cli::live::{Ended, Live};
use crate::support::World;

/// A text that would steer a terminal.
const STEERS: &str = "\u{1b}[2J\u{9b}31m\u{202e}odd\r\u{7}";

type Reply<T> = Result<Response<T>, Status>;
type Messages<T> = tokio_stream::Iter<std::vec::IntoIter<Result<T, Status>>>;
/// What one call after the other is answered with; the last answer stays.
type Answers<T> = Arc<Mutex<VecDeque<Result<T, Status>>>>;

/// A service that answers as it is told.
#[derive(Clone, Default)]
struct Odd {
    lists: Answers<pb::ListRetainedRunsResponse>,
    manifests: Answers<Vec<Result<pb::StreamArtifactManifestResponse, Status>>>,
    reads: Answers<Vec<Result<pb::ReadArtifactResponse, Status>>>,
    asked: Arc<Mutex<Vec<pb::ReadArtifactRequest>>>,
}

fn next<T: Clone>(answers: &Answers<T>) -> Result<T, Status> {
    let mut answers = answers.lock().expect("a lock");
    if answers.len() > 1 { answers.pop_front().expect("an answer") } else { answers[0].clone() }
}

fn odd() -> String {
    STEERS.to_owned()
}

fn odd_counts<N>(number: N) -> BTreeMap<String, N> {
    BTreeMap::from([(odd(), number)])
}

fn odd_words() -> BTreeMap<String, String> {
    BTreeMap::from([(odd(), odd())])
}

fn odd_run() -> pb::RetainedRun {
    pb::RetainedRun {
        runs_dir: odd(),
        directory: odd(),
        run_id: odd(),
        target_profile_ref: odd(),
        assessment_profile_ref: odd(),
        result_status: pb::ResultStatus::Unrecognized.into(),
        result_status_word: odd(),
        completed_at: Some(prost_types::Timestamp { seconds: i64::MAX, nanos: -1 }),
        evidence_counts: odd_counts(1),
        finding_counts: odd_counts(1),
        source_commits: odd_words(),
        labels: odd_words(),
        compatibility: vec![odd()],
        ..Default::default()
    }
}

fn odd_summary() -> pb::RunSummary {
    pb::RunSummary {
        report_paths: odd_words(),
        unsafe_report_paths: vec![odd()],
        malformed_keys: vec![odd()],
        unknown_keys: odd_words(),
        ..Default::default()
    }
}

fn odd_list() -> pb::ListRetainedRunsResponse {
    let runs = vec![odd_run()];
    pb::ListRetainedRunsResponse {
        runs,
        total_size: 1,
        status_counts: odd_counts(1),
        problem_count: 1,
        ..Default::default()
    }
}

fn malformed() -> Vec<pb::MalformedItem> {
    vec![pb::MalformedItem { message: odd(), ..Default::default() }]
}

#[tonic::async_trait]
impl RetainedRunService for Odd {
    type StreamArtifactManifestStream = Messages<pb::StreamArtifactManifestResponse>;
    type ReadArtifactStream = Messages<pb::ReadArtifactResponse>;

    async fn list_retained_runs(&self, _: Request<pb::ListRetainedRunsRequest>) -> Reply<pb::ListRetainedRunsResponse> {
        next(&self.lists).map(Response::new)
    }

    async fn list_problems(&self, _: Request<pb::ListProblemsRequest>) -> Reply<pb::ListProblemsResponse> {
        let problem = pb::Problem { directory: format!("{STEERS} too"), message: odd(), ..Default::default() };
        Ok(Response::new(pb::ListProblemsResponse { problems: vec![problem], total_size: 1, ..Default::default() }))
    }

    async fn get_retained_run(&self, _: Request<pb::GetRetainedRunRequest>) -> Reply<pb::GetRetainedRunResponse> {
        let (run, summary) = (Some(odd_run()), Some(odd_summary()));
        Ok(Response::new(pb::GetRetainedRunResponse { run, summary }))
    }

    async fn get_latest_retained_run(
        &self,
        _: Request<pb::GetLatestRetainedRunRequest>,
    ) -> Reply<pb::GetLatestRetainedRunResponse> {
        let (run, summary) = (Some(odd_run()), Some(odd_summary()));
        Ok(Response::new(pb::GetLatestRetainedRunResponse { run, summary }))
    }

    async fn get_retained_run_reports(
        &self,
        _: Request<pb::GetRetainedRunReportsRequest>,
    ) -> Reply<pb::GetRetainedRunReportsResponse> {
        Err(Status::not_found(STEERS))
    }

    async fn stream_artifact_manifest(
        &self,
        _: Request<pb::StreamArtifactManifestRequest>,
    ) -> Reply<Self::StreamArtifactManifestStream> {
        next(&self.manifests).map(|messages| Response::new(tokio_stream::iter(messages)))
    }

    async fn read_artifact(&self, request: Request<pb::ReadArtifactRequest>) -> Reply<Self::ReadArtifactStream> {
        self.asked.lock().expect("a lock").push(request.into_inner());
        next(&self.reads).map(|messages| Response::new(tokio_stream::iter(messages)))
    }

    async fn list_findings(&self, _: Request<pb::ListFindingsRequest>) -> Reply<pb::ListFindingsResponse> {
        let location = pb::Location { path: odd(), ..Default::default() };
        let finding = pb::Finding {
            id: odd(),
            check_id: odd(),
            title: odd(),
            severity: pb::Severity::Unrecognized.into(),
            severity_word: odd(),
            disposition: pb::Disposition::Unrecognized.into(),
            disposition_word: odd(),
            locations: vec![location],
            ..Default::default()
        };
        let (severity_counts, malformed_items) = (odd_counts(1), malformed());
        let reply = pb::ListFindingsResponse {
            findings: vec![finding],
            severity_counts,
            malformed_items,
            ..Default::default()
        };
        Ok(Response::new(reply))
    }

    async fn list_evidence(&self, _: Request<pb::ListEvidenceRequest>) -> Reply<pb::ListEvidenceResponse> {
        let item = pb::Evidence {
            id: odd(),
            check_id: odd(),
            subject_ref: odd(),
            result: pb::EvidenceResult::Unrecognized.into(),
            result_word: odd(),
            observations: vec![odd()],
            ..Default::default()
        };
        let (result_counts, malformed_items) = (odd_counts(1), malformed());
        let reply =
            pb::ListEvidenceResponse { evidence: vec![item], result_counts, malformed_items, ..Default::default() };
        Ok(Response::new(reply))
    }
}

impl Odd {
    fn answers<T>(answers: &Answers<T>, these: impl IntoIterator<Item = Result<T, Status>>) {
        *answers.lock().expect("a lock") = these.into_iter().collect();
    }

    async fn serve(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let router = tonic::transport::Server::builder().add_service(RetainedRunServiceServer::new(self.clone()));
        tokio::spawn(router.serve_with_incoming(TcpListenerStream::new(listener)));
        address
    }
}

fn header(size: u64, offset: i64) -> Result<pb::ReadArtifactResponse, Status> {
    Ok(pb::ReadArtifactResponse { size_bytes: size, offset, generation: "one".to_owned(), ..Default::default() })
}

fn piece(offset: i64, data: &'static str) -> Result<pb::ReadArtifactResponse, Status> {
    Ok(pb::ReadArtifactResponse { offset, data: data.into(), ..Default::default() })
}

fn said(code: Code, reason: &str, message: &str) -> Status {
    Status::with_error_details(code, message, ErrorDetails::with_error_info(reason, "guideboard.v1", HashMap::new()))
}

fn cut<T>() -> Result<T, Status> {
    Err(Status::unavailable("cut"))
}

fn ask(world: &World, address: SocketAddr, words: &[&str]) -> Ended {
    let mut command = world.command();
    command.args(["runs", "--server", &format!("http://{address}")]).args(words);
    Live::with_pipes(command).ended()
}

const ONE: [&str; 2] = ["--directory", "x"];

#[tokio::test(flavor = "multi_thread")]
async fn no_text_of_a_server_steers_a_terminal() {
    let service = Odd::default();
    Odd::answers(&service.lists, [Ok(odd_list())]);
    Odd::answers(&service.reads, [Err(Status::not_found(STEERS))]);
    let entry = pb::Artifact { path: odd(), sha256: odd(), state: pb::FileState::Missing.into(), ..Default::default() };
    let first = pb::StreamArtifactManifestResponse {
        run: Some(odd_run()),
        compatibility: vec![odd()],
        entry_count: 1,
        ..Default::default()
    };
    let rest = pb::StreamArtifactManifestResponse { artifact_manifest: vec![entry], ..Default::default() };
    Odd::answers(&service.manifests, [Ok(vec![Ok(first), Ok(rest)])]);
    let address = service.serve().await;
    let world = World::new();
    for (words, code) in [
        (&["list"][..], 0),
        (&["latest"], 0),
        (&["latest", "--require", "completed"], 3),
        (&["problems"], 0),
        (&[&["show"], &ONE[..]].concat(), 0),
        (&[&["report"], &ONE[..]].concat(), 6),
        (&[&["findings"], &ONE[..]].concat(), 0),
        (&[&["evidence"], &ONE[..]].concat(), 0),
        (&[&["artifacts"], &ONE[..]].concat(), 0),
        (&[&["cat"], &ONE[..], &["artifacts/x"]].concat(), 6),
        (&[&["pull"], &ONE[..], &["copy"]].concat(), 6),
    ] {
        for form in [&[][..], &["--json"]] {
            if form.is_empty() || words[0] != "cat" {
                let ended = ask(&world, address, &[words, form].concat());
                assert_eq!(ended.code, Some(code), "{words:?}: {ended:?}");
                let told = format!("{}{}", ended.stdout, ended.stderr);
                let steers = |letter: char| letter.is_control() && letter != '\n' || letter == '\u{202e}';
                assert!(!told.chars().any(steers) && told.contains("odd"), "{words:?}: {ended:?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_that_is_another_one_after_a_break_is_not_gone_on_with() {
    let service = Odd::default();
    let other = said(Code::FailedPrecondition, "GENERATION_MISMATCH", "`x` is no longer of the expected generation");
    Odd::answers(&service.reads, [Ok(vec![header(10, 0), piece(0, "12345"), cut()]), Err(other)]);
    let world = World::new();
    let ended = ask(&world, service.serve().await, &[&["cat"], &ONE[..], &["artifacts/x", "--limit", "9"]].concat());
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(7), "12345"), "{ended:?}");
    assert!(ended.stderr.contains("no longer of the expected generation"), "{ended:?}");
    let asked = service.asked.lock().expect("a lock").clone();
    let pinned: Vec<_> = asked.iter().map(|one| (one.offset, one.limit, one.expected_generation.as_str())).collect();
    assert_eq!(pinned, [(0, 9, ""), (5, 4, "one")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_not_due_are_refused_and_a_stream_that_ends_too_early_is_taken_up_again() {
    let service = Odd::default();
    let address = service.serve().await;
    let world = World::new();
    let cat = [&["cat"], &ONE[..], &["artifacts/x"]].concat();
    // Some that came already, and more than there are.
    for wrong in [piece(4, "x"), piece(5, "xxxxxx")] {
        Odd::answers(&service.reads, [Ok(vec![header(10, 0), piece(0, "12345"), wrong])]);
        let ended = ask(&world, address, &cat);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(7), "12345"), "{ended:?}");
        assert!(ended.stderr.contains("other bytes than those that were asked for"), "{ended:?}");
    }
    Odd::answers(
        &service.reads,
        [Ok(vec![header(10, 0), piece(0, "12345"), cut()]), Ok(vec![header(10, 0), piece(0, "1")])],
    );
    assert_eq!(ask(&world, address, &cat).code, Some(7));
    let whole = Ok(vec![header(10, 5), piece(5, "67890")]);
    Odd::answers(&service.reads, [Ok(vec![header(10, 0), piece(0, "12345")]), whole]);
    let ended = ask(&world, address, &cat);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "1234567890"), "{ended:?}");
    // Nothing but its end is missing of it.
    Odd::answers(&service.reads, [Ok(vec![header(5, 0), piece(0, "12345"), cut()])]);
    let ended = ask(&world, address, &cat);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "12345"), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_answers_and_brings_nothing_is_given_up() {
    let service = Odd::default();
    Odd::answers(&service.reads, [Ok(vec![header(10, 0), cut()])]);
    let world = World::new();
    let began = std::time::Instant::now();
    let words = [&["cat"], &ONE[..], &["artifacts/x", "--retry-for", "1"]].concat();
    let ended = ask(&world, service.serve().await, &words);
    assert_eq!(ended.code, Some(8), "{ended:?}");
    assert!(began.elapsed() >= Duration::from_secs(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_is_another_one_after_a_break_is_not_gone_on_with() {
    let service = Odd::default();
    let address = service.serve().await;
    let world = World::new();
    let first = |count: u64| pb::StreamArtifactManifestResponse {
        run: Some(pb::RetainedRun::default()),
        entry_count: count,
        ..Default::default()
    };
    let entries = |names: &str| {
        let entry = |name: char| pb::Artifact { path: name.to_string(), ..Default::default() };
        let artifact_manifest = names.chars().map(entry).collect();
        Ok(pb::StreamArtifactManifestResponse { artifact_manifest, ..Default::default() })
    };
    let broken = || Ok(vec![Ok(first(3)), entries("a"), entries("b"), cut()]);
    let artifacts = [&["artifacts", "--json"], &ONE[..]].concat();
    Odd::answers(&service.manifests, [broken(), Ok(vec![Ok(first(3)), entries("ab"), entries("c")])]);
    let ended = ask(&world, address, &artifacts);
    let json: serde_json::Value = serde_json::from_str(&ended.stdout).expect("JSON");
    let paths: Vec<_> =
        json["artifact_manifest"].as_array().expect("a list").iter().map(|one| one["path"].as_str()).collect();
    assert_eq!((ended.code, paths), (Some(0), vec![Some("a"), Some("b"), Some("c")]));
    // Whoever pulls what is large reads on late; that is nothing to tell.
    let late = said(Code::Unavailable, "READER_STALLED", "nothing of the stream was read for too long");
    let stalled = Ok(vec![Ok(first(3)), entries("a"), Err(late)]);
    Odd::answers(&service.manifests, [stalled, Ok(vec![Ok(first(3)), entries("abc")])]);
    let quiet = ask(&world, address, &artifacts);
    assert_eq!((quiet.code, quiet.stdout, quiet.stderr.as_str()), (Some(0), ended.stdout, ""));
    for other in [
        vec![Ok(first(4)), entries("abc")],
        vec![Ok(first(3)), entries("ax"), entries("c")],
        vec![Ok(first(3)), entries("a")],
    ] {
        Odd::answers(&service.manifests, [broken(), Ok(other)]);
        let ended = ask(&world, address, &artifacts);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
        assert!(ended.stderr.contains("the run changed while its manifest was read; start again"), "{ended:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_busy_server_ends_a_command_that_begins_and_is_waited_for_by_one_that_has_begun() {
    let service = Odd::default();
    let address = service.serve().await;
    let world = World::new();
    let busy = || Err(said(Code::ResourceExhausted, "LIMIT_REACHED", "too many calls at once"));
    let page = |token: &str| Ok(pb::ListRetainedRunsResponse { next_page_token: token.to_owned(), ..odd_list() });
    Odd::answers(&service.lists, [busy(), page("")]);
    let ended = ask(&world, address, &["list"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(8), "error: too many calls at once\n"));
    Odd::answers(&service.lists, [page("more"), busy(), busy(), page("")]);
    let ended = ask(&world, address, &["list", "--json"]);
    let told = "note: the server is busy (too many calls at once); trying again\nnote: the server answers again\n";
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), told));
    assert_eq!(ended.stdout.matches("\"run_id\"").count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_the_call_is_told_as_older() {
    let (_, health) = tonic_health::server::health_reporter();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let router = tonic::transport::Server::builder().add_service(health);
    tokio::spawn(router.serve_with_incoming(TcpListenerStream::new(listener)));
    let world = World::new();
    for words in [&["list"][..], &[&["artifacts"], &ONE[..]].concat(), &[&["cat"], &ONE[..], &["a"]].concat()] {
        let ended = ask(&world, address, words);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(8), ""), "{ended:?}");
        let begins = format!("error: the server at http://{address} has no such call: it is older than this command");
        assert!(ended.stderr.starts_with(&begins), "{ended:?}");
    }
}
