//! Fixtures of `pinned-actions`: what it flags, and what only looks like it.

use super::*;

const ID: &str = "pinned-actions";
const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn uses(name: &str) -> Repo {
    let text = format!("on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n      - run: x\n      - uses: {name}\n");
    repo().file(".github/workflows/ci.yml", text)
}

#[test]
fn flags_a_branch_even_of_github() {
    for name in ["actions/checkout@main", "o/r@master", "o/r/sub@develop", "o/r@stable", "o/r"] {
        let item = uses(name).fails(ID);
        assert_eq!((rules(&item), place(&item).1), (vec![("action-by-branch", 7)], Some(7)), "{name}");
    }
}

#[test]
fn flags_a_tag_of_a_third_party() {
    for name in ["o/r@v4", "o/r@1.2.3", "o/r@release-2.0", "o/r@0123456"] {
        assert_eq!(rules(&uses(name).fails(ID)), [("action-by-tag", 7)], "{name}");
    }
}

#[test]
fn flags_a_tag_of_github_mildly() {
    assert_eq!(rules(&uses("actions/checkout@v4").warns(ID)), [("github-action-by-tag", 7)]);
    uses("github/codeql-action/init@v3").warns(ID);
}

#[test]
fn flags_an_image_by_tag() {
    uses("docker://alpine:3.20").fails(ID);
}

#[test]
fn flags_a_called_workflow() {
    let text = "on: push\njobs:\n  a:\n    uses: o/r/.github/workflows/x.yml@main\n    secrets: inherit\n";
    assert_eq!(rules(&repo().file(".github/workflows/a.yaml", text).fails(ID)), [("action-by-branch", 4)]);
}

#[test]
fn flags_composite_and_docker_actions_wherever_they_are() {
    let composite = "runs:\n  using: composite\n  steps:\n    - uses: o/r@v1\n";
    assert_eq!(rules(&repo().file("setup/action.yml", composite).fails(ID)), [("action-by-tag", 4)]);
    repo().file("action.yaml", "runs:\n  using: docker\n  image: docker://alpine\n").fails(ID);
}

#[test]
fn flags_through_an_anchor_once() {
    let text = "on: push\njobs:\n  a:\n    steps: &s\n      - uses: o/r@v1\n  b:\n    steps: *s\n";
    assert_eq!(rules(&repo().file(".github/workflows/a.yml", text).fails(ID)), [("action-by-tag", 5)]);
}

#[test]
fn accepts_commits_digests_and_what_is_local() {
    for name in [
        format!("actions/checkout@{COMMIT} # v4"),
        format!("\"o/r/sub@{COMMIT}\""),
        format!("o/r@{COMMIT}{}", &COMMIT[..24]),
        format!("docker://alpine:3@{DIGEST}"),
        "./.github/actions/x".to_owned(),
        "$/.github/actions/x".to_owned(),
        "slsa-framework/slsa-github-generator/.github/workflows/g.yml@v2.1.0".to_owned(),
    ] {
        uses(&name).passes(ID);
    }
}

#[test]
fn accepts_what_is_only_text() {
    let text = format!(
        "on: push\njobs:\n  a:\n    steps:\n      # - uses: o/r@main\n      - uses: o/r@{COMMIT}\n        with:\n          uses: o/r@main\n      \
         - run: |\n          echo 'uses: o/r@main'\n"
    );
    repo().file(".github/workflows/a.yml", text).passes(ID);
}

#[test]
fn ignores_workflows_elsewhere_and_actions_of_tests() {
    let composite = "runs:\n  using: composite\n  steps:\n    - uses: o/r@v1\n";
    repo()
        .file("docs/.github/workflows/a.yml", "jobs:\n  a:\n    steps:\n      - uses: o/r@main\n")
        .file("tests/fixtures/action.yml", composite)
        .file("action.yml", "runs:\n  using: docker\n  image: Dockerfile\n")
        .expect(ID, EvidenceResult::NotApplicable);
}

#[test]
fn a_workflow_that_is_no_yaml_is_said() {
    let item = uses(&format!("o/r@{COMMIT}"))
        .file(".github/workflows/z.yml", "a: [\nb: }\n")
        .expect(ID, EvidenceResult::Unknown);
    assert_eq!(place(&item).0, ".github/workflows/z.yml");
    uses("o/r@main").file(".github/workflows/z.yml", [0xff, 0x00, 0x9f]).fails(ID);
}

#[test]
fn a_workflow_that_leads_nowhere_is_said() {
    repo().link(".github/workflows/a.yml", "../../none.yml").expect(ID, EvidenceResult::Unknown);
}

const ACTION: &str = "runs:\n  using: composite\n  steps:\n  - uses: o/r@main\n";

#[test]
fn actions_beneath_a_directory_of_tests_are_looked_at_where_github_finds_them() {
    for path in [".github/actions/test/action.yml", ".github/actions/examples/test/action.yaml"] {
        assert_eq!(place(&repo().file(path, ACTION).fails(ID)), (path, Some(4)));
    }
}

#[test]
fn actions_that_a_workflow_names_are_looked_at_wherever_they_are() {
    let workflow = "on: push\njobs:\n  a:\n    steps:\n    - uses: ./tests/first/\n";
    let first = "runs:\n  using: composite\n  steps:\n  - uses: ./examples/second\n  - uses: ./tests/first\n";
    let named = repo().file("tests/first/action.yml", first).file("examples/second/action.yaml", ACTION);
    // Nobody names them: they are inputs of tests.
    let named = named.file(".github/workflows/a.yml", "on: push\njobs: {}\n");
    assert_eq!(named.check(ID).result, EvidenceResult::NotApplicable);
    let item = named.file(".github/workflows/a.yml", workflow).fails(ID);
    assert_eq!(place(&item), ("examples/second/action.yaml", Some(4)));
}
