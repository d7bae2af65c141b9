//! Values that many runs share, held once.

use std::collections::{BTreeMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;

use super::entry::{Counts, RunEntry, Texts};
use crate::model::{DirectoryName, Marker, RunSummary};

/// Holds shared texts and maps for the runs of one root.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    texts: HashSet<Arc<str>>,
    counts: HashSet<Counts>,
    pairs: HashSet<Texts>,
    markers: HashSet<Arc<[Marker]>>,
}

impl Interner {
    /// Turns a summary into what lists need of it.
    pub(crate) fn entry(&mut self, directory: &DirectoryName, summary: RunSummary, markers: &[Marker]) -> RunEntry {
        let same_name = summary.run_id.as_str() == directory.as_str();
        RunEntry {
            directory: if same_name { summary.run_id.shared() } else { directory.shared() },
            run_id: summary.run_id,
            target: summary.target_profile_ref.map(|text| self.text(&text)),
            assessment: summary.assessment_profile_ref.map(|text| self.text(&text)),
            status: summary.result_status.map(|text| self.text(&text)),
            started_at: summary.started_at,
            completed_at: summary.completed_at,
            evidence_counts: self.counts(summary.evidence_counts),
            finding_counts: self.counts(summary.finding_counts),
            source_commits: self.pairs(summary.source_commits),
            labels: self.pairs(summary.labels),
            markers: shared(&mut self.markers, markers),
        }
    }

    /// Lets go of what no run holds any more.
    pub(crate) fn prune(&mut self) {
        // The texts last: counts and pairs hold some of them.
        self.counts.retain(|held| Arc::strong_count(held) > 1);
        self.pairs.retain(|held| Arc::strong_count(held) > 1);
        self.texts.retain(|held| Arc::strong_count(held) > 1);
        self.markers.retain(|held| Arc::strong_count(held) > 1);
    }

    fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(held) = self.texts.get(text) {
            return Arc::clone(held);
        }
        let held: Arc<str> = text.into();
        self.texts.insert(Arc::clone(&held));
        held
    }

    fn counts(&mut self, counts: BTreeMap<String, u64>) -> Counts {
        let counts: Vec<_> = counts.into_iter().map(|(word, count)| (self.text(&word), count)).collect();
        shared(&mut self.counts, &counts)
    }

    fn pairs(&mut self, pairs: BTreeMap<String, String>) -> Texts {
        let pairs: Vec<_> = pairs.into_iter().map(|(key, value)| (self.text(&key), self.text(&value))).collect();
        shared(&mut self.pairs, &pairs)
    }
}

fn shared<T: Eq + Hash + Clone>(held: &mut HashSet<Arc<[T]>>, values: &[T]) -> Arc<[T]> {
    if let Some(same) = held.get(values) {
        return Arc::clone(same);
    }
    let values: Arc<[T]> = values.into();
    held.insert(Arc::clone(&values));
    values
}
