//! The snapshot: runs in list order, the same by profile, lookups, problems. Immutable once built.

use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use super::entry::RunEntry;
use crate::model::{Problem, ProblemReason, printable};
use crate::repository::root::RootIdentity;

/// How many other directories a duplicate's sentence names.
const NAMED_DUPLICATES: usize = 20;

/// What one scan of a root found.
#[derive(Debug)]
pub struct Snapshot {
    pub(super) index: Arc<Index>,
    /// When the scan began.
    pub scanned_at: Timestamp,
    /// Which directory was scanned.
    pub root_identity: RootIdentity,
}

/// The runs and problems in their orders. Sorted vectors of positions, which weigh a few bytes a run.
#[derive(Debug)]
pub(super) struct Index {
    /// In list order.
    pub(super) runs: Vec<Arc<RunEntry>>,
    pub(super) groups: HashMap<GroupKey, Group>,
    /// By directory and reason.
    pub(super) problems: Vec<Arc<Problem>>,
    by_run_id: Vec<u32>,
    by_directory: Vec<u32>,
    in_progress: usize,
}

/// Runs of a target, of an assessment, or of both; of neither: all.
pub(super) type GroupKey = (Option<Arc<str>>, Option<Arc<str>>);

/// Some runs in list order, as positions, with their counts: so that a page of them costs the same at every size.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) order: Vec<u32>,
    pub(super) status_counts: BTreeMap<Arc<str>, u64>,
}

impl Snapshot {
    /// Orders and groups what a scan found. Runs that share a run id stay, and become problems too.
    #[must_use]
    pub fn build(
        runs: Vec<Arc<RunEntry>>,
        problems: Vec<Arc<Problem>>,
        scanned_at: Timestamp,
        root_identity: RootIdentity,
    ) -> Self {
        Self { index: Arc::new(Index::build(runs, problems)), scanned_at, root_identity }
    }

    /// The same runs and problems, found again by a later scan of the same directory.
    #[must_use]
    pub fn found_again(&self, scanned_at: Timestamp) -> Self {
        Self { index: Arc::clone(&self.index), scanned_at, root_identity: self.root_identity }
    }

    /// How many runs there are.
    #[must_use]
    pub fn run_count(&self) -> usize {
        self.index.runs.len()
    }

    /// How many problems there are, runs in progress not counted.
    #[must_use]
    pub fn broken_count(&self) -> usize {
        self.index.problems.len().saturating_sub(self.index.in_progress)
    }

    /// How many runs are being made.
    #[must_use]
    pub fn in_progress_count(&self) -> usize {
        self.index.in_progress
    }

    /// The runs that bear a run id: none, one, or several that only their directories tell apart.
    #[must_use]
    pub fn with_run_id(&self, run_id: &str) -> Vec<&Arc<RunEntry>> {
        let Index { by_run_id, .. } = &*self.index;
        let begin = by_run_id.partition_point(|at| self.index.at(*at).is_some_and(|run| run.run_id.as_str() < run_id));
        let from_here = by_run_id.iter().skip(begin).filter_map(|at| self.index.at(*at));
        from_here.take_while(|run| run.run_id.as_str() == run_id).collect()
    }

    /// The run in a directory.
    #[must_use]
    pub fn in_directory(&self, directory: &str) -> Option<&Arc<RunEntry>> {
        let by_name = |at: &u32| self.index.at(*at).map_or(Ordering::Less, |run| (*run.directory).cmp(directory));
        let found = self.index.by_directory.binary_search_by(by_name).ok()?;
        self.index.at(*self.index.by_directory.get(found)?)
    }

    /// Whether another directory bears the same run id.
    #[must_use]
    pub fn is_duplicate(&self, run: &RunEntry) -> bool {
        self.with_run_id(run.run_id.as_str()).len() > 1
    }
}

impl Index {
    fn build(mut runs: Vec<Arc<RunEntry>>, mut problems: Vec<Arc<Problem>>) -> Self {
        runs.sort_unstable_by(|left, right| left.compare(right));
        let mut groups: HashMap<GroupKey, Group> = HashMap::from([((None, None), Group::default())]);
        let no_status: Arc<str> = "".into();
        for (position, run) in (0_u32..).zip(&runs) {
            let status = run.status.as_ref().unwrap_or(&no_status);
            for key in group_keys(run) {
                let group = groups.entry(key).or_default();
                group.order.push(position);
                *group.status_counts.entry(Arc::clone(status)).or_default() += 1;
            }
        }
        for group in groups.values_mut() {
            group.order.shrink_to_fit();
        }
        let by_run_id = sorted_by(&runs, |run| run.run_id.as_str());
        let by_directory = sorted_by(&runs, |run| &run.directory);
        problems.extend(duplicates(&runs, &by_run_id).into_iter().map(Arc::new));
        problems.sort_by(|left, right| problem_place(left).cmp(&problem_place(right)));
        let in_progress = problems.iter().filter(|problem| !problem.reason.is_broken()).count();
        Self { runs, groups, problems, by_run_id, by_directory, in_progress }
    }

    pub(super) fn at(&self, position: u32) -> Option<&Arc<RunEntry>> {
        at(&self.runs, position)
    }
}

fn at(runs: &[Arc<RunEntry>], position: u32) -> Option<&Arc<RunEntry>> {
    runs.get(usize::try_from(position).ok()?)
}

/// The positions of all runs, ordered by a text of theirs.
fn sorted_by(runs: &[Arc<RunEntry>], text: impl Fn(&RunEntry) -> &str) -> Vec<u32> {
    let mut positions: Vec<u32> = (0_u32..).take(runs.len()).collect();
    positions.sort_unstable_by_key(|position| at(runs, *position).map(|run| text(run)));
    positions
}

/// Groups a run belongs to: all, its target's, its assessment's, and the pair's.
fn group_keys(run: &RunEntry) -> impl Iterator<Item = GroupKey> {
    let (target, assessment) = (run.target.clone(), run.assessment.clone());
    let pair = target.is_some().then(|| (target.clone(), None));
    let other = assessment.is_some().then(|| (None, assessment.clone()));
    let both = (target.is_some() && assessment.is_some()).then_some((target, assessment));
    std::iter::once((None, None)).chain(pair).chain(other).chain(both)
}

pub(super) fn problem_place(problem: &Problem) -> (&str, &'static str) {
    (&problem.directory, problem.reason.word())
}

fn duplicates(runs: &[Arc<RunEntry>], by_run_id: &[u32]) -> Vec<Problem> {
    let mut found = Vec::new();
    let same_id =
        |left: &u32, right: &u32| at(runs, *left).map(|run| &run.run_id) == at(runs, *right).map(|run| &run.run_id);
    for bearers in by_run_id.chunk_by(same_id).filter(|bearers| bearers.len() > 1) {
        let bearers: Vec<&Arc<RunEntry>> = bearers.iter().filter_map(|position| at(runs, *position)).collect();
        for bearer in &bearers {
            let others: Vec<String> = bearers
                .iter()
                .filter(|other| other.directory != bearer.directory)
                .take(NAMED_DUPLICATES)
                .map(|other| printable(&other.directory, 120))
                .collect();
            found.push(Problem {
                directory: (*bearer.directory).to_owned(),
                directory_bytes: None,
                reason: ProblemReason::RunIdDuplicate,
                message: format!("its run id {} also stands in: {}", bearer.run_id, others.join(", ")),
                run_id: Some(bearer.run_id.to_string()),
            });
        }
    }
    found
}
