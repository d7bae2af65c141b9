//! Normalized items on the wire. Words that are listed become enum values; any other word stands beside UNRECOGNIZED.

use prost::Message;

use super::{MAX_ITEM_BYTES, timestamp};
use crate::model::{
    Disposition, EvidenceItem, EvidenceResult, FindingItem, ItemRest, Location, RelativePath, Severity,
};
use crate::repository::ListedItem;
use crate::wire::pb;

/// An evidence item.
pub(in crate::services) fn evidence(listed: ListedItem<EvidenceItem>) -> pb::Evidence {
    let ListedItem { item, artifact_refs, unsafe_artifact_refs } = listed;
    let (result, result_word) = evidence_result(item.result);
    let (severity, severity_word) = self::severity(item.severity);
    let ItemRest { unknown, malformed, is_cut } = item.rest;
    let mut message = pb::Evidence {
        id: item.id,
        run_id: item.run_id,
        extension_id: item.extension_id,
        check_id: item.check_id,
        subject_ref: item.subject_ref,
        result,
        result_word,
        severity,
        severity_word,
        observations: item.observations,
        facts: item.facts,
        locations: locations(item.locations),
        requirement_refs: item.requirement_refs,
        artifact_refs: paths(&artifact_refs),
        unsafe_artifact_refs,
        started_at: item.started_at.map(timestamp),
        completed_at: item.completed_at.map(timestamp),
        unknown_keys: unknown,
        malformed_keys: malformed.into_iter().map(str::to_owned).collect(),
        free_form_omitted: is_cut,
    };
    if message.encoded_len() > MAX_ITEM_BYTES {
        message.observations.clear();
        message.facts.clear();
        message.locations.clear();
        message.requirement_refs.clear();
        message.artifact_refs.clear();
        message.unknown_keys.clear();
        message.free_form_omitted = true;
    }
    message
}

/// A finding.
pub(in crate::services) fn finding(listed: ListedItem<FindingItem>) -> pb::Finding {
    let ListedItem { item, artifact_refs, unsafe_artifact_refs } = listed;
    let (classification, classification_word) = evidence_result(item.classification);
    let (severity, severity_word) = self::severity(item.severity);
    let (disposition, disposition_word) = self::disposition(item.disposition);
    let ItemRest { unknown, malformed, is_cut } = item.rest;
    let mut message = pb::Finding {
        id: item.id,
        run_id: item.run_id,
        evidence_id: item.evidence_id,
        extension_id: item.extension_id,
        check_id: item.check_id,
        subject_ref: item.subject_ref,
        classification,
        classification_word,
        severity,
        severity_word,
        title: item.title,
        description: item.description,
        locations: locations(item.locations),
        requirement_refs: item.requirement_refs,
        artifact_refs: paths(&artifact_refs),
        unsafe_artifact_refs,
        disposition,
        disposition_word,
        expectation_ref: item.expectation_ref,
        waiver_ref: item.waiver_ref,
        challenge_refs: item.challenge_refs,
        exclusion_refs: item.exclusion_refs,
        review_status: item.review_status,
        unknown_keys: unknown,
        malformed_keys: malformed.into_iter().map(str::to_owned).collect(),
        free_form_omitted: is_cut,
    };
    if message.encoded_len() > MAX_ITEM_BYTES {
        message.description.clear();
        message.locations.clear();
        message.requirement_refs.clear();
        message.artifact_refs.clear();
        message.challenge_refs.clear();
        message.exclusion_refs.clear();
        message.unknown_keys.clear();
        message.free_form_omitted = true;
    }
    message
}

/// A malformed item, by its place and what is wrong with it.
pub(in crate::services) fn malformed_item((index, message): (u64, &'static str)) -> pb::MalformedItem {
    pb::MalformedItem { index, message: message.to_owned() }
}

fn locations(locations: Vec<Location>) -> Vec<pb::Location> {
    locations.into_iter().map(|location| pb::Location { path: location.path, line: location.line }).collect()
}

fn paths(paths: &[RelativePath]) -> Vec<String> {
    paths.iter().map(|path| path.as_str().to_owned()).collect()
}

fn evidence_result(word: String) -> (i32, String) {
    use EvidenceResult as Word;
    use pb::EvidenceResult as Wire;
    let result = match Word::from_word(&word) {
        Some(Word::Pass) => Wire::Pass,
        Some(Word::Fail) => Wire::Fail,
        Some(Word::Warning) => Wire::Warning,
        Some(Word::Manual) => Wire::Manual,
        Some(Word::NotApplicable) => Wire::NotApplicable,
        Some(Word::Skipped) => Wire::Skipped,
        Some(Word::ExpectedGap) => Wire::ExpectedGap,
        Some(Word::WaiverApplied) => Wire::WaiverApplied,
        Some(Word::UnsupportedByDesign) => Wire::UnsupportedByDesign,
        Some(Word::InfrastructureError) => Wire::InfrastructureError,
        Some(Word::Blocked) => Wire::Blocked,
        Some(Word::Unknown) => Wire::Unknown,
        None if word.is_empty() => Wire::Unspecified,
        None => return (Wire::Unrecognized.into(), word),
    };
    (result.into(), String::new())
}

fn severity(word: String) -> (i32, String) {
    use Severity as Word;
    use pb::Severity as Wire;
    let severity = match Word::from_word(&word) {
        Some(Word::Info) => Wire::Info,
        Some(Word::Low) => Wire::Low,
        Some(Word::Medium) => Wire::Medium,
        Some(Word::High) => Wire::High,
        Some(Word::Critical) => Wire::Critical,
        None if word.is_empty() => Wire::Unspecified,
        None => return (Wire::Unrecognized.into(), word),
    };
    (severity.into(), String::new())
}

fn disposition(word: String) -> (i32, String) {
    use Disposition as Word;
    use pb::Disposition as Wire;
    let disposition = match Word::from_word(&word) {
        Some(Word::Unexpected) => Wire::Unexpected,
        Some(Word::Expected) => Wire::Expected,
        Some(Word::Waived) => Wire::Waived,
        None if word.is_empty() => Wire::Unspecified,
        None => return (Wire::Unrecognized.into(), word),
    };
    (disposition.into(), String::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_word_has_the_enum_value_of_its_name() {
        let name = |prefix: &str, word: &str| format!("{prefix}_{}", word.to_ascii_uppercase());
        for word in EvidenceResult::ALL {
            let (number, beside) = evidence_result(word.word().to_owned());
            let wire = pb::EvidenceResult::try_from(number).expect("a value");
            assert_eq!((wire.as_str_name(), beside.as_str()), (name("EVIDENCE_RESULT", word.word()).as_str(), ""));
        }
        for word in Severity::ALL {
            let wire = pb::Severity::try_from(severity(word.word().to_owned()).0).expect("a value");
            assert_eq!(wire.as_str_name(), name("SEVERITY", word.word()));
        }
        for word in Disposition::ALL {
            let wire = pb::Disposition::try_from(disposition(word.word().to_owned()).0).expect("a value");
            assert_eq!(wire.as_str_name(), name("DISPOSITION", word.word()));
        }
    }

    #[test]
    fn an_unlisted_word_stands_beside_unrecognized_and_none_is_unspecified() {
        assert_eq!(severity("Grave".to_owned()), (pb::Severity::Unrecognized.into(), "Grave".to_owned()));
        assert_eq!(severity("unrecognized".to_owned()).1, "unrecognized");
        assert_eq!(evidence_result(String::new()), (0, String::new()));
        assert_eq!(disposition(String::new()), (0, String::new()));
    }

    #[test]
    fn an_item_above_1_mib_comes_without_its_free_form_part_and_says_so() {
        let facts = (0..200_000).map(|number| (number.to_string(), "1".to_owned())).collect();
        let item = EvidenceItem { id: "e".to_owned(), facts, ..EvidenceItem::default() };
        let message = evidence(ListedItem { item, artifact_refs: Vec::new(), unsafe_artifact_refs: 1 });
        assert!(message.free_form_omitted && message.facts.is_empty());
        assert_eq!((message.id.as_str(), message.unsafe_artifact_refs), ("e", 1));
        let item = FindingItem { title: "t".to_owned(), description: "x".repeat(2 << 20), ..FindingItem::default() };
        let message = finding(ListedItem { item, artifact_refs: Vec::new(), unsafe_artifact_refs: 0 });
        assert!(message.free_form_omitted && message.description.is_empty() && message.title == "t");
    }
}
