//! One run in depth: its summary read again, its reports, what is refused and what is told.

use std::collections::BTreeSet;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use super::fixtures::{CANARY, Fixture, Generation, by_directory, by_run_id, path};
use super::surroundings;
use crate::model::Marker;
use crate::repository::{Error, FoundFile, LocatedRun, ReportFile, RetainedRun, UnsafeRefs};

const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn reports(found: &(LocatedRun, RetainedRun)) -> Vec<ReportFile> {
    found.0.reports(&found.1, None, Some(1 << 20), UnsafeRefs::Report).expect("reports")
}

fn kinds(reports: &[ReportFile]) -> Vec<&str> {
    reports.iter().map(|report| report.kind.as_str()).collect()
}

fn state(report: &ReportFile) -> &'static str {
    match report.state {
        FoundFile::Present(_) => "present",
        FoundFile::Missing => "missing",
        FoundFile::NotRegular => "not regular",
        FoundFile::Unreadable => "unreadable",
        FoundFile::UnsafePath => "unsafe",
    }
}

#[test]
fn a_run_is_read_again_from_its_summary_at_every_call() {
    let fixture = Fixture::new();
    let run = fixture.run("run").key("labels", json!({"n": "1"})).summary();
    let root = fixture.scanned();
    let label = || {
        let run = root.locate(&by_run_id("run")).expect("is found").retained().expect("is read");
        run.summary.labels.get("n").cloned()
    };
    assert_eq!(label().as_deref(), Some("1"));
    run.key("labels", json!({"n": "2"})).summary();
    assert_eq!(label().as_deref(), Some("2"));
}

#[test]
fn a_directory_that_has_become_another_run_is_not_served_for_the_run_asked_for() {
    let fixture = Fixture::new();
    let run = fixture.run("run").summary();
    let root = fixture.scanned();
    run.key("run_id", "another").summary();
    let located = root.locate(&by_run_id("run")).expect("the snapshot knows it");
    assert!(matches!(located.retained(), Err(Error::RunNotFound { .. })));
    assert_eq!(
        root.locate(&by_directory("run")).expect("is found").retained().expect("is read").summary.run_id.as_str(),
        "another"
    );
    std::fs::remove_dir_all(fixture.path("runs/run")).expect("removed");
    assert!(matches!(root.locate(&by_run_id("run")), Err(Error::RunNotFound { .. })));
    assert!(matches!(root.locate(&by_run_id("never")), Err(Error::RunNotFound { .. })));
}

#[test]
fn what_is_no_retained_run_says_which_kind_of_none_it_is() {
    let fixture = Fixture::new();
    let writing = fixture.run("writing").file("run.json", "{}");
    let lock = std::fs::File::open(writing.path().join("run.json")).expect("opens");
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).expect("locks");
    fixture.run("incomplete").file("run.json", "{}");
    fixture.run("malformed").summary_bytes("[]");
    fixture.run("large").summary_bytes(vec![b' '; (1 << 20) + 1]);
    fixture.run("linked").link("retention-summary.json", fixture.path("outside/secret.txt"));
    fixture.run("nested").directory("retention-summary.json");
    fixture.run(".hidden").summary();
    fixture.link("runs/link", "incomplete");
    std::fs::write(fixture.path("runs/file"), "").expect("written");
    let root = fixture.scanned();
    let error = |directory: &str| {
        let read = root.locate(&by_directory(directory)).and_then(|located| located.retained());
        read.map(drop).expect_err("is no retained run")
    };
    assert!(matches!(error("writing"), Error::RunNotFound { message } if message.contains("still being made")));
    assert!(matches!(error("incomplete"), Error::RunNotFound { message } if message.contains("has no summary")));
    assert!(matches!(error("malformed"), Error::DocumentMalformed { .. }));
    assert!(matches!(error("large"), Error::DocumentTooLarge { cap_bytes, .. } if cap_bytes == 1 << 20));
    assert!(matches!(error("linked"), Error::UnsafePath { .. }));
    assert!(matches!(error("nested"), Error::UnsafePath { .. }));
    assert!(matches!(error("link"), Error::UnsafePath { .. }));
    for directory in ["missing", "file", ".hidden", "lost+found", "a/../b"] {
        let Ok(name) = directory.parse() else { continue };
        let found = root.locate(&crate::repository::RunSelector::Directory(name));
        assert!(matches!(found, Err(Error::RunNotFound { .. })), "{directory}");
    }
}

#[test]
fn aliases_a_list_of_paths_and_unknown_keys_are_read() {
    let fixture = Fixture::new();
    fixture
        .run("run")
        .generation(Generation::Fragments)
        .key("status", "completed")
        .key("target_ref", "t")
        .key("assessment", "a")
        .key("report_refs", json!(["reports/report.md", "reports/assessment-package.json", "artifacts/x/report.md"]))
        .key("build", json!({"n": 1}))
        .file("artifacts/x/report.md", "other")
        .summary();
    let found = fixture.retained("run");
    let summary = &found.1.summary;
    assert_eq!(summary.result_status.as_deref(), Some("completed"));
    assert_eq!(summary.target_profile_ref.as_deref(), Some("t"));
    assert_eq!(summary.assessment_profile_ref.as_deref(), Some("a"));
    assert_eq!(summary.unknown.get("build").map(String::as_str), Some(r#"{"n":1}"#));
    let reports = reports(&found);
    let expected = ["assessment_package", "export_manifest", "fragments", "report", "report_2", "submission_package"];
    assert_eq!(kinds(&reports), expected);
    assert!(reports.iter().all(|report| state(report) == "present"));
    let other = reports.iter().find(|report| report.kind == "report_2").expect("is there");
    assert_eq!(other.contents.as_deref(), Some(b"other".as_slice()));
}

#[test]
fn a_kind_made_from_a_list_never_shows_where_the_run_once_stood() {
    let fixture = Fixture::new();
    let list = json!(["/ci/private/run/reports/report.md", "/ci/private/run/artifacts/report.md", "/etc/report.md"]);
    fixture.run("run").key("report_paths", list).summary();
    let (_, run) = fixture.retained("run");
    let kinds: Vec<&String> = run.report_paths.keys().chain(&run.unsafe_reports).collect();
    assert_eq!(kinds, ["report", "report_2", "report_3"]);
}

#[test]
fn absolute_refs_are_rebased_on_the_recorded_output_dir_or_the_directory_name() {
    let fixture = Fixture::new();
    let refs = json!({
        "by_output_dir": "/ci/out/reports/report.md",
        "by_name": "/elsewhere/run/reports/report.md",
        "last_name_counts": "/run/x/run/reports/report.md",
        "twin": "/ci/out-secret/reports/report.md",
        "escaping": "/ci/out/../secret.txt",
        "foreign": "/etc/passwd",
        "root_itself": "/ci/out",
    });
    fixture
        .run("run")
        .file("run.json", r#"{"output_dir": "/ci/out/"}"#)
        .file("reports/report.md", "report")
        .key("report_paths", refs)
        .summary();
    let found = fixture.retained("run");
    let rebased: Vec<_> = found.1.report_paths.iter().map(|(kind, path)| (kind.as_str(), path.as_str())).collect();
    let report = "reports/report.md";
    assert_eq!(rebased, [("by_name", report), ("by_output_dir", report), ("last_name_counts", report)]);
    let refused: Vec<_> = found.1.unsafe_reports.iter().map(String::as_str).collect();
    assert_eq!(refused, ["escaping", "foreign", "root_itself", "twin"]);
    assert!(found.1.markers.contains(&Marker::UnsafeReportRef));
}

#[test]
fn a_run_record_that_is_a_link_or_damaged_rebases_nothing() {
    let fixture = Fixture::new();
    std::fs::write(fixture.path("outside/run.json"), r#"{"output_dir": "/ci/out"}"#).expect("written");
    let refs = || json!({"report": "/ci/out/reports/report.md"});
    fixture.run("linked").link("run.json", fixture.path("outside/run.json")).key("report_paths", refs()).summary();
    fixture.run("damaged").file("run.json", "no").key("report_paths", refs()).summary();
    for directory in ["linked", "damaged"] {
        let (_, run) = fixture.retained(directory);
        assert_eq!(run.unsafe_reports, BTreeSet::from(["report".to_owned()]), "{directory}");
    }
}

#[test]
fn unsafe_refs_refuse_the_call_by_name_or_are_reported_and_leave_the_others_readable() {
    let fixture = Fixture::new();
    fixture
        .run("run")
        .file("reports/report.md", "report")
        .link("reports/fragments.json", fixture.path("outside/secret.txt"))
        .key("report_paths", json!({"report": "reports/report.md", "climbing": "../outside", "odd\u{1b}": "a//b"}))
        .summary();
    let (located, run) = fixture.retained("run");
    assert!(run.markers.contains(&Marker::UnsafeReportRef));
    let message = match located.reports(&run, None, None, UnsafeRefs::Refuse) {
        Err(Error::UnsafeRefs { message }) => message,
        other => panic!("{other:?}"),
    };
    for kind in ["climbing", "fragments", "odd\\u{1b}"] {
        assert!(message.contains(kind), "{message}");
    }
    assert!(!message.contains("outside") && !message.contains("report.md"), "{message}");
    let reports = reports(&(located, run));
    let told: Vec<_> = reports.iter().map(|report| (report.kind.as_str(), state(report))).collect();
    let expected =
        [("climbing", "unsafe"), ("fragments", "not regular"), ("odd\u{1b}", "unsafe"), ("report", "present")];
    assert_eq!(told, expected);
    assert!(reports.iter().all(|report| report.contents.is_some() == (report.kind == "report")));
}

#[test]
fn one_kind_is_answered_alone_and_one_that_is_not_there_is_not_found() {
    let fixture = Fixture::new();
    fixture.run("run").generation(Generation::EightFiles).key("report_paths", json!({"bad": "../x"})).summary();
    let (located, run) = fixture.retained("run");
    let asked = |kind| located.reports(&run, Some(kind), None, UnsafeRefs::Refuse);
    assert_eq!(kinds(&asked("report").expect("is there, whatever the others are")), ["report"]);
    assert!(matches!(asked("bad"), Err(Error::UnsafeRefs { .. })));
    for missing in ["submission_package", "never", ""] {
        assert!(matches!(asked(missing), Err(Error::ReportNotFound { .. })), "{missing}");
    }
}

#[test]
fn a_report_inside_the_run_that_is_no_output_is_never_looked_at() {
    let fixture = Fixture::new();
    let refs =
        json!({"secret": "secret.txt", "backup": "run.json.bak", "linked": "to-secret", "gone": "reports/gone.md"});
    fixture
        .run("run")
        .file("secret.txt", CANARY)
        .file("run.json.bak", CANARY)
        .link("to-secret", "secret.txt")
        .key("report_paths", refs)
        .summary();
    for report in reports(&fixture.retained("run")) {
        assert_eq!(state(&report), "missing", "{}", report.kind);
        assert_eq!(report.contents, None);
    }
}

#[test]
fn digests_come_from_the_submission_package_whatever_form_its_paths_have() {
    let fixture = Fixture::new();
    let documents = json!([
        {"path": "reports/report.md", "sha256": HEX},
        {"path": "/old/run/reports/fragments.json", "digest": format!("sha256:{}", HEX.to_uppercase())},
        {"path": "exports/export-manifest.json", "sha256": "short"},
        {"path": "../reports/assessment-package.json", "sha256": HEX},
        7,
    ]);
    let write = |documents: &Value| {
        let package = json!({"documents": documents}).to_string();
        let run = fixture.run("run").generation(Generation::Fragments);
        run.file("reports/submission-package.json", package).summary();
        let reports = reports(&fixture.retained("run"));
        let known = reports.iter().filter(|report| report.recorded_sha256.as_deref() == Some(HEX));
        known.map(|report| report.kind.clone()).collect::<Vec<_>>()
    };
    assert_eq!(write(&json!(documents.as_array().expect("a list")[..4])), ["fragments", "report"]);
    assert_eq!(write(&documents), ["fragments", "report"], "one bad item does not spoil the others");
}

#[test]
fn contents_are_left_out_where_they_do_not_fit_and_the_others_come() {
    let fixture = Fixture::new();
    fixture
        .run("run")
        .file("reports/assessment-package.json", "12345")
        .file("reports/fragments.json", "1234567890")
        .file("reports/report.md", "123")
        .summary();
    let (located, run) = fixture.retained("run");
    let sizes = |room: Option<usize>| -> Vec<Option<usize>> {
        let reports = located.reports(&run, None, room, UnsafeRefs::Refuse).expect("reports");
        reports.iter().map(|report| report.contents.as_ref().map(Vec::len)).collect()
    };
    assert_eq!(sizes(None), [None, None, None]);
    assert_eq!(sizes(Some(18)), [Some(5), Some(10), Some(3)]);
    assert_eq!(sizes(Some(17)), [Some(5), Some(10), None]);
    assert_eq!(sizes(Some(8)), [Some(5), None, Some(3)]);
    assert_eq!(sizes(Some(0)), [None, None, None]);
}

#[test]
fn a_report_that_may_not_be_read_leaves_the_others_readable() {
    if !surroundings::is_unprivileged(concat!(
        module_path!(),
        "::a_report_that_may_not_be_read_leaves_the_others_readable"
    )) {
        return;
    }
    let fixture = Fixture::new();
    let run = fixture.run("run").file("reports/report.md", "report").file("reports/fragments.json", "[]").summary();
    let closed = run.path().join("reports/fragments.json");
    std::fs::set_permissions(&closed, Permissions::from_mode(0o000)).expect("the mode is set");
    let reports = reports(&fixture.retained("run"));
    let told: Vec<_> = reports.iter().map(|report| (report.kind.as_str(), state(report))).collect();
    assert_eq!(told, [("fragments", "unreadable"), ("report", "present")]);
}

#[test]
fn a_file_in_the_place_of_an_output_directory_is_no_output() {
    let fixture = Fixture::new();
    fixture.run("run").file("artifacts", CANARY).key("report_paths", json!({"report": "artifacts"})).summary();
    let found = fixture.retained("run");
    assert_eq!(state(&reports(&found)[0]), "missing");
    let read = found.0.read(path("artifacts"), &crate::repository::ReadRequest::default());
    assert!(matches!(read, Err(Error::ArtifactNotFound { .. })));
}
