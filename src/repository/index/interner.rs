//! Values that many runs share, held once.

use std::collections::{BTreeMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;

use super::entry::RunEntry;
use crate::model::{DirectoryName, Marker, RunSummary};

/// Holds shared texts and maps for the runs of one root.
#[derive(Debug, Default)]
pub(crate) struct Interner {
    texts: HashSet<Arc<str>>,
    counts: HashSet<Arc<BTreeMap<String, u64>>>,
    pairs: HashSet<Arc<BTreeMap<String, String>>>,
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
            evidence_counts: shared(&mut self.counts, summary.evidence_counts),
            finding_counts: shared(&mut self.counts, summary.finding_counts),
            source_commits: shared(&mut self.pairs, summary.source_commits),
            labels: shared(&mut self.pairs, summary.labels),
            markers: self.marker_list(markers),
        }
    }

    /// Lets go of what no run holds any more.
    pub(crate) fn prune(&mut self) {
        self.texts.retain(|held| Arc::strong_count(held) > 1);
        self.counts.retain(|held| Arc::strong_count(held) > 1);
        self.pairs.retain(|held| Arc::strong_count(held) > 1);
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

    fn marker_list(&mut self, markers: &[Marker]) -> Arc<[Marker]> {
        if let Some(held) = self.markers.get(markers) {
            return Arc::clone(held);
        }
        let held: Arc<[Marker]> = markers.into();
        self.markers.insert(Arc::clone(&held));
        held
    }
}

fn shared<T: Eq + Hash>(held: &mut HashSet<Arc<T>>, value: T) -> Arc<T> {
    if let Some(same) = held.get(&value) {
        return Arc::clone(same);
    }
    let value = Arc::new(value);
    held.insert(Arc::clone(&value));
    value
}
