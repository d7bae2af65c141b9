//! What lists need of a summary, read in one pass. A scan does this for every run, so it takes the short way wherever a summary is as our
//! writer writes it, and leaves everything else to [`decode_summary`], whose word is the rule.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use jiff::Timestamp;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::summary::{SummaryDefect, decode_summary};
use super::text::Text;
use crate::model::{Detail, DetailsWriter, RelativePath, RunSummary, parse_timestamp};

/// The most entries of a map that go the short way.
const MAX_ENTRIES: usize = 32;

/// What lists need of a summary. The details go to a writer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedSummary<'a> {
    /// The run id, as it stands; it is a valid one.
    pub run_id: Cow<'a, str>,
    /// The id of the target profile.
    pub target_profile_ref: Option<Cow<'a, str>>,
    /// The id of the assessment profile.
    pub assessment_profile_ref: Option<Cow<'a, str>>,
    /// The result word, listed or not.
    pub result_status: Option<Cow<'a, str>>,
    /// When the run ended.
    pub completed_at: Option<Timestamp>,
    /// The whole summary, where the short way did not do. Where it did, every key has the right type and every report path is relative
    /// and safe.
    pub whole: Option<Box<RunSummary>>,
}

/// Reads what lists need of a summary, and adds its details to `details`.
///
/// # Errors
/// As [`decode_summary`].
pub fn decode_listed<'a>(bytes: &'a [u8], details: &mut DetailsWriter) -> Result<ListedSummary<'a>, SummaryDefect> {
    details.clear();
    if let Some(listed) = decode_short(bytes, details) {
        return Ok(listed);
    }
    details.clear();
    let summary = decode_summary(bytes)?;
    Ok(listed_of(summary, details))
}

/// What lists need of a whole summary.
fn listed_of(summary: RunSummary, details: &mut DetailsWriter) -> ListedSummary<'static> {
    summary.started_at.into_iter().for_each(|time| details.add(Detail::StartedAt(time)));
    summary.evidence_counts.iter().for_each(|(word, count)| details.add(Detail::EvidenceCount(word, *count)));
    summary.finding_counts.iter().for_each(|(key, count)| details.add(Detail::FindingCount(key, *count)));
    summary.source_commits.iter().for_each(|(source, commit)| details.add(Detail::SourceCommit(source, commit)));
    summary.labels.iter().for_each(|(key, value)| details.add(Detail::Label(key, value)));
    ListedSummary {
        run_id: Cow::Owned(summary.run_id.to_string()),
        target_profile_ref: summary.target_profile_ref.clone().map(Cow::Owned),
        assessment_profile_ref: summary.assessment_profile_ref.clone().map(Cow::Owned),
        result_status: summary.result_status.clone().map(Cow::Owned),
        completed_at: summary.completed_at,
        whole: Some(Box::new(summary)),
    }
}

/// The short way; `None` when anything is not as our writer writes it.
fn decode_short<'a>(bytes: &'a [u8], details: &mut DetailsWriter) -> Option<ListedSummary<'a>> {
    // Strings that are passed over are not looked at, and a summary that is not UTF-8 is no JSON.
    let text = std::str::from_utf8(bytes).ok()?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let listed = deserializer.deserialize_map(SummaryVisitor { details }).ok()?;
    deserializer.end().ok()?;
    Some(listed)
}

/// The keys of a summary. One that only older writers use is left to the long way.
#[derive(serde::Deserialize, Clone, Copy)]
#[serde(field_identifier, rename_all = "snake_case")]
enum Key {
    SchemaVersion,
    RunId,
    TargetProfileRef,
    AssessmentProfileRef,
    ResultStatus,
    StartedAt,
    CompletedAt,
    EvidenceCounts,
    FindingCounts,
    ReportPaths,
    SourceCommits,
    Labels,
    RetentionPolicy,
    #[serde(
        rename = "status",
        alias = "target",
        alias = "target_ref",
        alias = "assessment",
        alias = "assessment_ref",
        alias = "report_refs"
    )]
    Older,
    #[serde(other)]
    Unknown,
}

impl Key {
    /// A bit of its own for each key.
    const fn bit(self) -> u32 {
        1 << match self {
            Self::SchemaVersion => 0,
            Self::RunId => 1,
            Self::TargetProfileRef => 2,
            Self::AssessmentProfileRef => 3,
            Self::ResultStatus => 4,
            Self::StartedAt => 5,
            Self::CompletedAt => 6,
            Self::EvidenceCounts => 7,
            Self::FindingCounts => 8,
            Self::ReportPaths => 9,
            Self::SourceCommits => 10,
            Self::Labels => 11,
            Self::RetentionPolicy => 12,
            Self::Older => 13,
            Self::Unknown => 14,
        }
    }
}

/// The one error of the short way: whatever it is, the long way finds out.
fn not_short<E: Error>() -> E {
    E::custom("the long way")
}

struct SummaryVisitor<'w> {
    details: &'w mut DetailsWriter,
}

impl<'de> Visitor<'de> for SummaryVisitor<'_> {
    type Value = ListedSummary<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a summary")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Self { details } = self;
        let mut met = 0_u32;
        let mut run_id = None;
        let (mut target_profile_ref, mut assessment_profile_ref, mut result_status) = (None, None, None);
        let mut completed_at = None;
        while let Some(key) = map.next_key::<Key>()? {
            let again = met & key.bit() != 0 && !matches!(key, Key::Unknown);
            met |= key.bit();
            match key {
                _ if again => return Err(not_short()),
                Key::Unknown => drop(map.next_value::<IgnoredAny>()?),
                Key::Older => return Err(not_short()),
                Key::SchemaVersion => drop(map.next_value::<Text<'_>>()?),
                Key::RunId => run_id = Some(map.next_value::<Text<'de>>()?.0),
                Key::TargetProfileRef => target_profile_ref = text(&mut map)?,
                Key::AssessmentProfileRef => assessment_profile_ref = text(&mut map)?,
                Key::ResultStatus => result_status = text(&mut map)?,
                Key::StartedAt => details.add(Detail::StartedAt(time(&mut map)?)),
                Key::CompletedAt => completed_at = Some(time(&mut map)?),
                Key::EvidenceCounts => map.next_value_seed(entries(|word, count: u64| {
                    details.add(Detail::EvidenceCount(word, count));
                    Some(())
                }))?,
                Key::FindingCounts => map.next_value_seed(entries(|key, count: u64| {
                    details.add(Detail::FindingCount(key, count));
                    Some(())
                }))?,
                Key::SourceCommits => map.next_value_seed(entries(|source, Text(commit)| {
                    details.add(Detail::SourceCommit(source, &commit));
                    Some(())
                }))?,
                Key::Labels => map.next_value_seed(entries(|key, Text(value)| {
                    details.add(Detail::Label(key, &value));
                    Some(())
                }))?,
                Key::ReportPaths => {
                    map.next_value_seed(entries(|_, Text(path)| RelativePath::check(&path).ok()))?;
                }
                Key::RetentionPolicy => {
                    map.next_value::<KnownPolicy>()?;
                }
            }
        }
        let run_id = run_id.filter(|run_id| crate::model::RunId::is_valid(run_id)).ok_or_else(not_short)?;
        Ok(ListedSummary {
            run_id,
            target_profile_ref,
            assessment_profile_ref,
            result_status,
            completed_at,
            whole: None,
        })
    }
}

/// A text; an empty one is as good as none.
fn text<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Option<Cow<'de, str>>, A::Error> {
    map.next_value::<Text<'de>>().map(|Text(text)| Some(text).filter(|text| !text.is_empty()))
}

fn time<'de, A: MapAccess<'de>>(map: &mut A) -> Result<Timestamp, A::Error> {
    parse_timestamp(&map.next_value::<Text<'de>>()?.0).ok_or_else(not_short)
}

/// A retention policy without more than what is known.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct KnownPolicy {
    #[serde(rename = "summary_days")]
    _summary_days: Option<u64>,
    #[serde(rename = "raw_artifact_days")]
    _raw_artifact_days: Option<u64>,
}

/// Reads a map entry by entry. An entry that is null is as good as absent; a key that stands twice, and one with escapes, is left to the
/// long way.
struct Entries<V, F>(F, PhantomData<V>);

fn entries<'de, V: Deserialize<'de>, F: FnMut(&'de str, V) -> Option<()>>(each: F) -> Entries<V, F> {
    Entries(each, PhantomData)
}

impl<'de, V: Deserialize<'de>, F: FnMut(&'de str, V) -> Option<()>> DeserializeSeed<'de> for Entries<V, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, V: Deserialize<'de>, F: FnMut(&'de str, V) -> Option<()>> Visitor<'de> for Entries<V, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut met = [""; MAX_ENTRIES];
        let mut count = 0_usize;
        while let Some(Text(key)) = map.next_key()? {
            let Cow::Borrowed(key) = key else { return Err(not_short()) };
            let Some(slot) = met.get_mut(count) else { return Err(not_short()) };
            *slot = key;
            if met.iter().take(count).any(|before| *before == key) {
                return Err(not_short());
            }
            count += 1;
            if let Some(value) = map.next_value::<Option<V>>()? {
                (self.0)(key, value).ok_or_else(not_short)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const AS_WRITTEN: &str = r#"{"schema_version":"1","run_id":"run-1","target_profile_ref":"t","assessment_profile_ref":"a",
        "result_status":"completed","started_at":"2026-05-08T16:43:34Z","completed_at":"2026-05-08T16:43:35.5Z",
        "evidence_counts":{"pass":1,"warning":2},"finding_counts":{"total":2,"expected":null},
        "report_paths":{"report":"reports/report.md"},"source_commits":{"repo":"4b3f65"},"labels":{"branch":"main"},
        "retention_policy":{"summary_days":365},"more":{"x":[1e999]}}"#;

    /// What both ways say of some bytes, if the short way does.
    fn both(bytes: &[u8]) -> Option<(ListedSummary<'_>, ListedSummary<'static>, bool)> {
        let (mut details, mut whole_details) = (DetailsWriter::default(), DetailsWriter::default());
        let short = decode_short(bytes, &mut details)?;
        let summary = decode_summary(bytes).expect("what the short way reads, the long way reads");
        assert!(summary.malformed.is_empty(), "{:?}", summary.malformed);
        assert!(summary.report_paths.values().all(|path| !path.is_absolute() && path.resolve(NO_REBASE).is_ok()));
        let whole = ListedSummary { whole: None, ..listed_of(summary, &mut whole_details) };
        let sorted = |writer: &DetailsWriter| {
            let mut shown: Vec<String> = writer.iter().map(|detail| format!("{detail:?}")).collect();
            shown.sort();
            shown
        };
        let same_details = sorted(&details) == sorted(&whole_details);
        Some((short, whole, same_details))
    }

    const NO_REBASE: crate::model::Rebase<'static> = crate::model::Rebase { output_dir: None, directory: "d" };

    #[test]
    fn a_summary_as_written_goes_the_short_way_and_says_the_same() {
        let (short, whole, same_details) = both(AS_WRITTEN.as_bytes()).expect("the short way");
        assert_eq!(short, whole);
        assert!(same_details);
    }

    #[test]
    fn what_is_not_as_written_goes_the_long_way() {
        for odd in [
            r#"{"run_id":"r","status":"failed"}"#,
            r#"{"run_id":"r","run_id":"s"}"#,
            r#"{"run_id":"r","labels":{"a":"1","a":"2"}}"#,
            r#"{"run_id":"r","report_paths":{"report":"/ci/report.md"}}"#,
            r#"{"run_id":"r","retention_policy":{"x":1e999}}"#,
            r#"{"run_id":"r","completed_at":null}"#,
            r#"{"run_id":"r","evidence_counts":{"pass":-1}}"#,
        ] {
            assert!(decode_short(odd.as_bytes(), &mut DetailsWriter::default()).is_none(), "{odd}");
            assert!(decode_listed(odd.as_bytes(), &mut DetailsWriter::default()).is_ok(), "{odd}");
        }
    }

    proptest! {
        #[test]
        fn both_ways_agree_on_any_json_of_known_keys(
            pairs in proptest::collection::vec((
                "(run_id|schema_version|target|target_profile_ref|status|result_status|started_at|completed_at|evidence_counts|finding_counts|report_paths|source_commits|labels|retention_policy|x|\\\\u0078)",
                "(1|\"\"|\"a\"|null|true|\\[\\]|\\{\\}|\\{\"a\":null\\}|\\{\"a\":1,\"a\":2\\}|\\{\"a\":\"b/c\",\"d\":\"../e\"\\}|\\{\"a\":\"f\",\"\\\\u0061\":\"g\"\\}|\\{\"summary_days\":3\\}|1e999|\"2026-05-08T16:43:34Z\"|\"\\\\ud800\")",
            ), 0..5),
        ) {
            let mut json = r#"{"run_id":"r""#.to_owned();
            pairs.iter().for_each(|(key, value)| json.push_str(&format!(r#","{key}":{value}"#)));
            json.push('}');
            if let Some((short, whole, same_details)) = both(json.as_bytes()) {
                prop_assert_eq!(short, whole);
                prop_assert!(same_details);
            }
        }

        #[test]
        fn reading_any_bytes_is_total(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode_listed(&bytes, &mut DetailsWriter::default());
        }
    }
}
