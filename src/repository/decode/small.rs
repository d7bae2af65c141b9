//! The little that is read of a run's other documents.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

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
    text_of(value_of(run_record, "output_dir")?)
}

/// The documents with a digest that a submission package records; empty when it records none or is no package.
#[must_use]
pub fn recorded_digests(submission_package: &[u8]) -> Vec<RecordedDocument> {
    let Some(documents) = value_of(submission_package, "documents") else { return Vec::new() };
    let mut recorded = Vec::new();
    let mut deserializer = serde_json::Deserializer::from_str(documents.get());
    // Anything but a list records nothing.
    let _ = deserializer.deserialize_seq(DocumentsVisitor(&mut recorded));
    recorded
}

fn text_of(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

/// The value of one key of an object, without holding the others: a document may have millions of them. Of a key that stands twice the last
/// value counts, as most readers have it; null is none.
fn value_of<'a>(document: &'a [u8], key: &str) -> Option<&'a RawValue> {
    let text = std::str::from_utf8(document).ok()?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = ValueOf(key).deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    value.filter(|value| value.get() != "null")
}

struct ValueOf<'k>(&'k str);

impl<'de> DeserializeSeed<'de> for ValueOf<'_> {
    type Value = Option<&'de RawValue>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ValueOf<'_> {
    type Value = Option<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if key == self.0 {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

/// Reads entry by entry, so that an odd one does not spoil the others.
struct DocumentsVisitor<'r>(&'r mut Vec<RecordedDocument>);

impl<'de> Visitor<'de> for DocumentsVisitor<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of documents")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        while let Some(entry) = sequence.next_element::<&RawValue>()? {
            self.0.extend(recorded(entry));
        }
        Ok(())
    }
}

fn recorded(entry: &RawValue) -> Option<RecordedDocument> {
    let value = |key| value_of(entry.get().as_bytes(), key);
    let sha256 = bare_digest(&text_of(value("sha256").or_else(|| value("digest"))?)?)?;
    Some(RecordedDocument { path: StoredPath::new(&text_of(value("path")?)?), sha256 })
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
        assert_eq!(recorded_output_dir(br#"{"output_dir":"/a"} x"#), None);
        assert_eq!(recorded_output_dir(br#"["output_dir","/a"]"#), None);
        let twice = br#"{"output_dir":"/a","output_dir":"/b","\u006futput_dir":"/c\n"}"#;
        assert_eq!(recorded_output_dir(twice).as_deref(), Some("/c\n"), "the last one counts");
    }

    #[test]
    fn documents_without_a_proper_digest_are_left_out() {
        let json = format!(
            r#"{{"documents":[{{"path":"reports/report.md","sha256":"{0}"}},{{"path":"x","sha256":"zz"}},{{}},7,["x","{0}"],
              {{"path":7,"sha256":"{0}"}},{{"path":"y","digest":"sha256:{0}","path":"z"}}]}}"#,
            "0".repeat(64)
        );
        let paths: Vec<_> = recorded_digests(json.as_bytes()).into_iter().map(|document| document.path).collect();
        assert_eq!(paths, [StoredPath::new("reports/report.md"), StoredPath::new("z")]);
        for none in [r#"{"documents":{}}"#, r#"{"documents":null}"#, "{}", "[]", ""] {
            assert!(recorded_digests(none.as_bytes()).is_empty());
        }
    }

    proptest! {
        #[test]
        fn reading_any_bytes_is_total(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = recorded_output_dir(&bytes);
            let _ = recorded_digests(&bytes);
        }
    }
}
