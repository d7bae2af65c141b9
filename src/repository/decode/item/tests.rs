//! Tests of single items.

use proptest::prelude::*;

use super::*;
use crate::model::Rebase;

fn evidence(text: &str) -> EvidenceItem {
    EvidenceItem::decode(text).unwrap_or_else(|| panic!("no item: {text}"))
}

fn finding(text: &str) -> FindingItem {
    FindingItem::decode(text).unwrap_or_else(|| panic!("no item: {text}"))
}

fn malformed(rest: &ItemRest) -> Vec<&'static str> {
    rest.malformed.iter().copied().collect()
}

fn unknown<'a>(rest: &'a ItemRest, key: &str) -> Option<&'a str> {
    rest.unknown.get(key).map(String::as_str)
}

#[test]
fn every_known_key_of_evidence_is_typed_and_nothing_is_left_over() {
    let item = evidence(
        r#"{"id":"e1","run_id":"r","extension_id":"x","check_id":"c","subject_ref":"s","result":"pass","severity":"low",
            "observations":["one","two"],"facts":{"n":12345678901234567890.10,"o":{"a" : 1}},
            "locations":[{"path":"/abs/a.rs","line":7},{"path":"b","line":null}],"requirement_refs":["q"],
            "artifact_refs":["artifacts/x/a"],"started_at":"2026-05-08T16:43:34Z","completed_at":"2026-05-08T16:43:35.5"}"#,
    );
    assert_eq!(
        (item.id.as_str(), item.run_id.as_str(), item.extension_id.as_str(), item.check_id.as_str()),
        ("e1", "r", "x", "c")
    );
    assert_eq!((item.subject_ref.as_str(), item.result.as_str(), item.severity.as_str()), ("s", "pass", "low"));
    assert_eq!(item.observations, ["one", "two"]);
    assert_eq!(item.facts["n"], "12345678901234567890.10", "facts keep their text to the digit");
    assert_eq!(item.facts["o"], r#"{"a" : 1}"#);
    let first = Location { path: "/abs/a.rs".to_owned(), line: Some(7) };
    assert_eq!(item.locations, [first, Location { path: "b".to_owned(), line: None }]);
    assert_eq!(item.requirement_refs, ["q"]);
    let path = item.artifact_refs[0].resolve(Rebase { output_dir: None, directory: "d" });
    assert_eq!(path.expect("a path").as_str(), "artifacts/x/a");
    assert_eq!(item.completed_at.expect("a time").subsec_nanosecond(), 500_000_000);
    assert_eq!(item.rest, ItemRest::default());
}

#[test]
fn every_known_key_of_a_finding_is_typed_and_nothing_is_left_over() {
    let item = finding(
        r#"{"id":"f","run_id":"r","evidence_id":"e","extension_id":"x","check_id":"c","subject_ref":"s","classification":"fail",
            "severity":"grave","title":"t","description":"d","locations":[],"requirement_refs":[],"artifact_refs":[],
            "disposition":"waived","expectation_ref":null,"waiver_ref":"w","challenge_refs":["h"],"exclusion_refs":["l"],
            "review_status":"open"}"#,
    );
    assert_eq!(
        (item.evidence_id.as_str(), item.classification.as_str(), item.severity.as_str()),
        ("e", "fail", "grave")
    );
    assert_eq!((item.title.as_str(), item.description.as_str(), item.disposition.as_str()), ("t", "d", "waived"));
    assert_eq!((item.expectation_ref.as_str(), item.waiver_ref.as_str()), ("", "w"));
    assert_eq!(
        (item.challenge_refs, item.exclusion_refs, item.review_status),
        (vec!["h".to_owned()], vec!["l".to_owned()], "open".to_owned())
    );
    assert_eq!(item.rest, ItemRest::default(), "a null is as good as absent");
}

#[test]
fn a_value_of_the_wrong_type_is_unset_kept_and_named() {
    let item = finding(
        r#"{"id":7,"severity":["high"],"locations":[{"path":"a"},{"path":"b","line":-1}],"title":"t","extra":[1, 2]}"#,
    );
    assert_eq!((item.id.as_str(), item.severity.as_str(), item.locations.len(), item.title.as_str()), ("", "", 0, "t"));
    assert_eq!(malformed(&item.rest), ["id", "locations", "severity"]);
    assert_eq!(unknown(&item.rest, "id"), Some("7"));
    assert_eq!(unknown(&item.rest, "severity"), Some(r#"["high"]"#));
    assert_eq!(unknown(&item.rest, "extra"), Some("[1, 2]"));
    let item = evidence(r#"{"started_at":"yesterday","facts":[],"observations":["a",1],"artifact_refs":"a"}"#);
    assert_eq!(malformed(&item.rest), ["artifact_refs", "facts", "observations", "started_at"]);
}

#[test]
fn a_location_that_says_more_than_path_and_line_is_kept_whole_beside() {
    let text = r#"[{"path":"a","line":1,"column":4}]"#;
    let item = finding(&format!(r#"{{"locations":{text}}}"#));
    assert_eq!(item.locations, [Location { path: "a".to_owned(), line: Some(1) }]);
    assert_eq!(unknown(&item.rest, "locations"), Some(text));
    assert!(item.rest.malformed.is_empty());
}

#[test]
fn of_a_key_that_stands_twice_the_last_value_counts_for_words_and_item_alike() {
    let text = r#"{"severity":"low","result":7,"severity":"high","result":"pass","facts":{"a":1,"a":2}}"#;
    let (item, words) = (evidence(text), ItemWords::read(ItemKind::Evidence, text).expect("words"));
    assert_eq!((item.severity.as_str(), item.result.as_str(), item.facts["a"].as_str()), ("high", "pass", "2"));
    assert_eq!((&*words.severity, &*words.result), ("high", "pass"));
}

#[test]
fn what_is_no_object_is_no_item() {
    for text in ["1", "null", "\"x\"", "[]", r#"["id"]"#, r#"{"\ud800":1}"#, "true"] {
        assert!(EvidenceItem::decode(text).is_none() && FindingItem::decode(text).is_none(), "{text}");
        assert!(ItemWords::read(ItemKind::Evidence, text).is_none(), "{text}");
    }
    assert_eq!(evidence("{}"), EvidenceItem::default());
}

#[test]
fn words_with_escapes_are_read_as_what_they_mean() {
    let text = r#"{"classification":"\u0066ail","check_id":"a\/b"}"#;
    let words = ItemWords::read(ItemKind::Finding, text).expect("words");
    assert_eq!((&*words.result, &*words.check_id), ("fail", "a/b"));
}

#[test]
fn a_large_item_keeps_its_small_values_and_loses_the_others() {
    let large = "x".repeat(2 << 20);
    let item = finding(&format!(
        r#"{{"id":"f","severity":"high","title":"t","description":"{large}","locations":[{{"path":"a"}}],"more":{{"a":1}},"check_id":7}}"#
    ));
    assert!(item.rest.is_cut);
    assert_eq!((item.id.as_str(), item.severity.as_str(), item.title.as_str()), ("f", "high", "t"));
    assert_eq!((item.description.as_str(), item.locations.len()), ("", 1));
    assert_eq!(malformed(&item.rest), ["check_id"]);
    assert!(unknown(&item.rest, "more").is_none(), "unknown keys are left out of a large item");
}

#[test]
fn an_item_of_exactly_1_mib_is_whole() {
    let with = |length: usize| format!(r#"{{"title":"{}"}}"#, "x".repeat(length));
    let rest = (1 << 20) - with(0).len();
    assert!(!finding(&with(rest)).rest.is_cut);
    assert!(finding(&with(rest + 1)).rest.is_cut);
}

proptest! {
    #[test]
    fn decoding_any_text_is_total_and_words_agree_with_the_item(
        key in "(id|result|classification|severity|disposition|check_id|facts|locations|artifact_refs|started_at|x)",
        other in "(severity|check_id|result|locations)",
        value in "(1|-1|\"\"|\"a\"|null|true|\\[\\]|\\[1\\]|\\[\"a\"\\]|\\{\\}|\\{\"a\":null\\}|1e999|\"\\\\ud800\"|\"\\\\u0041\"|\\{\"\\\\ud800\":1\\})",
        raw in "\\PC{0,60}",
    ) {
        for text in [raw.clone(), format!(r#"{{"{key}":{value},"{other}":"b","{key}":{value}}}"#), format!(r#"{{{raw}}}"#)] {
            let (item, words) = (EvidenceItem::decode(&text), ItemWords::read(ItemKind::Evidence, &text));
            prop_assert_eq!(item.is_some(), words.is_some());
            if let (Some(item), Some(words)) = (item, words) {
                prop_assert_eq!((item.result.as_str(), item.severity.as_str(), item.check_id.as_str()),
                    (&*words.result, &*words.severity, &*words.check_id));
            }
            let (item, words) = (FindingItem::decode(&text), ItemWords::read(ItemKind::Finding, &text));
            prop_assert_eq!(item.is_some(), words.is_some());
            if let (Some(item), Some(words)) = (item, words) {
                prop_assert_eq!((item.classification.as_str(), item.severity.as_str(), item.disposition.as_str(), item.check_id.as_str()),
                    (&*words.result, &*words.severity, &*words.disposition, &*words.check_id));
            }
        }
    }
}
