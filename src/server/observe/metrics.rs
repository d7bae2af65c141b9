//! What the server counts, and the text that a scrape gets. Every label's values are the server's own: nothing that a client sends makes a series.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use jiff::Timestamp;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::methods::Methods;
use super::process::Process;
use super::roots::{Jobs, Roots};
use crate::jobs::JobTable;
use crate::repository::Repository;

/// The upper bounds of the histogram of scan times, in seconds.
const SCAN_TIMES: [f64; 10] = [0.001, 0.005, 0.02, 0.1, 0.25, 0.5, 1.0, 5.0, 20.0, 60.0];

/// What is counted. One for each server, so that servers in one process do not count together.
#[derive(Debug)]
pub(in crate::server) struct Metrics {
    registry: Registry,
    pub(super) methods: Methods,
    requests: Family<RequestLabels, Counter>,
    scan_times: Family<RootLabel, Histogram, fn() -> Histogram>,
    scans: Family<ScanLabels, Counter>,
    open: Family<ListenerLabel, Gauge>,
    accepted: Family<ListenerLabel, Counter>,
    refused: Family<RefusedLabels, Counter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    face: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RootLabel {
    root: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ScanLabels {
    root: String,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ListenerLabel {
    listener: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusedLabels {
    listener: &'static str,
    reason: &'static str,
}

impl Metrics {
    /// Counts for a server over these roots and jobs, which began to serve then.
    pub(in crate::server) fn new(repository: Arc<Repository>, jobs: Arc<JobTable>, started_at: Timestamp) -> Self {
        let mut registry = Registry::default();
        let methods = Methods::new(&mut registry);
        let scan_times: fn() -> Histogram = || Histogram::new(SCAN_TIMES);
        let metrics = Self {
            methods,
            requests: Family::default(),
            scan_times: Family::new_with_constructor(scan_times),
            scans: Family::default(),
            open: Family::default(),
            accepted: Family::default(),
            refused: Family::default(),
            registry,
        };
        metrics.registered(repository, jobs, started_at)
    }

    fn registered(mut self, repository: Arc<Repository>, jobs: Arc<JobTable>, started_at: Timestamp) -> Self {
        let registry = &mut self.registry;
        registry.register(
            "guide_board_requests",
            "Requests answered to the end or given up, probes included, by the status of HTTP (0: none was sent)",
            self.requests.clone(),
        );
        registry.register("guide_board_scans", "Looks at a runs root that have ended", self.scans.clone());
        registry.register(
            "guide_board_scan_duration_seconds",
            "Time that a look at a runs root took",
            self.scan_times.clone(),
        );
        registry.register("guide_board_connections_open", "Connections that stand", self.open.clone());
        registry.register("guide_board_connections_accepted", "Connections accepted", self.accepted.clone());
        registry.register(
            "guide_board_connections_refused",
            "Connections that could not be accepted, or ended before they asked anything",
            self.refused.clone(),
        );
        registry.register("guide_board_build", "What is running", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        registry.register_collector(Box::new(Roots::new(repository)));
        registry.register_collector(Box::new(Jobs::new(jobs)));
        registry.register_collector(Box::new(Process::new(started_at)));
        self
    }

    /// Counts a request that has ended.
    pub(super) fn answered(&self, face: &'static str, status: Option<StatusCode>) {
        let status = status.map_or(0, |status| status.as_u16());
        self.requests.get_or_create(&RequestLabels { face, status }).inc();
    }

    /// The counters of a root's scans.
    pub(in crate::server) fn scans_of(&self, root: &str) -> ScanCounts {
        let count = |outcome| self.scans.get_or_create_owned(&ScanLabels { root: root.to_owned(), outcome });
        let times = self.scan_times.get_or_create_owned(&RootLabel { root: root.to_owned() });
        ScanCounts { times, done: count("done"), failed: count("failed") }
    }

    /// The counters of a listener's connections.
    pub(in crate::server) fn connections_of(&self, listener: &'static str) -> ConnectionCounts {
        let refused = |reason| self.refused.get_or_create_owned(&RefusedLabels { listener, reason });
        ConnectionCounts {
            open: self.open.get_or_create_owned(&ListenerLabel { listener }),
            accepted: self.accepted.get_or_create_owned(&ListenerLabel { listener }),
            not_accepted: refused("not_accepted"),
            handshake_failed: refused("handshake_failed"),
            too_slow: refused("too_slow"),
        }
    }

    /// The text of a scrape, in the format of OpenMetrics.
    pub(in crate::server) fn scraped(&self) -> Result<String, std::fmt::Error> {
        let mut told = String::new();
        text::encode(&mut told, &self.registry)?;
        Ok(told)
    }
}

/// What is counted of a root's scans.
#[derive(Debug, Clone)]
pub(in crate::server) struct ScanCounts {
    times: Histogram,
    done: Counter,
    failed: Counter,
}

impl ScanCounts {
    /// Counts a scan.
    pub(in crate::server) fn scanned(&self, is_done: bool, took: Duration) {
        self.times.observe(took.as_secs_f64());
        if is_done { &self.done } else { &self.failed }.inc();
    }
}

/// What is counted of a listener's connections.
#[derive(Debug, Clone)]
pub(in crate::server) struct ConnectionCounts {
    open: Gauge,
    accepted: Counter,
    /// Accepting failed.
    pub(in crate::server) not_accepted: Counter,
    /// The handshake of TLS failed.
    pub(in crate::server) handshake_failed: Counter,
    /// The handshake or the first bytes took too long.
    pub(in crate::server) too_slow: Counter,
}

impl ConnectionCounts {
    /// Counts a connection; it stands until this is dropped.
    pub(in crate::server) fn accepted(&self) -> Open {
        self.accepted.inc();
        self.open.inc();
        Open(self.open.clone())
    }
}

/// A connection that stands.
#[derive(Debug)]
pub(in crate::server) struct Open(Gauge);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}
