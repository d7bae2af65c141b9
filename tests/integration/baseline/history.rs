//! How far the history is looked at, and where there is none.

use std::time::Duration;

use super::git_fixture::git;
use super::secret_rules::positives;
use super::*;

const CHECKS_OF_HISTORY: [&str; 4] = ["history-secrets", "history-large-files", "history-binary-files", "signed-tags"];

/// A text with a likely secret.
fn leak() -> String {
    positives().into_iter().find(|(rule, _)| *rule == "github-token").unwrap().1
}

#[track_caller]
fn not_applicable(repo: &Repo, reason: &str) {
    for id in CHECKS_OF_HISTORY {
        let item = repo.check(id);
        assert_eq!(item.result, EvidenceResult::NotApplicable, "{item:#?}");
        assert_eq!(item.facts["reason"], reason, "{item:#?}");
        assert_eq!((item.observations.len(), item.severity), (1, None), "{item:#?}");
    }
}

fn commits(item: &EvidenceItem) -> u64 {
    item.facts["history"]["commits"].as_u64().unwrap()
}

#[test]
fn a_plain_directory_has_no_history() {
    not_applicable(&repo().file("a", "x"), "not-a-git-work-tree");
}

#[test]
fn a_repository_without_commits_has_no_history() {
    not_applicable(&git().repo, "no-commits");
}

#[test]
fn a_shallow_clone_is_not_judged() {
    let git = git().commit(&[("a", b"x")]);
    fs::write(git.path().join(".git/shallow"), format!("{}\n", git.head().unwrap())).unwrap();
    not_applicable(&git.repo, "shallow-clone");
}

#[test]
fn a_repository_whose_head_is_missing_is_unreadable() {
    let git = git().commit(&[("a", b"x")]);
    fs::remove_file(git.object(git.head().unwrap())).unwrap();
    not_applicable(&git.repo, "unreadable-repository");
}

#[test]
fn garbage_in_place_of_a_repository_is_unreadable() {
    let repo = repo().file("a", "x").file(".git/HEAD", "ref: refs/heads/main\n").file(".git/config", "[core");
    not_applicable(&repo, "unreadable-repository");
    not_applicable(&super::repo().file("a", "x").file(".git", "gitdir: nowhere\n"), "unreadable-repository");
}

#[test]
fn a_history_with_a_missing_file_never_passes() {
    let git = git().commit(&[("a", b"first")]).commit(&[("a", b"second")]);
    let gone = git.object(gix::objs::compute_hash(gix::hash::Kind::Sha1, gix::objs::Kind::Blob, b"first").unwrap());
    fs::remove_file(gone).unwrap();
    let item = git.check("history-secrets");
    assert_eq!((item.result, &item.facts["reason"]), (EvidenceResult::NotApplicable, &"damaged-objects".into()));
    assert_eq!(item.facts["history"]["unreadable_objects"], 1);
    assert_eq!(item.facts["history"]["complete"], false);
    // The same in a clone that may leave objects at its remote.
    fs::write(git.path().join(".git/objects/pack/pack-1.promisor"), "").unwrap();
    let item = git.check("history-secrets");
    assert_eq!((item.result, &item.facts["reason"]), (EvidenceResult::NotApplicable, &"partial-clone".into()));
}

#[test]
fn what_is_found_beside_a_missing_file_still_counts() {
    let leak = leak();
    let git = git().commit(&[("a", b"first"), ("b", leak.as_bytes())]).commit(&[("a", b"second")]);
    let gone = git.object(gix::objs::compute_hash(gix::hash::Kind::Sha1, gix::objs::Kind::Blob, b"first").unwrap());
    fs::write(gone, "no zlib").unwrap();
    let item = git.check("history-secrets");
    assert_eq!(item.result, EvidenceResult::Fail, "{item:#?}");
    assert!(item.observations.last().unwrap().contains("git fsck"), "{item:#?}");
}

#[test]
fn a_missing_commit_ends_its_line_and_no_other() {
    let mut git = git().commit(&[("a", b"x")]);
    let parent = git.head().unwrap();
    let lost = git.commit_on(&[parent], &[("b", b"y")], "Lost\n");
    git.point("refs/heads/lost", lost);
    fs::remove_file(git.object(parent)).unwrap();
    let other = git.commit_on(&[], &[("c", b"z")], "Other\n");
    git.point("refs/heads/main", other);
    let item = git.check("history-large-files");
    assert_eq!((commits(&item), &item.facts["history"]["unreadable_objects"]), (2, &1.into()), "{item:#?}");
}

#[test]
fn all_of_a_small_history_is_looked_at_and_said() {
    let git = git().commit(&[("a", b"1")]).commit(&[("a", b"2"), ("b", b"3")]);
    let item = git.check("history-large-files");
    assert_eq!(item.result, EvidenceResult::Pass);
    let history = &item.facts["history"];
    assert_eq!(
        (&history["commits"], &history["file_versions"], &history["bytes_read"]),
        (&2.into(), &3.into(), &3.into())
    );
    assert_eq!((&history["complete"], &history["stopped_by"]), (&true.into(), &serde_json::Value::Null));
    assert_eq!(
        (&history["oldest_commit"], &history["newest_commit"]),
        (&"2026-01-02T00:00:00Z".into(), &"2026-01-03T00:00:00Z".into())
    );
    assert_eq!(history["references"], serde_json::json!(["HEAD", "refs/heads/", "refs/remotes/", "refs/tags/"]));
}

#[test]
fn the_bound_on_commits_cuts_the_oldest_and_is_said() {
    let leak = leak();
    let git = git().commit(&[("a", leak.as_bytes())]).commit(&[("a", b"2")]).commit(&[("a", b"3")]);
    let limits = Limits { commits: 2, ..Limits::default() };
    let item = git.check_within(limits, "history-secrets");
    assert_eq!((item.result, &item.facts["not_looked_at"]), (EvidenceResult::Unknown, &1.into()), "{item:#?}");
    assert_eq!((commits(&item), &item.facts["history"]["stopped_by"]), (2, &"commits".into()));
    assert_eq!(item.facts["history"]["complete"], false);
    assert!(
        item.observations.iter().any(|said| said.contains("the bound of 2 commits") && said.contains("2026-01-03")),
        "{item:#?}"
    );
    let exactly = git.check_within(Limits { commits: 3, ..limits }, "history-secrets");
    assert_eq!((exactly.result, &exactly.facts["history"]["complete"]), (EvidenceResult::Fail, &true.into()));
}

#[test]
fn the_bounds_on_time_objects_and_bytes_end_the_walk_and_are_said() {
    let git = git().commit(&[("a", b"12345"), ("b", b"67890")]);
    for (limits, word) in [
        (Limits { time: Duration::ZERO, ..Limits::default() }, "time"),
        (Limits { objects: 2, ..Limits::default() }, "objects"),
        (Limits { total_bytes: 7, ..Limits::default() }, "bytes"),
    ] {
        let item = git.check_within(limits, "history-binary-files");
        assert_eq!(item.facts["history"]["stopped_by"], word, "{item:#?}");
        assert_eq!(item.result, EvidenceResult::Unknown, "{word}");
        assert!(item.observations.iter().any(|said| said.contains("Not all of the history")), "{item:#?}");
    }
}

#[test]
fn branches_remotes_tags_and_both_sides_of_a_merge_count_and_a_stash_does_not() {
    let mut git = git().commit(&[("a", b"x")]);
    let base = git.head().unwrap();
    let mut side = |name: &str| git.commit_on(&[base], &[(name, b"y")], "Side\n");
    let (left, right, remote, tagged, stashed) = (side("l"), side("r"), side("m"), side("t"), side("s"));
    let merge = git.commit_on(&[left, right], &[("l", b"y"), ("r", b"y")], "Merge\n");
    for (reference, id) in [
        ("refs/heads/main", merge),
        ("refs/remotes/origin/topic", remote),
        ("refs/tags/old", tagged),
        ("refs/stash", stashed),
    ] {
        git.point(reference, id);
    }
    assert_eq!(commits(&git.check("history-secrets")), 6);
}

#[test]
fn a_detached_head_counts() {
    let mut git = git().commit(&[("a", b"x")]);
    let detached = git.commit_on(&[], &[("b", b"y")], "Apart\n");
    fs::write(git.path().join(".git/HEAD"), format!("{detached}\n")).unwrap();
    assert_eq!(commits(&git.check("history-secrets")), 2);
}

#[test]
fn of_a_subdirectory_only_what_lies_beneath_it_counts() {
    let leak = leak();
    let git = git().commit(&[("a/f", b"x"), ("b/f", leak.as_bytes())]).commit(&[("a/f", b"y"), ("b/f", b"z")]);
    let check = |directory: &str| {
        let tree = TargetTree::open(&git.path().join(directory)).unwrap();
        assess(&tree, Limits::default(), "t", &["history-secrets".to_owned()], &mut |_| {}).unwrap().evidence.remove(0)
    };
    let (a, b) = (check("a"), check("b"));
    assert_eq!((a.result, &a.facts["history"]["file_versions"]), (EvidenceResult::Pass, &2.into()), "{a:#?}");
    assert_eq!((b.result, place(&b)), (EvidenceResult::Fail, ("f", Some(1))), "{b:#?}");
    fs::create_dir(git.path().join("ignored")).unwrap();
    let ignored = check("ignored");
    assert_eq!((ignored.result, &ignored.facts["reason"]), (EvidenceResult::NotApplicable, &"not-in-head".into()));
}

#[test]
fn a_submodule_that_is_not_checked_out_has_no_history_here() {
    let mut git = git().commit(&[("a", b"x")]);
    let module = gix::objs::tree::Entry {
        mode: gix::objs::tree::EntryKind::Commit.into(),
        filename: "module".into(),
        oid: git.head().unwrap(),
    };
    let repository = gix::open(git.path()).unwrap();
    let tree = repository.write_object(&gix::objs::Tree { entries: vec![module] }).unwrap().detach();
    let id = git.commit_tree(&[], tree, "Add a module\n");
    git.point("refs/heads/main", id);
    fs::create_dir(git.path().join("module")).unwrap();
    let tree = TargetTree::open(&git.path().join("module")).unwrap();
    let item =
        assess(&tree, Limits::default(), "t", &["history-secrets".to_owned()], &mut |_| {}).unwrap().evidence.remove(0);
    assert_eq!((item.result, &item.facts["reason"]), (EvidenceResult::NotApplicable, &"not-in-head".into()));
}

#[test]
fn a_linked_work_tree_has_the_history_of_its_repository() {
    let main = git().commit(&[("a", b"x")]).commit(&[("a", b"y")]);
    let state = main.path().join(".git/worktrees/linked");
    fs::create_dir_all(&state).unwrap();
    fs::write(state.join("HEAD"), "ref: refs/heads/main\n").unwrap();
    fs::write(state.join("commondir"), "../..\n").unwrap();
    let linked = repo().file("a", "y").file(".git", format!("gitdir: {}\n", state.display()));
    fs::write(state.join("gitdir"), format!("{}\n", linked.path().join(".git").display())).unwrap();
    assert_eq!(commits(&linked.check("history-secrets")), 2);
}

#[test]
fn a_version_too_large_to_be_read_is_told_of() {
    let git = git().commit(&[("a", &[b'x'; 100])]).commit(&[("a", b"y")]);
    let item = git.check_within(Limits { file_bytes: 99, ..Limits::default() }, "history-large-files");
    assert_eq!(
        (&item.facts["history"]["too_large_to_read"], &item.facts["history"]["bytes_read"]),
        (&1.into(), &1.into())
    );
    // Its size is all that this check asks for; the others have not looked at it.
    assert_eq!(item.result, EvidenceResult::Pass);
    for id in ["history-secrets", "history-binary-files"] {
        let item = git.check_within(Limits { file_bytes: 99, ..Limits::default() }, id);
        assert_eq!(item.result, EvidenceResult::Unknown, "{item:#?}");
    }
}

#[test]
fn what_is_found_in_a_cut_history_still_counts() {
    let leak = leak();
    let git = git().commit(&[("a", b"1")]).commit(&[("a", leak.as_bytes())]).commit(&[("a", b"3")]);
    let item = git.check_within(Limits { commits: 2, ..Limits::default() }, "history-secrets");
    assert_eq!((item.result, &item.facts["history"]["complete"]), (EvidenceResult::Fail, &false.into()));
}

#[test]
fn a_branch_whose_commit_is_missing_is_damage() {
    let git = git().commit(&[("a", b"x")]);
    git.point("refs/heads/lost", gix::ObjectId::from_hex("1".repeat(40).as_bytes()).unwrap());
    let item = git.check("history-secrets");
    assert_eq!(item.facts["reason"], "damaged-objects", "{item:#?}");
}
