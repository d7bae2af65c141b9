//! What was not looked at never passes.

use super::git_fixture::git;
use super::secret_rules::positives;
use super::*;

const MIB: usize = 1024 * 1024;
const OF_WORKFLOWS: [&str; 4] = ["pinned-actions", "pinned-dependencies", "dangerous-workflows", "token-permissions"];
const CLEAN: &str = "on: push\npermissions: {}\njobs:\n  a:\n    runs-on: x\n    steps:\n    - run: make\n";

/// A text with a likely secret.
fn leak() -> String {
    positives().into_iter().find(|(rule, _)| *rule == "github-token").unwrap().1
}

#[track_caller]
fn unknown(item: &EvidenceItem) {
    assert_eq!(item.result, EvidenceResult::Unknown, "{item:#?}");
    assert!(item.facts["not_looked_at"].as_u64() > Some(0) && item.severity.is_none(), "{item:#?}");
    assert!(item.observations.iter().any(|said| said.contains("looked at") || said.contains("not read")), "{item:#?}");
}

#[test]
fn a_workflow_beyond_its_bound_is_unknown() {
    let text = format!("{CLEAN}{}    - uses: o/r@main\n    - run: curl https://x.y/z | sh\n", "# x\n".repeat(MIB / 4));
    let repo = repo().file(".github/workflows/a.yml", text);
    for id in OF_WORKFLOWS {
        let item = repo.check(id);
        unknown(&item);
        assert_eq!(place(&item).0, ".github/workflows/a.yml", "{id}");
    }
}

#[test]
fn what_is_found_in_the_beginning_of_a_workflow_counts() {
    let text = format!("{CLEAN}    - uses: o/r@main\n{}", "# x\n".repeat(MIB / 4));
    repo().file(".github/workflows/a.yml", text).fails("pinned-actions");
}

#[test]
fn permissions_that_may_stand_beyond_the_bound_are_not_missed() {
    let text = CLEAN.replace("permissions: {}\n", "") + &"# x\n".repeat(MIB / 4) + "permissions: {}\n";
    unknown(&repo().file(".github/workflows/a.yml", text).check("token-permissions"));
}

#[test]
fn workflows_beyond_their_number_are_unknown() {
    let repo = (0..=1000).fold(repo(), |repo, number| repo.file(&format!(".github/workflows/{number:04}.yml"), CLEAN));
    let repo = repo.file(".github/workflows/z.yml", format!("{CLEAN}    - uses: o/r@main\n"));
    for id in ["pinned-actions", "token-permissions"] {
        let item = repo.check(id);
        unknown(&item);
        assert!(item.observations.iter().any(|said| said.starts_with("2 workflows")), "{item:#?}");
    }
}

#[test]
fn a_mapping_with_more_keys_than_are_looked_through_is_unknown() {
    let keys: String = (0..1001).map(|number| format!("      k{number}: v\n")).collect();
    let text = format!("{CLEAN}    - x:\n{}\n", keys.replace("      k", "        k"));
    repo().file(".github/workflows/a.yml", text).expect("pinned-actions", EvidenceResult::Unknown);
}

#[test]
fn dockerfiles_and_scripts_beyond_their_bound_are_unknown() {
    let filling = "# x\n".repeat(MIB / 4);
    for (path, text) in [
        ("Dockerfile", format!("FROM scratch\n{filling}RUN curl https://x.y/z | sh\n")),
        ("install.sh", format!("{filling}curl https://x.y/z | sh\n")),
        ("install", format!("#!/bin/sh\n{filling}curl https://x.y/z | sh\n")),
    ] {
        let item = repo().file(path, text).check("pinned-dependencies");
        unknown(&item);
        assert_eq!(place(&item).0, path);
    }
}

#[test]
fn requirements_beyond_their_bound_are_unknown() {
    let text = format!("a==1.0\n{}b\n", "# x\n".repeat(MIB / 4));
    unknown(&repo().file("requirements.txt", text).check("lock-files"));
}

#[test]
fn a_text_of_more_keywords_than_are_looked_at_is_unknown() {
    let text = "secret\n".repeat(21_000) + &leak();
    unknown(&repo().file("a.txt", &text).check("secrets"));
    unknown(&git().commit(&[("a", text.as_bytes())]).commit(&[("a", b"x")]).check("history-secrets"));
}

#[test]
fn a_version_of_which_only_the_beginning_was_looked_at_is_unknown() {
    let text = "x\n".repeat(MIB / 2) + &leak();
    let git = git().commit(&[("a", text.as_bytes())]).commit(&[("a", b"x")]);
    let item = git.check("history-secrets");
    unknown(&item);
    assert_eq!(item.facts["texts_cut"], 1);
}

#[test]
fn files_that_are_gone_before_they_are_read_are_unknown() {
    let repo = repo().file("a", "#!/bin/sh\n").file("b", "words");
    let tree = repo.tree();
    fs::remove_file(repo.path().join("a")).unwrap();
    for id in ["secrets", "binary-files", "pinned-dependencies"] {
        unknown(&assess(&tree, Limits::default(), "t", &[id.to_owned()], &mut |_| {}).unwrap().evidence.remove(0));
    }
}

#[test]
fn a_tree_that_was_not_listed_whole_never_passes_as_one() {
    let repo = repo().file(&format!("{}a", "d/".repeat(70)), leak()).file("README.md", "words ".repeat(20));
    for id in ["secrets", "large-files", "binary-files", "lock-files", "pinned-dependencies"] {
        unknown(&repo.check(id));
    }
    repo.passes("readme-present");
}
