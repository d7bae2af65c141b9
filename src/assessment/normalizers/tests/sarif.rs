//! SARIF, one peculiarity at a time.

use serde_json::{Value, json};

use super::{Format, check, normalized, said, shown};
use crate::assessment::normalizers::Collector;
use crate::assessment::result::{ReportedItem, RunnerResult};

fn log(run: &Value) -> RunnerResult {
    let text = json!({"version": "2.1.0", "runs": [run]}).to_string();
    let (result, outcome) = normalized(Format::Sarif210, text.as_bytes());
    outcome.expect("read to its end");
    result
}

fn results(results: &Value) -> Vec<ReportedItem> {
    log(&json!({"tool": {"driver": {"name": "t"}}, "results": results})).evidence
}

fn graded(items: &[ReportedItem]) -> Vec<(&str, &str)> {
    items.iter().map(|item| (item.result.word(), item.severity.map_or("", |severity| severity.word()))).collect()
}

#[test]
fn kinds_and_levels_are_results() {
    let items = results(&json!([
        {"level": "error"}, {"level": "warning"}, {"level": "note"}, {"level": "none"}, {}, {"kind": "fail", "level": "new in 3.0"},
        {"kind": "pass"}, {"kind": "informational"}, {"kind": "notApplicable"}, {"kind": "open"}, {"kind": "review", "level": "error"},
    ]));
    let expected = [
        ("fail", ""),
        ("warning", "medium"),
        ("warning", "info"),
        ("pass", ""),
        ("warning", "medium"),
        ("warning", "medium"),
        ("pass", ""),
        ("pass", ""),
        ("not_applicable", ""),
        ("manual", ""),
        ("manual", ""),
    ];
    assert_eq!(graded(&items), expected);
    assert_eq!(items[3].observations, ["the tool gives this no weight (level none)"]);
    assert!(items.iter().all(|item| item.subject_ref == "(no rule)"));
}

#[test]
fn a_rule_says_what_a_result_does_not_whether_it_stands_before_or_behind() {
    let tool = json!({
        "driver": {"name": "t", "rules": [
            {"id": "A", "defaultConfiguration": {"level": "error"}, "messageStrings": {"m": {"text": "{0} of {{1}} is {1}{2"}}},
            {"id": "B", "name": "Bee", "shortDescription": {"text": "short"}, "properties": {"security-severity": "9.1"}},
        ], "globalMessageStrings": {"g": {"text": "global"}}},
        "extensions": [{"name": "x", "rules": [{"id": "C", "defaultConfiguration": {"level": "note"}}]}],
    });
    let listed = json!([
        {"ruleId": "A", "message": {"id": "m", "arguments": ["one", "two"]}},
        {"ruleId": "A/sub", "message": {"id": "g"}},
        {"ruleIndex": 1, "message": {"text": " "}},
        {"rule": {"index": 0, "toolComponent": {"index": 0}}, "message": {"text": "by place\nand more"}},
        {"ruleId": "C", "ruleIndex": -1, "message": {"id": "unknown"}},
        {"ruleIndex": 77},
    ]);
    let texts = [
        format!(r#"{{"version":"2.1.0","runs":[{{"tool":{tool},"results":{listed}}}]}}"#),
        format!(r#"{{"runs":[{{"results":{listed},"tool":{tool}}}],"version":"2.1.0"}}"#),
    ];
    let read = texts.map(|text| {
        let (result, outcome) = normalized(Format::Sarif210, text.as_bytes());
        outcome.expect("read");
        result
    });
    assert_eq!(shown(&read[0]), shown(&read[1]));
    let items = &read[0].evidence;
    let named: Vec<(&str, &str, &str, usize)> = items
        .iter()
        .map(|item| {
            (
                &*item.subject_ref,
                item.result.word(),
                item.observations.first().map_or("", |text| text),
                item.observations.len(),
            )
        })
        .collect();
    assert_eq!(
        named,
        [
            ("A", "fail", "one of {1} is two{2", 1),
            ("A/sub", "fail", "global", 1),
            ("B", "warning", "short", 1),
            ("C", "warning", "by place", 2),
            ("C", "warning", "the message \"unknown\", whose text the log does not have", 1),
            ("(no rule)", "warning", "", 0),
        ]
    );
    assert_eq!(graded(&items[2..4]), [("warning", "critical"), ("warning", "info")]);
    assert_eq!(items[2].facts["rule_name"], "Bee");
}

#[test]
fn security_severity_has_four_grades() {
    let scored = |score: Value| json!({"level": "error", "properties": {"security-severity": score}});
    let items = results(&json!([
        scored(json!("9.0")),
        scored(json!(8.9)),
        scored(json!("4")),
        scored(json!("0.0")),
        scored(json!("bad"))
    ]));
    assert_eq!(
        graded(&items),
        [("fail", "critical"), ("fail", "high"), ("fail", "medium"), ("fail", "low"), ("fail", "")]
    );
}

#[test]
fn only_an_accepted_suppression_is_a_waiver() {
    let suppressed =
        |suppressions: Value| json!({"level": "error", "message": {"text": "m"}, "suppressions": suppressions});
    let items = results(&json!([
        suppressed(json!([])),
        suppressed(json!([{"kind": "inSource", "justification": "known"}])),
        suppressed(json!([{"kind": "external", "status": "accepted"}])),
        suppressed(json!([{"status": "accepted"}, {"status": "underReview"}])),
        suppressed(json!([{"status": "rejected"}])),
    ]));
    let words: Vec<&str> = items.iter().map(|item| item.result.word()).collect();
    assert_eq!(words, ["fail", "waiver_applied", "waiver_applied", "fail", "fail"]);
    assert_eq!(items[1].observations, ["m", "suppressed (inSource): known"]);
    assert_eq!(items[2].observations[1], "suppressed (external): no justification is given");
}

#[test]
fn what_is_absent_now_is_passed_over_and_counted() {
    let result = log(
        &json!({"tool": {"driver": {"name": "t", "version": "3"}}, "results": [{"baselineState": "absent"}, {"baselineState": "new", "ruleId": "A"}]}),
    );
    assert_eq!(said(&result.evidence), [("A", "warning")]);
    assert_eq!(result.evidence[0].facts["baseline_state"], "new");
    assert_eq!(result.metadata["notes"], json!(["report: a run of t 3 with 1 results, 1 absent ones passed over"]));
}

#[test]
fn places_are_kept_as_they_are_written() {
    let at = |uri: &str| json!({"physicalLocation": {"artifactLocation": {"uri": uri, "uriBaseId": "SRC"}, "region": {"startLine": 7}}});
    let items = results(&json!([
        {"ruleId": "A", "locations": [at("a%20b.c"), at("file:///c.c")]},
        {"ruleId": "A", "locations": [{"logicalLocations": [{"name": "f", "fullyQualifiedName": "m::f"}]}]},
        {"ruleId": "A", "locations": [{"physicalLocation": {"artifactLocation": {"index": 3}, "region": {"startLine": 0}}}]},
    ]));
    let places: Vec<(&str, Option<u64>)> = items[0].locations.iter().map(|place| (&*place.path, place.line)).collect();
    assert_eq!(places, [("a%20b.c", Some(7)), ("file:///c.c", Some(7))]);
    assert_eq!(items[0].facts["uri_base_id"], "SRC");
    assert_eq!(said(&items), [("A in a%20b.c", "warning"), ("A in m::f", "warning"), ("A", "warning")]);
}

#[test]
fn silence_is_a_pass_only_where_the_tool_ran_and_looked() {
    let silent = |run: Value| {
        let text = json!({"version": "2.1.0", "runs": [run]}).to_string();
        let mut collector = Collector::new(Format::Sarif210, vec![check("a", &["A"]), check("b", &["B"])]);
        collector.read("log", text.as_bytes()).expect("read");
        let result = collector.finish();
        result.evidence.iter().map(|item| format!("{} {}", item.check_id, item.result)).collect::<Vec<_>>()
    };
    assert_eq!(silent(json!({"results": [{"ruleId": "A"}]})), ["a warning", "b pass"]);
    assert_eq!(silent(json!({"results": null})), [""; 0]);
    assert_eq!(silent(json!({})), [""; 0]);
    let failed = json!({"results": [{"ruleId": "A"}], "invocations": [{"executionSuccessful": false}]});
    assert_eq!(silent(failed), ["a warning", "b infrastructure_error"]);
    let elsewhere = json!({"externalPropertyFileReferences": {"results": [{"location": {"uri": "r.json"}}]}});
    assert_eq!(silent(elsewhere), ["a infrastructure_error", "b infrastructure_error"]);
}

#[test]
fn what_the_tool_says_of_a_failed_run_is_told() {
    let result = log(&json!({
        "invocations": [{
            "executionSuccessful": false, "exitCodeDescription": "out of memory",
            "toolExecutionNotifications": [{"level": "error", "message": {"text": "crashed"}, "locations": [
                {"physicalLocation": {"artifactLocation": {"uri": "a.c"}}}]}],
        }],
        "results": [],
    }));
    let told = ["the tool says that it did not run successfully: out of memory", "error: crashed (a.c)"];
    assert_eq!(
        (said(&result.evidence), &result.evidence[0].observations[..]),
        (vec![("", "infrastructure_error")], &told.map(str::to_owned)[..])
    );
}
