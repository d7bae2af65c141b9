//! What stands in the place of evidence that a runner did not give, and why.

use rustix::io::Errno;
use serde_json::{Map, Value, json};

use crate::assessment::error::AssessmentError;
use crate::assessment::result::{ReportedItem, RunnerResult};
use crate::model::EvidenceResult;
use crate::repository::record::RecordError;

/// What a step's runner came to.
#[derive(Default)]
pub(super) struct Report {
    pub(super) result: RunnerResult,
    /// Stands for each check without an item.
    pub(super) problem: Option<Problem>,
    /// Sentences about checks that a report says nothing of, by check.
    pub(super) silent: Vec<(String, String)>,
    /// What is told of the ending in the submission package.
    pub(super) ending: Map<String, Value>,
}

impl Report {
    pub(super) fn blocked(reason: &str, message: String) -> Self {
        Self { problem: Some(Problem::blocked(reason, vec![message])), ..Self::default() }
    }

    pub(super) fn broken(message: String) -> Self {
        Self { problem: Some(Problem::broken(vec![message])), ..Self::default() }
    }
}

/// What stands in place of an item that is missing.
#[derive(Clone)]
pub(super) struct Problem {
    pub(super) result: EvidenceResult,
    pub(super) observations: Vec<String>,
    pub(super) facts: Map<String, Value>,
}

impl Problem {
    pub(super) fn broken(observations: Vec<String>) -> Self {
        Self { result: EvidenceResult::InfrastructureError, observations, facts: Map::new() }
    }

    pub(super) fn blocked(reason: &str, observations: Vec<String>) -> Self {
        let facts = Map::from_iter([("blocked_reason".to_owned(), json!(reason))]);
        Self { result: EvidenceResult::Blocked, observations, facts }
    }

    pub(super) fn nothing_reported() -> Self {
        Self::broken(vec!["the runner reported nothing for this check".to_owned()])
    }

    pub(super) fn item(self, check: &str) -> ReportedItem {
        ReportedItem {
            check_id: check.to_owned(),
            subject_ref: String::new(),
            result: self.result,
            severity: None,
            observations: self.observations,
            facts: self.facts,
            locations: Vec::new(),
            requirement_refs: Vec::new(),
            artifact_refs: Vec::new(),
        }
    }
}

/// Why a program is not started.
pub(in crate::assessment) enum Refusal {
    /// Something of the run is not as it must be: evidence, not the run's end.
    Broken(String),
    /// The run cannot go on.
    Error(AssessmentError),
}

impl From<RecordError> for Refusal {
    fn from(error: RecordError) -> Self {
        match error {
            // An earlier runner of the same extension left something there: its fault, not the run's.
            RecordError::InTheWay { .. } => Self::Broken(error.to_string()),
            // Or it took away the permission to work there.
            RecordError::Failed { source: Errno::ACCESS | Errno::PERM, .. } => Self::Broken(error.to_string()),
            other => Self::Error(AssessmentError::Record(other)),
        }
    }
}

impl From<AssessmentError> for Refusal {
    fn from(error: AssessmentError) -> Self {
        Self::Error(error)
    }
}
