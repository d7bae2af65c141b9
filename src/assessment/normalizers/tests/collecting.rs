//! Which check takes what, and what becomes of that for which there is no place.

use serde_json::{Value, json};

use super::check;
use crate::assessment::normalizers::CheckPatterns;
use crate::assessment::normalizers::bounds::{self, NAMES, PASSES, TEXT_BYTES};
use crate::assessment::normalizers::collect::Sink;
use crate::assessment::normalizers::item::Item;
use crate::assessment::result::RunnerResult;
use crate::model::EvidenceResult;

fn checks(described: &[(&str, &[&str])]) -> Vec<CheckPatterns> {
    described.iter().map(|(id, matches)| check(id, matches)).collect()
}

fn said(result: &RunnerResult) -> Vec<(&str, &str, &str)> {
    let items = result.evidence.iter();
    items.map(|item| (&*item.check_id, item.result.word(), item.observations.first().map_or("", |text| text))).collect()
}

#[test]
fn the_first_match_takes_and_a_bracket_is_a_bracket() {
    let mut sink = Sink::new("x", checks(&[("rest", &[]), ("a", &["t[1]", "b?"]), ("b", &["b*"])]));
    for name in ["t[1]", "t1", "b1", "b12", "ü"] {
        sink.push(Item::new(name, EvidenceResult::Pass));
    }
    let result = sink.finish();
    let taken: Vec<&str> = result.evidence.iter().map(|item| &*item.check_id).collect();
    assert_eq!(taken, ["a", "rest", "a", "b", "rest"]);
}

#[test]
fn what_no_check_takes_is_told_of_beside_the_first_and_answers_for_none() {
    let mut sink = Sink::new("x", checks(&[("a", &["a*"]), ("b", &["b*"])]));
    for (name, result) in [("a", EvidenceResult::Pass), ("x", EvidenceResult::Pass), ("y", EvidenceResult::Fail)] {
        sink.push(Item::new(name, result));
    }
    let result = sink.finish();
    assert_eq!(said(&result), [("a", "pass", "")]);
    assert_eq!(result.aside[0].observations, ["2 reported things are taken by no check: y, x"]);
    assert_eq!((result.aside[0].check_id.as_str(), result.aside[0].result), ("a", EvidenceResult::Fail));
    assert_eq!(
        Value::Object(result.aside[0].facts.clone()),
        json!({"unmatched": 2, "by_result": {"fail": 1, "pass": 1}})
    );
}

#[test]
fn passes_leave_room_for_what_fails_late() {
    let mut sink = Sink::new("x", checks(&[("a", &[])]));
    for number in 0..PASSES + 30 {
        sink.push(Item::new(&format!("p{number}"), EvidenceResult::Pass));
    }
    sink.push(Item::new("late", EvidenceResult::Fail));
    let result = sink.finish();
    assert_eq!(result.evidence.len(), PASSES + 2);
    assert_eq!(result.evidence[PASSES].subject_ref, "late");
    let more = &result.evidence[PASSES + 1];
    assert!(more.observations[0].starts_with("and 30 more with the result pass"), "{more:?}");
    assert_eq!((more.facts["count"].as_u64(), more.observations[0].matches(", ").count()), (Some(30), NAMES));
    assert_eq!(result.metadata["results"], json!({"pass": PASSES + 30, "fail": 1}));
}

#[test]
fn text_is_bounded_in_all() {
    let mut sink = Sink::new("x", checks(&[("a", &[])]));
    for _ in 0..20_000 {
        let mut item = Item::new("x", EvidenceResult::Fail);
        item.observations.push("y".repeat(bounds::BODY));
        sink.push(item);
    }
    let result = sink.finish();
    assert!(
        result.evidence.iter().flat_map(|item| &item.observations).map(String::len).sum::<usize>() <= TEXT_BYTES + 1000
    );
    assert_eq!(result.metadata["results"]["fail"], 20_000);
}

#[test]
fn what_broke_is_said_where_nothing_else_is() {
    for (answered, expected) in [(&["a"][..], "b"), (&["a", "b"][..], "a")] {
        let mut sink = Sink::new("x", checks(&[("a", &["a"]), ("b", &["b"])]));
        answered.iter().for_each(|name| sink.push(Item::new(name, EvidenceResult::Pass)));
        sink.silence_is_a_pass("silent".to_owned());
        sink.left_out("left out");
        sink.broke("given up");
        assert_eq!(said(&sink.finish()).last(), Some(&(expected, "infrastructure_error", "given up")));
    }
}
