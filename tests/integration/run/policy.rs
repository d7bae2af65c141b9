//! Policy sets and mappings: findings are annotated, never deleted, and the outcome follows.

use serde_json::{Value, json};

use crate::support::{Finished, World};

/// A run of two failing checks with these policy sets.
fn run(sets: &[(&str, Value)], arguments: &[&str]) -> (World, Finished) {
    let world = World::new();
    world.target().write();
    let mut profile = world.assessment(&["probe"]);
    for (key, entries) in sets {
        let list = key.trim_end_matches("_ref");
        let set = json!({"schema_version": "1", "id": list, list: entries});
        std::fs::create_dir_all(world.path("policy")).expect("made");
        std::fs::write(world.path(&format!("policy/{list}.json")), set.to_string()).expect("written");
        profile = profile.set(key, json!(format!("policy/{list}.json")));
    }
    profile.write();
    world.extension("probe").script(&crate::support::reports("fail"));
    let run = arguments.iter().fold(world.run(), |run, argument| run.arg(argument)).finish();
    (world, run)
}

fn finding(run: &Finished, check: &str) -> Value {
    let findings = run.json("normalized/findings.json");
    let found = findings.as_array().and_then(|all| all.iter().find(|finding| finding["check_id"] == check).cloned());
    found.expect("a finding of the check")
}

fn waiver(id: &str, check: &str, expires: &str) -> Value {
    json!({"id": id, "match": {"check_id": check}, "owner": "Ada", "reason": "a rewrite is coming", "expires": expires})
}

#[test]
fn what_is_expected_or_waived_does_not_fail_the_run() {
    let sets = [
        ("expectations_ref", json!([{"id": "e1", "match": {"check_id": "one"}, "reason": "known"}])),
        ("waivers_ref", json!([waiver("w1", "t?o", "2999-01-01")])),
    ];
    let (_world, run) = run(&sets, &["--gate", "unexpected_findings"]);
    let run = run.expect_code(0);
    assert_eq!(finding(&run, "one")["disposition"], "expected");
    assert_eq!(finding(&run, "one")["expectation_ref"], "e1");
    assert_eq!(finding(&run, "two")["disposition"], "waived");
    assert_eq!(finding(&run, "two")["waiver_ref"], "w1");
    let summary = run.json("retention-summary.json");
    assert_eq!(summary["result_status"], "completed");
    let counts = json!({"total": 2, "unexpected": 0, "expected": 1, "waived": 1, "challenged": 0, "excluded": 0});
    assert_eq!(summary["finding_counts"], counts);
    assert_eq!(run.json("normalized/evidence.json").as_array().map(Vec::len), Some(2));
}

#[test]
fn an_expired_waiver_does_not_waive_and_says_so() {
    let (_world, run) = run(&[("waivers_ref", json!([waiver("w1", "*", "2020-01-01")]))], &[]);
    let run = run.expect_code(3);
    let found = finding(&run, "one");
    assert_eq!((&found["disposition"], &found["waiver_ref"]), (&json!("unexpected"), &Value::Null));
    assert!(found["policy_notes"][0].as_str().is_some_and(|note| note.contains("does not waive")), "{found}");
    let package = run.json("reports/assessment-package.json");
    assert_eq!(package["policy_summary"]["expired_waivers"][0]["waiver_ref"], "w1");
    assert!(run.text("reports/report.md").contains("The waiver w1 of Ada expired (2020-01-01)"));
}

#[test]
fn a_run_and_a_plan_tell_what_of_the_policy_is_out_of_date() {
    let sets = [
        ("waivers_ref", json!([waiver("w1", "one", "2020-01-01")])),
        (
            "expectations_ref",
            json!([
                {"id": "e1", "match": {"check_id": "onne"}, "reason": "a slip"},
                {"id": "e2", "match": {"check_id": "x*"}, "reason": "for later"},
            ]),
        ),
    ];
    let (world, run) = run(&sets, &[]);
    let run = run.expect_code(3);
    let line = "policy    1 waiver has expired (w1), 2 entries concern no finding (expectation:e1, expectation:e2)\n";
    assert!(run.stdout.contains(line), "{}", run.stdout);
    let mut plan = world.command();
    plan.args(["--extension-dir", "extensions", "plan", "--target", "target.json", "--assessment", "assessment.json"]);
    let output = plan.output().expect("it ran");
    let said = "the expectation e1 speaks of the check onne, which no step of the plan makes\n";
    let told = String::from_utf8(output.stderr).expect("text");
    assert!(output.status.success() && told.ends_with(said) && told.lines().count() == 1, "{told}");
}

#[test]
fn a_challenged_or_excluded_finding_still_counts_against_the_gate() {
    let sets = [
        ("challenges_ref", json!([{"id": "c1", "match": {"check_id": "one"}, "reason": "wrong"}])),
        (
            "exclusions_ref",
            json!([{"id": "x1", "match": {"requirement_ref": "public:*"}, "reason": "scope", "review_status": "out_of_scope"}]),
        ),
    ];
    let (_world, run) = run(&sets, &["--gate", "unexpected_findings"]);
    let run = run.expect_code(3);
    let found = finding(&run, "one");
    assert_eq!(found["challenge_refs"], json!(["c1"]));
    assert_eq!(found["exclusion_refs"], json!(["x1"]));
    assert_eq!((&found["disposition"], &found["review_status"]), (&json!("unexpected"), &json!("out_of_scope")));
    assert_eq!(finding(&run, "two")["review_status"], "unreviewed");
}

#[test]
fn the_sets_are_locked_and_stand_in_the_plan() {
    let (_world, run) = run(&[("waivers_ref", json!([waiver("w1", "none", "2999-01-01")]))], &[]);
    let run = run.expect_code(3);
    let sources = run.json("sources.lock.json");
    let sets = sources["sources"].as_array().expect("sources").iter();
    let set = sets.clone().find(|source| source["kind"] == "waiver_set").expect("the set");
    assert_eq!((&set["id"], set["sha256"].as_str().map(str::len)), (&json!("waivers"), Some(64)));
    assert_eq!(run.json("plan.json")["policy"]["waivers_ref"], set["path"]);
    assert_eq!(run.json("reports/assessment-package.json")["policy_summary"]["unused"], json!(["waiver:w1"]));
}

#[test]
fn everything_that_is_wrong_with_a_set_comes_at_once() {
    let entries = json!([
        {"id": "w1", "match": {"check_id": "one"}, "owner": "Ada", "reason": "r", "expires": "soon"},
        {"id": "w1", "match": {"check_id": "one"}, "owner": "Ada", "reason": "r", "expires": "2999-01-01"},
    ]);
    let expectations =
        json!([{"id": "e", "match": {}, "reason": "r"}, {"id": "f", "match": {"chek_id": "x"}, "reason": 7}]);
    let (_world, run) = run(&[("waivers_ref", entries), ("expectations_ref", expectations)], &[]);
    let run = run.expect_code(2);
    for said in [
        "waivers.json: /waivers/0/expires: ",
        "waivers.json: /waivers/1/id: another",
        "expectations.json: /expectations/0/match",
        "/expectations/1/match/chek_id: found the key",
        "/expectations/1/reason: found 7",
    ] {
        assert!(run.stderr.contains(said), "{said}: {}", run.stderr);
    }
    assert!(!run.directory.exists());
}

#[test]
fn a_set_that_is_not_there_is_refused_at_its_key() {
    let world = World::new();
    world.target().write();
    world.assessment(&["probe"]).set("waivers_ref", json!("absent.json")).write();
    world.extension("probe").script("true");
    let run = world.run().finish().expect_code(2);
    assert!(run.stderr.contains("assessment.json: /waivers_ref: there is no file absent.json"), "{}", run.stderr);
}

#[test]
fn mappings_say_what_the_evidence_says_of_each_requirement() {
    let world = World::new();
    world.target().write();
    world.assessment(&["probe"]).write();
    let set = json!({"id": "set", "version": "3", "entries": [
        {"requirement_ref": "public:1", "control_refs": ["A-1", "A-2"]},
        {"requirement_ref": "public:9", "control_refs": ["A-9"]},
    ]});
    let extension = world.extension("probe").set("/mappings", json!([{"id": "set", "path": "set.json"}]));
    std::fs::write(world.path("extensions/probe/set.json"), set.to_string()).expect("written");
    extension.script(&crate::support::reports("pass"));
    let run = world.run().finish().expect_code(0);
    let mappings = run.json("normalized/mappings.json");
    let first = json!({
        "id": "mapping-0001", "mapping_set": "set", "requirement_ref": "public:1", "control_refs": ["A-1", "A-2"],
        "evidence_refs": ["evidence-0001"], "status": "met",
    });
    assert_eq!(mappings[0], first);
    assert_eq!((&mappings[1]["status"], &mappings[1]["evidence_refs"]), (&json!("no_evidence"), &json!([])));
    let summary = json!({"total": 2, "by_status": {"met": 1, "no_evidence": 1}});
    assert_eq!(run.json("exports/export-manifest.json")["mapping_summary"], summary);
    assert!(run.text("reports/report.md").contains("| set | public:1 | A-1, A-2 | met | 1 |"));
}
