//! Keeping a root's snapshot fresh by polling: the directories are the truth, and no watch on them is trusted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::health::ServiceHealth;
use super::observe::ScanCounts;
use crate::repository::{Repository, RunsRoot, View};

/// A refresh may take this part of the time at the most: the poll interval is at least so many times the last refresh.
const REST_FACTOR: u32 = 10;

/// Refreshes a root now and then every `interval`, or less often when a refresh takes long, until asked to stop.
pub(super) async fn keep_fresh(
    root: Arc<RunsRoot>,
    repository: Arc<Repository>,
    health: ServiceHealth,
    counts: ScanCounts,
    interval: Duration,
    mut stopped: watch::Receiver<bool>,
) {
    let mut last: Option<Seen> = None;
    loop {
        let begin = Instant::now();
        let refreshed = {
            let root = Arc::clone(&root);
            tokio::task::spawn_blocking(move || root.refresh().is_ok()).await
        };
        let took = begin.elapsed();
        counts.scanned(*refreshed.as_ref().unwrap_or(&false), took);
        if let Err(error) = refreshed {
            tracing::error!(root = %root.name(), %error, "a refresh failed");
        }
        let seen = Seen::of(&root.view());
        if last.as_ref() != Some(&seen) {
            seen.log(&root, took);
            health.update(&repository).await;
            last = Some(seen);
        }
        let rest = interval.max(took.saturating_mul(REST_FACTOR));
        tokio::select! {
            () = tokio::time::sleep(rest) => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
    }
}

/// What a refresh showed, as far as the log is concerned.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Scanning,
    Serving { runs: usize, problems: usize },
    Away(String),
}

impl Seen {
    fn of(view: &View) -> Self {
        match view {
            View::Scanning => Self::Scanning,
            View::Serving(snapshot) => Self::Serving { runs: snapshot.run_count(), problems: snapshot.broken_count() },
            View::Away(reason) => Self::Away(reason.clone()),
        }
    }

    fn log(&self, root: &RunsRoot, took: Duration) {
        let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        match self {
            Self::Scanning => {}
            Self::Serving { runs, problems } => {
                tracing::info!(root = %root.name(), runs, problems, milliseconds, "scanned");
            }
            Self::Away(reason) => tracing::warn!(root = %root.name(), reason, "the runs root is away"),
        }
    }
}
