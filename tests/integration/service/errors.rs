//! The error table of `api.md`, row by row: the code, the reason, the field or the retry, and no path of this machine in any of them.
//! Rows that need a slow reader, a full queue or a reached limit stand with those: `artifact`, `manifest`, `jobs`, `limits`.

use guide_board::wire::pb;
use tonic::{Code, Status};

use super::fixtures::{Service, Setup, put, put_summary, refused, refused_field, refused_with, stream_error, summary};
use super::served::{Served, start_request, world_of_jobs};
use crate::support::World;

type Read = pb::ReadArtifactRequest;

/// A server over one run `d` (`r`) with one artifact, and profiles to start jobs with.
async fn one_run() -> (World, Service) {
    let world = world_of_jobs("");
    put_summary(&world.path("runs"), "d", &summary("r", "2026-01-01T00:00:00Z"));
    put(&world.path("runs"), "d/artifacts/x", "12345");
    let service = Setup::new(&world.path("")).start().await;
    (world, service)
}

fn of(path: &str) -> Read {
    Read { directory: "d".to_owned(), path: path.to_owned(), ..Read::default() }
}

async fn read_error(service: &Service, request: Read) -> Status {
    stream_error(service.retained().read_artifact(request).await).await
}

async fn get_error(service: &Service, directory: &str) -> Status {
    let request = pb::GetRetainedRunRequest { directory: directory.to_owned(), ..Default::default() };
    service.retained().get_retained_run(request).await.expect_err("a refusal")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_does_not_parse_is_invalid_and_named() {
    let (_world, service) = one_run().await;
    let request = pb::ListRetainedRunsRequest { page_size: -5, ..Default::default() };
    refused_field(service.retained().list_retained_runs(request).await, "FIELD_INVALID", "page_size");
    let request = pb::ListProblemsRequest { reasons: vec!["no".to_owned()], ..Default::default() };
    refused_field(service.retained().list_problems(request).await, "FIELD_INVALID", "reasons");
    let request = pb::ListRunsRequest { page_token: "no".to_owned(), ..Default::default() };
    refused_field(service.runs().list_runs(request).await, "FIELD_INVALID", "page_token");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_syntax_of_a_requested_path_is_path_invalid() {
    let (_world, service) = one_run().await;
    for path in ["../d/run.json", "/run.json", "run.json/"] {
        refused_with(read_error(&service, of(path)).await, Code::InvalidArgument, "PATH_INVALID").saying("path: ");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_such_root_run_or_job_is_not_found_by_its_own_reason_in_every_call() {
    let (_world, service) = one_run().await;
    let (runs_dir, directory) = ("no-root".to_owned(), "no-run".to_owned());
    let mut retained = service.retained();
    macro_rules! no_root {
        ($($call:ident $request:ident $body:tt),+ $(,)?) => {$(
            let request = pb::$request { runs_dir: runs_dir.clone(), ..pb::$request $body };
            refused(retained.$call(request).await, Code::NotFound, "ROOT_NOT_FOUND").saying("the roots are: runs");
        )+};
    }
    no_root!(
        list_retained_runs ListRetainedRunsRequest { ..Default::default() },
        list_problems ListProblemsRequest { ..Default::default() },
        get_retained_run GetRetainedRunRequest { run_id: "r".into(), ..Default::default() },
        get_latest_retained_run GetLatestRetainedRunRequest { ..Default::default() },
        get_retained_run_reports GetRetainedRunReportsRequest { run_id: "r".into(), ..Default::default() },
        stream_artifact_manifest StreamArtifactManifestRequest { run_id: "r".into(), ..Default::default() },
        read_artifact ReadArtifactRequest { run_id: "r".into(), path: "run.json".into(), ..Default::default() },
    );
    macro_rules! no_run {
        ($($call:ident $request:ident $body:tt),+ $(,)?) => {$(
            for by_id in [false, true] {
                let mut request = pb::$request $body;
                if by_id { request.run_id = directory.clone() } else { request.directory = directory.clone() }
                refused(retained.$call(request).await, Code::NotFound, "RUN_NOT_FOUND").saying("no-run");
            }
        )+};
    }
    no_run!(
        get_retained_run GetRetainedRunRequest { ..Default::default() },
        get_retained_run_reports GetRetainedRunReportsRequest { ..Default::default() },
        stream_artifact_manifest StreamArtifactManifestRequest { ..Default::default() },
        read_artifact ReadArtifactRequest { path: "run.json".into(), ..Default::default() },
    );
    let job_id = "no-job".to_owned();
    refused(
        service.runs().get_run(pb::GetRunRequest { job_id: job_id.clone() }).await,
        Code::NotFound,
        "JOB_NOT_FOUND",
    );
    let request = pb::GetRunReportsRequest { job_id, ..Default::default() };
    refused(service.runs().get_run_reports(request).await, Code::NotFound, "JOB_NOT_FOUND");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_output_is_answered_the_same_whether_or_not_it_exists() {
    let (world, service) = one_run().await;
    put(&world.path("runs"), "d/secret", "there");
    std::os::unix::fs::symlink("/etc/passwd", world.path("runs/d/linked-secret")).expect("linked");
    let mut messages = Vec::new();
    for path in ["secret", "absent", "linked-secret", "artifacts/absent"] {
        let refusal = refused_with(read_error(&service, of(path)).await, Code::NotFound, "ARTIFACT_NOT_FOUND");
        messages.push(refusal.message.replace(path, "PATH"));
    }
    messages.dedup();
    assert_eq!(messages.len(), 1, "{messages:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_or_special_file_is_unsafe_and_a_directory_is_no_file() {
    let (world, service) = one_run().await;
    std::os::unix::fs::symlink("x", world.path("runs/d/artifacts/link")).expect("linked");
    std::os::unix::fs::symlink("d", world.path("runs/link")).expect("linked");
    refused_with(read_error(&service, of("artifacts/link")).await, Code::FailedPrecondition, "UNSAFE_PATH");
    let through = Read { directory: "link".to_owned(), ..of("artifacts/x") };
    refused_with(read_error(&service, through).await, Code::FailedPrecondition, "UNSAFE_PATH");
    refused_with(get_error(&service, "link").await, Code::FailedPrecondition, "UNSAFE_PATH");
    refused_with(read_error(&service, of("artifacts")).await, Code::FailedPrecondition, "NOT_A_FILE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_over_its_cap_is_too_large() {
    let (world, service) = one_run().await;
    let package = put(&world.path("runs"), "d/reports/assessment-package.json", "{}");
    // Sparse: nothing of it is written or read.
    std::fs::OpenOptions::new().write(true).open(package).expect("opened").set_len((1 << 30) + 1).expect("grown");
    let request = pb::StreamArtifactManifestRequest { run_id: "r".into(), ..Default::default() };
    let status = stream_error(service.retained().stream_artifact_manifest(request).await).await;
    refused_with(status, Code::FailedPrecondition, "DOCUMENT_TOO_LARGE").saying("reports/assessment-package.json");
    put(&world.path("runs"), "d/retention-summary.json", vec![b' '; (1 << 20) + 1]);
    refused_with(get_error(&service, "d").await, Code::FailedPrecondition, "DOCUMENT_TOO_LARGE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_id_of_two_directories_is_ambiguous_in_every_call_that_takes_one() {
    let (world, service) = one_run().await;
    put_summary(&world.path("runs"), "e", &summary("r", "2026-01-01T00:00:00Z"));
    service.wait_for_counts(2, 2).await;
    let run_id = "r".to_owned();
    let (code, reason) = (Code::FailedPrecondition, "RUN_ID_AMBIGUOUS");
    let mut retained = service.retained();
    let request = pb::GetRetainedRunRequest { run_id: run_id.clone(), ..Default::default() };
    refused(retained.get_retained_run(request).await, code, reason).saying("d, e");
    let request = pb::GetRetainedRunReportsRequest { run_id: run_id.clone(), ..Default::default() };
    refused(retained.get_retained_run_reports(request).await, code, reason).saying("d, e");
    let request = pb::StreamArtifactManifestRequest { run_id: run_id.clone(), ..Default::default() };
    refused(retained.stream_artifact_manifest(request).await, code, reason).saying("d, e");
    let request = Read { run_id, path: "artifacts/x".to_owned(), ..Read::default() };
    refused(retained.read_artifact(request).await, code, reason).saying("d, e");
    refused(retained.get_latest_retained_run(pb::GetLatestRetainedRunRequest::default()).await, code, reason)
        .saying("d, e");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_that_is_known_to_differ_is_refused_before_the_first_byte() {
    let (_world, service) = one_run().await;
    let request = Read { expected_generation: "0".repeat(32), ..of("artifacts/x") };
    refused(service.retained().read_artifact(request).await, Code::FailedPrecondition, "GENERATION_MISMATCH");
    let request = Read { expected_sha256: "0".repeat(64), compute_sha256: true, ..of("artifacts/x") };
    refused(service.retained().read_artifact(request).await, Code::FailedPrecondition, "DIGEST_MISMATCH");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_that_exists_and_a_request_id_that_was_used_already_exist() {
    let (_world, service) = one_run().await;
    let request = pb::StartRunRequest { output_dir: "d".to_owned(), ..start_request() };
    refused(service.runs().start_run(request).await, Code::AlreadyExists, "OUTPUT_EXISTS")
        .saying("name another output_dir");
    let request = pb::StartRunRequest { request_id: "once".to_owned(), ..start_request() };
    service.runs().start_run(request.clone()).await.expect("a job");
    let request = pb::StartRunRequest { output_dir: "other".to_owned(), ..request };
    refused(service.runs().start_run(request).await, Code::AlreadyExists, "REQUEST_ID_REUSED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stored_document_that_is_none_is_data_loss_and_named() {
    let (world, service) = one_run().await;
    put(&world.path("runs"), "d/reports/assessment-package.json", "[");
    let request = pb::StreamArtifactManifestRequest { directory: "d".into(), ..Default::default() };
    let status = stream_error(service.retained().stream_artifact_manifest(request).await).await;
    refused_with(status, Code::DataLoss, "DOCUMENT_MALFORMED").saying("reports/assessment-package.json");
    for text in ["{", "[]", "{}", "{\"run_id\": \"a/b\"}", "\u{feff}{\"run_id\": \"r\"}"] {
        put(&world.path("runs"), "d/retention-summary.json", text);
        refused_with(get_error(&service, "d").await, Code::DataLoss, "DOCUMENT_MALFORMED")
            .saying("retention-summary.json");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_offset_beyond_the_end_is_out_of_range_and_tells_the_size() {
    let (_world, service) = one_run().await;
    let status = read_error(&service, Read { offset: 6, ..of("artifacts/x") }).await;
    refused_with(status, Code::OutOfRange, "OFFSET_BEYOND_END").saying("5 bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_that_is_away_is_unavailable_with_a_time_to_retry_in_every_call() {
    let (world, service) = one_run().await;
    std::fs::rename(world.path("runs"), world.path("moved")).expect("moved");
    service.wait_until_health("", tonic_health::pb::health_check_response::ServingStatus::NotServing).await;
    let mut retained = service.retained();
    let (code, reason) = (Code::Unavailable, "ROOT_AWAY");
    refused(retained.list_retained_runs(pb::ListRetainedRunsRequest::default()).await, code, reason);
    refused(retained.list_problems(pb::ListProblemsRequest::default()).await, code, reason);
    refused(retained.get_latest_retained_run(pb::GetLatestRetainedRunRequest::default()).await, code, reason);
    refused_with(get_error(&service, "d").await, code, reason);
    refused_with(read_error(&service, of("artifacts/x")).await, code, reason);
    let request = pb::StreamArtifactManifestRequest { directory: "d".into(), ..Default::default() };
    refused(retained.stream_artifact_manifest(request).await, code, reason);
    let request = pb::GetRetainedRunReportsRequest { directory: "d".into(), ..Default::default() };
    refused(retained.get_retained_run_reports(request).await, code, reason);
    refused(service.runs().start_run(start_request()).await, code, reason);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_the_server_may_not_read_is_unavailable() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;
    let world = world_of_jobs("");
    put_summary(&world.path("runs"), "d", &summary("r", "2026-01-01T00:00:00Z"));
    let secret = put(&world.path("runs"), "d/artifacts/x", "12345");
    std::fs::set_permissions(&secret, PermissionsExt::from_mode(0o000)).expect("set");
    let mut command = world.command();
    if rustix::process::geteuid().is_root() {
        command.uid(65_534).gid(65_534);
        std::fs::set_permissions(world.path(""), PermissionsExt::from_mode(0o777)).expect("set");
    }
    let server = Served::spawn(&world, &mut command, &[]).await;
    let status = stream_error(server.client.retained().read_artifact(of("artifacts/x")).await).await;
    refused_with(status, Code::Unavailable, "UNREADABLE").saying("artifacts/x");
}
