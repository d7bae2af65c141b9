//! What a scrape is told of roots and jobs, looked up at its moment.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::jobs::JobTable;
use crate::model::{JobStatus, VisibleRoots};
use crate::repository::{ProblemQuery, Repository, RunsRoot, View};

/// The runs roots.
#[derive(Debug)]
pub(super) struct Roots {
    repository: Arc<Repository>,
}

impl Roots {
    pub(super) const fn new(repository: Arc<Repository>) -> Self {
        Self { repository }
    }
}

impl Collector for Roots {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let seen: Vec<(&RunsRoot, Arc<View>)> =
            self.repository.roots().iter().map(|root| (&**root, root.view())).collect();
        let snapshots = || {
            seen.iter().filter_map(|(root, view)| match &**view {
                View::Serving(snapshot) => Some((root.name().as_str(), snapshot)),
                View::Scanning | View::Away(_) => None,
            })
        };
        let states = seen.iter().flat_map(|(root, view)| {
            let now = match &**view {
                View::Scanning => "scanning",
                View::Serving(_) => "serving",
                View::Away(_) => "away",
            };
            let rows = ["scanning", "serving", "away"].into_iter();
            rows.map(move |state| {
                ([("root", root.name().as_str()), ("state", state)], f64::from(u8::from(state == now)))
            })
        });
        gauges(&mut encoder, "guide_board_root_state", "Whether a runs root is in that state.", states)?;
        let runs = snapshots().map(|(root, snapshot)| ([("root", root)], number(snapshot.run_count())));
        gauges(&mut encoder, "guide_board_snapshot_runs", "Runs that a root serves.", runs)?;
        let in_progress = snapshots().map(|(root, snapshot)| ([("root", root)], number(snapshot.in_progress_count())));
        gauges(&mut encoder, "guide_board_snapshot_in_progress", "Runs that are being made in a root.", in_progress)?;
        let problems = snapshots().flat_map(|(root, snapshot)| {
            // Runs in progress are no problems to be counted here.
            let counts = snapshot.problem_page(&ProblemQuery::default(), None, 1).reason_counts;
            let broken = crate::model::ProblemReason::ALL.iter().filter(|reason| reason.is_broken());
            broken.map(move |reason| {
                let count = counts.get(reason.word()).copied().unwrap_or(0);
                ([("root", root), ("reason", reason.word())], number(count))
            })
        });
        gauges(&mut encoder, "guide_board_snapshot_problems", "Problems in a root, by reason.", problems)?;
        let now = Timestamp::now();
        let ages = snapshots()
            .map(|(root, snapshot)| ([("root", root)], now.duration_since(snapshot.scanned_at).as_secs_f64().max(0.0)));
        gauges(&mut encoder, "guide_board_snapshot_age_seconds", "Time since the last look at a root began.", ages)
    }
}

/// The jobs.
#[derive(Debug)]
pub(super) struct Jobs {
    jobs: Arc<JobTable>,
}

impl Jobs {
    pub(super) const fn new(jobs: Arc<JobTable>) -> Self {
        Self { jobs }
    }
}

impl Collector for Jobs {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let counts = self.jobs.counts(&VisibleRoots::All);
        let is_waiting_or_running =
            |status: &&str| [JobStatus::Queued, JobStatus::Running].iter().any(|at| at.word() == *status);
        let now = counts.iter().map(|(status, count)| ([("status", *status)], f64::from(*count)));
        gauges(&mut encoder, "guide_board_jobs", "Jobs that are remembered, by status; queued ones wait.", now)?;
        let totals = self.jobs.totals();
        for (name, help, count) in [
            ("guide_board_jobs_accepted", "Jobs accepted.", totals.accepted),
            ("guide_board_jobs_started", "Jobs that got a place to run.", totals.started),
        ] {
            ConstCounter::new(count).encode(encoder.encode_descriptor(name, help, None, MetricType::Counter)?)?;
        }
        let ends = counts.keys().filter(|status| !is_waiting_or_running(status));
        let help = "Jobs that ended, by status.";
        let mut ended = encoder.encode_descriptor("guide_board_jobs_ended", help, None, MetricType::Counter)?;
        for status in ends {
            let count = totals.ended.get(status).copied().unwrap_or(0);
            ConstCounter::new(count).encode(ended.encode_family(&[("status", *status)])?)?;
        }
        Ok(())
    }
}

/// A number as gauges have it.
pub(super) fn number<N: TryInto<u32>>(count: N) -> f64 {
    count.try_into().map_or(f64::from(u32::MAX), f64::from)
}

/// Tells the rows of a gauge.
pub(super) fn gauges<L: EncodeLabelSet>(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    rows: impl Iterator<Item = (L, f64)>,
) -> fmt::Result {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (labels, value) in rows {
        ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
    }
    Ok(())
}
