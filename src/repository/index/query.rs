//! Questions to a snapshot: which runs and problems match, and one page of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::entry::{RunEntry, RunKey};
use super::snapshot::{Snapshot, problem_place};
use crate::model::{Detail, Problem, ProblemReason};

/// The fewest characters of a commit id that are taken for its beginning.
const MIN_COMMIT_PREFIX: usize = 7;

/// Which runs match. Everything unset matches every run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunQuery {
    /// The id of the target profile.
    pub target: Option<String>,
    /// The id of the assessment profile.
    pub assessment: Option<String>,
    /// Result words; empty: any.
    pub statuses: Vec<String>,
    /// Completed at or after.
    pub completed_after: Option<Timestamp>,
    /// Completed before.
    pub completed_before: Option<Timestamp>,
    /// A commit id of any source, or its first seven or more characters.
    pub source_commit: Option<String>,
    /// Labels with their values.
    pub labels: BTreeMap<String, String>,
}

/// One page of runs.
#[derive(Debug)]
pub struct RunPage {
    /// The runs, in list order.
    pub runs: Vec<Arc<RunEntry>>,
    /// Where the next page begins: after this place; `None` on the last page.
    pub next: Option<RunKey>,
    /// How many runs match in all.
    pub total: u64,
    /// How many match by result word; runs without one under the empty word.
    pub status_counts: BTreeMap<Arc<str>, u64>,
}

/// Which problems match; empty: all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProblemQuery {
    /// The reasons.
    pub reasons: Vec<ProblemReason>,
}

/// One page of problems.
#[derive(Debug)]
pub struct ProblemPage {
    /// The problems, by directory.
    pub problems: Vec<Problem>,
    /// Where the next page begins: after this directory and reason; `None` on the last page.
    pub next: Option<(String, String)>,
    /// How many match in all.
    pub total: u64,
    /// How many match by reason.
    pub reason_counts: BTreeMap<&'static str, u64>,
}

impl RunQuery {
    /// Whether the groups of the snapshot answer it without looking at single runs.
    fn is_by_profile_only(&self) -> bool {
        self.statuses.is_empty()
            && self.completed_after.is_none()
            && self.completed_before.is_none()
            && self.source_commit.is_none()
            && self.labels.is_empty()
    }

    /// Whether a run of the right profiles matches.
    fn matches(&self, run: &RunEntry) -> bool {
        let status = run.status.as_deref().unwrap_or_default();
        let in_time = |bound: Option<Timestamp>, holds: fn(Timestamp, Timestamp) -> bool| {
            bound.is_none_or(|bound| run.completed_at.is_some_and(|completed| holds(completed, bound)))
        };
        (self.statuses.is_empty() || self.statuses.iter().any(|word| word == status))
            && in_time(self.completed_after, |completed, bound| completed >= bound)
            && in_time(self.completed_before, |completed, bound| completed < bound)
            && self.source_commit.as_deref().is_none_or(|asked| {
                run.details
                    .iter()
                    .any(|detail| matches!(detail, Detail::SourceCommit(_, commit) if is_commit(commit, asked)))
            })
            && self
                .labels
                .iter()
                .all(|(key, value)| run.details.iter().any(|detail| detail == Detail::Label(key, value)))
    }
}

fn is_commit(commit: &str, asked: &str) -> bool {
    commit == asked || asked.len() >= MIN_COMMIT_PREFIX && commit.starts_with(asked)
}

impl Snapshot {
    /// One page of the runs that match, after a place. A page of all runs, or of the runs of some profiles, costs the same at every size.
    #[must_use]
    pub fn page(&self, query: &RunQuery, after: Option<&RunKey>, limit: usize) -> RunPage {
        let key = (query.target.as_deref().map(Arc::from), query.assessment.as_deref().map(Arc::from));
        let Some(group) = self.index.groups.get(&key) else {
            return RunPage { runs: Vec::new(), next: None, total: 0, status_counts: BTreeMap::new() };
        };
        let begin = after.map_or(0, |place| {
            group
                .order
                .partition_point(|position| self.index.at(*position).is_some_and(|run| run.compare_to(place).is_le()))
        });
        let entries = |from: usize| group.order.iter().skip(from).filter_map(|position| self.index.at(*position));
        if query.is_by_profile_only() {
            let mut runs: Vec<_> = entries(begin).take(limit.saturating_add(1)).cloned().collect();
            let next = cut(&mut runs, limit);
            let total = u64::try_from(group.order.len()).unwrap_or(u64::MAX);
            return RunPage { runs, next, total, status_counts: group.status_counts.clone() };
        }
        let mut page = RunPage { runs: Vec::new(), next: None, total: 0, status_counts: BTreeMap::new() };
        let no_status: Arc<str> = "".into();
        for (place, run) in entries(0).enumerate().filter(|(_, run)| query.matches(run)) {
            page.total += 1;
            *page.status_counts.entry(Arc::clone(run.status.as_ref().unwrap_or(&no_status))).or_default() += 1;
            if place >= begin && page.runs.len() <= limit {
                page.runs.push(Arc::clone(run));
            }
        }
        page.next = cut(&mut page.runs, limit);
        page
    }

    /// The newest run that matches.
    #[must_use]
    pub fn latest(&self, query: &RunQuery) -> Option<Arc<RunEntry>> {
        self.page(query, None, 1).runs.into_iter().next()
    }

    /// One page of the problems that match, after a directory and reason.
    #[must_use]
    pub fn problem_page(&self, query: &ProblemQuery, after: Option<&(String, String)>, limit: usize) -> ProblemPage {
        let mut page = ProblemPage { problems: Vec::new(), next: None, total: 0, reason_counts: BTreeMap::new() };
        for problem in &self.index.problems {
            if !query.reasons.is_empty() && !query.reasons.contains(&problem.reason) {
                continue;
            }
            page.total += 1;
            *page.reason_counts.entry(problem.reason.word()).or_default() += 1;
            let is_after =
                after.is_none_or(|(directory, reason)| problem_place(problem) > (directory.as_str(), reason.as_str()));
            if is_after && page.problems.len() <= limit {
                page.problems.push(Problem::clone(problem));
            }
        }
        if page.problems.len() > limit {
            page.problems.truncate(limit);
            page.next = page.problems.last().map(|last| (last.directory.clone(), last.reason.word().to_owned()));
        }
        page
    }
}

/// Cuts one entry too many off, and tells where the next page begins if there was one.
fn cut(runs: &mut Vec<Arc<RunEntry>>, limit: usize) -> Option<RunKey> {
    if runs.len() <= limit {
        return None;
    }
    runs.truncate(limit);
    runs.last().map(|last| last.key())
}
