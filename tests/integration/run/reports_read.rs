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
    assert_eq!(
        run.items("two")[0]["observations"][0],
        "the runner left no report: nothing new in its working directory matches r.xml; it left no file there"
    );
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

/// A run whose runner prints TAP, of which 14 bytes are kept.
fn printed(script: &str) -> (World, Finished) {
    let world = World::new();
    world.target().write();
    world.assessment(&["probe"]).set("runtime_policy", json!({"max_output_bytes": 14})).write();
    world
        .extension("probe")
        .set("/normalizers", json!([{"id": "n", "kind": "tap-14", "input": "stdout"}]))
        .set("/check_groups/0/normalizer_ref", json!("n"))
        .set("/check_groups/0/checks", json!([{"id": "one"}]))
        .script(script);
    let run = world.run().finish();
    (world, run)
}

#[test]
fn a_report_on_output_is_read_whole_however_little_of_it_is_kept() {
    let (_world, run) = printed("printf 'ok 1\\nok 2\\n1..3\\nnot ok 3\\n'");
    assert_eq!(run.expect_code(3).items("one").len(), 3);
}

#[test]
fn a_report_on_output_that_is_too_long_is_not_taken_for_whole() {
    let (_world, run) = printed("echo 1..1; echo ok 1; head -c 70000000 /dev/zero | tr '\\0' '#'");
    let run = run.expect_code(5);
    let said = run.items("one").iter().map(|item| item["observations"].to_string()).collect::<String>();
    assert!(said.contains("standard output was cut"), "{said}");
}

/// How a runner can end whose report has nothing wrong in it.
#[test]
fn a_clean_report_of_a_runner_that_did_not_end_well_is_no_clean_result() {
    let sarif = r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"t"}},"results":[]}]}"#;
    let clean = "<testsuite><testcase classname=\"a.api\" name=\"n\"/><testcase name=\"m\"/></testsuite>";
    let reports = [
        (json!({"id": "n", "kind": "sarif-2.1.0", "input": "r"}), format!("echo '{sarif}' > r")),
        (json!({"id": "n", "kind": "tap-14", "input": "stdout"}), "echo 1..2; echo ok 1 - a.api; echo ok 2".to_owned()),
        (json!({"id": "n", "kind": "junit-xml", "input": "r"}), format!("echo '{clean}' > r")),
    ];
    for (normalizer, report) in &reports {
        let (_world, run) = run(normalizer.clone(), report);
        assert_eq!(run.expect_code(0).json("normalized/findings.json"), json!([]));
        // Killed, and a time-out.
        for end in ["kill -9 $$", "sleep 600"] {
            let world = World::new();
            world.target().write();
            world.assessment(&["probe"]).write();
            world
                .extension("probe")
                .timeout(1)
                .set("/normalizers", json!([normalizer]))
                .set("/check_groups/0/normalizer_ref", json!("n"))
                .set("/check_groups/0/checks/0/matches", json!(["a.api*"]))
                .script(&format!("{report}; {end}"));
            let run = world.run().finish().expect_code(5);
            assert!(run.text("reports/report.md").contains("it was ended by signal 9") || end.starts_with("sleep"));
            assert!(run.text("reports/report.md").contains("it took longer and was ended") || end.starts_with("kill"));
        }
        let (_world, run) = self::run(normalizer.clone(), &format!("{report}; echo out of cheese >&2; exit 2"));
        assert!(run.text("normalized/findings.json").contains("although its report names nothing that is wrong"));
        assert!(run.text("reports/report.md").contains("it ended with exit code 2"));
    }
}

#[test]
fn a_check_whose_wildcards_match_nothing_is_told_what_there_is_also_when_it_is_the_first() {
    let report = "echo 1..1; echo ok 1 - example.com/calc::TestAdd";
    let world = World::new();
    world.target().write();
    world.assessment(&["probe"]).write();
    world
        .extension("probe")
        .set("/normalizers", json!([{"id": "n", "kind": "tap-14", "input": "stdout"}]))
        .set("/check_groups/0/normalizer_ref", json!("n"))
        .set("/check_groups/0/checks", json!([{"id": "one", "matches": ["TestAdd*"]}, {"id": "two", "matches": ["x"]}]))
        .script(report);
    let run = world.run().finish().expect_code(5);
    let first = &run.items("one")[0];
    assert_eq!(first["result"], "infrastructure_error");
    let said = "nothing matches `TestAdd*`: the report names 1 thing, example.com/calc::TestAdd";
    assert_eq!(first["observations"][0], said);
}

#[test]
fn a_plan_of_no_tests_is_no_pass() {
    let (_world, run) = printed("echo 1..0");
    let run = run.expect_code(5);
    assert_eq!(
        run.items("one")[0]["observations"][0],
        "the report has no tests: its plan is 1..0, and no reason is given"
    );
}

#[test]
fn captured_output_is_a_report_only_by_its_name() {
    let normalizer = json!({"id": "n", "kind": "tap-14", "input": "*.txt"});
    let (_world, run) = run(normalizer, "echo talk; (echo 1..2; echo ok 1 - a.api; echo ok 2) > r.txt");
    run.expect_code(0);
}

#[test]
fn paths_of_the_target_are_told_as_the_target_has_them() {
    let world = World::new();
    std::fs::create_dir(world.path("shop")).expect("made");
    world.target().set("endpoints", json!([{"binding": "filesystem", "url": "shop"}])).write();
    world.assessment(&["probe"]).write();
    let uri = |path: &str| json!({"physicalLocation": {"artifactLocation": {"uri": path}, "region": {"startLine": 3}}});
    let at = std::fs::canonicalize(world.path("shop")).expect("there");
    let place = format!("file://{}/src/a.py", at.display());
    let result = json!({"ruleId": "R1", "message": {"text": "m"}, "locations": [uri(&place)]});
    let log = json!({"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "t"}}, "results": [result]}]});
    world
        .extension("probe")
        .set("/normalizers", json!([{"id": "n", "kind": "sarif-2.1.0", "input": "r"}]))
        .set("/check_groups/0/normalizer_ref", json!("n"))
        .set("/check_groups/0/checks", json!([{"id": "one"}]))
        .script(&format!("echo '{log}' > r"));
    let run = world.run().finish().expect_code(0);
    let item = &run.items("one")[0];
    assert_eq!((&item["locations"][0]["path"], &item["subject_ref"]), (&json!("src/a.py"), &json!("R1 in src/a.py")));
}

#[test]
fn a_target_that_is_not_there_is_not_assessed() {
    let world = World::new();
    world.target().set("endpoints", json!([{"binding": "filesystem", "url": "../nowhere"}])).write();
    world.assessment(&["probe"]).write();
    world.extension("probe").script(&crate::support::reports("pass"));
    let run = world.run().finish().expect_code(4);
    run.expect_items("blocked", "the target is not there: /endpoints/0 names ../nowhere");
    assert_eq!(run.items("one")[0]["facts"]["blocked_reason"], "not_configured");
}
