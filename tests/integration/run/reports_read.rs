//! Runners that leave reports of other tools: the built-in normalizers in a run.

use serde_json::{Value, json};

use crate::support::{Finished, World};

const JUNIT: &str = r#"<testsuite name="s"><testcase classname="a.api" name="get"/><testcase classname="a.api" name="put"><failure message="no"/></testcase></testsuite>"#;

/// A run of an extension with the checks `one` (which takes `a.api*`) and `two` (the rest), whose runner is this script.
fn run(normalizer: Value, script: &str) -> (World, Finished) {
    let world = World::new();
    world.target().write();
    world.assessment(&["probe"]).write();
    world
        .extension("probe")
        .set("/normalizers", json!([normalizer]))
        .set("/check_groups/0/normalizer_ref", json!("n"))
        .set("/check_groups/0/checks/0/matches", json!(["a.api*"]))
        .script(script);
    let run = world.run().finish();
    (world, run)
}

fn junit() -> Value {
    json!({"id": "n", "kind": "junit-xml", "input": ["out/*.xml"]})
}

#[test]
fn a_test_suite_is_an_extension_without_code() {
    let (_world, run) =
        run(junit(), &format!("mkdir out; echo '{JUNIT}' > out/r.xml; echo '<testsuite/>' > out/s.xml; exit 1"));
    // Each check but `two` has items: that the tests failed is the tool's exit code.
    let run = run.expect_code(5);
    assert_eq!(run.items("one").iter().map(|item| &item["result"]).collect::<Vec<_>>(), ["pass", "fail"]);
    assert_eq!(run.items("one")[1]["artifact_refs"], json!(["artifacts/probe/out/r.xml"]));
    assert_eq!(run.items("two")[0]["result"], "infrastructure_error");
    let runner = &run.json("reports/submission-package.json")["reported_metadata"]["runners"][0];
    assert_eq!(runner["normalizer"]["inputs"], json!(["artifacts/probe/out/r.xml", "artifacts/probe/out/s.xml"]));
}

#[test]
fn a_report_that_was_there_before_the_runner_is_not_its_report() {
    let world = World::new();
    world.target().write();
    world.assessment(&["probe"]).write();
    let group = |id: &str, runner: &str, check: &str| json!({"id": id, "runner_ref": runner, "normalizer_ref": "n", "checks": [{"id": check}]});
    world
        .extension("probe")
        .set("/normalizers", json!([{"id": "n", "kind": "junit-xml", "input": "r.xml"}]))
        .set("/check_groups", json!([group("first", "runner", "one"), group("second", "idle", "two")]))
        .set("/runner_entrypoints/1", json!({"id": "idle", "kind": "command", "command": ["true"]}))
        .script(&format!("echo '{JUNIT}' > r.xml"));
    let run = world.run().finish().expect_code(5);
    assert_eq!(run.items("one").len(), 2);
    assert_eq!(run.items("two")[0]["observations"][0], "the runner left no report: nothing new matches r.xml");
}

#[test]
fn a_report_that_breaks_off_counts_as_far_as_it_goes_and_the_run_says_so() {
    let cut = JUNIT.split("</testcase>").next().unwrap_or_default();
    let (_world, run) = run(junit(), &format!("mkdir out; echo '{cut}' > out/r.xml"));
    let run = run.expect_code(5);
    let one = run.items("one");
    assert_eq!(one[0]["result"], "pass");
    assert!(one.iter().any(|item| item["result"] == "infrastructure_error"), "{one:?}");
}

#[test]
fn entity_expansion_in_a_report_is_refused() {
    let bomb = r#"<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><testsuite name="&b;"/>"#;
    let (_world, run) = run(junit(), &format!("mkdir out; echo '{bomb}' > out/r.xml"));
    run.expect_code(5).expect_items("infrastructure_error", "entity expansion is refused");
}

#[test]
fn tap_comes_from_standard_output_and_secrets_stay_out_of_it() {
    let world = World::new();
    world.target().set("credentials_ref", json!("env:TAP_TOKEN")).write();
    world.assessment(&["probe"]).write();
    world
        .extension("probe")
        .set("/normalizers", json!([{"id": "n", "kind": "tap-14", "input": "stdout"}]))
        .set("/check_groups/0/normalizer_ref", json!("n"))
        .set("/check_groups/0/checks/1/matches", json!(["two*"]))
        .script("echo 1..2; echo \"ok 1 - with $TAP_TOKEN\"; echo 'not ok 2 - two'");
    let run = world.run().env("TAP_TOKEN", "hunter2-hunter2").finish().expect_code(3);
    assert_eq!(run.items("one")[0]["subject_ref"], "with [redacted]");
    assert_eq!(run.items("two")[0]["result"], "fail");
    assert!(!run.text("normalized/evidence.json").contains("hunter2"));
}

#[test]
fn secrets_stay_out_of_items_of_a_report_that_the_runner_wrote_itself() {
    let world = World::new();
    world.target().set("credentials_ref", json!("env:JUNIT_TOKEN")).write();
    world.assessment(&["probe"]).write();
    world
        .extension("probe")
        .set("/normalizers", json!([{"id": "n", "kind": "junit-xml", "input": "r.xml"}]))
        .set("/check_groups/0/normalizer_ref", json!("n"))
        .set("/check_groups/0/checks", json!([{"id": "one"}]))
        .script("echo \"<testsuite><testcase classname='c' name='n'><failure message='$JUNIT_TOKEN'/></testcase></testsuite>\" > r.xml");
    let run = world.run().env("JUNIT_TOKEN", "hunter2-hunter2").finish().expect_code(3);
    assert!(run.items("one")[0]["observations"].to_string().contains("[redacted]"));
    for document in ["normalized/evidence.json", "normalized/findings.json", "reports/report.md"] {
        assert!(!run.text(document).contains("hunter2"), "{document}");
    }
}

#[test]
fn a_report_in_output_that_was_cut_is_not_taken_for_whole() {
    let world = World::new();
    world.target().write();
    world.assessment(&["probe"]).set("runtime_policy", json!({"max_output_bytes": 14})).write();
    world
        .extension("probe")
        .set("/normalizers", json!([{"id": "n", "kind": "tap-14", "input": "stdout"}]))
        .set("/check_groups/0/normalizer_ref", json!("n"))
        .set("/check_groups/0/checks", json!([{"id": "one"}]))
        .script("printf 'ok 1\\nok 2\\n1..3\\nnot ok 3\\n'");
    let run = world.run().finish().expect_code(5);
    let said = run.items("one").iter().map(|item| item["observations"].to_string()).collect::<String>();
    assert!(said.contains("standard output was cut"), "{said}");
}
