//! GetRetainedRun: by id or by directory, everything the summary says, read again each time; what it refuses.

use guide_board::wire::pb;
use serde_json::json;
use tonic::Code;

use super::fixtures::{Service, Setup, put, put_summary, refused, refused_field, summary};
use crate::support::World;

type Get = pb::GetRetainedRunRequest;

fn by_id(run_id: &str) -> Get {
    Get { run_id: run_id.to_owned(), ..Get::default() }
}

fn by_directory(directory: &str) -> Get {
    Get { directory: directory.to_owned(), ..Get::default() }
}

async fn get(service: &Service, request: Get) -> (pb::RetainedRun, pb::RunSummary) {
    let reply = service.retained().get_retained_run(request).await.expect("a run").into_inner();
    (reply.run.expect("a run"), reply.summary.expect("a summary"))
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_one_of_run_id_and_directory_and_each_of_its_form() {
    let world = World::new();
    put_summary(&world.path("runs"), "d", &summary("r", "2026-01-01T00:00:00Z"));
    let service = Setup::new(&world.path("")).start().await;
    assert_eq!(get(&service, by_id("r")).await, get(&service, by_directory("d")).await);
    let both = Get { run_id: "r".into(), directory: "d".into(), ..Get::default() };
    refused_field(service.retained().get_retained_run(both).await, "FIELD_INVALID", "directory");
    refused_field(service.retained().get_retained_run(Get::default()).await, "FIELD_INVALID", "run_id");
    for text in ["../d", ".r", "-r", "a b", "a/b", "é", &"x".repeat(129)] {
        refused_field(service.retained().get_retained_run(by_id(text)).await, "FIELD_INVALID", "run_id");
    }
    for text in ["..", ".", "a/b", "/", "/etc", "a\\b", "d/", "a\0b", &"x".repeat(256)] {
        refused_field(service.retained().get_retained_run(by_directory(text)).await, "PATH_INVALID", "directory");
    }
    for request in [by_id("unknown"), by_id("d"), by_directory("r"), by_directory("%64"), by_directory(".hidden")] {
        refused(service.retained().get_retained_run(request).await, Code::NotFound, "RUN_NOT_FOUND");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_a_summary_says_comes_back_unknown_keys_to_the_digit() {
    let world = World::new();
    let text = r#"{"schema_version": "1", "run_id": "r", "target_profile_ref": "t", "assessment_profile_ref": "a",
        "result_status": "infrastructure_error", "started_at": "1969-12-31T23:59:59.5Z", "completed_at": "2026-05-08T18:43:35+02:00",
        "evidence_counts": {"pass": 18446744073709551615, "own-word": 2}, "finding_counts": {"total": 0},
        "report_paths": {"report": "reports/report.md", "bad": "../x", "worse": "/etc/passwd"},
        "source_commits": {"s": "abc"}, "labels": {"k": "v"},
        "retention_policy": {"summary_days": 0, "tier": "cold"},
        "extra": { "n": 123456789012345678901234567890,  "d": 0.10 }, "none": null, "run_ids": ["x"], "status": 7}"#;
    put(&world.path("runs"), "d/retention-summary.json", text);
    let service = Setup::new(&world.path("")).start().await;
    let (run, summary) = get(&service, by_id("r")).await;
    assert_eq!(run.result_status(), pb::ResultStatus::InfrastructureError);
    let started = summary.started_at.expect("a time before 1970");
    assert_eq!((started.seconds, started.nanos), (-1, 500_000_000));
    assert_eq!(summary.completed_at.expect("a time").seconds, 1_778_258_615);
    assert_eq!(summary.evidence_counts["pass"], u64::MAX);
    assert_eq!(summary.report_paths, [("report".to_owned(), "reports/report.md".to_owned())].into());
    assert_eq!(summary.unsafe_report_paths, ["bad", "worse"]);
    let policy = summary.retention_policy.expect("a policy");
    assert_eq!((policy.summary_days, policy.raw_artifact_days), (Some(0), None));
    assert_eq!(summary.unknown_keys["extra"], r#"{ "n": 123456789012345678901234567890,  "d": 0.10 }"#);
    assert_eq!(summary.unknown_keys["retention_policy"], r#"{"summary_days": 0, "tier": "cold"}"#);
    assert_eq!((summary.unknown_keys["none"].as_str(), summary.unknown_keys["status"].as_str()), ("null", "7"));
    let markers = [
        "assessment-package-missing",
        "report-missing",
        "source-lock-missing",
        "submission-package-missing",
        "unsafe-report-ref",
    ];
    assert_eq!(run.compatibility, markers);
    assert!(!format!("{run:?}{summary:?}").contains("/etc/passwd"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_summary_is_read_again_for_every_call() {
    let world = World::new();
    let root = world.path("runs");
    put_summary(&root, "d", &summary("r", "2026-01-01T00:00:00Z"));
    let service = Setup::new(&world.path("")).with(|config| config.poll_interval = std::time::Duration::from_secs(600));
    let service = service.start().await;
    let mut changed = summary("r", "2026-01-01T00:00:00Z");
    changed["labels"] = json!({"since": "now"});
    put_summary(&root, "d", &changed);
    assert_eq!(get(&service, by_id("r")).await.1.labels["since"], "now");
    put_summary(&root, "d", &summary("another", "2026-01-01T00:00:00Z"));
    refused(service.retained().get_retained_run(by_id("r")).await, Code::NotFound, "RUN_NOT_FOUND");
    assert_eq!(get(&service, by_directory("d")).await.0.run_id, "another");
    put(&root, "d/retention-summary.json", "no longer JSON");
    let outcome = service.retained().get_retained_run(by_directory("d")).await;
    refused(outcome, Code::DataLoss, "DOCUMENT_MALFORMED").saying("retention-summary.json");
    put(&root, "d/retention-summary.json", vec![b' '; (1 << 20) + 1]);
    let outcome = service.retained().get_retained_run(by_directory("d")).await;
    refused(outcome, Code::FailedPrecondition, "DOCUMENT_TOO_LARGE").saying("retention-summary.json");
    std::fs::remove_dir_all(root.join("d")).expect("removed");
    for request in [by_id("r"), by_directory("d")] {
        refused(service.retained().get_retained_run(request).await, Code::NotFound, "RUN_NOT_FOUND");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_bearers_of_an_id_are_named_and_each_is_found_by_directory() {
    let world = World::new();
    let root = world.path("runs");
    put_summary(&root, "b-copy", &summary("twin", "2026-01-01T00:00:00Z"));
    put_summary(&root, "a-first", &summary("twin", "2026-01-02T00:00:00Z"));
    let service = Setup::new(&world.path("")).start().await;
    let outcome = service.retained().get_retained_run(by_id("twin")).await;
    refused(outcome, Code::FailedPrecondition, "RUN_ID_AMBIGUOUS").saying("a-first, b-copy");
    for directory in ["a-first", "b-copy"] {
        let (run, _) = get(&service, by_directory(directory)).await;
        assert!(run.compatibility.contains(&"run-id-duplicate".to_owned()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn links_and_special_files_are_refused_and_what_is_incomplete_is_no_run() {
    let world = World::new();
    let root = world.path("runs");
    put_summary(&root, "good", &summary("good", "2026-01-01T00:00:00Z"));
    std::os::unix::fs::symlink("good", root.join("link")).expect("linked");
    std::fs::create_dir(root.join("linked-summary")).expect("made");
    std::os::unix::fs::symlink("../good/retention-summary.json", root.join("linked-summary/retention-summary.json"))
        .expect("linked");
    std::fs::create_dir(root.join("fifo-summary")).expect("made");
    make_fifo(&root.join("fifo-summary/retention-summary.json"));
    std::fs::create_dir_all(root.join("dir-summary/retention-summary.json")).expect("made");
    put(&root, "broken-off/run.json", "{}");
    put(&root, "a-file", "");
    let service = Setup::new(&world.path("")).start().await;
    for directory in ["link", "linked-summary", "fifo-summary", "dir-summary"] {
        let outcome = service.retained().get_retained_run(by_directory(directory)).await;
        refused(outcome, Code::FailedPrecondition, "UNSAFE_PATH");
    }
    let outcome = service.retained().get_retained_run(by_directory("broken-off")).await;
    refused(outcome, Code::NotFound, "RUN_NOT_FOUND").saying("no summary");
    let outcome = service.retained().get_retained_run(by_directory("a-file")).await;
    refused(outcome, Code::NotFound, "RUN_NOT_FOUND");
}

pub(super) fn make_fifo(path: &std::path::Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status().expect("mkfifo runs");
    assert!(made.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_too_large_for_a_reply_comes_without_its_free_form_part() {
    let world = World::new();
    let mut large = summary("r", "2026-01-01T00:00:00Z");
    // Counts of one digit need more bytes in the reply than in the file.
    let counts: serde_json::Map<_, _> = (0..104_000).map(|n| (format!("{n:x}"), json!(1))).collect();
    large["evidence_counts"] = counts.into();
    large["labels"] = json!({"k": "v"});
    assert!(large.to_string().len() < 1 << 20);
    put_summary(&world.path("runs"), "d", &large);
    let service = Setup::new(&world.path("")).start().await;
    let (run, summary) = get(&service, by_id("r")).await;
    assert!(run.free_form_omitted && run.evidence_counts.is_empty() && run.labels.is_empty());
    assert!(summary.free_form_omitted && summary.evidence_counts.is_empty() && summary.labels.is_empty());
    assert_eq!((summary.run_id.as_str(), summary.target_profile_ref.as_str()), ("r", "a-target"));
    let listed = service.list(pb::ListRetainedRunsRequest::default()).await.runs;
    assert!(listed[0].free_form_omitted && listed[0].run_id == "r");
}
