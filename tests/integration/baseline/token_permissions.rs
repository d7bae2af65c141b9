//! Fixtures of `token-permissions`: what it flags, and what only looks like it.

use super::*;

const ID: &str = "token-permissions";
const JOBS: &str = "jobs:\n  a:\n    steps: [{run: x}]\n  b:\n    steps: [{run: x}]\n";

fn workflow(head: &str) -> Repo {
    repo().file(".github/workflows/ci.yml", format!("{head}{JOBS}"))
}

#[test]
fn flags_write_all_at_the_top_and_at_a_job() {
    let item = workflow("on: push\npermissions: write-all\n").fails(ID);
    assert_eq!((rules(&item), item.severity), (vec![("write-all", 2)], Some(Severity::High)));
    let text = "on: push\npermissions: {}\njobs:\n  a:\n    permissions: write-all\n    steps: []\n";
    assert_eq!(rules(&repo().file(".github/workflows/ci.yml", text).fails(ID)), [("write-all", 5)]);
}

#[test]
fn flags_permissions_that_are_not_said() {
    assert_eq!(rules(&workflow("on: push\n").warns(ID)), [("no-permissions", 3)]);
    let one_of_two = "on: push\njobs:\n  a:\n    permissions: {}\n    steps: []\n  b:\n    steps: []\n";
    assert!(repo().file(".github/workflows/ci.yml", one_of_two).warns(ID).observations[0].contains("job `b`"));
}

#[test]
fn flags_writing_by_every_job() {
    let item = workflow("on: push\npermissions:\n  contents: write\n  packages: write\n  issues: write\n").warns(ID);
    assert_eq!(rules(&item), [("top-level-write", 3), ("top-level-write", 4)]);
}

#[test]
fn accepts_reading_at_the_top_and_writing_at_the_job() {
    for permissions in ["read-all", "{}", "{contents: read}", "\n  contents: read\n  actions: none"] {
        workflow(&format!("on: push\npermissions: {permissions}\n")).passes(ID);
    }
    let text =
        "on: push\npermissions: {contents: read}\njobs:\n  a:\n    permissions: {contents: write}\n    steps: []\n";
    let item = repo().file(".github/workflows/ci.yml", text).passes(ID);
    assert_eq!(item.facts["job_level_writes"], 1);
}

#[test]
fn accepts_permissions_at_every_job() {
    let text = "on: push\njobs:\n  a:\n    permissions: {}\n    steps: []\n  b:\n    permissions: read-all\n    uses: ./x.yml\n";
    repo().file(".github/workflows/ci.yml", text).passes(ID);
}

#[test]
fn accepts_one_job_that_writes_and_what_is_only_called() {
    let text = "on: push\npermissions: {contents: write}\njobs:\n  a:\n    steps: []\n";
    repo().file(".github/workflows/ci.yml", text).passes(ID);
    workflow("on: workflow_call\n").passes(ID);
    workflow("on:\n  workflow_call:\n    inputs: {}\n").passes(ID);
}

#[test]
fn accepts_the_words_in_comments_and_scripts() {
    let text = "on: push\npermissions: {}  # not write-all\njobs:\n  a:\n    steps:\n      - run: |\n          permissions: write-all\n";
    repo().file(".github/workflows/ci.yml", text).passes(ID);
}

#[test]
fn a_tree_without_workflows_has_no_tokens() {
    repo().file(".gitlab-ci.yml", "a:\n  script: [x]\n").expect(ID, EvidenceResult::NotApplicable);
}
