//! From evidence to outcome: findings, their severity and disposition, the counts, the result status, the gate.

use super::documents::{Evidence, EvidenceCounts, Finding, FindingCounts};
use crate::model::{Disposition, EvidenceResult, ResultStatus, Severity, printable};

/// A condition that a caller can put on the outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    /// Met when no unexpected finding is left.
    UnexpectedFindings,
}

impl Gate {
    /// Whether the outcome meets it.
    #[must_use]
    pub const fn is_met(self, findings: &FindingCounts) -> bool {
        match self {
            Self::UnexpectedFindings => findings.unexpected == 0,
        }
    }
}

/// Whether an item gives a finding.
pub(super) const fn is_finding(result: EvidenceResult) -> bool {
    use EvidenceResult as Word;
    match result {
        Word::Fail | Word::Warning | Word::InfrastructureError | Word::Blocked => true,
        Word::Pass
        | Word::Manual
        | Word::NotApplicable
        | Word::Skipped
        | Word::ExpectedGap
        | Word::WaiverApplied
        | Word::UnsupportedByDesign
        | Word::Unknown => false,
    }
}

/// The item's own severity, or what its result means.
pub(super) fn severity(item: &Evidence) -> Severity {
    item.severity.unwrap_or(match item.result {
        EvidenceResult::Fail => Severity::High,
        EvidenceResult::Warning => Severity::Low,
        _ => Severity::Medium,
    })
}

/// The longest title of a finding, in characters.
const TITLE: usize = 120;

/// What is wrong, in one line: the first observation, cut after a sentence or a word where it is long; behind its check's name when the check
/// did not run, and behind its subject when that is not the target as a whole. An item without an observation has its check's name and its
/// result.
fn title(item: &Evidence, check: &str, target: &str) -> String {
    let said = item.observations.iter().flat_map(|text| text.lines()).map(str::trim).find(|line| !line.is_empty());
    let Some(said) = said else { return printable(&format!("{check}: {}", item.result.word()), TITLE - 1) };
    let said = match item.result {
        // Why a check did not run says nothing of the check itself.
        EvidenceResult::Blocked | EvidenceResult::InfrastructureError => format!("{check}: {said}"),
        // Which test failed, which rule was broken.
        _ if item.subject_ref != target && !said.contains(&item.subject_ref) => {
            format!("{}: {said}", printable(&item.subject_ref, TITLE / 2))
        }
        _ => said.to_owned(),
    };
    let shown = printable(&said, usize::MAX);
    if shown.chars().count() <= TITLE {
        return shown;
    }
    let cut: String = shown.chars().take(TITLE - 1).collect();
    // A cut that leaves less than a quarter says too little.
    let whole =
        |end: Option<usize>| end.and_then(|end| cut.get(..end)).filter(|kept| kept.chars().count() >= TITLE / 4);
    let sentence = whole(cut.rfind(". ").map(|end| end + 1));
    match sentence {
        Some(sentence) => sentence.to_owned(),
        None => format!("{}…", whole(cut.rfind(' ')).unwrap_or(&cut)),
    }
}

/// The findings of the evidence about `target`, in its order. `check` names a check for people. Before policy every finding is unexpected.
pub(super) fn findings(evidence: &[Evidence], target: &str, check: impl Fn(&Evidence) -> String) -> Vec<Finding> {
    evidence
        .iter()
        .filter(|item| is_finding(item.result))
        .enumerate()
        .map(|(index, item)| Finding {
            id: format!("finding-{:04}", index + 1),
            run_id: item.run_id.clone(),
            evidence_id: item.id.clone(),
            extension_id: item.extension_id.clone(),
            check_id: item.check_id.clone(),
            subject_ref: item.subject_ref.clone(),
            classification: item.result,
            severity: severity(item),
            title: title(item, &check(item), target),
            description: item.observations.join("\n"),
            locations: item.locations.clone(),
            requirement_refs: item.requirement_refs.clone(),
            artifact_refs: item.artifact_refs.clone(),
            disposition: Disposition::Unexpected,
            expectation_ref: None,
            waiver_ref: None,
            challenge_refs: Vec::new(),
            exclusion_refs: Vec::new(),
            review_status: "unreviewed".to_owned(),
            policy_notes: Vec::new(),
        })
        .collect()
}

/// The number of items of each result that occurs.
pub(super) fn evidence_counts(evidence: &[Evidence]) -> EvidenceCounts {
    let mut counts = EvidenceCounts::new();
    for item in evidence {
        *counts.entry(item.result.word()).or_default() += 1;
    }
    counts
}

/// The number of findings of each disposition.
pub(super) fn finding_counts(findings: &[Finding]) -> FindingCounts {
    let mut counts = FindingCounts::default();
    for finding in findings {
        counts.total += 1;
        match finding.disposition {
            Disposition::Unexpected => counts.unexpected += 1,
            Disposition::Expected => counts.expected += 1,
            Disposition::Waived => counts.waived += 1,
        }
        counts.challenged += u64::from(!finding.challenge_refs.is_empty());
        counts.excluded += u64::from(!finding.exclusion_refs.is_empty());
    }
    counts
}

/// How the run ended: what broke weighs more than what could not start, and that more than what failed.
pub(super) fn result_status(evidence: &[Evidence], findings: &[Finding]) -> ResultStatus {
    let any = |result| evidence.iter().any(|item| item.result == result);
    let failed = |finding: &Finding| {
        finding.classification == EvidenceResult::Fail && finding.disposition == Disposition::Unexpected
    };
    if any(EvidenceResult::InfrastructureError) {
        ResultStatus::InfrastructureError
    } else if any(EvidenceResult::Blocked) {
        ResultStatus::Blocked
    } else if findings.iter().any(failed) {
        ResultStatus::Failed
    } else {
        ResultStatus::Completed
    }
}

/// The graver of two results of a check, for progress: in the order of [`result_status`], then warnings, then the rest, then passes.
pub(super) fn graver(one: EvidenceResult, other: EvidenceResult) -> EvidenceResult {
    use EvidenceResult as Word;
    let weight = |result| match result {
        Word::InfrastructureError => 6,
        Word::Blocked => 5,
        Word::Fail => 4,
        Word::Warning => 3,
        Word::Unknown | Word::Manual => 2,
        Word::ExpectedGap | Word::WaiverApplied | Word::UnsupportedByDesign | Word::Skipped | Word::NotApplicable => 1,
        Word::Pass => 0,
    };
    if weight(other) > weight(one) { other } else { one }
}

#[cfg(test)]
pub(in crate::assessment) mod tests {
    use super::*;

    pub(in crate::assessment) fn item(result: EvidenceResult) -> Evidence {
        Evidence {
            id: "evidence-0001".to_owned(),
            run_id: "run-1".to_owned(),
            extension_id: "x".to_owned(),
            check_id: "c".to_owned(),
            subject_ref: "s".to_owned(),
            result,
            severity: None,
            observations: Vec::new(),
            facts: serde_json::Map::new(),
            locations: Vec::new(),
            requirement_refs: Vec::new(),
            artifact_refs: Vec::new(),
            started_at: String::new(),
            completed_at: String::new(),
        }
    }

    fn status(results: &[EvidenceResult]) -> ResultStatus {
        let evidence: Vec<Evidence> = results.iter().copied().map(item).collect();
        result_status(&evidence, &findings(&evidence, "s", |item| item.check_id.clone()))
    }

    #[test]
    fn the_status_follows_the_gravest_item() {
        use EvidenceResult as Word;
        assert_eq!(status(&[]), ResultStatus::Completed);
        assert_eq!(status(&[Word::Pass, Word::Warning, Word::Manual]), ResultStatus::Completed);
        assert_eq!(status(&[Word::Fail, Word::Pass]), ResultStatus::Failed);
        assert_eq!(status(&[Word::Fail, Word::Blocked]), ResultStatus::Blocked);
        assert_eq!(status(&[Word::Blocked, Word::InfrastructureError]), ResultStatus::InfrastructureError);
    }

    #[test]
    fn four_results_give_findings_with_the_documented_severities() {
        use EvidenceResult as Word;
        let evidence: Vec<Evidence> = EvidenceResult::ALL.iter().copied().map(item).collect();
        let found: Vec<(Word, Severity)> = findings(&evidence, "s", |_| String::new())
            .iter()
            .map(|finding| (finding.classification, finding.severity))
            .collect();
        let expected = [
            (Word::Fail, Severity::High),
            (Word::Warning, Severity::Low),
            (Word::InfrastructureError, Severity::Medium),
            (Word::Blocked, Severity::Medium),
        ];
        assert_eq!(found, expected);
        let own = Evidence { severity: Some(Severity::Critical), ..item(Word::Warning) };
        assert_eq!(severity(&own), Severity::Critical);
    }

    #[test]
    fn a_title_is_what_is_wrong_in_one_line() {
        let titled = |observations: &[&str]| {
            let observations = observations.iter().map(|text| (*text).to_owned()).collect();
            title(&Evidence { observations, ..item(EvidenceResult::Fail) }, "A licence is present", "s")
        };
        assert_eq!(titled(&[]), "A licence is present: fail");
        assert_eq!(titled(&["", " \n"]), "A licence is present: fail");
        assert_eq!(titled(&["No licence was found.", "More."]), "No licence was found.");
        let broke =
            Evidence { observations: vec!["exit code 9".to_owned()], ..item(EvidenceResult::InfrastructureError) };
        assert_eq!(title(&broke, "A licence is present", "s"), "A licence is present: exit code 9");
        assert_eq!(titled(&["\nfirst\u{1b}[2J\nsecond"]), "first\\u{1b}[2J");
        let test = |said: &str| {
            let observations = vec![said.to_owned()];
            title(&Evidence { observations, subject_ref: "api::put".to_owned(), ..item(EvidenceResult::Fail) }, "", "s")
        };
        assert_eq!(test("no answer"), "api::put: no answer");
        assert_eq!(test("api::put gave no answer"), "api::put gave no answer");
        let sentences = format!("A sentence that says what is wrong here. {}", "word ".repeat(40));
        assert_eq!(titled(&[&sentences]), "A sentence that says what is wrong here.");
        let words = titled(&[&"word ".repeat(40)]);
        assert!(words.ends_with("word…") && words.chars().count() <= TITLE, "{words}");
        let letters = titled(&[&"é".repeat(400)]);
        assert!(letters.ends_with("é…") && letters.chars().count() == TITLE, "{letters}");
    }
}
