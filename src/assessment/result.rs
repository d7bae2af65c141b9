//! What a runner reports: untrusted bytes to typed items.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::credentials::Redactor;
use super::documents::Location;
use super::schema::{self, Schema};
use crate::model::{EvidenceResult, Severity, printable};

/// A runner's report.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct RunnerResult {
    /// What it found.
    pub(super) evidence: Vec<ReportedItem>,
    /// What it says about itself.
    #[serde(default)]
    pub(super) metadata: Map<String, Value>,
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

/// Reads a report: JSON, redacted, valid by the schema, about checks of this group only.
///
/// # Errors
/// One sentence for the evidence that stands in its place.
pub(super) fn decode(bytes: &[u8], checks: &[String], redactor: &Redactor) -> Result<RunnerResult, String> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err("the runner reported no result".to_owned());
    }
    if let Err(error) = std::str::from_utf8(bytes) {
        return Err(format!("the result is not UTF-8 (byte {})", error.valid_up_to()));
    }
    let mut value: Value = serde_json::from_slice(bytes).map_err(|error| {
        // The message quotes nothing of the input but a position.
        format!("the result is not JSON: {}", printable(&error.to_string(), 200))
    })?;
    redactor.value(&mut value);
    let problems = schema::problems(Schema::RunnerResult, &value, "result");
    if !problems.is_empty() {
        let listed: Vec<String> = problems.iter().take(5).map(ToString::to_string).collect();
        return Err(format!("the result is not what the schema says: {}", listed.join("; ")));
    }
    let result: RunnerResult = serde_json::from_value(value)
        .map_err(|error| format!("the result cannot be read: {}", printable(&error.to_string(), 200)))?;
    match result.evidence.iter().find(|item| !checks.contains(&item.check_id)) {
        Some(stray) => {
            Err(format!("the result names {}, which is no check of this group", printable(&stray.check_id, 80)))
        }
        None => Ok(result),
    }
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
            (b"[]", "not of type"),
            (b"{\"evidence\":[{\"check_id\":\"a\",\"result\":\"Pass\"}]}", "is not one of"),
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
