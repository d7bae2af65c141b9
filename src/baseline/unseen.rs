//! What a check did not look at. It is the one way in which a check owns up to it: what would pass without it is unknown.

use serde_json::Value;

use super::documents::{Document, Text};
use super::outcome::Outcome;
use crate::model::EvidenceResult;
use crate::repository::ambient::target_tree::MAX_TEXT_BYTES;

/// So many are told of by a sentence; the others are counted.
const MAX_TOLD: usize = 20;

/// The gaps of one check.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
#[must_use]
pub struct Unseen {
    told: Vec<(String, Option<(String, u64)>)>,
    count: usize,
}

impl Unseen {
    /// Nothing: everything was looked at.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether everything was looked at.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds a gap, as a sentence.
    pub fn add(&mut self, sentence: impl Into<String>) {
        self.tell(sentence.into(), None);
    }

    /// Adds a gap if there is any of it: how many, and what is said of that many.
    pub fn add_some(&mut self, count: usize, sentence: impl FnOnce(usize) -> String) {
        if count > 0 {
            self.add(sentence(count));
        }
    }

    /// Adds a gap in a file, with the line (counted from 1) where it begins.
    pub fn add_at(&mut self, path: &str, line: u64, sentence: impl Into<String>) {
        self.tell(sentence.into(), Some((path.to_owned(), line)));
    }

    /// Adds what could not be read of a document.
    pub fn add_document(&mut self, document: &Document) {
        let path = &document.path;
        if document.text == Text::Unreadable {
            self.add_at(path, 1, format!("{path} could not be opened and was not looked at."));
        } else if document.cut {
            let line = u64::try_from(document.as_str().lines().count()).unwrap_or(u64::MAX).max(1);
            self.add_at(path, line, format!("Of {path} only the first {MAX_TEXT_BYTES} bytes were looked at."));
        }
    }

    fn tell(&mut self, sentence: String, place: Option<(String, u64)>) {
        self.count = self.count.saturating_add(1);
        if self.told.len() < MAX_TOLD {
            self.told.push((sentence, place));
        }
    }

    /// Says what was not looked at, in words, and how many gaps there are in `facts.not_looked_at`. A pass, or nothing to look at, becomes
    /// unknown; what was found counts whatever else there is.
    #[must_use]
    pub fn admit(&self, mut outcome: Outcome) -> Outcome {
        if self.is_empty() {
            return outcome;
        }
        if matches!(outcome.result, EvidenceResult::Pass | EvidenceResult::NotApplicable) {
            outcome.result = EvidenceResult::Unknown;
        }
        let outcome = self.told.iter().fold(outcome, |outcome, (sentence, place)| {
            let outcome = outcome.observe(sentence.as_str());
            match place {
                Some((path, line)) => outcome.at_line(path, *line),
                None => outcome,
            }
        });
        let outcome = match self.count.saturating_sub(self.told.len()) {
            0 => outcome,
            more => outcome.observe(format!("{more} more were not looked at.")),
        };
        let before = outcome.facts.get("not_looked_at").and_then(Value::as_u64).unwrap_or(0);
        let count = u64::try_from(self.count).unwrap_or(u64::MAX);
        outcome.fact("not_looked_at", before.saturating_add(count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Severity;

    #[test]
    fn only_what_says_that_nothing_is_wrong_becomes_unknown() {
        let mut unseen = Unseen::new();
        assert_eq!(unseen.admit(Outcome::pass()), Outcome::pass());
        unseen.add("x");
        for clean in [Outcome::pass(), Outcome::not_applicable()] {
            assert_eq!(unseen.admit(clean).result, EvidenceResult::Unknown);
        }
        assert_eq!(unseen.admit(Outcome::warning(Severity::Low)).result, EvidenceResult::Warning);
        assert_eq!(unseen.admit(Outcome::fail(Severity::Low)).result, EvidenceResult::Fail);
    }

    #[test]
    fn gaps_beyond_the_bound_are_counted() {
        let mut unseen = Unseen::new();
        (0..100).for_each(|number| unseen.add_at("a", number, "x"));
        let outcome = unseen.admit(Outcome::pass());
        assert_eq!((outcome.observations.len(), outcome.facts.get("not_looked_at")), (MAX_TOLD + 1, Some(&100.into())));
    }
}
