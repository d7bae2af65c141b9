//! Lists: order, filters, counts and pages, compared with a model while runs come, go and change between the pages.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::fixtures::{Fixture, by_directory, by_run_id};
use crate::model::{DetailsWriter, DirectoryName, ProblemReason, RunId};
use crate::repository::Error;
use crate::repository::decode::decode_listed;
use crate::repository::index::{Interner, ProblemQuery, RunEntry, RunKey, RunQuery, Snapshot};
use crate::repository::root::{Containment, OpenRoot, RootIdentity};

/// A run as the model sees it. Small numbers, so that runs often share everything but their directory.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ModelRun {
    directory: usize,
    run_id: u8,
    completed: Option<i64>,
    target: Option<u8>,
    assessment: Option<u8>,
    status: Option<u8>,
    commit: Option<u8>,
    label: Option<u8>,
}

/// A filter as the model sees it.
#[derive(Debug, Clone)]
struct ModelQuery {
    target: Option<u8>,
    assessment: Option<u8>,
    statuses: Vec<u8>,
    after: Option<i64>,
    before: Option<i64>,
    commit: Option<u8>,
    label: Option<u8>,
}

/// What happens to the runs between two pages.
#[derive(Debug, Clone)]
enum Change {
    Add(ModelRun),
    Remove(prop::sample::Index),
    Rewrite(prop::sample::Index, ModelRun),
}

fn commit(number: u8) -> String {
    format!("{number:07x}{}", "0".repeat(33))
}

impl ModelRun {
    fn entry(&self, interner: &Interner) -> Arc<RunEntry> {
        let numbered = |prefix: &str, number: Option<u8>| number.map(|number| json!(format!("{prefix}{number}")));
        let keys = [
            ("run_id", Some(json!(format!("r{}", self.run_id)))),
            ("completed_at", self.completed.map(|second| json!(at(second).to_string()))),
            ("target", numbered("t", self.target)),
            ("assessment", numbered("a", self.assessment)),
            ("status", numbered("s", self.status)),
            ("source_commits", self.commit.map(|number| json!({"source": commit(number)}))),
            ("labels", self.label.map(|number| json!({"key": number.to_string()}))),
        ];
        let keys = keys.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
        let json = Value::Object(keys.collect()).to_string();
        let mut details = DetailsWriter::default();
        let listed = decode_listed(json.as_bytes(), &mut details).expect("a summary");
        Arc::new(RunEntry::new(self.name(), &listed, details.take(), Vec::new(), &mut interner.local()).expect("valid"))
    }

    fn name(&self) -> DirectoryName {
        format!("d{:03}", self.directory).parse().expect("a name")
    }

    /// Newest first, runs without a time last, then run id, then directory.
    fn place(&self) -> (bool, i64, String, String) {
        let newest_first = self.completed.map_or(0, |second| -second);
        (self.completed.is_none(), newest_first, format!("r{}", self.run_id), self.name().to_string())
    }

    fn matches(&self, query: &ModelQuery) -> bool {
        query.target.is_none_or(|target| self.target == Some(target))
            && query.assessment.is_none_or(|assessment| self.assessment == Some(assessment))
            && (query.statuses.is_empty() || self.status.is_some_and(|status| query.statuses.contains(&status)))
            && query.after.is_none_or(|after| self.completed.is_some_and(|second| second >= after))
            && query.before.is_none_or(|before| self.completed.is_some_and(|second| second < before))
            && query.commit.is_none_or(|commit| self.commit == Some(commit))
            && query.label.is_none_or(|label| self.label == Some(label))
    }
}

impl ModelQuery {
    fn query(&self) -> RunQuery {
        RunQuery {
            target: self.target.map(|number| format!("t{number}")),
            assessment: self.assessment.map(|number| format!("a{number}")),
            statuses: self.statuses.iter().map(|number| format!("s{number}")).collect(),
            completed_after: self.after.map(at),
            completed_before: self.before.map(at),
            // Whole or its beginning, which is the same here.
            source_commit: self.commit.map(|number| commit(number)[..7 + usize::from(number % 2) * 33].to_owned()),
            labels: self.label.map(|number| ("key".to_owned(), number.to_string())).into_iter().collect(),
        }
    }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

fn identity() -> RootIdentity {
    OpenRoot::open_ambient(std::path::Path::new("/"), Containment::Walk).expect("opens").identity()
}

fn snapshot(runs: &[ModelRun], interner: &Interner, identity: RootIdentity) -> Snapshot {
    Snapshot::build(runs.iter().map(|run| run.entry(interner)).collect(), Vec::new(), at(0), identity)
}

fn some(numbers: std::ops::Range<u8>) -> impl Strategy<Value = Option<u8>> {
    proptest::option::of(numbers)
}

fn model_run() -> impl Strategy<Value = ModelRun> {
    let times = proptest::option::of(0_i64..4);
    (0_u8..6, times, some(0..2), some(0..2), some(0..3), some(0..2), some(0..2)).prop_map(
        |(run_id, completed, target, assessment, status, commit, label)| ModelRun {
            directory: 0,
            run_id,
            completed,
            target,
            assessment,
            status,
            commit,
            label,
        },
    )
}

fn model_query() -> impl Strategy<Value = ModelQuery> {
    let bound = || proptest::option::weighted(0.2, 0_i64..5);
    let rarely = || proptest::option::weighted(0.2, 0_u8..2);
    let statuses = proptest::collection::vec(0_u8..3, 0..3);
    (some(0..3), some(0..3), statuses, bound(), bound(), rarely(), rarely()).prop_map(
        |(target, assessment, statuses, after, before, commit, label)| ModelQuery {
            target,
            assessment,
            statuses,
            after,
            before,
            commit,
            label,
        },
    )
}

fn change() -> impl Strategy<Value = Change> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        model_run().prop_map(Change::Add),
        index().prop_map(Change::Remove),
        (index(), model_run()).prop_map(|(index, run)| Change::Rewrite(index, run)),
    ]
}

proptest! {
    #[test]
    fn a_run_that_stays_as_it_is_appears_exactly_once_however_many_others_come_and_go(
        runs in proptest::collection::vec(model_run(), 0..40),
        query in model_query(),
        limit in 1_usize..6,
        changes in proptest::collection::vec(proptest::collection::vec(change(), 0..4), 0..12),
    ) {
        let (interner, identity) = (Interner::default(), identity());
        let mut runs: Vec<ModelRun> =
            runs.into_iter().enumerate().map(|(directory, run)| ModelRun { directory, ..run }).collect();
        let mut stable = runs.clone();
        let (mut next_directory, mut changes) = (runs.len(), changes.into_iter());
        let mut met: Vec<Arc<RunEntry>> = Vec::new();
        let mut after: Option<RunKey> = None;
        loop {
            let snapshot = snapshot(&runs, &interner, identity);
            let page = snapshot.page(&query.query(), after.as_ref(), limit);
            let matching: Vec<&ModelRun> = runs.iter().filter(|run| run.matches(&query)).collect();
            prop_assert_eq!(page.total, matching.len() as u64);
            let mut counts: BTreeMap<String, u64> = BTreeMap::new();
            for run in matching {
                *counts.entry(run.status.map(|word| format!("s{word}")).unwrap_or_default()).or_default() += 1;
            }
            let told: BTreeMap<String, u64> =
                page.status_counts.iter().map(|(word, count)| (word.to_string(), *count)).collect();
            prop_assert_eq!(told, counts);
            prop_assert!(page.runs.len() <= limit);
            prop_assert!(page.next.is_none() || page.runs.len() == limit, "only the last page is short");
            met.extend(page.runs);
            let Some(next) = page.next else { break };
            after = Some(next);
            for change in changes.next().unwrap_or_default() {
                let touched = match change {
                    Change::Add(run) => {
                        runs.push(ModelRun { directory: next_directory, ..run });
                        next_directory += 1;
                        continue;
                    }
                    Change::Remove(_) | Change::Rewrite(..) if runs.is_empty() => continue,
                    Change::Remove(index) => runs.remove(index.index(runs.len())).directory,
                    Change::Rewrite(index, run) => {
                        let place = index.index(runs.len());
                        let directory = runs[place].directory;
                        runs[place] = ModelRun { directory, ..run };
                        directory
                    }
                };
                stable.retain(|run| run.directory != touched);
            }
        }
        stable.retain(|run| run.matches(&query));
        stable.sort_by_key(ModelRun::place);
        let names: Vec<String> = stable.iter().map(|run| run.name().to_string()).collect();
        let stable_met: Vec<String> =
            met.iter().map(|run| run.directory.to_string()).filter(|directory| names.contains(directory)).collect();
        prop_assert_eq!(stable_met, names);
        prop_assert!(met.windows(2).all(|pair| pair[0].compare(&pair[1]).is_lt()), "in list order, none twice");
    }

    #[test]
    fn the_newest_run_is_the_first_of_the_list(
        runs in proptest::collection::vec(model_run(), 0..20),
        query in model_query(),
    ) {
        let runs: Vec<ModelRun> =
            runs.into_iter().enumerate().map(|(directory, run)| ModelRun { directory, ..run }).collect();
        let snapshot = snapshot(&runs, &Interner::default(), identity());
        let newest = runs.iter().filter(|run| run.matches(&query)).min_by_key(|run| run.place());
        let found = snapshot.latest(&query.query()).map(|run| run.directory.to_string());
        prop_assert_eq!(found, newest.map(|run| run.name().to_string()));
    }
}

#[test]
fn runs_share_equal_texts_and_the_run_id_its_directory_s() {
    let interner = Interner::default();
    let run = ModelRun {
        directory: 1,
        run_id: 1,
        completed: None,
        target: Some(1),
        assessment: None,
        status: Some(1),
        commit: Some(1),
        label: Some(1),
    };
    let (one, other) = (run.entry(&interner), run.entry(&interner));
    assert!(Arc::ptr_eq(one.target.as_ref().expect("set"), other.target.as_ref().expect("set")));
    let same = RunId::in_directory("d001", &one.directory).expect("a run id");
    assert!(Arc::ptr_eq(&same.shared(), &one.directory.shared()));
}

#[test]
fn a_commit_is_found_by_its_beginning_of_seven_characters_and_not_of_six() {
    let fixture = Fixture::new();
    fixture.run("run").key("source_commits", json!({"a": "4b3f65572f", "b": "abc"})).summary();
    let snapshot = fixture.scanned().snapshot().expect("is scanned");
    let found = |asked: &str| {
        let query = RunQuery { source_commit: Some(asked.to_owned()), ..RunQuery::default() };
        snapshot.page(&query, None, 10).total == 1
    };
    assert!(found("4b3f655") && found("4b3f65572f") && found("abc"));
    assert!(!found("4b3f65") && !found("b3f65572f") && !found("ab") && !found("4b3f65572f0"));
}

#[test]
fn times_bound_a_half_open_range_to_the_fraction_of_a_second() {
    let fixture = Fixture::new();
    fixture.run("early").completed("2026-05-08T16:43:34.250Z").summary();
    fixture.run("late").completed("2026-05-08T18:43:34.750+02:00").summary();
    fixture.run("never").summary();
    let snapshot = fixture.scanned().snapshot().expect("is scanned");
    let bound = |text: &str| (!text.is_empty()).then(|| text.parse().expect("a time"));
    let found = |after: &str, before: &str| {
        let query = RunQuery { completed_after: bound(after), completed_before: bound(before), ..RunQuery::default() };
        snapshot.page(&query, None, 10).runs.iter().map(|run| run.directory.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(found("", ""), ["late", "early", "never"]);
    assert_eq!(found("2026-05-08T16:43:34.250Z", ""), ["late", "early"]);
    assert_eq!(found("2026-05-08T16:43:34.251Z", ""), ["late"]);
    assert_eq!(found("", "2026-05-08T16:43:34.750Z"), ["early"]);
    assert!(found("2026-05-08T16:43:35Z", "2026-05-08T16:43:34Z").is_empty());
}

#[test]
fn problems_are_paged_by_directory_and_reason_and_counted() {
    let fixture = Fixture::new();
    for name in ["a", "b", "c"] {
        fixture.run(name);
    }
    for name in ["twin-a", "twin-b"] {
        fixture.run(name).key("run_id", "twin").summary();
    }
    let snapshot = fixture.scanned().snapshot().expect("is scanned");
    let paged = |query: &ProblemQuery| {
        let (mut met, mut after) = (Vec::new(), None);
        loop {
            let page = snapshot.problem_page(query, after.as_ref(), 2);
            met.extend(page.problems.into_iter().map(|problem| problem.directory));
            after = page.next;
            if after.is_none() {
                return (met, page.total, page.reason_counts);
            }
        }
    };
    let (met, total, counts) = paged(&ProblemQuery::default());
    assert_eq!(met, ["a", "b", "c", "twin-a", "twin-b"]);
    assert_eq!((total, counts.get("incomplete"), counts.get("run_id_duplicate")), (5, Some(&3), Some(&2)));
    let (met, total, _) = paged(&ProblemQuery { reasons: vec![ProblemReason::RunIdDuplicate] });
    assert_eq!((met, total), (vec!["twin-a".to_owned(), "twin-b".to_owned()], 2));
}

#[test]
fn duplicates_stay_listed_and_are_refused_by_id_and_found_by_directory() {
    let fixture = Fixture::new();
    fixture.run("old").key("run_id", "twin").completed("2026-01-01T00:00:00Z").key("target", "t").summary();
    fixture.run("new").key("run_id", "twin").completed("2026-01-03T00:00:00Z").summary();
    fixture.run("between").completed("2026-01-02T00:00:00Z").key("target", "t").summary();
    let root = fixture.scanned();
    let snapshot = root.snapshot().expect("is scanned");
    assert_eq!(snapshot.run_count(), 3);
    assert_eq!(snapshot.with_run_id("twin").len(), 2);
    let refused = |error: Error| match error {
        Error::RunIdAmbiguous { run_id, directories } => (run_id, directories),
        other => panic!("{other}"),
    };
    let expected = ("twin".to_owned(), vec!["new".to_owned(), "old".to_owned()]);
    assert_eq!(refused(root.locate(&by_run_id("twin")).expect_err("two bear it")), expected);
    for directory in ["old", "new"] {
        let run = root.locate(&by_directory(directory)).expect("is found").retained().expect("is read");
        assert!(run.markers.contains(&crate::model::Marker::RunIdDuplicate), "{directory}");
    }
    // The newest of all is one of the two; the newest of this target is not.
    assert_eq!(refused(root.latest(&RunQuery::default()).expect_err("a duplicate wins")), expected);
    let query = RunQuery { target: Some("t".to_owned()), ..RunQuery::default() };
    assert_eq!(root.latest(&query).expect("is found").directory.as_str(), "between");
    // One of them gone, the other is a run like any other.
    std::fs::remove_dir_all(fixture.path("runs/new")).expect("removed");
    root.refresh().expect("is scanned");
    assert_eq!(root.locate(&by_run_id("twin")).expect("is found").directory().as_str(), "old");
}

#[test]
fn the_newest_run_that_was_removed_since_the_scan_gives_way_to_the_next() {
    let fixture = Fixture::new();
    for (directory, day) in [("older", 1), ("old", 2), ("new", 3)] {
        fixture.run(directory).completed(&format!("2026-01-0{day}T00:00:00Z")).summary();
    }
    let root = fixture.scanned();
    std::fs::remove_dir_all(fixture.path("runs/new")).expect("removed");
    let newest = root.latest(&RunQuery::default()).expect("is found");
    assert_eq!(newest.directory.as_str(), "old");
    // What stands there now is another run, which nobody asked for.
    fixture.run("old").key("run_id", "another").summary();
    assert_eq!(root.latest(&RunQuery::default()).expect("is found").directory.as_str(), "older");
    std::fs::remove_dir_all(fixture.path("runs/older")).expect("removed");
    assert!(matches!(root.latest(&RunQuery::default()), Err(Error::RunNotFound { .. })));
}

#[test]
fn nothing_matches_is_said_and_an_empty_root_has_no_newest() {
    let root = Fixture::new().scanned();
    assert!(matches!(root.latest(&RunQuery::default()), Err(Error::RunNotFound { .. })));
    let page = root.snapshot().expect("is scanned").page(&RunQuery::default(), None, 10);
    assert_eq!((page.total, page.next, page.runs.len()), (0, None, 0));
}

#[test]
fn a_scan_keeps_no_handle_on_the_root() {
    let fixture = Fixture::new();
    let _root = fixture.scanned();
    let Ok(listed) = std::fs::read_dir("/proc/self/fd") else { return };
    let targets = listed.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    assert_eq!(targets.filter(|target| target.starts_with(fixture.runs())).count(), 0);
}
