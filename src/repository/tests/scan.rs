//! Scanning: every directory becomes a run or a problem, and only what changed is read again.

use std::collections::BTreeSet;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use jiff::Timestamp;
use rustix::fs::FlockOperation;
use serde_json::json;

use super::fixtures::{Fixture, Generation};
use super::surroundings;
use crate::model::{Detail, Marker, Problem, ProblemReason};
use crate::repository::index::{Interner, ProblemQuery, RunEntry, RunQuery, Snapshot};
use crate::repository::memory::{Known, Memory};
use crate::repository::root::{Containment, OpenRoot};
use crate::repository::scan::scan;

/// Scans, with the clock this many seconds ahead: so far ahead, that every summary has settled, or not at all.
fn scan_ahead(fixture: &Fixture, memory: &mut Memory, seconds: i64) -> bool {
    let root = OpenRoot::open_ambient(&fixture.runs(), surroundings::containment()).expect("opens");
    let now = Timestamp::now().as_second() + seconds;
    scan(&root, memory, &Interner::default(), now, 2).expect("is scanned")
}

fn run_in(memory: &Memory, directory: &str) -> Arc<RunEntry> {
    let runs = memory.known().filter_map(|known| match known {
        Known::Run(run) => Some(run),
        Known::Problem(_) => None,
    });
    runs.into_iter().find(|run| run.directory.as_str() == directory).map(Arc::clone).expect("is a run")
}

fn problems(snapshot: &Snapshot) -> Vec<Problem> {
    snapshot.problem_page(&ProblemQuery::default(), None, 1000).problems
}

fn directories(snapshot: &Snapshot) -> Vec<String> {
    snapshot.page(&RunQuery::default(), None, 1000).runs.iter().map(|run| run.directory.to_string()).collect()
}

#[test]
fn each_kind_of_bad_directory_is_its_problem_and_none_is_lost() {
    let fixture = Fixture::new();
    let outside = fixture.path("outside/secret.txt");
    let writing = fixture.run("in-progress").file("run.json", "{}");
    let lock = std::fs::File::open(writing.path().join("run.json")).expect("opens");
    rustix::fs::flock(&lock, FlockOperation::LockExclusive).expect("locks");
    fixture.run("empty");
    fixture.run("incomplete").file("run.json", "{}");
    fixture.run("record-is-fifo").fifo("run.json");
    fixture.run("too-large").summary_bytes(format!("{{\"run_id\":\"r\",\"x\":\"{}\"}}", "a".repeat(1 << 20)));
    fixture.run("not-json").summary_bytes("{\"run_id\": ");
    fixture.run("no-bytes").summary_bytes("");
    fixture.run("not-object").summary_bytes("[\"run\"]");
    fixture.run("summary-link").link("retention-summary.json", &outside);
    fixture.run("summary-dangling").link("retention-summary.json", "nowhere");
    fixture.run("summary-fifo").fifo("retention-summary.json");
    fixture.run("summary-directory").directory("retention-summary.json");
    fixture.run("no-id").summary_bytes("{}");
    fixture.run("bad-id").summary_bytes(r#"{"run_id": "../run"}"#);
    fixture.link("runs/link", fixture.path("outside"));
    fixture.link("runs/link-to-nothing", "nowhere");
    fixture.raw_run(b"raw\xff").summary();
    fixture.run("twin-a").key("run_id", "twin").summary();
    fixture.run("twin-b").key("run_id", "twin").summary();
    fixture.run("good").summary();

    let snapshot = fixture.scanned().snapshot().expect("is scanned");
    let found = problems(&snapshot);
    let told: Vec<_> = found.iter().map(|problem| (problem.directory.as_str(), problem.reason)).collect();
    use ProblemReason::*;
    let expected = [
        ("bad-id", RunIdInvalid),
        ("empty", Incomplete),
        ("in-progress", InProgress),
        ("incomplete", Incomplete),
        ("link", DirectoryIsLink),
        ("link-to-nothing", DirectoryIsLink),
        ("no-bytes", SummaryNotJson),
        ("no-id", RunIdMissing),
        ("not-json", SummaryNotJson),
        ("not-object", SummaryNotObject),
        ("raw\\xff", DirectoryNameNotUtf8),
        ("record-is-fifo", Incomplete),
        ("summary-dangling", SummaryNotRegular),
        ("summary-directory", SummaryNotRegular),
        ("summary-fifo", SummaryNotRegular),
        ("summary-link", SummaryNotRegular),
        ("too-large", SummaryTooLarge),
        ("twin-a", RunIdDuplicate),
        ("twin-b", RunIdDuplicate),
    ];
    assert_eq!(told, expected);
    // The one that is missing needs a user who may not read everything; it has its own test.
    let met: BTreeSet<_> = told.iter().map(|(_, reason)| *reason).chain([SummaryUnreadable]).collect();
    assert_eq!(met, ProblemReason::ALL.iter().copied().collect());
    assert_eq!(directories(&snapshot), ["good", "twin-a", "twin-b"]);
    assert_eq!((snapshot.in_progress_count(), snapshot.broken_count()), (1, expected.len() - 1));
    for problem in &found {
        assert!(!problem.message.is_empty() && !problem.message.contains('/'), "{problem:?}");
    }
    let raw = found.iter().find(|problem| problem.reason == DirectoryNameNotUtf8).expect("is there");
    assert_eq!(raw.directory_bytes.as_deref(), Some(b"raw\xff".as_slice()));
    let twin = found.iter().find(|problem| problem.directory == "twin-a").expect("is there");
    assert_eq!(twin.run_id.as_deref(), Some("twin"));
    assert_eq!(twin.message, "its run id twin also stands in: twin-b");
}

#[test]
fn a_sentence_says_what_is_wrong() {
    let fixture = Fixture::new();
    fixture.run("a-incomplete");
    fixture.run("b-too-large").summary_bytes(vec![b' '; (1 << 20) + 1]);
    fixture.run("c-not-json").summary_bytes("no");
    fixture.run("d-not-object").summary_bytes("1");
    fixture.run("e-not-regular").fifo("retention-summary.json");
    fixture.run("f-no-id").summary_bytes("{}");
    fixture.run("g-bad-id").summary_bytes(r#"{"run_id":""}"#);
    fixture.link("runs/h-link", "a-incomplete");
    let words = ["nobody is writing", "1 MiB", "not JSON", "not an object", "not followed", "no run_id", "128", "link"];
    let found = problems(&fixture.scanned().snapshot().expect("is scanned"));
    assert_eq!(found.len(), words.len());
    for (problem, words) in found.iter().zip(words) {
        assert!(problem.message.contains(words), "{problem:?} does not say {words:?}");
    }
}

#[test]
fn a_summary_that_may_not_be_read_is_a_problem() {
    if !surroundings::is_unprivileged(concat!(module_path!(), "::a_summary_that_may_not_be_read_is_a_problem")) {
        return;
    }
    let fixture = Fixture::new();
    let file = fixture.run("file").summary().path().join("retention-summary.json");
    let directory = fixture.run("directory").summary().path().to_owned();
    for path in [&file, &directory] {
        std::fs::set_permissions(path, Permissions::from_mode(0o000)).expect("the mode is set");
    }
    let root = fixture.scanned();
    let found = problems(&root.snapshot().expect("is scanned"));
    let reasons: Vec<_> = found.iter().map(|problem| problem.reason).collect();
    assert_eq!(reasons, [ProblemReason::SummaryUnreadable; 2]);
    for path in [&file, &directory] {
        std::fs::set_permissions(path, Permissions::from_mode(0o700)).expect("the mode is set");
    }
    root.refresh().expect("is scanned");
    assert_eq!(directories(&root.snapshot().expect("is scanned")), ["directory", "file"]);
}

#[test]
fn hidden_names_lost_and_found_and_files_are_passed_over() {
    let fixture = Fixture::new();
    for name in [".hidden", ".tmp-run", "lost+found"] {
        fixture.run(name).summary();
    }
    fixture.run("lost+found2").key("run_id", "kept").summary();
    fixture.raw_run(b".raw\xff").summary();
    std::fs::write(fixture.path("runs/notes.txt"), "notes").expect("written");
    std::fs::write(fixture.path("runs/retention-summary.json"), "{\"run_id\":\"r\"}").expect("written");
    fixture.link("runs/.link", "nowhere");
    let snapshot = fixture.scanned().snapshot().expect("is scanned");
    assert_eq!(directories(&snapshot), ["lost+found2"]);
    assert_eq!(problems(&snapshot), []);
}

#[test]
fn two_names_that_are_not_utf8_never_look_the_same() {
    let fixture = Fixture::new();
    let names: [&[u8]; 3] = [b"\xff\xfe", b"\\xff\xfe", b"\xff\\xfe"];
    for name in names {
        fixture.raw_run(name);
    }
    let snapshot = fixture.scanned().snapshot().expect("is scanned");
    let mut shown = BTreeSet::new();
    let mut after = None;
    // One by one, so that a name that hides another would be lost between two pages.
    for _ in 0..names.len() {
        let page = snapshot.problem_page(&ProblemQuery::default(), after.as_ref(), 1);
        shown.extend(page.problems.iter().map(|problem| problem.directory.clone()));
        after = page.next;
    }
    assert_eq!(after, None);
    assert_eq!(shown.len(), names.len());
}

#[test]
fn a_run_in_progress_is_incomplete_once_its_lock_is_gone_and_a_run_once_its_summary_stands() {
    let fixture = Fixture::new();
    let run = fixture.run("run").file("run.json", "{}");
    let lock = std::fs::File::open(run.path().join("run.json")).expect("opens");
    rustix::fs::flock(&lock, FlockOperation::LockExclusive).expect("locks");
    let root = fixture.root();
    let reason = || problems(&root.refresh().expect("is scanned")).first().map(|problem| problem.reason);
    assert_eq!(reason(), Some(ProblemReason::InProgress));
    drop(lock);
    assert_eq!(reason(), Some(ProblemReason::Incomplete));
    let run = run.summary();
    assert_eq!(reason(), None);
    assert_eq!(directories(&root.snapshot().expect("is scanned")), ["run"]);
    std::fs::remove_file(run.path().join("retention-summary.json")).expect("removed");
    assert_eq!(reason(), Some(ProblemReason::Incomplete));
}

#[test]
fn what_is_unchanged_is_not_read_again() {
    let fixture = Fixture::new();
    fixture.run("run").summary();
    fixture.run("bad").summary_bytes("no");
    let mut memory = Memory::default();
    assert!(scan_ahead(&fixture, &mut memory, 1000));
    let first = run_in(&memory, "run");
    assert!(!scan_ahead(&fixture, &mut memory, 1000), "nothing differs");
    assert!(Arc::ptr_eq(&first, &run_in(&memory, "run")));
    assert_eq!(memory.known().len(), 2);
}

#[test]
fn what_was_written_within_the_grain_of_a_scan_is_read_again() {
    let fixture = Fixture::new();
    fixture.run("run").summary();
    let mut memory = Memory::default();
    scan_ahead(&fixture, &mut memory, 0);
    let first = run_in(&memory, "run");
    assert!(!scan_ahead(&fixture, &mut memory, 1000), "it says the same");
    let second = run_in(&memory, "run");
    assert!(Arc::ptr_eq(&first, &second), "and is not held twice");
}

#[test]
fn a_summary_rewritten_in_place_or_replaced_or_put_back_in_time_is_read_again() {
    let fixture = Fixture::new();
    let run = fixture.run("run").key("labels", json!({"n": "0"})).summary();
    let summary = run.path().join("retention-summary.json");
    let label = |memory: &Memory| {
        let run = run_in(memory, "run");
        run.details.iter().find_map(|detail| match detail {
            Detail::Label("n", value) => Some(value.to_owned()),
            _ => None,
        })
    };
    let text = |number: &str| format!(r#"{{"run_id":"run","labels":{{"n":"{number}"}}}}"#);
    let mut memory = Memory::default();
    assert!(scan_ahead(&fixture, &mut memory, 1000));
    assert_eq!(label(&memory).as_deref(), Some("0"));

    fixture.next_tick();
    std::fs::write(&summary, text("1")).expect("written");
    assert!(scan_ahead(&fixture, &mut memory, 1000));
    assert_eq!(label(&memory).as_deref(), Some("1"));

    fixture.next_tick();
    std::fs::write(run.path().join("new"), text("2")).expect("written");
    std::fs::rename(run.path().join("new"), &summary).expect("renamed");
    assert!(scan_ahead(&fixture, &mut memory, 1000));
    assert_eq!(label(&memory).as_deref(), Some("2"));

    // The same size and the same time of modification: the time of the change itself cannot be put back.
    fixture.next_tick();
    let modified = std::fs::metadata(&summary).expect("is there").modified().expect("has a time");
    let file = std::fs::File::create(&summary).expect("opens");
    std::io::Write::write_all(&mut &file, text("3").as_bytes()).expect("written");
    file.set_modified(modified).expect("the time is set");
    assert!(scan_ahead(&fixture, &mut memory, 1000));
    assert_eq!(label(&memory).as_deref(), Some("3"));

    std::fs::remove_dir_all(run.path()).expect("removed");
    fixture.run("run").key("labels", json!({"n": "4"})).summary();
    assert!(scan_ahead(&fixture, &mut memory, 1000));
    assert_eq!(label(&memory).as_deref(), Some("4"));
}

#[test]
fn directories_come_go_and_change_their_kind() {
    let fixture = Fixture::new();
    fixture.run("stays").summary();
    fixture.run("goes").summary();
    fixture.run("moves").summary();
    let root = fixture.scanned();
    std::fs::remove_dir_all(fixture.path("runs/goes")).expect("removed");
    std::fs::rename(fixture.path("runs/moves"), fixture.path("outside/moved")).expect("moved");
    fixture.link("runs/moves", fixture.path("outside/moved"));
    fixture.run("comes").summary();
    let snapshot = root.refresh().expect("is scanned");
    assert_eq!(directories(&snapshot), ["comes", "stays"]);
    let told: Vec<_> = problems(&snapshot).into_iter().map(|problem| (problem.directory, problem.reason)).collect();
    assert_eq!(told, [("moves".to_owned(), ProblemReason::DirectoryIsLink)]);
}

#[test]
fn many_directories_are_all_found_by_several_threads() {
    let fixture = Fixture::new();
    for number in 0..300 {
        let run = fixture.run(&format!("run-{number:03}"));
        if number % 3 == 0 {
            run.summary_bytes("no")
        } else {
            run.summary()
        };
    }
    let root = OpenRoot::open_ambient(&fixture.runs(), Containment::Walk).expect("opens");
    for threads in [0, 1, 3, 100] {
        let mut memory = Memory::default();
        scan(&root, &mut memory, &Interner::default(), 0, threads).expect("is scanned");
        let runs = memory.known().filter(|known| matches!(known, Known::Run(_))).count();
        assert_eq!((memory.known().len(), runs), (300, 200), "{threads} threads");
    }
}

#[test]
fn every_generation_of_the_layout_is_listed_and_has_its_markers() {
    use Marker::*;
    let fixture = Fixture::new();
    let generations = [
        (
            "before-packages",
            Generation::BeforePackages,
            vec![AssessmentPackageMissing, SourceLockMissing, SubmissionPackageMissing],
        ),
        ("eight-files", Generation::EightFiles, vec![SourceLockMissing, SubmissionPackageMissing]),
        ("submission", Generation::Submission, vec![]),
        ("fragments", Generation::Fragments, vec![]),
    ];
    for (directory, generation, _) in &generations {
        fixture.run(directory).generation(*generation).summary();
    }
    for (directory, _, markers) in &generations {
        assert_eq!(fixture.retained(directory).1.markers, *markers, "{directory}");
    }
    let snapshot = fixture.scanned().snapshot().expect("is scanned");
    assert_eq!(snapshot.run_count(), generations.len());
    assert_eq!(problems(&snapshot), []);
}

#[test]
fn a_summary_alone_shows_malformed_fields_and_unsafe_refs_in_lists() {
    let fixture = Fixture::new();
    fixture.run("malformed").key("completed_at", 7).summary();
    fixture.run("unsafe").key("report_paths", json!({"report": "../x"})).summary();
    fixture
        .run("moved")
        .file("run.json", r#"{"output_dir":"/ci/out"}"#)
        .key("report_paths", json!({"report": "/ci/out/reports/report.md"}))
        .summary();
    fixture.run("foreign").key("report_paths", json!({"report": "/etc/passwd"})).summary();
    let snapshot = fixture.scanned().snapshot().expect("is scanned");
    let markers = |directory: &str| snapshot.in_directory(directory).expect("is listed").markers.to_vec();
    assert_eq!(markers("malformed"), [Marker::FieldMalformed]);
    assert_eq!(markers("unsafe"), [Marker::UnsafeReportRef]);
    assert_eq!(markers("moved"), []);
    assert_eq!(markers("foreign"), [Marker::UnsafeReportRef]);
}
