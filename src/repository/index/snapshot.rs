//! The snapshot: runs in list order, the same by profile, lookups, problems. Immutable once built.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;

use super::entry::RunEntry;
use super::lookup::Lookups;
use crate::model::{Problem, ProblemReason, printable};
use crate::repository::root::RootIdentity;

/// How many other directories a duplicate's sentence names.
const NAMED_DUPLICATES: usize = 3;
/// From how many runs on a second thread is worth its start.
const WORTH_A_THREAD: usize = 5000;

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
    lookups: Lookups,
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
        let found = self.index.lookups.with_run_id(run_id).filter_map(|at| self.index.at(at));
        found.filter(|run| run.run_id.as_str() == run_id).collect()
    }

    /// The run in a directory.
    #[must_use]
    pub fn in_directory(&self, directory: &str) -> Option<&Arc<RunEntry>> {
        let mut found = self.index.lookups.in_directory(directory).filter_map(|at| self.index.at(at));
        found.find(|run| run.directory.as_str() == directory)
    }

    /// Whether another directory bears the same run id.
    #[must_use]
    pub fn is_duplicate(&self, run: &RunEntry) -> bool {
        let bearers = self.index.lookups.with_run_id(run.run_id.as_str()).filter_map(|at| self.index.at(at));
        bearers.filter(|bearer| bearer.run_id == run.run_id).nth(1).is_some()
    }
}

impl Index {
    fn build(runs: Vec<Arc<RunEntry>>, mut problems: Vec<Arc<Problem>>) -> Self {
        let runs = in_list_order(&runs);
        let (groups, lookups) = if runs.len() < WORTH_A_THREAD {
            (group(&runs), Lookups::new(&runs))
        } else {
            std::thread::scope(|scope| {
                let lookups = scope.spawn(|| Lookups::new(&runs));
                let groups = group(&runs);
                (groups, lookups.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            })
        };
        problems.extend(duplicates(&runs, &lookups).into_iter().map(Arc::new));
        problems.sort_by(|left, right| problem_place(left).cmp(&problem_place(right)));
        let in_progress = problems.iter().filter(|problem| !problem.reason.is_broken()).count();
        Self { runs, groups, problems, lookups, in_progress }
    }

    pub(super) fn at(&self, position: u32) -> Option<&Arc<RunEntry>> {
        at(&self.runs, position)
    }
}

fn at(runs: &[Arc<RunEntry>], position: u32) -> Option<&Arc<RunEntry>> {
    runs.get(usize::try_from(position).ok()?)
}

/// A run with its time beside it, by which most pairs are told apart.
type Timed<'a> = (Reverse<Option<Timestamp>>, &'a Arc<RunEntry>);

fn compare((left_time, left): &Timed<'_>, (right_time, right): &Timed<'_>) -> Ordering {
    left_time.cmp(right_time).then_with(|| left.compare(right))
}

fn sorted(runs: &[Arc<RunEntry>]) -> impl Iterator<Item = Timed<'_>> {
    let mut timed: Vec<Timed<'_>> = runs.iter().map(|run| (Reverse(run.completed_at), run)).collect();
    timed.sort_unstable_by(compare);
    timed.into_iter()
}

/// Sorts runs for lists: many of them in two parts, on two threads.
fn in_list_order(runs: &[Arc<RunEntry>]) -> Vec<Arc<RunEntry>> {
    if runs.len() < WORTH_A_THREAD {
        return sorted(runs).map(|(_, run)| Arc::clone(run)).collect();
    }
    let (one, other) = runs.split_at(runs.len() / 2);
    let (one, other) = std::thread::scope(|scope| {
        let one = scope.spawn(|| sorted(one));
        let other = sorted(other);
        (one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), other)
    });
    let (mut one, mut other) = (one.peekable(), other.peekable());
    let mut merged = Vec::with_capacity(runs.len());
    loop {
        let next = match (one.peek(), other.peek()) {
            (Some(left), Some(right)) if compare(left, right).is_gt() => other.next(),
            (Some(_), _) => one.next(),
            (None, _) => other.next(),
        };
        let Some((_, run)) = next else { return merged };
        merged.push(Arc::clone(run));
    }
}

/// What runs of one target, assessment and result share: the groups that they belong to.
struct Class {
    groups: Vec<usize>,
    status: Arc<str>,
    count: u64,
}

/// Groups sorted runs by profiles.
fn group(runs: &[Arc<RunEntry>]) -> HashMap<GroupKey, Group> {
    let mut groups: Vec<Group> = vec![Group::default()];
    let mut numbers: HashMap<GroupKey, usize> = HashMap::from([((None, None), 0)]);
    // Equal texts are shared, so their addresses tell classes apart. Two classes of one text would only be counted one after the other.
    let mut class_numbers: HashMap<[usize; 3], usize> = HashMap::new();
    let mut classes: Vec<Class> = Vec::new();
    let address = |text: &Option<Arc<str>>| text.as_ref().map_or(0, |text| Arc::as_ptr(text).addr());
    for (position, run) in (0_u32..).zip(runs) {
        let addresses = [address(&run.target), address(&run.assessment), address(&run.status)];
        let number = *class_numbers.entry(addresses).or_insert_with(|| {
            let mut number_of = |key| {
                *numbers.entry(key).or_insert_with(|| {
                    groups.push(Group::default());
                    groups.len() - 1
                })
            };
            classes.push(Class {
                groups: group_keys(run).map(&mut number_of).collect(),
                status: run.status.clone().unwrap_or_default(),
                count: 0,
            });
            classes.len() - 1
        });
        let Some(class) = classes.get_mut(number) else { continue };
        class.count += 1;
        for number in &class.groups {
            groups.get_mut(*number).into_iter().for_each(|group| group.order.push(position));
        }
    }
    for class in classes {
        for number in class.groups {
            let Some(group) = groups.get_mut(number) else { continue };
            *group.status_counts.entry(Arc::clone(&class.status)).or_default() += class.count;
        }
    }
    groups.iter_mut().for_each(|group| group.order.shrink_to_fit());
    numbers.into_iter().filter_map(|(key, number)| Some((key, std::mem::take(groups.get_mut(number)?)))).collect()
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

fn duplicates(runs: &[Arc<RunEntry>], lookups: &Lookups) -> Vec<Problem> {
    let mut found = Vec::new();
    for candidates in lookups.shared_run_ids() {
        let mut candidates: Vec<&Arc<RunEntry>> = candidates.filter_map(|position| at(runs, position)).collect();
        candidates.sort_by_key(|run| &run.run_id);
        for bearers in candidates.chunk_by(|left, right| left.run_id == right.run_id).filter(|same| same.len() > 1) {
            found.extend(bearers.iter().map(|bearer| duplicate(bearer, bearers)));
        }
    }
    found
}

/// The problem of one of several runs that bear a run id.
fn duplicate(bearer: &RunEntry, bearers: &[&Arc<RunEntry>]) -> Problem {
    let others = bearers.iter().filter(|other| other.directory != bearer.directory);
    let named: Vec<String> =
        others.take(NAMED_DUPLICATES).map(|other| printable(other.directory.as_str(), 120)).collect();
    let unnamed = bearers.len().saturating_sub(named.len() + 1);
    let more = if unnamed > 0 { format!(" and {unnamed} more") } else { String::new() };
    Problem {
        directory: bearer.directory.to_string(),
        directory_bytes: None,
        reason: ProblemReason::RunIdDuplicate,
        message: format!("its run id {} also stands in: {}{more}", bearer.run_id, named.join(", ")),
        run_id: Some(bearer.run_id.to_string()),
    }
}
