//! `history-secrets`: what was committed once, wherever, and is said once.

use super::git_fixture::git;
use super::secret_rules::{ALNUM, noise};
use super::*;

const ID: &str = "history-secrets";

fn token(seed: u64) -> String {
    format!("gh{}_{}\n", 'p', noise(ALNUM, 36, seed))
}

#[test]
fn flags_a_secret_that_was_taken_out() {
    let git = git().commit(&[("src/a.py", token(1).as_bytes())]).commit(&[("src/a.py", b"import os\n")]);
    let item = git.check(ID);
    assert_eq!((item.result, item.severity), (EvidenceResult::Fail, Some(Severity::Critical)), "{item:#?}");
    assert_eq!(place(&item), ("src/a.py", Some(1)));
    assert_eq!(item.facts["hits"][0]["in"], "file");
    assert_eq!(item.facts["hits"][0]["commit"].as_str().unwrap().len(), 40);
    git.repo.passes("secrets");
}

#[test]
fn flags_a_secret_of_a_deleted_file_among_tests_mildly() {
    let git = git().commit(&[("tests/key.txt", token(2).as_bytes())]).commit(&[("a", b"x")]);
    assert_eq!(git.check(ID).severity, Some(Severity::Low));
}

#[test]
fn flags_a_secret_on_another_branch() {
    let git = git().commit(&[("a", b"x")]).branch("try", &[("deploy.sh", token(3).as_bytes())]);
    assert_eq!(place(&git.check(ID)), ("deploy.sh", Some(1)));
}

#[test]
fn flags_a_secret_in_the_message_of_a_commit_and_of_a_tag() {
    let mut git = git().commit(&[("a", b"x")]).tag("v1.0", &format!("Release\n\nwith {}", token(4)), None);
    let head = git.head().unwrap();
    let id = git.commit_on(&[head], &[("a", b"x")], &format!("Try\n\n{}", token(5)));
    git.point("refs/heads/main", id);
    let item = git.check(ID);
    let mut kinds: Vec<&str> =
        item.facts["hits"].as_array().unwrap().iter().map(|hit| hit["in"].as_str().unwrap()).collect();
    kinds.sort_unstable();
    assert_eq!((kinds, item.locations.len()), (vec!["commit-message", "tag-message"], 0), "{item:#?}");
    assert!(item.observations.iter().any(|said| said.starts_with("The message of tag v1.0, line 3,")), "{item:#?}");
}

#[test]
fn says_a_secret_of_the_tree_only_once() {
    let git = git().commit(&[("a", token(6).as_bytes())]).commit(&[("a", b"x"), ("b", token(6).as_bytes())]);
    let item = git.check(ID);
    assert_eq!(
        (item.result, &item.facts["count"], &item.facts["also_in_tree"]),
        (EvidenceResult::Pass, &0.into(), &1.into())
    );
    assert!(item.observations.iter().any(|said| said.contains("`secrets`")), "{item:#?}");
    git.repo.fails("secrets");
}

#[test]
fn a_secret_that_the_work_tree_no_longer_has_is_told_of_though_head_has_it() {
    let git = git().commit(&[("a", token(7).as_bytes())]);
    fs::write(git.path().join("a"), "taken out, not committed yet").unwrap();
    assert_eq!(git.check(ID).result, EvidenceResult::Fail);
}

#[test]
fn says_a_secret_of_many_versions_once() {
    let version = |number: u32| format!("{}{number}\n", token(8));
    let git = git()
        .commit(&[("a", version(1).as_bytes())])
        .commit(&[("a", version(2).as_bytes()), ("b", version(3).as_bytes())])
        .commit(&[("a", b"x")]);
    let item = git.check(ID);
    assert_eq!((item.locations.len(), &item.facts["count"]), (1, &1.into()), "{item:#?}");
}

#[test]
fn accepts_placeholders_that_were_taken_out() {
    let example = format!("key = AK{}IOSFODNN7EXAMPLE\ntoken = gh{}_{}\n", "IA", 'p', "x".repeat(36));
    let git = git().commit(&[("a", example.as_bytes())]).commit(&[("a", b"x")]);
    assert_eq!(git.check(ID).result, EvidenceResult::Pass);
}
