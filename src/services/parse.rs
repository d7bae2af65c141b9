//! From request fields to the model. What does not parse names its field.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::notes;
use crate::model::{DirectoryName, LabelKey, MAX_LABEL_VALUE, MAX_LABELS, ProblemReason, RelativePath};
use crate::repository::{RunQuery, RunSelector};

/// The longest filter text, in bytes.
const MAX_FILTER_BYTES: usize = 4096;
/// The most words or labels in a filter.
const MAX_FILTER_ITEMS: usize = 64;

/// A request field that does not parse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FieldError {
    pub(super) field: &'static str,
    pub(super) reason: &'static str,
    pub(super) message: String,
}

impl FieldError {
    pub(super) fn new(field: &'static str, message: impl Into<String>) -> Self {
        Self { field, reason: "FIELD_INVALID", message: message.into() }
    }

    /// A path whose syntax is refused.
    pub(super) fn path(field: &'static str, message: impl Into<String>) -> Self {
        Self { field, reason: "PATH_INVALID", message: message.into() }
    }
}

/// Which run a request means: exactly one of the two fields.
pub(super) fn selector(run_id: &str, directory: &str) -> Result<RunSelector, FieldError> {
    let selector = match (run_id, directory) {
        ("", "") => return Err(FieldError::new("run_id", "give run_id or directory")),
        (run_id, "") => run_id
            .parse()
            .map(RunSelector::RunId)
            .map_err(|error: crate::model::InvalidName| FieldError::new("run_id", error.to_string()))?,
        ("", directory) => RunSelector::Directory(self::directory("directory", directory)?),
        _ => return Err(FieldError::new("directory", "give run_id or directory, not both")),
    };
    notes::run(&selector);
    Ok(selector)
}

/// A directory name from a request: a plain name, without a backslash.
pub(super) fn directory(field: &'static str, text: &str) -> Result<DirectoryName, FieldError> {
    if text.contains('\\') {
        return Err(FieldError::path(field, "a directory name in a request has no backslash"));
    }
    text.parse().map_err(|error: crate::model::InvalidName| FieldError::path(field, error.to_string()))
}

/// A path of an output.
pub(super) fn path(text: &str) -> Result<RelativePath, FieldError> {
    text.parse().map_err(|error: crate::model::PathSyntaxError| FieldError::path("path", error.to_string()))
}

/// The fields that list and latest filter by.
pub(super) struct FilterFields {
    pub(super) target: String,
    pub(super) assessment: String,
    pub(super) statuses: Vec<String>,
    pub(super) completed_after: Option<prost_types::Timestamp>,
    pub(super) completed_before: Option<prost_types::Timestamp>,
    pub(super) source_commit: String,
    pub(super) labels: BTreeMap<String, String>,
}

/// Which runs a request filters for.
pub(super) fn query(fields: FilterFields) -> Result<RunQuery, FieldError> {
    let commit = text("source_commit", fields.source_commit)?;
    if commit.as_ref().is_some_and(|commit| commit.len() < 7) {
        return Err(FieldError::new("source_commit", "give the whole commit id or at least its first 7 characters"));
    }
    if fields.labels.len() > MAX_FILTER_ITEMS {
        return Err(FieldError::new("labels", "at most 64 labels"));
    }
    Ok(RunQuery {
        target: text("target", fields.target)?,
        assessment: text("assessment", fields.assessment)?,
        statuses: words("statuses", fields.statuses)?,
        completed_after: time("completed_after", fields.completed_after)?,
        completed_before: time("completed_before", fields.completed_before)?,
        source_commit: commit,
        labels: fields.labels,
    })
}

/// The words that a list of words filters by.
pub(super) fn words(field: &'static str, words: Vec<String>) -> Result<Vec<String>, FieldError> {
    if words.len() > MAX_FILTER_ITEMS || words.iter().any(|word| word.len() > MAX_FILTER_BYTES) {
        return Err(FieldError::new(field, "at most 64 words of at most 4096 bytes"));
    }
    Ok(words)
}

fn text(field: &'static str, text: String) -> Result<Option<String>, FieldError> {
    if text.len() > MAX_FILTER_BYTES {
        return Err(FieldError::new(field, "at most 4096 bytes"));
    }
    Ok(Some(text).filter(|text| !text.is_empty()))
}

fn time(field: &'static str, time: Option<prost_types::Timestamp>) -> Result<Option<Timestamp>, FieldError> {
    let Some(time) = time else { return Ok(None) };
    Timestamp::new(time.seconds, time.nanos)
        .ok()
        .filter(|_| (0..1_000_000_000).contains(&time.nanos))
        .map(Some)
        .ok_or_else(|| FieldError::new(field, "not a time between the years 1 and 9999"))
}

/// Items a page: unset or 0 is 50, above 500 is 500.
pub(super) fn page_size(asked: i32) -> Result<usize, FieldError> {
    match usize::try_from(asked) {
        Err(_) => Err(FieldError::new("page_size", "must not be negative; 0 asks for the default of 50")),
        Ok(0) => Ok(50),
        Ok(size) => Ok(size.min(super::MAX_PAGE_SIZE)),
    }
}

/// Problem reasons from their words.
pub(super) fn problem_reasons(words: &[String]) -> Result<Vec<ProblemReason>, FieldError> {
    let parse = |word: &String| {
        ProblemReason::from_word(word).ok_or_else(|| {
            let known: Vec<_> = ProblemReason::ALL.iter().map(|reason| reason.word()).collect();
            FieldError::new("reasons", format!("an unknown reason; the reasons are: {}", known.join(", ")))
        })
    };
    words.iter().map(parse).collect()
}

/// An amount that must not be negative.
pub(super) fn unsigned(field: &'static str, value: i64) -> Result<u64, FieldError> {
    u64::try_from(value).map_err(|_| FieldError::new(field, "must not be negative"))
}

/// A SHA-256 as bare lower-case hex; empty: none.
pub(super) fn sha256(field: &'static str, text: String) -> Result<Option<String>, FieldError> {
    if text.is_empty() {
        return Ok(None);
    }
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() == 64 && text.bytes().all(is_hex) {
        Ok(Some(text))
    } else {
        Err(FieldError::new(field, "a SHA-256 is 64 lower-case hex digits, without a prefix"))
    }
}

/// The labels to start a run with.
pub(super) fn labels(labels: BTreeMap<String, String>) -> Result<BTreeMap<String, String>, FieldError> {
    if labels.len() > MAX_LABELS {
        return Err(FieldError::new("labels", "at most 32 labels"));
    }
    for (key, value) in &labels {
        key.parse::<LabelKey>().map_err(|error| FieldError::new("labels", error.to_string()))?;
        if value.chars().count() > MAX_LABEL_VALUE || value.chars().any(char::is_control) {
            return Err(FieldError::new(
                "labels",
                "a label's value has at most 256 characters and no control characters",
            ));
        }
    }
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn exactly_one_of_run_id_and_directory() {
        assert!(selector("r", "").is_ok() && selector("", "d").is_ok());
        assert_eq!(selector("", "").map_err(|error| error.field), Err("run_id"));
        assert_eq!(selector("r", "d").map_err(|error| error.field), Err("directory"));
    }

    #[test]
    fn a_directory_that_is_no_plain_name_is_an_invalid_path() {
        for text in ["..", ".", "a/b", "/etc", "a\\b", "a\0"] {
            assert_eq!(directory("directory", text).map_err(|error| error.reason), Err("PATH_INVALID"), "{text:?}");
        }
        assert!(directory("directory", "%2e%2e").is_ok());
    }

    #[test]
    fn page_sizes_default_cap_and_refuse() {
        assert_eq!(page_size(0), Ok(50));
        assert_eq!(page_size(7), Ok(7));
        assert_eq!(page_size(501), Ok(500));
        assert!(page_size(-1).is_err());
    }

    #[test]
    fn times_out_of_range_name_their_field() {
        let beyond = Some(prost_types::Timestamp { seconds: i64::MAX, nanos: 0 });
        assert_eq!(time("completed_after", beyond).map_err(|error| error.field), Err("completed_after"));
        let negative = Some(prost_types::Timestamp { seconds: 0, nanos: -1 });
        assert!(time("completed_after", negative).is_err());
    }

    proptest! {
        #[test]
        fn parsing_any_field_is_total(text in "\\PC{0,300}", number in any::<i64>(), nanos in any::<i32>()) {
            let _ = selector(&text, "");
            let _ = selector("", &text);
            let _ = path(&text);
            let _ = sha256("expected_sha256", text.clone());
            let _ = problem_reasons(std::slice::from_ref(&text));
            let _ = labels(BTreeMap::from([(text.clone(), text)]));
            let _ = time("t", Some(prost_types::Timestamp { seconds: number, nanos }));
        }
    }
}
