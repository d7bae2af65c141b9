//! GetRetainedRunReports: which reports, their digests, contents as far as they fit, and unsafe refs refused or reported.

use guide_board::wire::pb;
use serde_json::json;
use tonic::Code;

use super::fixtures::{Service, Setup, put, put_summary, refused, summary};
use crate::support::World;

type Reports = pb::GetRetainedRunReportsRequest;

async fn reports(service: &Service, request: Reports) -> Vec<pb::Report> {
    let reply = service.retained().get_retained_run_reports(request).await.expect("reports").into_inner();
    assert!(reply.run.is_some() && reply.summary.is_some());
    reply.reports
}

fn of(directory: &str) -> Reports {
    Reports { directory: directory.to_owned(), ..Reports::default() }
}

fn states(reports: &[pb::Report]) -> Vec<(&str, &str, pb::FileState)> {
    reports.iter().map(|report| (report.kind.as_str(), report.path.as_str(), report.state())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn named_and_standard_reports_by_kind_with_what_stands_there() {
    let world = World::new();
    let root = world.path("runs");
    let mut named = summary("r", "2026-01-01T00:00:00Z");
    named["report_paths"] = json!({"report": "reports/other.md", "zebra": "reports/gone.json", "secret": "secret.txt"});
    put_summary(&root, "d", &named);
    put(&root, "d/reports/other.md", "# other");
    put(&root, "d/reports/report.md", "# the standard name is taken by another path");
    put(&root, "d/reports/fragments.json", "[]");
    put(&root, "d/secret.txt", "no output of the run");
    let service = Setup::new(&world.path("")).start().await;
    use pb::FileState::{Missing, Present};
    let all = reports(&service, of("d")).await;
    assert_eq!(
        states(&all),
        [
            ("fragments", "reports/fragments.json", Present),
            ("report", "reports/other.md", Present),
            ("secret", "secret.txt", Missing),
            ("zebra", "reports/gone.json", Missing),
        ]
    );
    assert_eq!((all[1].size_bytes, all[1].media_type.as_str()), (Some(7), "text/markdown"));
    assert!(all[1].contents.is_none() && !all[1].contents_omitted, "not asked for");
    let one = reports(&service, Reports { kind: "report".into(), include_contents: true, ..of("d") }).await;
    assert_eq!(one.len(), 1);
    assert_eq!(one[0].contents.as_deref(), Some(b"# other".as_slice()));
    let outcome = service.retained().get_retained_run_reports(Reports { kind: "nope".into(), ..of("d") }).await;
    refused(outcome, Code::NotFound, "ARTIFACT_NOT_FOUND").saying("nope");
}

#[tokio::test(flavor = "multi_thread")]
async fn unsafe_refs_refuse_the_call_by_kind_unless_reporting_is_asked_for() {
    let world = World::new();
    let root = world.path("runs");
    let mut named = summary("r", "2026-01-01T00:00:00Z");
    named["report_paths"] = json!({
        "up": "../other/reports/report.md", "absolute": "/etc/passwd", "linked": "reports/linked.md", "within": "reports/in/x.md",
        "directory": "reports/sub", "odd": "reports/foo..bar", "encoded": "reports/%2e%2e",
    });
    put_summary(&root, "d", &named);
    put(&root, "d/reports/report.md", "fine");
    put(&root, "d/reports/sub/x", "");
    put(&root, "d/reports/foo..bar", "only looks odd");
    put(&root, "d/reports/%2e%2e", "only looks odd");
    put(&root, "outside/x.md", "outside");
    std::os::unix::fs::symlink("/etc/passwd", root.join("d/reports/linked.md")).expect("linked");
    std::os::unix::fs::symlink(root.join("outside"), root.join("d/reports/in")).expect("linked");
    let service = Setup::new(&world.path("")).start().await;
    let outcome = service.retained().get_retained_run_reports(of("d")).await;
    let refusal = refused(outcome, Code::FailedPrecondition, "UNSAFE_PATH");
    assert!(refusal.message.contains("absolute, directory, linked, up, within"), "{}", refusal.message);
    let all = reports(&service, Reports { report_unsafe: true, include_contents: true, ..of("d") }).await;
    use pb::FileState::{NotRegularFile, Present, UnsafePath};
    assert_eq!(
        states(&all),
        [
            ("absolute", "", UnsafePath),
            ("directory", "reports/sub", NotRegularFile),
            ("encoded", "reports/%2e%2e", Present),
            ("linked", "reports/linked.md", NotRegularFile),
            ("odd", "reports/foo..bar", Present),
            ("report", "reports/report.md", Present),
            ("up", "", UnsafePath),
            ("within", "reports/in/x.md", NotRegularFile),
        ]
    );
    let with_contents: Vec<_> =
        all.iter().filter(|report| report.contents.is_some()).map(|report| &report.kind).collect();
    assert_eq!(with_contents, ["encoded", "odd", "report"]);
    let safe = reports(&service, Reports { kind: "odd".into(), ..of("d") }).await;
    assert_eq!(safe.len(), 1, "an unsafe ref of another kind is no concern of this question");
    let outcome = service.retained().get_retained_run_reports(Reports { kind: "up".into(), ..of("d") }).await;
    refused(outcome, Code::FailedPrecondition, "UNSAFE_PATH");
}

#[tokio::test(flavor = "multi_thread")]
async fn digests_are_those_that_the_submission_package_records() {
    let world = World::new();
    let root = world.path("runs");
    put_summary(&root, "d", &summary("r", "2026-01-01T00:00:00Z"));
    put(&root, "d/reports/report.md", "x");
    put(&root, "d/reports/fragments.json", "[]");
    let digest = "AB".repeat(32);
    let package = json!({"documents": [
        {"path": "reports/report.md", "sha256": format!("sha256:{digest}")}, {"path": "reports/fragments.json", "sha256": "short"},
        {"path": "../up", "sha256": digest},
    ]});
    put(&root, "d/reports/submission-package.json", package.to_string());
    let service = Setup::new(&world.path("")).start().await;
    let shown: Vec<_> =
        reports(&service, of("d")).await.into_iter().map(|report| (report.kind, report.sha256)).collect();
    let expected = [("fragments", String::new()), ("report", "ab".repeat(32)), ("submission_package", String::new())];
    assert_eq!(shown, expected.map(|(kind, digest)| (kind.to_owned(), digest)));
    put(&root, "d/reports/submission-package.json", "broken");
    assert!(reports(&service, of("d")).await.iter().all(|report| report.sha256.is_empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn contents_that_do_not_fit_are_marked_and_the_reply_stays_whole() {
    let world = World::new();
    let root = world.path("runs");
    let mut named = summary("r", "2026-01-01T00:00:00Z");
    named["report_paths"] = json!({"a": "reports/a.bin", "b": "reports/b.bin", "c": "reports/c.md"});
    put_summary(&root, "d", &named);
    put(&root, "d/reports/a.bin", vec![1; 1_500_000]);
    put(&root, "d/reports/b.bin", vec![2; 1_500_000]);
    put(&root, "d/reports/c.md", "small");
    let service = Setup::new(&world.path("")).start().await;
    let all = reports(&service, Reports { include_contents: true, ..of("d") }).await;
    let shown: Vec<_> =
        all.iter().map(|report| (report.contents.as_ref().map(|bytes| bytes.len()), report.contents_omitted)).collect();
    assert_eq!(shown, [(Some(1_500_000), false), (None, true), (Some(5), false)]);
    assert_eq!(all[1].size_bytes, Some(1_500_000));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_summary_that_names_endless_reports_is_refused_and_one_kind_is_served() {
    let world = World::new();
    let root = world.path("runs");
    let mut named = summary("r", "2026-01-01T00:00:00Z");
    let paths: serde_json::Map<_, _> = (0..90_000).map(|n| (format!("{n:x}"), json!("a"))).collect();
    named["report_paths"] = paths.into();
    named["report_paths"]["1f"] = json!("run.json");
    put_summary(&root, "d", &named);
    put(&root, "d/run.json", "{}");
    let service = Setup::new(&world.path("")).start().await;
    let outcome = service.retained().get_retained_run_reports(of("d")).await;
    refused(outcome, Code::FailedPrecondition, "DOCUMENT_TOO_LARGE").saying("ask for one kind");
    let one = reports(&service, Reports { kind: "1f".into(), include_contents: true, ..of("d") }).await;
    assert_eq!(one[0].contents.as_deref(), Some(b"{}".as_slice()));
}
