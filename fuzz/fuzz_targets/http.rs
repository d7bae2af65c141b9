//! What stands in an HTTP request: paths, queries and JSON bodies, for every call. Whatever comes is a request or is refused, and a request that
//! is written in the dialect is read as the same again.
#![no_main]

use std::sync::LazyLock;

use guide_board::wire::{QueryFields, Rule, Rules, from_json, message_to_json, path_segments, query_pairs};
use libfuzzer_sys::fuzz_target;

static RULES: LazyLock<Rules> = LazyLock::new(|| Rules::read().expect("rules"));

fn bodies(rule: &Rule, text: &str) {
    let Ok(json) = serde_json::from_str(text) else { return };
    // Replies have every kind of field, requests but a few.
    for descriptor in [rule.call.input(), rule.call.output()] {
        let Ok(message) = from_json(&descriptor, &json) else { continue };
        // A number beyond 2^53 is taken as a text and written as a number, which is refused.
        if let Ok(again) = from_json(&descriptor, &message_to_json(&message)) {
            assert_eq!(again, message);
        }
    }
}

fuzz_target!(|input: (u8, &str)| {
    let (which, text) = input;
    let rules: Vec<&Rule> = RULES.iter().collect();
    let rule = rules[usize::from(which) % rules.len()];
    if let Ok(segments) = path_segments(text) {
        assert!(segments.iter().all(|segment| !segment.contains(['/', '\\', '\0'])));
        if let Some(found) = RULES.find(&segments) {
            assert!(!found.rules.is_empty());
        }
    }
    if let Ok(pairs) = query_pairs(text) {
        let mut fields = QueryFields::new(rule.call.input());
        let _ = pairs.iter().try_for_each(|(name, value)| fields.put(name, value));
        let _ = message_to_json(&fields.into_message());
    }
    bodies(rule, text);
});
