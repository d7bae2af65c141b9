//! One run as the index holds it: what lists need, and no more.

use std::cmp::{Ordering, Reverse};
use std::sync::Arc;

use jiff::Timestamp;

use crate::model::{Marker, RunId};

/// Counts by word, in word order. A slice, since a map's nodes would weigh more than all the rest of a run.
pub(crate) type Counts = Arc<[(Arc<str>, u64)]>;

/// Texts by key, in key order.
pub(crate) type Texts = Arc<[(Arc<str>, Arc<str>)]>;

/// A run as lists show it. Texts that many runs share are held once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunEntry {
    /// The run id.
    pub run_id: RunId,
    /// The directory's name; the same allocation as the run id where the two are equal.
    pub directory: Arc<str>,
    /// The id of the target profile.
    pub target: Option<Arc<str>>,
    /// The id of the assessment profile.
    pub assessment: Option<Arc<str>>,
    /// The result word.
    pub status: Option<Arc<str>>,
    /// When the run began.
    pub started_at: Option<Timestamp>,
    /// When the run ended.
    pub completed_at: Option<Timestamp>,
    /// Evidence items by result word.
    pub evidence_counts: Counts,
    /// Findings by the summary's keys.
    pub finding_counts: Counts,
    /// Commit ids by source name.
    pub source_commits: Texts,
    /// Labels.
    pub labels: Texts,
    /// The markers that the summary alone shows.
    pub markers: Arc<[Marker]>,
}

/// The place of a run in the order of lists: newest completion first, runs without one last, then run id and directory ascending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunKey {
    /// When the run ended.
    pub completed_at: Option<Timestamp>,
    /// The run id.
    pub run_id: String,
    /// The directory's name.
    pub directory: String,
}

impl RunEntry {
    /// The entry's place in lists.
    #[must_use]
    pub fn key(&self) -> RunKey {
        RunKey {
            completed_at: self.completed_at,
            run_id: self.run_id.as_str().to_owned(),
            directory: (*self.directory).to_owned(),
        }
    }

    /// How this entry and a place stand in the order of lists.
    #[must_use]
    pub fn compare_to(&self, key: &RunKey) -> Ordering {
        order(
            (self.completed_at, self.run_id.as_str(), &self.directory),
            (key.completed_at, &key.run_id, &key.directory),
        )
    }

    /// How two entries stand in the order of lists.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Ordering {
        order(
            (self.completed_at, self.run_id.as_str(), &self.directory),
            (other.completed_at, other.run_id.as_str(), &other.directory),
        )
    }
}

type Place<'a> = (Option<Timestamp>, &'a str, &'a str);

fn order(left: Place<'_>, right: Place<'_>) -> Ordering {
    // `None` is less than any time, so reversed it comes last.
    (Reverse(left.0), left.1, left.2).cmp(&(Reverse(right.0), right.1, right.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newest_first_and_runs_without_a_time_last() {
        let at = |second| Some(Timestamp::from_second(second).expect("a time"));
        assert_eq!(order((at(2), "b", "b"), (at(1), "a", "a")), Ordering::Less);
        assert_eq!(order((at(1), "b", "b"), (None, "a", "a")), Ordering::Less);
        assert_eq!(order((at(1), "a", "z"), (at(1), "b", "a")), Ordering::Less);
        assert_eq!(order((None, "a", "a"), (None, "a", "b")), Ordering::Less);
    }
}
