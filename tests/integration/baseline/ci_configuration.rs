//! Fixtures of `ci-configuration`: what it flags, and what only looks like it.

use super::*;

const ID: &str = "ci-configuration";

#[test]
fn flags_a_tree_without_one() {
    repo().file(".github/dependabot.yml", "version: 2\nupdates:\n- package-ecosystem: cargo\n").fails(ID);
}

#[test]
fn flags_an_empty_workflow() {
    let item = repo().file(".github/workflows/ci.yml", "").warns(ID);
    assert_eq!(place(&item), (".github/workflows/ci.yml", Some(1)));
}

#[test]
fn flags_a_workflow_that_is_commented_out() {
    let text: String = WORKFLOW.lines().map(|line| format!("# {line}\n")).collect();
    repo().file(".github/workflows/ci.yml", text).warns(ID);
}

#[test]
fn flags_a_job_without_steps() {
    repo().file(".github/workflows/ci.yml", "on: push\njobs:\n  a:\n    runs-on: x\n    steps: []\n").warns(ID);
}

#[test]
fn flags_gitlab_stages_without_a_script() {
    repo().file(".gitlab-ci.yml", "stages:\n  - build\nvariables:\n  A: b\n").warns(ID);
}

#[test]
fn flags_a_script_that_only_echoes() {
    repo().file(".ci/run", "#!/bin/sh\nset -e\n# cargo test\necho ok\n").warns(ID);
}

#[test]
fn flags_a_workflow_in_the_wrong_place() {
    repo().file("workflows/ci.yml", WORKFLOW).file("docs/.travis.yml", "language: c\n").fails(ID);
}

#[test]
fn accepts_each_platform() {
    for (path, text) in [
        (".github/workflows/ci.yaml", WORKFLOW),
        (".forgejo/workflows/ci.yml", WORKFLOW),
        (".gitlab-ci.yml", "test:\n  script:\n    - make\n"),
        (".circleci/config.yml", "version: 2.1\njobs:\n  build:\n    docker: []\n    steps:\n      - checkout\n"),
        (".travis.yml", "language: rust\n"),
        ("Jenkinsfile", "// build\nbuildPlugin()\n"),
        ("azure-pipelines.yml", "trigger: none\nsteps:\n- script: make\n"),
        (".drone.yml", "kind: pipeline\nsteps:\n- name: a\n  commands: [make]\n"),
        (".woodpecker/test.yml", "steps:\n  a:\n    image: x\n"),
        (".buildkite/pipeline.yml", "steps:\n  - command: make\n"),
        (".cirrus.yml", "task:\n  script: make\n"),
        ("appveyor.yml", "build_script:\n  - cmd: make\n"),
        ("bitbucket-pipelines.yml", "pipelines:\n  default:\n    - step:\n        script:\n          - make\n"),
        (".tekton/pr.yaml", "kind: PipelineRun\nspec:\n  pipelineRef:\n    name: x\n"),
        (".ci/run", "#!/bin/sh\nset -eu\ncd \"$(dirname \"$0\")\"\n../scripts/test\n"),
    ] {
        let item = repo().file(path, text).check(ID);
        assert_eq!(item.result, EvidenceResult::Pass, "{path}: {item:#?}");
    }
}

#[test]
fn accepts_a_call_of_a_shared_workflow() {
    repo()
        .file(".github/workflows/ci.yml", "on: push\njobs:\n  a:\n    uses: o/r/.github/workflows/x.yml@v1\n")
        .passes(ID);
}

#[test]
fn accepts_gitlab_that_only_includes() {
    repo().file(".gitlab-ci.yml", "include:\n  - project: a/b\n    file: ci.yml\n").passes(ID);
}

#[test]
fn accepts_list_items_at_the_column_of_their_key() {
    repo().file(".github/workflows/ci.yml", "\"on\": push\njobs:\n  a:\n    steps:\n    - run: x\n").passes(ID);
}
