//! What the server holds in memory while it serves what is large, as the system counts it: the peak of a process of its own beyond what it
//! held before.

use guide_board::wire::pb;

use super::fixtures::{put, put_summary, summary};
use super::served::Served;
use crate::support::World;

const MIB: u64 = 1 << 20;

/// The memory of a process, watched from now on.
struct Watched {
    pid: u32,
    before: u64,
}

impl Watched {
    fn begin(pid: u32) -> Self {
        // Sets the peak back to what is held now.
        std::fs::write(format!("/proc/{pid}/clear_refs"), "5").expect("set back");
        Self { pid, before: bytes_of(pid, "VmRSS:") }
    }

    /// Asserts that the process never held so much more than at the beginning.
    fn grew_by_less_than(&self, bound: u64, what: &str) {
        let grown = bytes_of(self.pid, "VmHWM:").saturating_sub(self.before);
        assert!(grown < bound, "{what}: {} KiB", grown >> 10);
    }
}

fn bytes_of(pid: u32, key: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a status");
    let line = status.lines().find_map(|line| line.strip_prefix(key)).expect("the key");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") << 10
}

/// The entries of a manifest, read to its end and not kept.
async fn entries_of(server: &Served, request: &pb::StreamArtifactManifestRequest) -> u64 {
    let reply = server.client.retained().stream_artifact_manifest(request.clone()).await;
    let mut stream = reply.expect("a stream").into_inner();
    let mut count = 0;
    while let Some(message) = stream.message().await.expect("a message") {
        count += message.artifact_manifest.len() as u64;
    }
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_of_two_hundred_thousand_entries_streams_in_bounded_memory() {
    let world = World::new();
    // Bare paths: little to read, and ten times as much to hold for whoever would hold them.
    for (directory, count) in [("small", 10), ("large", 200_000)] {
        put_summary(&world.path("runs"), directory, &summary(directory, "2026-01-01T00:00:00Z"));
        let entries: Vec<String> = (0..count).map(|number| format!("\"artifacts/{number}\"")).collect();
        let package = format!("{{\"artifact_manifest\":[{}]}}", entries.join(","));
        put(&world.path("runs"), &format!("{directory}/reports/assessment-package.json"), package);
    }
    let server = Served::start(&world, &[]).await;
    let of = |directory: &str| pb::StreamArtifactManifestRequest {
        directory: directory.to_owned(),
        include_unlisted: true,
        ..Default::default()
    };
    assert_eq!(entries_of(&server, &of("small")).await, 11);
    let watched = Watched::begin(server.pid());
    assert_eq!(entries_of(&server, &of("large")).await, 200_001);
    watched.grew_by_less_than(32 * MIB, "the manifest");
}
