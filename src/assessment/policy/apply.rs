//! Putting the policy sets to the findings.

use jiff::Timestamp;

use super::{Entry, PolicyKind, PolicySet, expiry};
use crate::assessment::documents::{ExpiredWaiver, Finding, PolicySummary};
use crate::assessment::outcome;
use crate::model::Disposition;

/// Annotates the findings and says what policy did. `now` decides which waivers have expired.
///
/// The first expectation that concerns a finding makes it expected; else the first waiver that has not expired makes it waived. Challenges and
/// exclusions are noted, all of them, and change no disposition.
pub(in crate::assessment) fn apply(sets: &[PolicySet], findings: &mut [Finding], now: Timestamp) -> PolicySummary {
    let mut summary = PolicySummary::default();
    for set in sets {
        for entry in &set.entries {
            let mut concerned = false;
            let mut would_waive = Vec::new();
            let expired = entry.expires.as_deref().filter(|text| expiry(text).is_none_or(|expires| expires <= now));
            for finding in findings.iter_mut().filter(|finding| entry.matching.concerns(finding)) {
                concerned = true;
                match (set.kind, expired) {
                    (PolicyKind::Waivers, Some(expires)) => {
                        would_waive.push(finding.id.clone());
                        finding.policy_notes.push(format!(
                            "the waiver {} of {} expired ({expires}) and does not waive: {}",
                            entry.id, entry.owner, entry.reason
                        ));
                    }
                    (kind, _) => annotate(kind, entry, finding),
                }
            }
            if let (Some(expires), false) = (expired, would_waive.is_empty()) {
                summary.expired_waivers.push(ExpiredWaiver {
                    waiver_ref: entry.id.clone(),
                    owner: entry.owner.clone(),
                    expires: expires.to_owned(),
                    finding_refs: would_waive,
                });
            }
            if !concerned {
                summary.unused.push(format!("{}:{}", set.kind.entry(), entry.id));
            }
        }
    }
    summary.counts = outcome::finding_counts(findings);
    summary
}

fn annotate(kind: PolicyKind, entry: &Entry, finding: &mut Finding) {
    let note = |finding: &mut Finding| {
        let by = if entry.owner.is_empty() { String::new() } else { format!(" of {}", entry.owner) };
        finding.policy_notes.push(format!("{} {}{by}: {}", kind.entry(), entry.id, entry.reason));
    };
    let status = |word: &str| entry.review_status.clone().unwrap_or_else(|| word.to_owned());
    match kind {
        PolicyKind::Expectations if finding.expectation_ref.is_none() => {
            finding.disposition = Disposition::Expected;
            finding.expectation_ref = Some(entry.id.clone());
            note(finding);
        }
        PolicyKind::Waivers if finding.waiver_ref.is_none() => {
            // What is expected stays so; that a waiver covers it too is noted.
            if finding.disposition == Disposition::Unexpected {
                finding.disposition = Disposition::Waived;
            }
            finding.waiver_ref = Some(entry.id.clone());
            note(finding);
        }
        PolicyKind::Expectations | PolicyKind::Waivers => {}
        PolicyKind::Challenges => {
            finding.challenge_refs.push(entry.id.clone());
            finding.review_status = status("challenged");
            note(finding);
        }
        PolicyKind::Exclusions => {
            finding.exclusion_refs.push(entry.id.clone());
            finding.review_status = status("excluded");
            note(finding);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assessment::outcome::tests::item;
    use crate::assessment::profile::Document;
    use crate::model::EvidenceResult;
    use serde_json::{Value, json};
    use std::path::PathBuf;

    fn set(kind: PolicyKind, entries: Value) -> PolicySet {
        let list = kind.key().trim_end_matches("_ref");
        let text = json!({"schema_version": "1", "id": "set", list: entries}).to_string();
        let document = Document::parse("set.json".to_owned(), &text, PathBuf::new()).expect("JSON");
        super::super::read(kind, document).expect("a valid set")
    }

    fn findings(results: &[EvidenceResult]) -> Vec<Finding> {
        let evidence: Vec<_> = results.iter().copied().map(item).collect();
        outcome::findings(&evidence, "s", |item| item.check_id.clone())
    }

    fn now() -> Timestamp {
        "2026-06-01T12:00:00Z".parse().expect("a time")
    }

    fn waiver(expires: &str) -> PolicySet {
        let entry = json!({"id": "w1", "owner": "Ada", "reason": "until the rewrite", "expires": expires, "match": {"check_id": "c"}});
        set(PolicyKind::Waivers, json!([entry]))
    }

    #[test]
    fn an_unexpired_waiver_waives_and_an_expired_one_says_so() {
        let mut found = findings(&[EvidenceResult::Fail]);
        let summary = apply(&[waiver("2026-06-01")], &mut found, now());
        assert_eq!((found[0].disposition, summary.counts.waived), (Disposition::Waived, 1));
        assert_eq!(found[0].waiver_ref.as_deref(), Some("w1"));

        let mut found = findings(&[EvidenceResult::Fail]);
        let summary = apply(&[waiver("2026-05-31")], &mut found, now());
        assert_eq!((found[0].disposition, summary.counts.unexpected), (Disposition::Unexpected, 1));
        assert_eq!(found[0].waiver_ref, None);
        assert!(found[0].policy_notes[0].contains("of Ada expired (2026-05-31) and does not waive"), "{found:?}");
        assert_eq!(summary.expired_waivers[0].finding_refs, ["finding-0001"]);
        assert!(summary.unused.is_empty());
    }

    #[test]
    fn challenges_and_exclusions_leave_a_finding_unexpected() {
        let entries = |id: &str| json!([{"id": id, "reason": "r", "match": {"check_id": "*"}}]);
        let sets = [set(PolicyKind::Challenges, entries("ch")), set(PolicyKind::Exclusions, entries("ex"))];
        let mut found = findings(&[EvidenceResult::Warning]);
        let summary = apply(&sets, &mut found, now());
        assert_eq!((summary.counts.unexpected, summary.counts.challenged, summary.counts.excluded), (1, 1, 1));
        assert_eq!(
            (found[0].challenge_refs.as_slice(), found[0].review_status.as_str()),
            (["ch".to_owned()].as_slice(), "excluded")
        );
    }

    #[test]
    fn what_broke_is_covered_only_by_name() {
        let entry = |classification: Value| {
            let mut matching = json!({"check_id": "c"});
            if !classification.is_null() {
                matching["classification"] = classification;
            }
            set(PolicyKind::Expectations, json!([{"id": "e", "reason": "r", "match": matching}]))
        };
        let mut found = findings(&[EvidenceResult::InfrastructureError]);
        assert_eq!(apply(&[entry(Value::Null)], &mut found, now()).unused, ["expectation:e"]);
        assert_eq!(found[0].disposition, Disposition::Unexpected);
        apply(&[entry(json!(["infrastructure_error"]))], &mut found, now());
        assert_eq!(found[0].disposition, Disposition::Expected);
    }

    #[test]
    fn every_stated_condition_must_hold() {
        let entry = json!([{"id": "e", "reason": "r", "match": {"check_id": "c", "subject_ref": "other*"}}]);
        let mut found = findings(&[EvidenceResult::Fail]);
        apply(&[set(PolicyKind::Expectations, entry)], &mut found, now());
        assert_eq!(found[0].disposition, Disposition::Unexpected);
    }
}
