//! A root that changes at random, and the model of it: which runs match a query in which order, which directories are problems.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use guide_board::wire::pb;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::support::Random;

/// The reasons that a directory in a history may have to be a problem.
pub(super) const REASONS: [&str; 5] =
    ["incomplete", "summary_not_json", "summary_not_object", "run_id_missing", "run_id_duplicate"];
const TARGETS: [&str; 3] = ["", "target-a", "target-b"];
const ASSESSMENTS: [&str; 3] = ["", "assessment-a", "assessment-b"];
const STATUSES: [&str; 4] = ["", "completed", "failed", "half-done"];
const BRANCHES: [&str; 3] = ["", "main", "dev"];
const COMMITS: [&str; 3] = ["", "4b3f65572fea78cff219b81894de767e630bba94", "4b3f655c0ffee"];

/// What stands in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Entry {
    Run(Facts),
    Broken(&'static str),
}

/// What a run's summary says. An empty text: nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    run_id: String,
    target: &'static str,
    assessment: &'static str,
    status: &'static str,
    branch: &'static str,
    commit: &'static str,
    completed_at: Option<Timestamp>,
}

impl Facts {
    /// Few values of each kind, so that ties and matches are common.
    fn any(random: &mut Random, run_id: String) -> Self {
        // Around 1970, where seconds and nanoseconds have signs of their own.
        let nanoseconds = [0, 1, 999_999_999][random.below(3)];
        let seconds = i64::try_from(random.below(6)).expect("small") - 3;
        let time = Timestamp::new(seconds, 0).expect("a time") + jiff::SignedDuration::from_nanos(nanoseconds);
        Self {
            run_id,
            target: random.pick(&TARGETS),
            assessment: random.pick(&ASSESSMENTS),
            status: random.pick(&STATUSES),
            branch: random.pick(&BRANCHES),
            commit: random.pick(&COMMITS),
            completed_at: (random.below(8) > 0).then_some(time),
        }
    }

    fn summary(&self) -> Value {
        let mut summary = json!({"schema_version": "1", "run_id": self.run_id, "labels": {}, "source_commits": {}});
        let mut set = |key: &str, text: &str| {
            if !text.is_empty() {
                summary[key] = json!(text);
            }
        };
        set("target_profile_ref", self.target);
        set("assessment_profile_ref", self.assessment);
        set("result_status", self.status);
        set("completed_at", &self.completed_at.map(|time| time.to_string()).unwrap_or_default());
        if !self.branch.is_empty() {
            summary["labels"]["branch"] = json!(self.branch);
        }
        if !self.commit.is_empty() {
            summary["source_commits"]["core"] = json!(self.commit);
        }
        summary
    }

    fn is_listed_as(&self, run: &pb::RetainedRun) -> bool {
        let word = match run.result_status() {
            pb::ResultStatus::Completed => "completed",
            pb::ResultStatus::Failed => "failed",
            _ => &run.result_status_word,
        };
        let text = |map: &BTreeMap<String, String>, key: &str| map.get(key).cloned().unwrap_or_default();
        self.run_id == run.run_id
            && self.target == run.target_profile_ref
            && self.assessment == run.assessment_profile_ref
            && self.status == word
            && self.branch == text(&run.labels, "branch")
            && self.commit == text(&run.source_commits, "core")
            && self.completed_at == run.completed_at.as_ref().map(super::time_of)
    }
}

/// The place of a run in a list. Its order is the contract's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// `None` is less than any time, so reversed it comes last.
    pub(super) completed_at: Reverse<Option<Timestamp>>,
    pub(super) run_id: String,
    pub(super) directory: String,
}

impl Place {
    pub(super) fn of(run: &pb::RetainedRun) -> Self {
        Self {
            completed_at: Reverse(run.completed_at.as_ref().map(super::time_of)),
            run_id: run.run_id.clone(),
            directory: run.directory.clone(),
        }
    }
}

/// Which runs are asked for. An empty text: any.
#[derive(Debug, Clone)]
pub(super) struct Query {
    target: &'static str,
    assessment: &'static str,
    statuses: Vec<&'static str>,
    branch: &'static str,
    commit: &'static str,
    after: Option<Timestamp>,
    before: Option<Timestamp>,
}

impl Query {
    /// Each filter is absent more often than not. Bounds in time are those of runs that there are.
    pub(super) fn any(random: &mut Random, history: &History) -> Self {
        let times: Vec<_> = history.runs().filter_map(|(_, facts)| facts.completed_at).collect();
        let mut sometimes = |words: &[&'static str]| if random.below(3) == 0 { random.pick(words) } else { "" };
        let (target, assessment, branch) = (sometimes(&TARGETS), sometimes(&ASSESSMENTS), sometimes(&BRANCHES));
        let commit = sometimes(&["4b3f655", "4b3f655c0ffee", "4b3f65572fea78cff219b81894de767e630bba94"]);
        let statuses = if random.below(3) == 0 { vec!["completed", "half-done"] } else { Vec::new() };
        let mut time = || (random.below(3) == 0 && !times.is_empty()).then(|| times[random.below(times.len())]);
        Self { target, assessment, statuses, branch, commit, after: time(), before: time() }
    }

    pub(super) fn request(&self) -> pb::ListRetainedRunsRequest {
        let time = |time: Timestamp| {
            let seconds = time.as_second() - i64::from(time.subsec_nanosecond() < 0);
            prost_types::Timestamp { seconds, nanos: time.subsec_nanosecond().rem_euclid(1_000_000_000) }
        };
        let labels = Some(self.branch).filter(|branch| !branch.is_empty());
        pb::ListRetainedRunsRequest {
            target: self.target.to_owned(),
            assessment: self.assessment.to_owned(),
            statuses: self.statuses.iter().map(|word| (*word).to_owned()).collect(),
            source_commit: self.commit.to_owned(),
            labels: labels.map(|branch| ("branch".to_owned(), branch.to_owned())).into_iter().collect(),
            completed_after: self.after.map(time),
            completed_before: self.before.map(time),
            ..Default::default()
        }
    }

    fn matches(&self, facts: &Facts) -> bool {
        let is = |asked: &str, text: &str| asked.is_empty() || asked == text;
        is(self.target, facts.target)
            && is(self.assessment, facts.assessment)
            && (self.statuses.is_empty() || self.statuses.contains(&facts.status))
            && is(self.branch, facts.branch)
            && facts.commit.starts_with(self.commit)
            && self.after.is_none_or(|bound| facts.completed_at.is_some_and(|time| time >= bound))
            && self.before.is_none_or(|bound| facts.completed_at.is_some_and(|time| time < bound))
    }
}

/// A root on the disk and what is known of it.
pub(super) struct History {
    root: PathBuf,
    now: BTreeMap<String, Entry>,
    /// Everything that ever stood in a directory.
    versions: BTreeMap<String, Vec<Entry>>,
    made: usize,
}

impl History {
    pub(super) fn begin(root: &Path, random: &mut Random) -> Self {
        let mut history = Self { root: root.to_owned(), now: BTreeMap::new(), versions: BTreeMap::new(), made: 0 };
        for _ in 0..15 + random.below(25) {
            history.add(random);
        }
        history
    }

    pub(super) fn entry(&self, directory: &str) -> Option<&Entry> {
        self.now.get(directory)
    }

    fn runs(&self) -> impl Iterator<Item = (&String, &Facts)> {
        self.now.iter().filter_map(|(directory, entry)| match entry {
            Entry::Run(facts) => Some((directory, facts)),
            Entry::Broken(_) => None,
        })
    }

    /// The runs that match now, in order.
    pub(super) fn matching(&self, query: &Query) -> Vec<Place> {
        let matching = self.runs().filter(|(_, facts)| query.matches(facts));
        let mut places: Vec<_> = matching
            .map(|(directory, facts)| Place {
                completed_at: Reverse(facts.completed_at),
                run_id: facts.run_id.clone(),
                directory: directory.clone(),
            })
            .collect();
        places.sort();
        places
    }

    pub(super) fn status_counts(&self, query: &Query) -> BTreeMap<String, i64> {
        let mut counts = BTreeMap::new();
        for (_, facts) in self.runs().filter(|(_, facts)| query.matches(facts)) {
            *counts.entry(facts.status.to_owned()).or_default() += 1;
        }
        counts
    }

    /// The problems of these reasons now, in order; of any, if none is given.
    pub(super) fn problems(&self, reasons: &[&str]) -> Vec<(String, String)> {
        let is_twin = |directory: &String, facts: &Facts| {
            self.runs().any(|(other, its)| other != directory && its.run_id == facts.run_id)
        };
        let reason_of = |(directory, entry): (&String, &Entry)| match entry {
            Entry::Broken(reason) => Some((directory.clone(), (*reason).to_owned())),
            Entry::Run(facts) if is_twin(directory, facts) => Some((directory.clone(), "run_id_duplicate".to_owned())),
            Entry::Run(_) => None,
        };
        let asked = |(_, reason): &(String, String)| reasons.is_empty() || reasons.contains(&reason.as_str());
        self.now.iter().filter_map(reason_of).filter(asked).collect()
    }

    /// Whether a listed run is what some version of its directory says, and that version matches.
    pub(super) fn ever_matched(&self, run: &pb::RetainedRun, query: &Query) -> bool {
        self.versions.get(&run.directory).into_iter().flatten().any(|entry| match entry {
            Entry::Run(facts) => facts.is_listed_as(run) && query.matches(facts),
            Entry::Broken(_) => false,
        })
    }

    /// Up to four changes. Returns the directories whose summary is no longer what it was.
    pub(super) fn change(&mut self, random: &mut Random) -> Vec<String> {
        (0..random.below(5)).filter_map(|_| self.change_one(random)).collect()
    }

    fn change_one(&mut self, random: &mut Random) -> Option<String> {
        let directories: Vec<String> = self.now.keys().cloned().collect();
        if directories.is_empty() || random.below(3) == 0 {
            return Some(self.add(random));
        }
        let directory = directories[random.below(directories.len())].clone();
        let before = self.now[&directory].clone();
        let after = match (random.below(6), &before) {
            (0 | 1, _) => {
                // In one step, as nobody would see half of it.
                let gone = self.root.join(format!(".gone-{directory}-{}", self.made));
                self.made += 1;
                std::fs::rename(self.root.join(&directory), &gone).expect("moved");
                std::fs::remove_dir_all(gone).expect("removed");
                self.now.remove(&directory);
                return Some(directory);
            }
            // The same completion time, other facts.
            (2, Entry::Run(facts)) => {
                let completed_at = facts.completed_at;
                Entry::Run(Facts { completed_at, ..Facts::any(random, facts.run_id.clone()) })
            }
            (3, Entry::Run(facts)) => Entry::Run(Facts::any(random, facts.run_id.clone())),
            // Written anew as it was: the run stays.
            (4, same) => same.clone(),
            _ => self.any_entry(random),
        };
        self.write(&self.root.join(&directory), &after);
        self.note(&directory, &after);
        (after != before).then_some(directory)
    }

    fn any_entry(&mut self, random: &mut Random) -> Entry {
        self.made += 1;
        match random.below(8) {
            0 => Entry::Broken(REASONS[random.below(4)]),
            // Another's run id, perhaps.
            1 => Entry::Run(Facts::any(random, format!("run-{}", self.made / 2))),
            _ => Entry::Run(Facts::any(random, format!("run-{}", self.made))),
        }
    }

    fn add(&mut self, random: &mut Random) -> String {
        let entry = self.any_entry(random);
        // In no order, and with ties at every length.
        let directory = format!("{}{}", random.pick(&["a-", "b-", "B", "é", "z"]), self.made);
        let hidden = self.root.join(format!(".making-{directory}"));
        std::fs::create_dir(&hidden).expect("made");
        self.write(&hidden, &entry);
        std::fs::rename(hidden, self.root.join(&directory)).expect("moved");
        self.note(&directory, &entry);
        directory
    }

    fn note(&mut self, directory: &str, entry: &Entry) {
        self.now.insert(directory.to_owned(), entry.clone());
        self.versions.entry(directory.to_owned()).or_default().push(entry.clone());
    }

    /// Puts a summary in its place in one step, as a writer does.
    fn write(&self, directory: &Path, entry: &Entry) {
        let summary = directory.join("retention-summary.json");
        let text = match entry {
            Entry::Run(facts) => facts.summary().to_string(),
            Entry::Broken("summary_not_json") => "{".to_owned(),
            Entry::Broken("summary_not_object") => "[]".to_owned(),
            Entry::Broken("run_id_missing") => "{}".to_owned(),
            Entry::Broken(_) => {
                let _ = std::fs::remove_file(summary);
                return;
            }
        };
        let new = directory.join("retention-summary.json.tmp");
        std::fs::write(&new, text).expect("written");
        std::fs::rename(new, summary).expect("renamed");
    }
}
