//! Fixtures of `history-large-files` and `history-binary-files`: what they flag, and what only looks like it.

use super::git_fixture::{git, stored};
use super::*;

const LARGE: &str = "history-large-files";
const BINARY: &str = "history-binary-files";
const ELF: &[u8] = b"\x7fELF\x02\x01\x01\0";
const MIB: usize = 1024 * 1024;

#[test]
fn flags_a_large_file_that_is_gone() {
    let git = git().commit(&[("data/a.csv", &vec![b'x'; 6 * MIB])]).commit(&[("b", b"y")]);
    let item = git.check(LARGE);
    assert_eq!((item.result, item.severity), (EvidenceResult::Warning, Some(Severity::Low)), "{item:#?}");
    assert_eq!(place(&item), ("data/a.csv", None));
    assert_eq!(item.facts["files"][0]["size_bytes"], 6 * MIB);
    git.repo.passes("large-files");
}

#[test]
fn fails_above_fifty_mebibytes_without_reading_them() {
    let mut git = git().commit(&[("a", b"x")]);
    let id = gix::ObjectId::from_hex("1".repeat(40).as_bytes()).unwrap();
    git.put_object(id, &stored(format!("blob {}\0", 50 * MIB + 1).as_bytes()));
    git.commit_entry(gix::objs::tree::EntryKind::Blob, id);
    let git = git.commit(&[("b", b"y")]);
    let item = git.check(LARGE);
    assert_eq!((item.result, item.severity), (EvidenceResult::Fail, Some(Severity::Medium)), "{item:#?}");
    assert_eq!(item.facts["history"]["bytes_read"], 2);
}

#[test]
fn counts_the_versions_of_one_path() {
    let git =
        git().commit(&[("a", &vec![b'x'; 6 * MIB])]).commit(&[("a", &vec![b'y'; 7 * MIB])]).commit(&[("a", b"small")]);
    let item = git.check(LARGE);
    assert_eq!(item.locations.len(), 1);
    assert_eq!(
        (&item.facts["files"][0]["versions"], &item.facts["files"][0]["size_bytes"]),
        (&2.into(), &(7 * MIB).into())
    );
}

#[test]
fn accepts_exactly_the_threshold() {
    let git = git().commit(&[("a", &vec![b'x'; 5 * MIB])]).commit(&[("b", b"y")]);
    assert_eq!(git.check(LARGE).result, EvidenceResult::Pass);
}

#[test]
fn leaves_a_large_file_that_stands_in_the_tree_to_the_other_check() {
    let git = git().commit(&[("a", &vec![b'x'; 6 * MIB])]);
    let item = git.check(LARGE);
    assert_eq!((item.result, &item.facts["also_in_tree"]), (EvidenceResult::Pass, &1.into()), "{item:#?}");
    assert!(item.observations.iter().any(|said| said.contains("`large-files`")), "{item:#?}");
    git.repo.warns("large-files");
}

#[test]
fn flags_an_executable_that_is_gone_whatever_its_name() {
    let git = git().commit(&[("docs/picture.png", ELF)]).commit(&[("b", b"y")]);
    let item = git.check(BINARY);
    assert_eq!((item.result, item.severity), (EvidenceResult::Warning, Some(Severity::Low)), "{item:#?}");
    assert_eq!(item.facts["artifacts"][0]["kind"], "ELF");
    git.repo.passes("binary-files");
}

#[test]
fn flags_test_data_that_is_gone_mildly() {
    let git = git().commit(&[("tests/data/hello", ELF)]).commit(&[("b", b"y")]);
    assert_eq!(git.check(BINARY).severity, Some(Severity::Info));
}

#[test]
fn flags_an_executable_on_another_branch() {
    let git = git().commit(&[("b", b"y")]).branch("old", &[("bin/tool", ELF)]);
    assert_eq!(place(&git.check(BINARY)), ("bin/tool", None));
}

#[test]
fn leaves_an_executable_that_stands_in_the_tree_to_the_other_check() {
    let git = git().commit(&[("tool", ELF)]);
    let item = git.check(BINARY);
    assert_eq!((item.result, &item.facts["also_in_tree"]), (EvidenceResult::Pass, &1.into()), "{item:#?}");
    git.repo.fails("binary-files");
}

#[test]
fn accepts_pictures_and_text_with_the_extension_of_a_binary() {
    let git = git()
        .commit(&[("a.png", b"\x89PNG\r\n\x1a\n...."), ("libm.so", b"/* GNU ld script */"), ("short", b"\x7fEL")])
        .commit(&[("b", b"y")]);
    assert_eq!(git.check(BINARY).result, EvidenceResult::Pass);
}
