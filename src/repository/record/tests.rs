//! Tests of the write side: exclusive, confined, locked at every moment, summary last.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{FlockOperation, Mode};

use super::*;

fn path(text: &str) -> RelativePath {
    text.parse().expect("a path")
}

fn record(directory: &Path) -> (PathBuf, RunRecord) {
    let output = directory.join("run");
    let record = RunRecord::create(&output, b"{}").expect("created");
    (output, record)
}

/// Whether the lock on `run.json` is held, as a reader finds out.
fn is_locked(output: &Path) -> bool {
    let file = fs::File::open(output.join("run.json")).expect("run.json stands");
    rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared).is_err()
}

#[test]
fn parents_are_made_and_an_existing_directory_file_or_link_is_refused_untouched() {
    let directory = tempfile::tempdir().expect("a directory");
    let deep = directory.path().join("a/b/c");
    RunRecord::create(&deep, b"{}").expect("created");
    assert_eq!(fs::read(deep.join("run.json")).expect("read"), b"{}");

    let taken = directory.path().join("taken");
    fs::write(&taken, "mine").expect("written");
    let link = directory.path().join("link");
    symlink("nowhere", &link).expect("linked");
    for output in [deep.as_path(), &taken, &link] {
        let error = RunRecord::create(output, b"{}").expect_err("refused");
        assert!(matches!(error, RecordError::OutputExists { .. }), "{error}");
    }
    assert_eq!(fs::read(&taken).expect("read"), b"mine");
    assert!(!directory.path().join("nowhere").exists());
}

#[test]
fn a_path_beneath_a_file_cannot_be_created() {
    let directory = tempfile::tempdir().expect("a directory");
    fs::write(directory.path().join("file"), "").expect("written");
    let error = RunRecord::create(&directory.path().join("file/run"), b"{}").expect_err("refused");
    assert!(matches!(error, RecordError::CannotCreate { .. }), "{error}");
}

#[test]
fn the_lock_is_held_from_the_first_moment_to_the_last() {
    let directory = tempfile::tempdir().expect("a directory");
    let (output, mut record) = record(directory.path());
    assert!(is_locked(&output));
    let stop = Arc::new(AtomicBool::new(false));
    let (watched, ended) = (output.clone(), Arc::clone(&stop));
    let watcher = std::thread::spawn(move || {
        let mut looks = 0_u32;
        while !ended.load(Ordering::Relaxed) {
            assert!(is_locked(&watched), "unlocked after {looks} looks");
            looks += 1;
        }
        looks
    });
    for round in 0..50 {
        record.replace_run_json(format!("{{\"round\":{round}}}").as_bytes()).expect("replaced");
    }
    stop.store(true, Ordering::Relaxed);
    assert!(watcher.join().expect("never unlocked") > 0);
    record.finish(b"{}").expect("finished");
    assert!(!is_locked(&output));
    assert_eq!(fs::read(output.join("retention-summary.json")).expect("read"), b"{}");
    assert_eq!(names(&output), ["retention-summary.json", "run.json"]);
}

#[test]
fn dropping_a_record_leaves_it_incomplete_and_unlocked() {
    let directory = tempfile::tempdir().expect("a directory");
    let (output, record) = record(directory.path());
    drop(record);
    assert!(!is_locked(&output));
    assert_eq!(names(&output), ["run.json"]);
}

#[test]
fn what_a_runner_planted_is_never_followed_or_overwritten() {
    let directory = tempfile::tempdir().expect("a directory");
    let outside = directory.path().join("outside");
    fs::create_dir(&outside).expect("made");
    let (output, record) = record(directory.path());
    symlink(&outside, output.join("reports")).expect("linked");
    symlink(outside.join("file"), output.join("plan.json")).expect("linked");
    fs::write(output.join("taken"), "theirs").expect("written");
    for planted in ["reports/report.md", "plan.json", "taken", "taken/below"] {
        let error = record.write(&path(planted), b"ours").expect_err("refused");
        assert!(matches!(error, RecordError::InTheWay { .. }), "{planted}: {error}");
    }
    assert!(names(&outside).is_empty());
    assert_eq!(fs::read(output.join("taken")).expect("read"), b"theirs");
}

#[test]
fn a_planted_summary_is_not_replaced() {
    let directory = tempfile::tempdir().expect("a directory");
    let (output, record) = record(directory.path());
    fs::write(output.join("retention-summary.json"), "theirs").expect("written");
    assert!(matches!(record.finish(b"ours"), Err(RecordError::InTheWay { .. })));
    assert_eq!(fs::read(output.join("retention-summary.json")).expect("read"), b"theirs");
}

#[test]
fn the_walk_lists_regular_files_with_digests_and_notes_the_rest() {
    let directory = tempfile::tempdir().expect("a directory");
    let (output, record) = record(directory.path());
    record.write(&path("artifacts/x/deep/abc.txt"), b"abc").expect("written");
    record.write(&path("artifacts/x/empty"), b"").expect("written");
    let x = output.join("artifacts/x");
    symlink("/etc/passwd", x.join("link")).expect("linked");
    symlink("/etc", x.join("linked-directory")).expect("linked");
    rustix::fs::mknodat(CWD, x.join("fifo"), rustix::fs::FileType::Fifo, Mode::RUSR, 0).expect("a FIFO");
    fs::write(x.join("back\\slash"), "").expect("written");
    let walk = record.walk(&path("artifacts")).expect("walked");
    let files: Vec<(&str, u64)> = walk.files.iter().map(|file| (file.path.as_str(), file.size_bytes)).collect();
    assert_eq!(files, [("artifacts/x/empty", 0), ("artifacts/x/deep/abc.txt", 3)]);
    assert_eq!(walk.files[1].sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    let mut noted: Vec<IrregularKind> = walk.irregular.iter().map(|irregular| irregular.kind).collect();
    noted.sort_by_key(|kind| kind.noun());
    let mut expected = [IrregularKind::Link, IrregularKind::Link, IrregularKind::Special, IrregularKind::Name];
    expected.sort_by_key(|kind| kind.noun());
    assert_eq!(noted, expected);
    record.finish(b"{}").expect("a FIFO and links do not stop the flushing");
}

#[test]
fn a_very_deep_tree_is_walked_and_flushed_with_few_descriptors() {
    let directory = tempfile::tempdir().expect("a directory");
    let (_, record) = record(directory.path());
    let deep = format!("artifacts/{}file", "d/".repeat(300));
    record.write(&path(&deep), b"x").expect("written");
    assert_eq!(record.walk(&path("artifacts")).expect("walked").files.len(), 1);
    record.finish(b"{}").expect("finished");
}

#[test]
fn a_tree_with_more_branches_than_may_be_held_open_is_walked_whole() {
    let directory = tempfile::tempdir().expect("a directory");
    let (_, record) = record(directory.path());
    for depth in 0..150 {
        let branch = format!("artifacts/{}z/file", "d/".repeat(depth));
        record.write(&path(&branch), b"x").expect("written");
    }
    assert_eq!(record.walk(&path("artifacts")).expect("walked").files.len(), 150);
    assert_eq!(record.left_beneath(&path("artifacts")).expect("listed").len(), 150);
}

#[test]
fn working_files_are_removed_and_links_out_of_them_are_not_followed() {
    let directory = tempfile::tempdir().expect("a directory");
    let outside = directory.path().join("outside");
    fs::create_dir(&outside).expect("made");
    fs::write(outside.join("precious"), "").expect("written");
    let (output, record) = record(directory.path());
    record.write(&path(".work/step/context.json"), b"{}").expect("written");
    symlink(&outside, output.join(".work/out")).expect("linked");
    record.remove_working_files(&path(".work")).expect("removed");
    assert_eq!(names(&output), ["run.json"]);
    symlink(&outside, output.join(".work")).expect("linked");
    record.remove_working_files(&path(".work")).expect("removed");
    assert_eq!(names(&outside), ["precious"]);
    assert_eq!(names(&output), ["run.json"]);
    record.remove_working_files(&path(".work")).expect("nothing to remove");
}

#[test]
fn what_a_runner_left_is_read_up_to_the_cap_and_never_through_a_link() {
    let directory = tempfile::tempdir().expect("a directory");
    let (output, record) = record(directory.path());
    record.write(&path(".work/a"), b"abc").expect("written");
    symlink("a", output.join(".work/link")).expect("linked");
    rustix::fs::mknodat(CWD, output.join(".work/fifo"), rustix::fs::FileType::Fifo, Mode::RUSR, 0).expect("a FIFO");
    assert_eq!(record.read_left(&path(".work/a"), 3).expect("read"), Left::Bytes(b"abc".to_vec()));
    assert_eq!(record.read_left(&path(".work/a"), 2).expect("read"), Left::TooLarge);
    assert_eq!(record.read_left(&path(".work/none"), 2).expect("read"), Left::Nothing);
    for irregular in [".work/link", ".work/fifo", ".work"] {
        assert_eq!(record.read_left(&path(irregular), 2).expect("read"), Left::Irregular, "{irregular}");
    }
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory)
        .expect("listed")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"))
        .collect();
    names.sort();
    names
}
