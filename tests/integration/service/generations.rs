//! The committed fixture root: every generation of the layout is listed and readable, with its markers, whichever call is asked.

use guide_board::wire::pb;
use sha2::{Digest, Sha256};

use super::fixtures::{Service, Setup, collect, committed_root, directories};

const BEFORE_PACKAGES: &str = "nightly-2024-11-03";
const EIGHT_FILES: &str = "run-20250318T091205Z";
const WITH_LOCK: &str = "run-20250922T140031Z";
const NEWEST: &str = "run-20260508T164334Z-7f3a91c2";
const MOVED: &str = "moved-from-ci";
const ALIASES: &str = "hand-over";

/// Every run with the markers that its files show.
const MARKERS: [(&str, &[&str]); 6] = [
    (BEFORE_PACKAGES, &["assessment-package-missing", "source-lock-missing", "submission-package-missing"]),
    (EIGHT_FILES, &["source-lock-missing", "submission-package-missing"]),
    (WITH_LOCK, &[]),
    (NEWEST, &[]),
    (MOVED, &["source-lock-missing", "submission-package-missing"]),
    (ALIASES, &["assessment-package-missing", "field-malformed", "source-lock-missing", "submission-package-missing"]),
];

async fn serve() -> (tempfile::TempDir, Service) {
    let directory = tempfile::tempdir().expect("a directory");
    let service = Setup::over(directory.path(), &[("fixtures", &committed_root())]).start().await;
    (directory, service)
}

async fn get(service: &Service, directory: &str) -> pb::GetRetainedRunResponse {
    let request = pb::GetRetainedRunRequest { directory: directory.to_owned(), ..Default::default() };
    service.retained().get_retained_run(request).await.expect("a run").into_inner()
}

async fn reports(service: &Service, directory: &str) -> pb::GetRetainedRunReportsResponse {
    let request = pb::GetRetainedRunReportsRequest {
        directory: directory.to_owned(),
        include_contents: true,
        ..Default::default()
    };
    service.retained().get_retained_run_reports(request).await.expect("reports").into_inner()
}

async fn manifest(service: &Service, directory: &str) -> Vec<pb::StreamArtifactManifestResponse> {
    let request = pb::StreamArtifactManifestRequest { directory: directory.to_owned(), ..Default::default() };
    collect(service.retained().stream_artifact_manifest(request).await).await.expect("a manifest")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_generation_is_listed_newest_first_and_bad_directories_are_problems() {
    let (_directory, service) = serve().await;
    let list = service.list(pb::ListRetainedRunsRequest::default()).await;
    assert_eq!(directories(&list.runs), [NEWEST, WITH_LOCK, EIGHT_FILES, MOVED, BEFORE_PACKAGES, ALIASES]);
    assert_eq!((list.total_size, list.problem_count, list.in_progress_count), (6, 2, 0));
    let counts = [("completed", 4), ("failed", 1), ("partially-done", 1)].map(|(word, n)| (word.to_owned(), n));
    assert_eq!(list.status_counts, counts.into());
    let problems = service.retained().list_problems(pb::ListProblemsRequest::default()).await.expect("problems");
    let problems = problems.into_inner().problems;
    let shown: Vec<_> = problems.iter().map(|problem| (problem.directory.as_str(), problem.reason())).collect();
    use pb::ProblemReason::{Incomplete, SummaryNotJson};
    assert_eq!(shown, [("not-a-summary", SummaryNotJson), ("run-20260301T000000Z-0badc0de", Incomplete)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_generation_bears_its_markers_in_every_call() {
    let (_directory, service) = serve().await;
    for (directory, markers) in MARKERS {
        let run = get(&service, directory).await.run.expect("a run");
        assert_eq!(run.compatibility, markers, "{directory}");
        assert_eq!(reports(&service, directory).await.run.expect("a run").compatibility, markers, "{directory}");
        let messages = manifest(&service, directory).await;
        assert_eq!(messages[0].run.as_ref().expect("a header").compatibility, markers, "{directory}");
        assert_eq!(messages[0].compatibility, markers, "{directory}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reports_of_each_generation_are_those_it_has() {
    let (_directory, service) = serve().await;
    let expected: [(&str, &[&str]); 6] = [
        (BEFORE_PACKAGES, &["report"]),
        (EIGHT_FILES, &["assessment_package", "report"]),
        (WITH_LOCK, &["assessment_package", "report", "submission_package"]),
        (NEWEST, &["assessment_package", "export_manifest", "fragments", "report", "submission_package"]),
        (MOVED, &["assessment_package", "report"]),
        (ALIASES, &["appendix", "report"]),
    ];
    for (directory, kinds) in expected {
        let reply = reports(&service, directory).await;
        assert_eq!(reply.reports.iter().map(|report| report.kind.as_str()).collect::<Vec<_>>(), kinds, "{directory}");
        for report in &reply.reports {
            let on_disk = std::fs::read(committed_root().join(directory).join(&report.path)).expect("read");
            assert_eq!(report.state(), pb::FileState::Present);
            assert_eq!(report.size_bytes, Some(on_disk.len() as u64));
            assert_eq!(report.contents.as_deref(), Some(on_disk.as_slice()), "{directory}/{}", report.path);
            // The submission package cannot record its own digest.
            let is_recorded = [WITH_LOCK, NEWEST].contains(&directory) && report.kind != "submission_package";
            let digest = if is_recorded { hex(&on_disk) } else { String::new() };
            assert_eq!(report.sha256, digest, "{directory}/{}", report.path);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_listed_artifact_of_every_generation_is_present_and_readable() {
    let (_directory, service) = serve().await;
    for (directory, count) in [(BEFORE_PACKAGES, 0), (EIGHT_FILES, 2), (WITH_LOCK, 2), (NEWEST, 2), (MOVED, 2)] {
        let messages = manifest(&service, directory).await;
        let entries: Vec<_> = messages.iter().flat_map(|message| &message.artifact_manifest).collect();
        assert_eq!(entries.len(), count, "{directory}");
        assert_eq!(messages[0].entry_count, count as u64, "{directory}");
        for entry in entries {
            assert_eq!(entry.state(), pb::FileState::Present, "{directory}/{}", entry.path);
            let request = pb::ReadArtifactRequest {
                directory: directory.to_owned(),
                path: entry.path.clone(),
                expected_sha256: entry.sha256.clone(),
                ..Default::default()
            };
            let messages = collect(service.retained().read_artifact(request).await).await.expect("bytes");
            let bytes: Vec<u8> = messages.iter().flat_map(|message| message.data.to_vec()).collect();
            assert!(entry.sha256.is_empty() || hex(&bytes) == entry.sha256);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stored_absolute_paths_are_given_out_relative() {
    let (_directory, service) = serve().await;
    let summary = get(&service, MOVED).await.summary.expect("a summary");
    let expected = [("assessment_package", "reports/assessment-package.json"), ("report", "reports/report.md")];
    assert_eq!(summary.report_paths, expected.map(|(kind, path)| (kind.to_owned(), path.to_owned())).into());
    let messages = manifest(&service, MOVED).await;
    let paths: Vec<_> =
        messages.iter().flat_map(|message| &message.artifact_manifest).map(|entry| &entry.path).collect();
    assert_eq!(
        paths,
        ["artifacts/repository-baseline/inventory.json", "artifacts/repository-baseline/notes.txt"],
        "one through the recorded output_dir, one through the directory's name"
    );
    assert_eq!(summary.completed_at.expect("a time without an offset").nanos, 500_000_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn aliases_are_read_and_odd_values_kept() {
    let (_directory, service) = serve().await;
    let reply = get(&service, ALIASES).await;
    let (run, summary) = (reply.run.expect("a run"), reply.summary.expect("a summary"));
    assert_eq!(
        (run.target_profile_ref.as_str(), run.assessment_profile_ref.as_str()),
        ("sample-repository", "sample-noop-assessment")
    );
    assert_eq!(
        (run.result_status(), run.result_status_word.as_str()),
        (pb::ResultStatus::Unrecognized, "partially-done")
    );
    assert_eq!(run.completed_at, None);
    assert_eq!(summary.malformed_keys, ["completed_at"]);
    assert_eq!(summary.unknown_keys["completed_at"], "1736500000");
    assert!(summary.unknown_keys["build"].contains("123456789012345678901234567890"), "to the digit");
    assert_eq!(summary.evidence_counts["unknown"], 1);
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
