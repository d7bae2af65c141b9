//! Fixtures of `signed-tags`: what it flags, and what only looks like it.

use super::git_fixture::git;
use super::*;

const ID: &str = "signed-tags";

#[test]
fn accepts_signatures_of_every_kind() {
    for kind in ["PGP SIGNATURE", "SSH SIGNATURE", "SIGNED MESSAGE"] {
        let git = git().commit(&[("a", b"x")]).tag("v1.0.0", "Release\n", Some(kind));
        let item = git.check(ID);
        assert_eq!(item.result, EvidenceResult::Pass, "{kind}: {item:#?}");
        assert_eq!(item.facts["newest"][0]["form"], "signed");
        assert!(item.observations.iter().any(|said| said.contains("not verified")), "{item:#?}");
    }
}

#[test]
fn flags_lightweight_and_unsigned_tags() {
    let git = git().commit(&[("a", b"x")]).tag("v1.0.0", "Release\n", None).lightweight("v1.1.0");
    let item = git.check(ID);
    assert_eq!((item.result, item.severity), (EvidenceResult::Warning, Some(Severity::Medium)), "{item:#?}");
    let said = item.observations.join("\n");
    assert!(
        said.contains("v1.0.0 is annotated but not signed") && said.contains("v1.1.0 is a lightweight tag"),
        "{said}"
    );
}

#[test]
fn flags_a_message_that_only_quotes_a_signature() {
    let quoted = "Release\n\n> -----BEGIN PGP SIGNATURE-----\n> abc\n> -----END PGP SIGNATURE-----\n";
    assert_eq!(git().commit(&[("a", b"x")]).tag("v1.0.0", quoted, None).check(ID).result, EvidenceResult::Warning);
}

#[test]
fn flags_one_unsigned_among_signed_ones_mildly() {
    let git = git().commit(&[("a", b"x")]).tag("v1", "a\n", Some("PGP SIGNATURE")).tag("v2", "b\n", None);
    assert_eq!(git.check(ID).severity, Some(Severity::Low));
}

#[test]
fn judges_only_the_newest_five() {
    let mut git = git().commit(&[("a", b"x")]).tag("v0.1", "old\n", None);
    for number in 1..=5 {
        git = git.tag(&format!("v1.{number}"), "new\n", Some("SSH SIGNATURE"));
    }
    let item = git.check(ID);
    assert_eq!(
        (item.result, &item.facts["release_tags"], &item.facts["signed_release_tags"]),
        (EvidenceResult::Pass, &6.into(), &5.into())
    );
}

#[test]
fn accepts_a_workflow_that_signs_what_is_released() {
    let workflow = "jobs:\n  release:\n    steps:\n      - uses: actions/attest-build-provenance@v3\n";
    let git = git().commit(&[(".github/workflows/release.yml", workflow.as_bytes())]).lightweight("v1.0.0");
    let item = git.check(ID);
    assert_eq!(
        (item.result, place(&item)),
        (EvidenceResult::Pass, (".github/workflows/release.yml", Some(4))),
        "{item:#?}"
    );
    let commented = workflow.replace("- uses", "# - uses");
    let git = super::git_fixture::git()
        .commit(&[(".github/workflows/release.yml", commented.as_bytes())])
        .lightweight("v1.0.0");
    assert_eq!(git.check(ID).result, EvidenceResult::Warning);
}

#[test]
fn tags_that_are_no_releases_are_not_asked_for() {
    let git = git().commit(&[("a", b"x")]).lightweight("nightly").tag("before-the-rewrite", "x\n", None);
    let item = git.check(ID);
    assert_eq!((item.result, &item.facts["reason"]), (EvidenceResult::NotApplicable, &"no-release-tags".into()));
}

#[test]
fn without_tags_there_is_nothing_to_sign() {
    assert_eq!(git().commit(&[("a", b"x")]).check(ID).result, EvidenceResult::NotApplicable);
}

#[test]
fn a_tag_of_something_else_than_a_commit_is_no_release() {
    let git = git().commit(&[("a", b"x")]);
    git.point("refs/tags/v1.0", git.id_of("a"));
    assert_eq!(git.check(ID).facts["tags"], 0);
}

#[test]
fn no_more_steps_that_sign_are_kept_than_are_told() {
    let line = "    - run: cosign sign x\n";
    let workflow = format!("on: push\njobs:\n  a:\n    steps:\n{}", line.repeat(1_000));
    let git = git().commit(&[(".github/workflows/a.yml", workflow.as_bytes())]).lightweight("v1.0");
    let item = git.check(ID);
    assert_eq!(item.result, EvidenceResult::Pass, "{item:#?}");
    assert_eq!(item.facts["signing_steps"].as_array().unwrap().len(), 20);
}

#[test]
fn workflows_are_read_for_steps_that_sign_within_the_bounds_of_the_others() {
    let filling = "# x\n".repeat(250_000);
    let names: Vec<String> = (0..12).map(|number| format!(".github/workflows/{number:02}.yml")).collect();
    let git = git().commit(&[("a", b"x")]).lightweight("v1.0");
    let repo = names.iter().fold(git.repo, |repo, name| repo.file(name, &filling));
    let item = repo.tracked_again(&names.iter().map(String::as_str).collect::<Vec<_>>()).check(ID);
    assert_eq!(item.result, EvidenceResult::Warning, "{item:#?}");
    assert!(item.observations.iter().any(|said| said.starts_with("3 workflows were not looked at")), "{item:#?}");
}
