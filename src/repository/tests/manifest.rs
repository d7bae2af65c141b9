//! Artifact manifests: two passes, every entry told with what stands on disk, and what the manifest does not name.

use std::fs::Permissions;
use std::ops::ControlFlow;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use super::fixtures::{CANARY, Fixture, Generation, by_run_id};
use super::surroundings;
use crate::model::Marker;
use crate::repository::{Error, Manifest, ManifestRow, RowState, UnsafeRefs};

fn opened(fixture: &Fixture) -> Manifest {
    fixture.located("run").manifest(UnsafeRefs::Report).expect("a manifest")
}

fn visited(manifest: &Manifest, include_unlisted: bool) -> (Vec<ManifestRow>, bool) {
    let mut rows = Vec::new();
    let stopped = manifest.visit(include_unlisted, &mut |row| {
        rows.push(row);
        ControlFlow::Continue(())
    });
    (rows, stopped.expect("is visited"))
}

fn rows(fixture: &Fixture) -> Vec<(String, RowState)> {
    visited(&opened(fixture), false).0.into_iter().map(|row| (row.shown_path, row.state)).collect()
}

/// What a walk finds beyond the manifest and the package itself.
fn unlisted(fixture: &Fixture) -> Vec<(String, RowState)> {
    let rows = visited(&opened(fixture), true).0.into_iter().filter(|row| row.unlisted);
    let rows = rows.filter(|row| row.shown_path != "reports/assessment-package.json");
    rows.map(|row| (row.shown_path, row.state)).collect()
}

fn expect(rows: Vec<(String, RowState)>, expected: &[(&str, RowState)]) {
    let rows: Vec<_> = rows.iter().map(|(path, state)| (path.as_str(), *state)).collect();
    assert_eq!(rows, expected);
}

fn with_manifest(entries: &Value) -> Fixture {
    let fixture = Fixture::new();
    fixture.run("run").manifest(entries).summary();
    fixture
}

#[test]
fn entries_are_counted_summed_and_told_in_file_order_with_all_their_facts() {
    let hex = "ab".repeat(32);
    let fixture = Fixture::new();
    let entries = json!([
        {"path": "artifacts/z.json", "size_bytes": 2, "sha256": hex, "media_type": "text/x-odd", "extension_id": "e",
         "evidence_refs": ["one", "two"]},
        {"ref": "artifacts/a.log", "size": 3},
        "artifacts/a.log",
        {"artifact_ref": "artifacts/none", "size_bytes": u64::MAX},
    ]);
    fixture.run("run").manifest(&entries).file("artifacts/z.json", "{}").file("artifacts/a.log", "log").summary();
    let manifest = opened(&fixture);
    assert_eq!((manifest.entry_count, manifest.total_bytes), (4, u64::MAX), "a hostile sum does not wrap");
    assert_eq!(manifest.markers, manifest.run.as_ref().expect("has a summary").markers);
    assert_eq!(manifest.directory().as_str(), "run");
    let (rows, stopped) = visited(&manifest, false);
    assert!(!stopped);
    let paths: Vec<_> = rows.iter().map(|row| row.shown_path.as_str()).collect();
    assert_eq!(paths, ["artifacts/z.json", "artifacts/a.log", "artifacts/a.log", "artifacts/none"]);
    assert_eq!(rows[0].sha256.as_deref(), Some(hex.as_str()));
    assert_eq!((rows[0].media_type.as_str(), rows[0].extension_id.as_deref()), ("text/x-odd", Some("e")));
    assert_eq!(rows[0].evidence_refs, ["one", "two"]);
    assert_eq!((rows[1].media_type.as_str(), rows[1].size_bytes), ("text/plain", Some(3)));
    assert!(rows.iter().all(|row| !row.unlisted));
    assert_eq!(visited(&manifest, false).0.len(), 4, "and again");
}

#[test]
fn each_entry_is_told_with_what_stands_on_disk() {
    let fixture = Fixture::new();
    let entries = json!([
        {"path": "artifacts/present", "size_bytes": 4},
        {"path": "artifacts/any-size"},
        {"path": "artifacts/present", "size_bytes": 5},
        {"path": "artifacts/missing"},
        {"path": "artifacts/dir"},
        {"path": "artifacts/fifo"},
        {"path": "artifacts/link"},
        {"path": "artifacts/linked-dir/secret.txt"},
        {"path": "../secret.txt"},
        {"path": ""},
        {},
        {"path": "/etc/passwd"},
        {"path": "/old/run/artifacts/present"},
        {"path": "artifacts/%2e%2e"},
        {"path": "artifacts/present/below"},
    ]);
    fixture
        .run("run")
        .manifest(&entries)
        .file("artifacts/present", "four")
        .file("artifacts/any-size", "")
        .file("artifacts/%2e%2e", "")
        .directory("artifacts/dir")
        .fifo("artifacts/fifo")
        .link("artifacts/link", "present")
        .link("artifacts/linked-dir", fixture.path("outside"))
        .summary();
    use RowState::*;
    let expected = [
        ("artifacts/present", Present),
        ("artifacts/any-size", Present),
        ("artifacts/present", OtherSize),
        ("artifacts/missing", Missing),
        ("artifacts/dir", NotRegular),
        ("artifacts/fifo", NotRegular),
        ("artifacts/link", NotRegular),
        ("artifacts/linked-dir/secret.txt", NotRegular),
        ("", UnsafePath),
        ("", UnsafePath),
        ("", UnsafePath),
        ("", UnsafePath),
        ("artifacts/present", Present),
        ("artifacts/%2e%2e", Present),
        ("artifacts/present/below", Missing),
    ];
    expect(rows(&fixture), &expected);
    assert!(opened(&fixture).markers.contains(&Marker::UnsafeReportRef));
}

#[test]
fn an_entry_that_names_no_output_is_never_looked_at() {
    let fixture = Fixture::new();
    let names = ["secret.txt", "secret.fifo", "run.json.bak", "private/key", "normalized"];
    let run = fixture.run("run").manifest(&json!(names)).file("secret.txt", CANARY).fifo("secret.fifo");
    run.file("run.json.bak", CANARY).file("private/key", CANARY).file("normalized", CANARY).summary();
    expect(rows(&fixture), &names.map(|name| (name, RowState::Missing)));
}

#[test]
fn a_refusal_names_the_first_twenty_bad_paths_and_the_total_and_no_path() {
    let good = std::iter::repeat_n(json!("artifacts/good"), 3);
    let bad = std::iter::repeat_n(json!("/srv/private/../key"), 25);
    let fixture = with_manifest(&good.chain(bad).collect());
    let message = match fixture.located("run").manifest(UnsafeRefs::Refuse) {
        Err(Error::UnsafeRefs { message }) => message,
        other => panic!("{other:?}"),
    };
    assert!(message.starts_with("25 of the manifest's 28 paths are refused: entry 4 ("), "{message}");
    assert!(message.contains("entry 23 (") && !message.contains("entry 24") && !message.contains("private"));
    let manifest = opened(&fixture);
    assert_eq!(manifest.entry_count, 28);
}

#[test]
fn safe_paths_are_not_refused_however_odd_or_absent_the_files_are() {
    let fixture = with_manifest(&json!(["artifacts/foo..bar", "artifacts/...", "secret.txt", "/old/run/artifacts/x"]));
    assert_eq!(fixture.located("run").manifest(UnsafeRefs::Refuse).expect("a manifest").entry_count, 4);
}

#[test]
fn a_run_older_than_packages_has_an_empty_manifest_and_its_marker() {
    let fixture = Fixture::new();
    fixture.run("run").generation(Generation::BeforePackages).summary();
    let manifest = fixture.located("run").manifest(UnsafeRefs::Refuse).expect("a manifest");
    assert_eq!((manifest.entry_count, manifest.total_bytes), (0, 0));
    assert!(manifest.markers.contains(&Marker::AssessmentPackageMissing));
    assert!(visited(&manifest, false).0.is_empty());
}

#[test]
fn a_package_without_a_manifest_has_its_marker() {
    let fixture = Fixture::new();
    fixture.run("run").file("reports/assessment-package.json", r#"{"artifact_manifest": null}"#).summary();
    let manifest = opened(&fixture);
    assert!(manifest.markers.contains(&Marker::ArtifactManifestMissing));
    assert!(!manifest.markers.contains(&Marker::AssessmentPackageMissing));
}

#[test]
fn a_package_that_cannot_be_read_refuses_the_call_for_what_it_is() {
    let fixture = Fixture::new();
    let package = "reports/assessment-package.json";
    let error = |run: &str| fixture.located(run).manifest(UnsafeRefs::Report).map(drop).expect_err("cannot be read");
    fixture.run("malformed").file(package, r#"{"artifact_manifest": [{"path": "#).summary();
    assert!(matches!(error("malformed"), Error::DocumentMalformed { document, .. } if document == package));
    fixture.run("not-object").file(package, "[]").summary();
    assert!(matches!(error("not-object"), Error::DocumentMalformed { .. }));
    fixture.run("deep").file(package, format!("{{\"x\":{}", "[".repeat(100_000))).summary();
    assert!(matches!(error("deep"), Error::DocumentMalformed { .. }));
    fixture.run("huge-entry").manifest(&json!([{"path": "artifacts/a", "note": "n".repeat(2 << 20)}])).summary();
    assert!(matches!(error("huge-entry"), Error::ItemTooLarge { .. }));
    fixture.run("link").directory("reports").link(package, fixture.path("outside/secret.txt")).summary();
    assert!(matches!(error("link"), Error::UnsafePath { .. }));
    fixture.run("fifo").directory("reports").fifo(package).summary();
    assert!(matches!(error("fifo"), Error::UnsafePath { .. }));
    let sparse = fixture.run("too-large").file(package, "").summary();
    let file = std::fs::OpenOptions::new().write(true).open(sparse.path().join(package)).expect("opens");
    file.set_len((1 << 30) + 1).expect("grows");
    assert!(matches!(error("too-large"), Error::DocumentTooLarge { cap_bytes, .. } if cap_bytes == 1 << 30));
}

#[test]
fn a_package_that_changes_between_the_passes_is_never_told_as_a_whole() {
    let entries = json!(["artifacts/a", "artifacts/b"]);
    let fixture = with_manifest(&entries);
    let package = fixture.path("runs/run/reports/assessment-package.json");
    let text = std::fs::read(&package).expect("is there");
    let changes: [&dyn Fn(); 4] = [
        &|| std::fs::write(&package, [&text[..], b" "].concat()).expect("written"),
        &|| std::fs::write(&package, &text[..20]).expect("written"),
        &|| std::fs::write(&package, &text).expect("written"),
        &|| std::fs::remove_file(&package).expect("removed"),
    ];
    for change in changes {
        std::fs::write(&package, &text).expect("written");
        let manifest = opened(&fixture);
        fixture.next_tick();
        change();
        for include_unlisted in [false, true] {
            let visited = manifest.visit(include_unlisted, &mut |_| ControlFlow::Continue(()));
            assert!(matches!(visited, Err(Error::Changed { .. })));
        }
    }
}

#[test]
fn a_package_that_changes_during_a_pass_is_told_at_its_end() {
    let fixture = with_manifest(&json!(["artifacts/a", "artifacts/b"]));
    let manifest = opened(&fixture);
    let mut seen = 0;
    let visited = manifest.visit(false, &mut |_| {
        seen += 1;
        fixture.next_tick();
        std::fs::write(fixture.path("runs/run/reports/assessment-package.json"), "{}").expect("written");
        ControlFlow::Continue(())
    });
    assert!(matches!(visited, Err(Error::Changed { .. })));
    assert_eq!(seen, 2, "what was read before stays told");
}

#[test]
fn a_visitor_that_has_enough_ends_the_visit() {
    let fixture = with_manifest(&json!(["artifacts/a", "artifacts/b"]));
    fixture.run("run").file("artifacts/unlisted", "");
    for enough in 1..=3 {
        let mut seen = 0;
        let stop = |_| {
            seen += 1;
            if seen == enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        opened(&fixture).visit(true, &mut { stop }).expect("is visited");
    }
}

#[test]
fn what_the_manifest_does_not_name_is_found_in_the_four_directories_and_nowhere_else() {
    let fixture = Fixture::new();
    let entries = json!(["artifacts/listed", "/old/run/artifacts/deep/also-listed"]);
    fixture
        .run("run")
        .manifest(&entries)
        .file("artifacts/listed", "")
        .file("artifacts/deep/also-listed", "")
        .file("artifacts/deep/er/new", "three")
        .file("artifacts/.hidden", "")
        .file("artifacts/.dir/x", "")
        .file("artifacts/a b", "")
        .file("exports/e", "")
        .file("normalized/findings.json", "[]")
        .file("secret.txt", CANARY)
        .file("private/key", CANARY)
        .file(".work/context.json", CANARY)
        .summary();
    use RowState::Present;
    let expected = [
        ("normalized/findings.json", Present),
        ("exports/e", Present),
        ("artifacts/.hidden", Present),
        ("artifacts/a b", Present),
        ("artifacts/.dir/x", Present),
        ("artifacts/deep/er/new", Present),
    ];
    expect(unlisted(&fixture), &expected);
    let (rows, truncated) = visited(&opened(&fixture), true);
    assert!(!truncated);
    let new = rows.iter().find(|row| row.shown_path.ends_with("/new")).expect("is found");
    assert_eq!((new.size_bytes, new.sha256.as_deref(), new.unlisted), (Some(5), None, true));
    assert!(rows.iter().take(2).all(|row| !row.unlisted), "the manifest's own entries come first");
}

#[test]
fn odd_things_beyond_the_manifest_are_told_and_never_followed() {
    let fixture = Fixture::new();
    let run = fixture
        .run("run")
        .manifest(&json!([]))
        .fifo("reports/fifo")
        .link("reports/link", fixture.path("outside/secret.txt"))
        .link("reports/linked-dir", fixture.path("outside"))
        .file("reports/back\\slash", "")
        .file("reports/line\nbreak", "")
        .link("artifacts", fixture.path("outside"))
        .file("exports", "a file in its place")
        .summary();
    let _socket = UnixListener::bind(run.path().join("reports/socket")).expect("binds");
    let raw = run.path().join("reports").join(std::ffi::OsStr::from_bytes(b"raw\xff"));
    std::fs::write(raw, "").expect("written");
    std::fs::create_dir_all(run.path().join("reports").join(std::ffi::OsStr::from_bytes(b"dir\xfe/below")))
        .expect("made");
    use RowState::*;
    let expected = [
        ("reports/back\\\\slash", Unaddressable),
        ("reports/dir\\xfe", Unaddressable),
        ("reports/fifo", NotRegular),
        ("reports/line\nbreak", Present),
        ("reports/link", NotRegular),
        ("reports/linked-dir", NotRegular),
        ("reports/raw\\xff", Unaddressable),
        ("reports/socket", NotRegular),
        ("artifacts", NotRegular),
    ];
    expect(unlisted(&fixture), &expected);
}

#[test]
fn a_walk_goes_as_deep_as_its_bound_and_says_when_there_was_more() {
    let fixture = Fixture::new();
    let deep = |levels: usize| format!("artifacts/{}file", "d/".repeat(levels));
    fixture.run("run").manifest(&json!([])).file(&deep(63), "").summary();
    let (rows, truncated) = visited(&opened(&fixture), true);
    assert!(!truncated && rows.iter().any(|row| row.shown_path == deep(63)));
    fixture.run("run").file(&deep(64), "");
    let (rows, truncated) = visited(&opened(&fixture), true);
    assert!(truncated && rows.iter().all(|row| row.shown_path != deep(64)));
}

/// A run with a directory between others, for a walk to come to.
fn with_middle(fixture: &Fixture) -> PathBuf {
    let run = fixture.run("run").manifest(&json!([])).directory("artifacts/mid").file("artifacts/z/last", "").summary();
    run.path().join("artifacts/mid")
}

#[test]
fn a_mount_in_a_walk_is_told_and_the_walk_goes_on() {
    if !surroundings::has_private_mounts(concat!(module_path!(), "::a_mount_in_a_walk_is_told_and_the_walk_goes_on")) {
        return;
    }
    let fixture = Fixture::new();
    let mid = with_middle(&fixture);
    let bound = Command::new("mount").arg("--bind").arg(fixture.path("outside")).arg(&mid).status();
    assert!(bound.expect("mount runs").success());
    let expected = [("artifacts/mid", RowState::NotRegular), ("artifacts/z/last", RowState::Present)];
    expect(unlisted(&fixture), &expected);
}

#[test]
fn a_closed_directory_in_a_walk_is_told_and_the_walk_goes_on() {
    let this = concat!(module_path!(), "::a_closed_directory_in_a_walk_is_told_and_the_walk_goes_on");
    if !surroundings::is_unprivileged(this) {
        return;
    }
    let fixture = Fixture::new();
    let mid = with_middle(&fixture);
    let set = |mode| std::fs::set_permissions(&mid, Permissions::from_mode(mode)).expect("the mode is set");
    set(0o000);
    let expected = [("artifacts/mid", RowState::Unreadable), ("artifacts/z/last", RowState::Present)];
    expect(unlisted(&fixture), &expected);
    set(0o700);
}

#[test]
fn an_incomplete_run_has_its_manifest_by_directory_and_none_by_id() {
    let fixture = Fixture::new();
    fixture.run("run").manifest(&json!(["artifacts/a"])).file("artifacts/a", "").file("artifacts/b", "");
    expect(rows(&fixture), &[("artifacts/a", RowState::Present)]);
    expect(unlisted(&fixture), &[("artifacts/b", RowState::Present)]);
    let manifest = opened(&fixture);
    assert!(manifest.run.is_none());
    assert!(manifest.markers.contains(&Marker::ReportMissing));
    let root = fixture.scanned();
    assert!(matches!(root.locate(&by_run_id("run")), Err(Error::RunNotFound { .. })));
    // A run asked for by its id has to have its summary when it is read.
    fixture.run("run").summary();
    root.refresh().expect("is scanned");
    let located = root.locate(&by_run_id("run")).expect("is found");
    std::fs::remove_file(fixture.path("runs/run/retention-summary.json")).expect("removed");
    assert!(matches!(located.manifest(UnsafeRefs::Report), Err(Error::RunNotFound { .. })));
}
