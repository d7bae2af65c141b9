//! One thing that a report tells of, before it goes to a check.

use serde_json::{Map, Value};

use super::bounds;
use crate::assessment::documents::Location;
use crate::model::{EvidenceResult, Severity};

/// One reported thing.
#[derive(Debug)]
pub(super) struct Item {
    /// The name that the wildcards are held against.
    pub(super) name: String,
    /// What exactly was looked at; the name, if the format has nothing better.
    pub(super) subject: String,
    pub(super) result: EvidenceResult,
    pub(super) severity: Option<Severity>,
    pub(super) observations: Vec<String>,
    pub(super) facts: Map<String, Value>,
    pub(super) locations: Vec<Location>,
}

impl Item {
    /// An item about a name, with nothing to say yet.
    pub(super) fn new(name: &str, result: EvidenceResult) -> Self {
        let name = bounds::name(name);
        Self {
            subject: name.clone(),
            name,
            result,
            severity: None,
            observations: Vec::new(),
            facts: Map::new(),
            locations: Vec::new(),
        }
    }

    /// How much text it holds, for the caps.
    pub(super) fn text_bytes(&self) -> usize {
        let facts: usize = self.facts.iter().map(|(key, value)| key.len() + value.as_str().map_or(16, str::len)).sum();
        let observations: usize = self.observations.iter().map(String::len).sum();
        let locations: usize = self.locations.iter().map(|location| location.path.len()).sum();
        self.subject.len() + observations + facts + locations
    }
}
