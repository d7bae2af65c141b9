//! What a runner reports: untrusted bytes to typed items.

use std::collections::{BTreeMap, HashSet};

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::credentials::Redactor;
use super::documents::Location;
use super::error::ProfileProblem;
use super::schema::{self, Schema};
use crate::model::{EvidenceResult, Severity, printable};

/// A runner's report.
#[derive(Debug, Clone, Default)]
pub(super) struct RunnerResult {
    /// What it found.
    pub(super) evidence: Vec<ReportedItem>,
    /// What it says about itself.
    pub(super) metadata: Map<String, Value>,
    /// Items that stand beside the evidence and answer for no check: what no check takes, what is not whole.
    pub(super) aside: Vec<ReportedItem>,
}

impl RunnerResult {
    /// Takes secrets out of everything that it says.
    pub(super) fn redact(&mut self, redactor: &Redactor) {
        for item in self.evidence.iter_mut().chain(&mut self.aside) {
            let texts = [&mut item.observations, &mut item.requirement_refs, &mut item.artifact_refs];
            for text in texts.into_iter().flatten() {
                *text = redactor.text(text);
            }
            item.subject_ref = redactor.text(&item.subject_ref);
            for location in &mut item.locations {
                location.path = redactor.text(&location.path);
            }
            redact(&mut item.facts, redactor);
        }
        redact(&mut self.metadata, redactor);
    }
}

fn redact(fields: &mut Map<String, Value>, redactor: &Redactor) {
    let mut value = Value::Object(std::mem::take(fields));
    redactor.value(&mut value);
    if let Value::Object(redacted) = value {
        *fields = redacted;
    }
}

/// One reported item.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct ReportedItem {
    pub(super) check_id: String,
    #[serde(default)]
    pub(super) subject_ref: String,
    pub(super) result: EvidenceResult,
    #[serde(default)]
    pub(super) severity: Option<Severity>,
    #[serde(default)]
    pub(super) observations: Vec<String>,
    #[serde(default)]
    pub(super) facts: Map<String, Value>,
    #[serde(default)]
    pub(super) locations: Vec<Location>,
    #[serde(default)]
    pub(super) requirement_refs: Vec<String>,
    #[serde(default)]
    pub(super) artifact_refs: Vec<String>,
}

/// Reads a report: JSON, redacted, valid by the schema, about checks of this group only. Item by item, so that a report of many items costs
/// little more than the items.
///
/// # Errors
/// One sentence for the evidence that stands in its place.
pub(super) fn decode(bytes: &[u8], checks: &[String], redactor: &Redactor) -> Result<RunnerResult, String> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err("the runner reported no result".to_owned());
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| format!("the result is not UTF-8 (byte {})", error.valid_up_to()))?;
    let fields: Option<BTreeMap<String, &RawValue>> = serde_json::from_str(text).ok();
    let items: Option<Vec<&RawValue>> =
        fields.as_ref().and_then(|fields| serde_json::from_str(fields.get("evidence")?.get()).ok());
    let (Some(fields), Some(items)) = (fields, items) else {
        // Not the form of a report at all: the schema says best what it is not.
        let mut whole: Value = serde_json::from_str(text).map_err(|error| not_json(&error))?;
        redactor.value(&mut whole);
        return Err(not_valid(&schema::problems(Schema::RunnerResult, &whole, "result")));
    };
    let mut outer = Map::new();
    for (key, raw) in &fields {
        outer.insert(key.clone(), if key == "evidence" { Value::Array(Vec::new()) } else { value(raw)? });
    }
    redact(&mut outer, redactor);
    let mut outer = Value::Object(outer);
    let mut problems = schema::problems(Schema::RunnerResult, &outer, "result");
    if items.len() > RESULT_ITEMS {
        return Err(format!("the result has {} items, and at most {RESULT_ITEMS} are read", items.len()));
    }
    let mut evidence = Vec::with_capacity(items.len());
    for (index, raw) in items.iter().enumerate() {
        let mut item = value(raw)?;
        redactor.value(&mut item);
        let wrong = schema::result_item_problems(&item, &format!("/evidence/{index}"));
        if wrong.is_empty() {
            let item: ReportedItem = serde_json::from_value(item)
                .map_err(|error| format!("the result cannot be read: {}", printable(&error.to_string(), 200)))?;
            evidence.push(item);
        }
        problems.extend(wrong);
        if problems.len() >= MOST {
            break;
        }
    }
    if !problems.is_empty() {
        return Err(not_valid(&problems));
    }
    let known: HashSet<&String> = checks.iter().collect();
    if let Some(stray) = evidence.iter().find(|item| !known.contains(&item.check_id)) {
        let name = printable(&stray.check_id, 80);
        return Err(format!("the result names {name}, which is no check of this group"));
    }
    let metadata = match outer.get_mut("metadata").map(Value::take) {
        Some(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    Ok(RunnerResult { evidence, metadata, aside: Vec::new() })
}

/// At most so many items of a result are read. Each takes about 2 KiB of memory until the run has ended.
pub(super) const RESULT_ITEMS: usize = 200_000;

/// At most so many values and members may stand in a result. A number takes two bytes of text and many times that in memory.
const RESULT_VALUES: usize = 4_000_000;

/// Refuses a result that would take much more memory than it has bytes.
///
/// # Errors
/// One sentence that says so.
pub(super) fn holdable(bytes: &[u8]) -> Result<&[u8], String> {
    // Each takes a byte at least.
    if bytes.len() <= RESULT_VALUES {
        return Ok(bytes);
    }
    let (mut in_text, mut escaped, mut values) = (false, false, 0_usize);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b',' | b'[' | b'{' if !in_text => values += 1,
            _ => {}
        }
    }
    if values > RESULT_VALUES {
        return Err(format!("the result has more than {RESULT_VALUES} values, which are not read"));
    }
    Ok(bytes)
}

/// At most so many problems of a result are told.
const MOST: usize = 5;

fn value(raw: &RawValue) -> Result<Value, String> {
    serde_json::from_str(raw.get()).map_err(|error| not_json(&error))
}

/// The message quotes nothing of the input but a position.
fn not_json(error: &serde_json::Error) -> String {
    format!("the result is not JSON: {}", printable(&error.to_string(), 200))
}

fn not_valid(problems: &[ProfileProblem]) -> String {
    let listed: Vec<String> = problems.iter().take(MOST).map(ToString::to_string).collect();
    format!("the result is not what the schema says: {}", listed.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assessment::credentials::resolve;
    use proptest::prelude::*;
    use std::path::Path;

    fn plain() -> Redactor {
        resolve(None, Path::new("/"), |_| None).expect("resolved").redactor
    }

    #[test]
    fn each_way_of_being_wrong_has_its_sentence() {
        let checks = ["a".to_owned()];
        let cases: [(&[u8], &str); 7] = [
            (b" \n", "reported no result"),
            (b"\xff{}", "not UTF-8 (byte 0)"),
            (b"{\"evidence\":", "not JSON"),
            (b"[]", "found [], expected an object"),
            (b"{\"evidence\":[{\"check_id\":\"a\",\"result\":\"Pass\"}]}", "expected one of: \"pass\""),
            (b"{\"evidence\":[{\"check_id\":\"b\",\"result\":\"pass\"}]}", "no check of this group"),
            (b"{\"evidence\":[{\"check_id\":\"a\",\"result\":\"pass\",\"observations\":[7]}]}", "found 7"),
        ];
        for (bytes, expected) in cases {
            let error = decode(bytes, &checks, &plain()).expect_err("refused");
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn the_smallest_item_is_enough() {
        let bytes = br#"{"evidence":[{"check_id":"a","result":"pass"}]}"#;
        assert_eq!(decode(bytes, &["a".to_owned()], &plain()).expect("read").evidence.len(), 1);
    }

    #[test]
    fn only_values_outside_of_texts_count() {
        let text = format!("[\"{}\\\\\", \"\\\"{0}\"]", ",".repeat(RESULT_VALUES));
        assert!(holdable(text.as_bytes()).is_ok());
        let values = format!("[{}0]", "0,".repeat(RESULT_VALUES));
        assert!(holdable(values.as_bytes()).is_err_and(|error| error.contains("more than 4000000 values")));
    }

    proptest! {
        #[test]
        fn decoding_any_bytes_is_total(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes, &["a".to_owned()], &plain());
        }

        #[test]
        fn decoding_json_like_text_is_total(text in r#"[{}\[\]",:a-e0-9evidncrsult ]{0,80}"#) {
            let _ = decode(text.as_bytes(), &["a".to_owned()], &plain());
        }
    }
}
