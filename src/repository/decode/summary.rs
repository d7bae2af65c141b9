//! `retention-summary.json` (contract, section 2): only `run_id` is required, everything else is read as far as it goes.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::value::RawValue;

use super::document::{Document, NotADocument};
use crate::model::{ProblemReason, Retention, RunId, RunSummary, StoredPath, parse_timestamp};

/// Why a summary is not readable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SummaryDefect {
    /// Not JSON.
    #[error("it is not JSON")]
    NotJson,
    /// JSON, but not an object.
    #[error("it is not a JSON object")]
    NotObject,
    /// No run id.
    #[error("it has no run_id")]
    RunIdMissing,
    /// A run id that breaks the rule of run ids.
    #[error("its run_id is not a valid run id")]
    RunIdInvalid,
}

impl SummaryDefect {
    /// The defect as a problem of its directory.
    #[must_use]
    pub const fn reason(self) -> ProblemReason {
        match self {
            Self::NotJson => ProblemReason::SummaryNotJson,
            Self::NotObject => ProblemReason::SummaryNotObject,
            Self::RunIdMissing => ProblemReason::RunIdMissing,
            Self::RunIdInvalid => ProblemReason::RunIdInvalid,
        }
    }
}

impl From<NotADocument> for SummaryDefect {
    fn from(not: NotADocument) -> Self {
        match not {
            NotADocument::NotJson => Self::NotJson,
            NotADocument::NotObject => Self::NotObject,
        }
    }
}

/// Reads a summary.
///
/// # Errors
/// When the bytes are no JSON object, or it has no valid run id.
pub fn decode_summary(bytes: &[u8]) -> Result<RunSummary, SummaryDefect> {
    let mut document = Document::parse(bytes)?;
    let run_id = match document.get("run_id") {
        None => return Err(SummaryDefect::RunIdMissing),
        Some(value) if value.get() == "null" => return Err(SummaryDefect::RunIdMissing),
        Some(value) => serde_json::from_str::<String>(value.get())
            .ok()
            .and_then(|text| text.parse::<RunId>().ok())
            .ok_or(SummaryDefect::RunIdInvalid)?,
    };
    document.drop_key("run_id");
    let schema_version = text(&mut document, &["schema_version"]);
    let target_profile_ref = text(&mut document, &["target_profile_ref", "target", "target_ref"]);
    let assessment_profile_ref = text(&mut document, &["assessment_profile_ref", "assessment", "assessment_ref"]);
    let result_status = text(&mut document, &["result_status", "status"]);
    let started_at = time(&mut document, "started_at");
    let completed_at = time(&mut document, "completed_at");
    let evidence_counts = map(&mut document, "evidence_counts");
    let finding_counts = map(&mut document, "finding_counts");
    let report_paths = document.take_if(&["report_paths", "report_refs"], report_paths).unwrap_or_default();
    let source_commits = map(&mut document, "source_commits");
    let labels = map(&mut document, "labels");
    let policy_text = document.get("retention_policy").map(|value| value.get().to_owned());
    let policy = document.take::<RetentionKeys>(&["retention_policy"]);
    let has_more_policy = policy.as_ref().is_some_and(|keys| !keys.more.is_empty());
    let (mut unknown, malformed) = document.into_rest();
    if let Some(text) = policy_text.filter(|_| has_more_policy) {
        unknown.insert("retention_policy".to_owned(), text);
    }
    Ok(RunSummary {
        run_id,
        schema_version,
        target_profile_ref,
        assessment_profile_ref,
        result_status,
        started_at,
        completed_at,
        evidence_counts,
        finding_counts,
        report_paths,
        source_commits,
        labels,
        retention_policy: policy
            .map(|keys| Retention { summary_days: keys.summary_days, raw_artifact_days: keys.raw_artifact_days }),
        unknown,
        malformed,
    })
}

/// `retention_policy`; keys beyond the two known ones make the whole object stand among the unknown keys too.
#[derive(serde::Deserialize)]
struct RetentionKeys {
    summary_days: Option<u64>,
    raw_artifact_days: Option<u64>,
    #[serde(flatten)]
    more: BTreeMap<String, serde::de::IgnoredAny>,
}

/// A text; an empty one is as good as none.
fn text(document: &mut Document<'_>, names: &[&'static str]) -> Option<String> {
    document.take::<String>(names).filter(|text| !text.is_empty())
}

fn time(document: &mut Document<'_>, name: &'static str) -> Option<Timestamp> {
    document.take_if(&[name], |value| parse_timestamp(&serde_json::from_str::<String>(value.get()).ok()?))
}

/// A map; keys whose value is null are as good as absent.
fn map<V: serde::de::DeserializeOwned>(document: &mut Document<'_>, name: &'static str) -> BTreeMap<String, V> {
    document.take::<BTreeMap<String, Option<V>>>(&[name]).map(present).unwrap_or_default()
}

fn present<V>(map: BTreeMap<String, Option<V>>) -> BTreeMap<String, V> {
    map.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
}

/// Report paths as a map of kinds, or as a list of paths whose kind is then the file's stem.
fn report_paths(value: &RawValue) -> Option<BTreeMap<String, StoredPath>> {
    if let Ok(map) = serde_json::from_str::<BTreeMap<String, Option<String>>>(value.get()) {
        return Some(present(map).into_iter().map(|(kind, path)| (kind, StoredPath::new(&path))).collect());
    }
    let list = serde_json::from_str::<Vec<String>>(value.get()).ok()?;
    let mut paths = BTreeMap::new();
    let mut times_met: BTreeMap<String, u64> = BTreeMap::new();
    for path in list {
        // Two files of one stem: the later ones are numbered, so that none is lost. The path itself would be no name for a kind: it may
        // be the absolute path of some machine.
        let stem = kind_of(&path);
        let mut kind = stem.clone();
        while paths.contains_key(&kind) {
            let number = times_met.entry(stem.clone()).or_insert(1);
            *number = number.saturating_add(1);
            kind = format!("{stem}_{number}");
        }
        paths.insert(kind, StoredPath::new(&path));
    }
    Some(paths)
}

/// `reports/assessment-package.json` is of the kind `assessment_package`.
fn kind_of(path: &str) -> String {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.split_once('.').map_or(name, |(stem, _)| stem);
    stem.replace('-', "_")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Rebase;
    use proptest::prelude::*;

    fn decoded(json: &str) -> RunSummary {
        decode_summary(json.as_bytes()).expect("a summary")
    }

    #[test]
    fn a_bare_run_id_is_a_summary() {
        let summary = decoded(r#"{"run_id": "r1"}"#);
        assert_eq!(summary.run_id.as_str(), "r1");
        assert!(summary.completed_at.is_none() && summary.unknown.is_empty() && summary.malformed.is_empty());
    }

    #[test]
    fn each_defect_has_its_reason() {
        let cases: [(&[u8], SummaryDefect); 9] = [
            (b"", SummaryDefect::NotJson),
            (b"{\"run_id\": ", SummaryDefect::NotJson),
            (b"\xff{}", SummaryDefect::NotJson),
            (b"[1]", SummaryDefect::NotObject),
            (b"\"run-1\"", SummaryDefect::NotObject),
            (b"{}", SummaryDefect::RunIdMissing),
            (b"{\"run_id\": null}", SummaryDefect::RunIdMissing),
            (b"{\"run_id\": 7}", SummaryDefect::RunIdInvalid),
            (b"{\"run_id\": \"../x\"}", SummaryDefect::RunIdInvalid),
        ];
        for (bytes, expected) in cases {
            assert_eq!(decode_summary(bytes).err(), Some(expected), "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn aliases_stand_in_and_the_proper_name_wins() {
        let summary = decoded(r#"{"run_id":"r","status":"completed","target":"t","assessment_ref":"a"}"#);
        assert_eq!(summary.result_status.as_deref(), Some("completed"));
        assert_eq!(summary.target_profile_ref.as_deref(), Some("t"));
        assert_eq!(summary.assessment_profile_ref.as_deref(), Some("a"));
        let both = decoded(r#"{"run_id":"r","status":"x","result_status":"failed"}"#);
        assert_eq!(both.result_status.as_deref(), Some("failed"));
        assert_eq!(both.unknown.get("status").map(String::as_str), Some("\"x\""));
    }

    #[test]
    fn a_field_of_the_wrong_type_is_unset_kept_and_marked() {
        let summary = decoded(r#"{"run_id":"r","completed_at":17,"evidence_counts":{"pass":-1},"labels":["a"]}"#);
        assert!(summary.completed_at.is_none() && summary.evidence_counts.is_empty() && summary.labels.is_empty());
        assert_eq!(
            summary.malformed.iter().copied().collect::<Vec<_>>(),
            ["completed_at", "evidence_counts", "labels"]
        );
        assert_eq!(summary.unknown.get("completed_at").map(String::as_str), Some("17"));
    }

    #[test]
    fn unknown_keys_keep_their_text_to_the_digit() {
        let summary = decoded(r#"{"run_id":"r","build":{"n": 123456789012345678901234567890, "d": 0.10}}"#);
        let kept = summary.unknown.get("build").map(String::as_str);
        assert_eq!(kept, Some(r#"{"n": 123456789012345678901234567890, "d": 0.10}"#));
    }

    #[test]
    fn report_paths_may_be_a_list_or_have_nulls() {
        let rebase = Rebase { output_dir: None, directory: "d" };
        let list =
            decoded(r#"{"run_id":"r","report_refs":["reports/assessment-package.json","x/report.md","y/report.md"]}"#);
        let kinds: Vec<&str> = list.report_paths.keys().map(String::as_str).collect();
        assert_eq!(kinds, ["assessment_package", "report", "report_2"]);
        let map = decoded(r#"{"run_id":"r","report_paths":{"report":"reports/report.md","submission_package":null}}"#);
        assert_eq!(map.report_paths.len(), 1);
        let report = map.report_paths.get("report").expect("the report");
        assert_eq!(report.resolve(rebase).expect("a path").as_str(), "reports/report.md");
    }

    #[test]
    fn more_in_the_retention_policy_is_kept_beside_what_is_known() {
        let summary = decoded(r#"{"run_id":"r","retention_policy":{"summary_days":3,"tier":"cold"}}"#);
        assert_eq!(summary.retention_policy, Some(Retention { summary_days: Some(3), raw_artifact_days: None }));
        assert_eq!(
            summary.unknown.get("retention_policy").map(String::as_str),
            Some(r#"{"summary_days":3,"tier":"cold"}"#)
        );
        assert!(summary.malformed.is_empty());
    }

    #[test]
    fn a_deep_unknown_value_is_kept_without_being_climbed() {
        let deep = format!(r#"{{"run_id":"r","x":{}{}}}"#, "[".repeat(200_000), "]".repeat(200_000));
        assert_eq!(decoded(&deep).unknown.get("x").map(String::len), Some(400_000));
    }

    proptest! {
        #[test]
        fn decoding_any_bytes_is_total(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode_summary(&bytes);
        }

        #[test]
        fn decoding_any_json_of_known_keys_is_total(
            key in "(run_id|status|completed_at|evidence_counts|report_paths|labels|retention_policy|x)",
            value in "(1|-1|\"\"|\"a\"|null|true|\\[\\]|\\[1\\]|\\{\\}|\\{\"a\":null\\}|1e999|\"\\\\ud800\")",
        ) {
            let _ = decode_summary(format!(r#"{{"run_id":"r","{key}":{value}}}"#).as_bytes());
        }
    }
}
