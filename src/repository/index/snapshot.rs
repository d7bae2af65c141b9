//! The snapshot: runs in list order, the same by profile, lookups, problems. Immutable once built.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use super::entry::RunEntry;
use crate::model::{Problem, ProblemReason, printable};
use crate::repository::root::RootIdentity;

/// What one scan of a root found.
#[derive(Debug)]
pub struct Snapshot {
    pub(super) runs: Vec<Arc<RunEntry>>,
    pub(super) groups: HashMap<GroupKey, Group>,
    pub(super) problems: Vec<Arc<Problem>>,
    by_run_id: HashMap<Arc<str>, Vec<u32>>,
    by_directory: HashMap<Arc<str>, u32>,
    in_progress: usize,
    /// When the scan began.
    pub scanned_at: Timestamp,
    /// Which directory was scanned.
    pub root_identity: RootIdentity,
}

/// Runs of a target, of an assessment, or of both; of neither: all.
pub(super) type GroupKey = (Option<Arc<str>>, Option<Arc<str>>);

/// Some runs in list order, as positions in the snapshot, with their counts: so that a page of them costs the same at every size.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) order: Vec<u32>,
    pub(super) status_counts: BTreeMap<Arc<str>, u64>,
}

impl Snapshot {
    /// Orders and groups what a scan found. Runs that share a run id stay, and become problems too.
    #[must_use]
    pub fn build(
        mut runs: Vec<Arc<RunEntry>>,
        mut problems: Vec<Arc<Problem>>,
        scanned_at: Timestamp,
        root_identity: RootIdentity,
    ) -> Self {
        runs.sort_unstable_by(|left, right| left.compare(right));
        let mut by_run_id: HashMap<Arc<str>, Vec<u32>> = HashMap::with_capacity(runs.len());
        let mut by_directory = HashMap::with_capacity(runs.len());
        let mut groups: HashMap<GroupKey, Group> = HashMap::new();
        let no_status: Arc<str> = "".into();
        for (position, run) in (0_u32..).zip(&runs) {
            by_run_id.entry(run.run_id.shared()).or_default().push(position);
            by_directory.insert(Arc::clone(&run.directory), position);
            let status = run.status.as_ref().unwrap_or(&no_status);
            for key in group_keys(run) {
                let group = groups.entry(key).or_default();
                group.order.push(position);
                *group.status_counts.entry(Arc::clone(status)).or_default() += 1;
            }
        }
        groups.entry((None, None)).or_default();
        for group in groups.values_mut() {
            group.order.shrink_to_fit();
        }
        problems.extend(duplicates(&runs, &by_run_id).into_iter().map(Arc::new));
        problems.sort_by(|left, right| problem_place(left).cmp(&problem_place(right)));
        let in_progress = problems.iter().filter(|problem| !problem.reason.is_broken()).count();
        Self { runs, groups, problems, by_run_id, by_directory, in_progress, scanned_at, root_identity }
    }

    /// How many runs there are.
    #[must_use]
    pub fn run_count(&self) -> usize {
        self.runs.len()
    }

    /// How many problems there are, runs in progress not counted.
    #[must_use]
    pub fn broken_count(&self) -> usize {
        self.problems.len().saturating_sub(self.in_progress)
    }

    /// How many runs are being made.
    #[must_use]
    pub const fn in_progress_count(&self) -> usize {
        self.in_progress
    }

    /// The runs that bear a run id: none, one, or several that only their directories tell apart.
    #[must_use]
    pub fn with_run_id(&self, run_id: &str) -> Vec<&Arc<RunEntry>> {
        let positions = self.by_run_id.get(run_id).map(Vec::as_slice).unwrap_or_default();
        positions.iter().filter_map(|position| self.at(*position)).collect()
    }

    /// The run in a directory.
    #[must_use]
    pub fn in_directory(&self, directory: &str) -> Option<&Arc<RunEntry>> {
        self.at(*self.by_directory.get(directory)?)
    }

    /// The problem of a directory, the duplicate run id left aside.
    #[must_use]
    pub fn problem_of(&self, directory: &str) -> Option<&Problem> {
        self.problems
            .iter()
            .map(Arc::as_ref)
            .find(|problem| problem.directory == directory && problem.reason != ProblemReason::RunIdDuplicate)
    }

    /// Whether another directory bears the same run id.
    #[must_use]
    pub fn is_duplicate(&self, run: &RunEntry) -> bool {
        self.by_run_id.get(run.run_id.as_str()).is_some_and(|positions| positions.len() > 1)
    }

    pub(super) fn at(&self, position: u32) -> Option<&Arc<RunEntry>> {
        self.runs.get(usize::try_from(position).ok()?)
    }
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

fn duplicates(runs: &[Arc<RunEntry>], by_run_id: &HashMap<Arc<str>, Vec<u32>>) -> Vec<Problem> {
    let mut found = Vec::new();
    for (run_id, positions) in by_run_id.iter().filter(|(_, positions)| positions.len() > 1) {
        let bearers: Vec<&Arc<RunEntry>> =
            positions.iter().filter_map(|position| runs.get(usize::try_from(*position).ok()?)).collect();
        for bearer in &bearers {
            let others: Vec<String> = bearers
                .iter()
                .filter(|other| other.directory != bearer.directory)
                .take(20)
                .map(|other| printable(&other.directory, 120))
                .collect();
            found.push(Problem {
                directory: (*bearer.directory).to_owned(),
                directory_bytes: None,
                reason: ProblemReason::RunIdDuplicate,
                message: format!("its run id {run_id} also stands in: {}", others.join(", ")),
                run_id: Some((**run_id).to_owned()),
            });
        }
    }
    found
}
