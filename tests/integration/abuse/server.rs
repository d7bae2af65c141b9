//! A server process under abuse, and what it takes of the machine.

use std::fmt;
use std::fs::File;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use guide_board::wire::pb;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tonic::transport::Endpoint;

use super::probe::{Probe, Probed};
use crate::service::fixtures::{eventually, put_summary, summary};
use crate::service::served::Served;
use crate::support::World;

/// How large the large file of the run is, in bytes.
pub(super) const LARGE: u64 = 64 << 20;
/// What a process takes of the machine.
#[derive(Debug, Clone, Copy)]
pub(super) struct Figures {
    pub(super) rss_kib: u64,
    pub(super) peak_kib: u64,
    pub(super) descriptors: usize,
    pub(super) threads: u64,
    /// In hundredths of a second.
    pub(super) cpu: u64,
}

/// A server over one run with one large file.
pub(super) struct Server {
    pub(super) world: World,
    pub(super) served: Served,
    pub(super) before: Figures,
}

pub(super) fn world() -> World {
    let world = World::new();
    with_run(&world);
    world
}

/// Adds the run with the large file.
pub(super) fn with_run(world: &World) {
    put_summary(&world.path("runs"), "d", &summary("r", "2026-01-01T00:00:00Z"));
    std::fs::create_dir_all(world.path("runs/d/artifacts")).expect("made");
    let file = File::create(world.path("runs/d/artifacts/large")).expect("made");
    file.set_len(LARGE).expect("a sparse file");
}

/// The request for it.
pub(super) fn large() -> pb::ReadArtifactRequest {
    pb::ReadArtifactRequest { directory: "d".into(), path: "artifacts/large".into(), ..Default::default() }
}

impl Server {
    pub(super) async fn start(arguments: &[&str]) -> Self {
        let world = world();
        let mut command = world.command();
        Self::spawn(world, &mut command, arguments).await
    }

    pub(super) async fn spawn(world: World, command: &mut Command, arguments: &[&str]) -> Self {
        // This process is the clients, all of them.
        let limit = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).expect("raised");
        // Its log goes nowhere: a refusal a line would drown what a test says.
        command.env("GUIDE_BOARD_LOG", "error");
        let served = Served::spawn(&world, command, arguments).await;
        let before = figures_of(served.pid());
        Self { world, served, before }
    }

    pub(super) fn now(&self) -> Figures {
        figures_of(self.served.pid())
    }

    /// Begins to ask as another client would.
    pub(super) fn probe(&self) -> Probe {
        Probe::start(self.served.address)
    }

    /// Waits until nothing of the abuse is left but memory that the allocator keeps for the next one, and tells the figures. `peak_kib` bounds
    /// what the abuse took at its worst, beyond what there was before.
    pub(super) async fn calm(&self, abuse: &str, peak: Figures, peak_kib: u64, probed: &Probed) {
        eventually("as many descriptors as before", async || {
            (self.now().descriptors <= self.before.descriptors).then_some(())
        })
        .await;
        let after = self.now();
        self.tell(abuse, peak, after, probed);
        let grown = after.peak_kib.saturating_sub(self.before.rss_kib);
        assert!(grown <= peak_kib, "{abuse}: {grown} KiB more at the peak: {peak} {after}");
    }

    fn tell(&self, abuse: &str, peak: Figures, after: Figures, probed: &Probed) {
        let _ = writeln!(
            std::io::stderr(),
            "{abuse}: before {}; during {peak}; after {after}; highest {} KiB; {probed}",
            self.before,
            after.peak_kib,
        );
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} KiB, {} descriptors, {} threads", self.rss_kib, self.descriptors, self.threads)
    }
}

pub(super) fn figures_of(pid: u32) -> Figures {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    let number = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a line");
        line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().expect("a number")
    };
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("a process");
    let (_, rest) = stat.rsplit_once(") ").expect("a name");
    let fields: Vec<&str> = rest.split(' ').collect();
    let ticks = |at: usize| fields[at].parse::<u64>().expect("a number");
    Figures {
        rss_kib: number("VmRSS"),
        peak_kib: number("VmHWM"),
        descriptors: std::fs::read_dir(format!("/proc/{pid}/fd")).expect("listed").count(),
        threads: number("Threads"),
        cpu: ticks(11) + ticks(12),
    }
}

/// Where clients connect that read too little: the windows let each stream stall by itself.
pub(super) fn endpoint(address: SocketAddr) -> Endpoint {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("a URI");
    endpoint.initial_stream_window_size(64 << 10).initial_connection_window_size(64 << 20)
}

/// Lets an abuse go on for a while.
pub(super) async fn going_on(time: Duration) {
    tokio::time::sleep(time).await;
}
