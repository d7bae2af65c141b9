//! One run as the index holds it: what lists need, and no more.

use std::borrow::Cow;
use std::cmp::{Ordering, Reverse};
use std::sync::Arc;

use jiff::Timestamp;

use super::interner::LocalTexts;
use crate::model::{Details, DirectoryName, Marker, RunId};
use crate::repository::decode::ListedSummary;

/// A run as lists show it. Texts that many runs share are held once, and what is only shown stays packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunEntry {
    /// The run id; the same allocation as the directory's name where the two are equal.
    pub run_id: RunId,
    /// The directory's name.
    pub directory: DirectoryName,
    /// The id of the target profile.
    pub target: Option<Arc<str>>,
    /// The id of the assessment profile.
    pub assessment: Option<Arc<str>>,
    /// The result word.
    pub status: Option<Arc<str>>,
    /// When the run ended.
    pub completed_at: Option<Timestamp>,
    /// When it began, its counts, commits and labels.
    pub details: Details,
    /// The markers that the summary alone shows.
    pub markers: Box<[Marker]>,
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
    /// What lists need of the run in a directory; `None` when its run id is none.
    pub(crate) fn new(
        directory: DirectoryName,
        summary: &ListedSummary<'_>,
        details: Details,
        markers: Vec<Marker>,
        texts: &mut LocalTexts<'_>,
    ) -> Option<Self> {
        let mut share = |text: &Option<Cow<'_, str>>| text.as_ref().map(|text| texts.share(text));
        Some(Self {
            run_id: RunId::in_directory(&summary.run_id, &directory)?,
            directory,
            target: share(&summary.target_profile_ref),
            assessment: share(&summary.assessment_profile_ref),
            status: share(&summary.result_status),
            completed_at: summary.completed_at,
            details,
            markers: markers.into(),
        })
    }

    /// The entry's place in lists.
    #[must_use]
    pub fn key(&self) -> RunKey {
        RunKey {
            completed_at: self.completed_at,
            run_id: self.run_id.as_str().to_owned(),
            directory: self.directory.to_string(),
        }
    }

    /// How this entry and a place stand in the order of lists.
    #[must_use]
    pub fn compare_to(&self, key: &RunKey) -> Ordering {
        order(
            (self.completed_at, self.run_id.as_str(), self.directory.as_str()),
            (key.completed_at, &key.run_id, &key.directory),
        )
    }

    /// How two entries stand in the order of lists.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Ordering {
        order(
            (self.completed_at, self.run_id.as_str(), self.directory.as_str()),
            (other.completed_at, other.run_id.as_str(), other.directory.as_str()),
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
