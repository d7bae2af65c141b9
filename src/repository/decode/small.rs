//! The little that is read of a run's other documents.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::document::Document;
use super::manifest::bare_digest;
use crate::model::StoredPath;

/// A document as a submission package records it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedDocument {
    /// Where it stands.
    pub path: StoredPath,
    /// Its SHA-256, bare lower-case hex.
    pub sha256: String,
}

/// The `output_dir` that a run record gives; `None` when it gives none or is no record.
#[must_use]
pub fn recorded_output_dir(run_record: &[u8]) -> Option<String> {
    Document::parse(run_record).ok()?.take::<String>(&["output_dir"])
}

/// The documents with a digest that a submission package records; empty when it records none or is no package.
#[must_use]
pub fn recorded_digests(submission_package: &[u8]) -> Vec<RecordedDocument> {
    let Ok(mut document) = Document::parse(submission_package) else { return Vec::new() };
    // Entry by entry, so that an odd one does not spoil the others.
    let entries: Vec<&RawValue> = document.take(&["documents"]).unwrap_or_default();
    let recorded = |entry: &RawValue| {
        let entry: BTreeMap<String, serde_json::Value> = serde_json::from_str(entry.get()).ok()?;
        let path = entry.get("path")?.as_str()?;
        let sha256 = entry.get("sha256").or_else(|| entry.get("digest"))?.as_str().and_then(bare_digest)?;
        Some(RecordedDocument { path: StoredPath::new(path), sha256 })
    };
    entries.into_iter().filter_map(recorded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_output_dir_is_read_whatever_else_the_record_says() {
        assert_eq!(recorded_output_dir(br#"{"output_dir":"/a/b","x":[]}"#).as_deref(), Some("/a/b"));
        assert_eq!(recorded_output_dir(br#"{"output_dir":7}"#), None);
        assert_eq!(recorded_output_dir(b"nonsense"), None);
    }

    #[test]
    fn documents_without_a_proper_digest_are_left_out() {
        let json = format!(
            r#"{{"documents":[{{"path":"reports/report.md","sha256":"{}"}},{{"path":"x","sha256":"zz"}},{{}}]}}"#,
            "0".repeat(64)
        );
        assert_eq!(recorded_digests(json.as_bytes()).len(), 1);
    }

    proptest! {
        #[test]
        fn reading_any_bytes_is_total(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = recorded_output_dir(&bytes);
            let _ = recorded_digests(&bytes);
        }
    }
}
