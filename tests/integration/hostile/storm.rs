//! Names that are exchanged, removed and made again while a server serves them.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::tree::{PLAIN, Tree};

/// The bytes of the two large files that change places. Each spans several messages.
pub(super) const LARGE: [u8; 2] = [b'a', b'b'];
/// How large they are.
pub(super) const LARGE_BYTES: usize = 600 << 10;

/// How often two names change places in a row. Even.
const EXCHANGES: usize = 32;
/// The pause after that, and in the other state.
const PAUSE: Duration = Duration::from_micros(50);

/// The runs that the storm goes over. Each has the id of its name.
pub(super) const RUNS: [&str; 7] = ["leaf", "ancestor", "storm", "sibling", "relinked", "moved", "large"];
/// The other names of runs in the root: links, until they are exchanged for the run.
pub(super) const LINKS: [&str; 2] = ["storm-link", "sibling-link"];

/// Two names beneath `runs` that change places, and what the second links to.
const PAIRS: [(&str, &str, &str); 14] = [
    ("leaf/artifacts/plain.txt", "leaf/artifacts/link", "artifacts/plain.txt"),
    ("leaf/reports/report.md", "leaf/reports/link", "reports/report.md"),
    ("leaf/reports/assessment-package.json", "leaf/reports/link-2", "reports/assessment-package.json"),
    ("leaf/reports/submission-package.json", "leaf/reports/link-3", "reports/submission-package.json"),
    ("leaf/normalized/findings.json", "leaf/normalized/link", "normalized/findings.json"),
    ("leaf/normalized/evidence.json", "leaf/normalized/link-2", "normalized/evidence.json"),
    ("leaf/retention-summary.json", "leaf/link", "retention-summary.json"),
    ("leaf/run.json", "leaf/link-2", "run.json"),
    ("ancestor/artifacts", "ancestor/link", "artifacts"),
    ("ancestor/reports", "ancestor/link-2", "reports"),
    ("ancestor/normalized", "ancestor/link-3", "normalized"),
    ("moved/artifacts/deep", "moved/artifacts/link", "artifacts"),
    ("storm", "storm-link", ""),
    ("sibling", "sibling-link", "../runs/neighbour"),
];

/// The tree, all names in their places.
pub(super) fn tree() -> Tree {
    let tree = Tree::bare();
    for run in RUNS {
        tree.run(&format!("runs/{run}"), run);
    }
    tree.run("runs/neighbour", "neighbour").put("runs/neighbour/artifacts/plain.txt", "the neighbour's\n");
    tree.put("runs/moved/artifacts/deep/plain.txt", PLAIN).hide("outside/artifacts/deep/plain.txt");
    for (_, name, to) in PAIRS {
        // Relative to the root where the link stands in it, so that no absolute path is in the way.
        let to = if name == "sibling-link" { PathBuf::from("neighbour") } else { tree.path("outside").join(to) };
        tree.link(&format!("runs/{name}"), to);
    }
    for (number, byte) in LARGE.into_iter().enumerate() {
        tree.put(&format!("runs/large/artifacts/large-{number}"), vec![byte; LARGE_BYTES]);
    }
    tree.link("a-link", tree.path("outside/artifacts/plain.txt"));
    tree
}

/// Threads that rename and link again, until they are told to stop.
pub(super) struct Storm {
    ended: Arc<AtomicBool>,
    rounds: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
}

impl Storm {
    /// Lets it loose on the tree.
    pub(super) fn over(tree: &Tree) -> Self {
        let mut storm = Self { ended: Arc::default(), rounds: Arc::default(), threads: Vec::new() };
        let at = |name: &str| tree.path("runs").join(name);
        let mut pairs: Vec<(PathBuf, PathBuf)> = PAIRS.iter().map(|(one, other, _)| (at(one), at(other))).collect();
        pairs.push((at("large/artifacts/large-0"), at("large/artifacts/large-1")));
        for part in pairs.chunks(pairs.len().div_ceil(2)) {
            let part = part.to_vec();
            storm.spawn(move || {
                for (one, other) in &part {
                    // Back to back, so that whoever looks and then opens is caught between the two; an even number puts them back.
                    for _ in 0..EXCHANGES {
                        renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).expect("exchanged");
                    }
                    // Not without end: that would leave the server no processor to be caught on.
                    std::thread::sleep(PAUSE);
                    renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).expect("exchanged");
                    std::thread::sleep(PAUSE);
                    renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE).expect("exchanged");
                }
            });
        }
        let (plain, link) = (at("relinked/artifacts/plain.txt"), tree.path("a-link"));
        let (inside, outside) = (at("moved/normalized"), tree.path("moved-away"));
        let (aside, aside_link) = (tree.path("aside"), tree.path("aside-link"));
        storm.spawn(move || {
            std::fs::remove_file(&plain).expect("removed");
            std::os::unix::fs::symlink(&link, &plain).expect("linked");
            std::fs::write(&aside, PLAIN).expect("written");
            std::fs::rename(&aside, &plain).expect("renamed");
            std::os::unix::fs::symlink(&link, &aside_link).expect("linked");
            std::fs::rename(&aside_link, &plain).expect("renamed");
            std::fs::write(&aside, PLAIN).expect("written");
            std::fs::rename(&aside, &plain).expect("renamed");
            std::fs::rename(&inside, &outside).expect("moved away");
            std::fs::rename(&outside, &inside).expect("moved back");
            std::thread::sleep(PAUSE);
        });
        storm
    }

    /// Runs `round` again and again; after each everything is in its place.
    fn spawn(&mut self, mut round: impl FnMut() + Send + 'static) {
        let (ended, rounds) = (Arc::clone(&self.ended), Arc::clone(&self.rounds));
        self.threads.push(std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                round();
                rounds.fetch_add(1, Ordering::Relaxed);
            }
        }));
    }

    /// Ends it; everything is in its place again. Returns how many rounds there were.
    pub(super) fn end(mut self) -> u64 {
        self.ended.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.join().expect("the storm had its way");
        }
        self.rounds.load(Ordering::Relaxed)
    }
}

impl Drop for Storm {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}
