//! What a check says before it becomes an evidence item, with bounds on how much it may say.

use serde_json::{Map, Value};

use super::result::Location;
use crate::model::{EvidenceResult, Severity};

const MAX_LOCATIONS: usize = 100;
const MAX_OBSERVATIONS: usize = 50;

/// What one check found in a tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    pub(crate) result: EvidenceResult,
    pub(crate) severity: Option<Severity>,
    pub(crate) observations: Vec<String>,
    pub(crate) facts: Map<String, Value>,
    pub(crate) locations: Vec<Location>,
}

impl Outcome {
    fn new(result: EvidenceResult, severity: Option<Severity>) -> Self {
        Self { result, severity, observations: Vec::new(), facts: Map::new(), locations: Vec::new() }
    }

    /// The requirement is met.
    pub fn pass() -> Self {
        Self::new(EvidenceResult::Pass, None)
    }

    /// The requirement is not met.
    pub fn fail(severity: Severity) -> Self {
        Self::new(EvidenceResult::Fail, Some(severity))
    }

    /// Something is there but falls short.
    pub fn warning(severity: Severity) -> Self {
        Self::new(EvidenceResult::Warning, Some(severity))
    }

    /// Nothing to look at.
    pub fn not_applicable() -> Self {
        Self::new(EvidenceResult::NotApplicable, None)
    }

    /// The check could not be made.
    pub fn unknown() -> Self {
        Self::new(EvidenceResult::Unknown, None)
    }

    /// Adds a sentence for the maintainer; beyond a bound they are counted in `facts.observations_left_out`.
    pub fn observe(mut self, sentence: impl Into<String>) -> Self {
        if self.observations.len() < MAX_OBSERVATIONS {
            self.observations.push(sentence.into());
        } else {
            self.count_left_out("observations_left_out");
        }
        self
    }

    /// Adds a fact.
    pub fn fact(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.facts.insert(key.to_owned(), value.into());
        self
    }

    /// Adds a file as a place.
    pub fn at(self, path: &str) -> Self {
        self.place(path, None)
    }

    /// Adds a line of a file as a place, counted from 1.
    pub fn at_line(self, path: &str, line: u64) -> Self {
        self.place(path, Some(line))
    }

    fn place(mut self, path: &str, line: Option<u64>) -> Self {
        if self.locations.len() < MAX_LOCATIONS {
            self.locations.push(Location { path: path.to_owned(), line });
        } else {
            self.count_left_out("locations_left_out");
        }
        self
    }

    fn count_left_out(&mut self, key: &str) {
        let before = self.facts.get(key).and_then(Value::as_u64).unwrap_or(0);
        self.facts.insert(key.to_owned(), before.saturating_add(1).into());
    }
}
