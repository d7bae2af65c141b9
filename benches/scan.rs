//! Scanning and paging beside what they are measured against: a plain loop that lists, opens and reads the same summaries with as many
//! threads, a loop that lists and stats, and a Python scan. Prints ratios of one run on one machine; absolute times say little.
//!
//! `cargo bench --bench scan` measures 1 000 and 10 000 runs; `GUIDE_BOARD_BENCH_RUNS=1000,10000,100000` says which sizes.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::as_conversions,
    reason = "a test stops where something is not as it should be"
)]
#![allow(clippy::disallowed_methods, reason = "a benchmark makes and reads real files")]

use std::any::Any;
use std::fs;
use std::hint::black_box;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use guide_board::repository::root::ContainmentChoice;
use guide_board::repository::{Repository, RootSpec, RunQuery};

/// How often each thing is measured; the least time counts, since everything else only adds to it.
const ROUNDS: usize = 7;

const PYTHON: &str = "
import json, os, sys, time
best = None
for _ in range(3):
    began = time.perf_counter()
    runs = []
    for entry in os.scandir(sys.argv[1]):
        with open(os.path.join(entry.path, 'retention-summary.json'), 'rb') as summary:
            runs.append(json.load(summary))
    runs.sort(key=lambda run: run['completed_at'], reverse=True)
    took = time.perf_counter() - began
    best = took if best is None else min(best, took)
print(best)
";

fn main() {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("--resident") {
        let [warm_up, root] = [(); 2].map(|()| PathBuf::from(arguments.next().expect("two roots")));
        println!("{}", resident_after_scan(&warm_up, &root));
        return;
    }
    let sizes = std::env::var("GUIDE_BOARD_BENCH_RUNS").unwrap_or_else(|_| "1000,10000".to_owned());
    println!(
        "| runs | scan | scan ÷ plain loop | scan ÷ Python | refresh | refresh ÷ list and stat | page | page of a pair | bytes a run |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    for size in sizes.split(',').filter_map(|size| size.trim().parse().ok()) {
        measure(size);
    }
}

fn measure(size: usize) {
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path().join("runs");
    make_runs(&root, size);
    // The change time cannot be set back: wait until it is older than the grain of a scan.
    std::thread::sleep(Duration::from_secs(5));
    let threads = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, 8);
    let held = held_bytes(directory.path(), &root);
    let scanned = repository(&root);
    let roots = scanned.roots();
    roots[0].refresh().expect("scanned");
    // In turns, so that whatever else the machine does meanwhile falls on all alike.
    let [plain, stat, scan, refresh] = least_in_turns([
        &mut || Box::new(read_all(&root, threads)),
        &mut || Box::new(stat_all(&root, threads)),
        &mut || {
            let fresh = repository(&root);
            fresh.roots()[0].refresh().expect("scanned");
            Box::new(fresh)
        },
        &mut || Box::new(roots[0].refresh().expect("scanned")),
    ]);
    let snapshot = roots[0].snapshot().expect("scanned");
    let all = RunQuery::default();
    let pair = RunQuery {
        target: Some("target-1".to_owned()),
        assessment: Some("assessment-1".to_owned()),
        ..RunQuery::default()
    };
    let middle = snapshot.page(&all, None, size / 2).runs.last().map(|run| run.key());
    let page = least(|| snapshot.page(&all, middle.as_ref(), 50));
    let pair_page = least(|| snapshot.page(&pair, middle.as_ref(), 50));
    let python = python_scan(&root);
    let ratio = |ours: Duration, theirs: Duration| format!("{:.2}", ours.as_secs_f64() / theirs.as_secs_f64());
    println!(
        "| {size} | {scan:.1?} | {} | {} | {refresh:.1?} | {} | {page:.1?} | {pair_page:.1?} | {} |",
        ratio(scan, plain),
        python.map_or_else(|| "-".to_owned(), |python| ratio(scan, python)),
        ratio(refresh, stat),
        held / size
    );
}

fn repository(root: &Path) -> Repository {
    let spec: RootSpec = format!("runs={}", root.display()).parse().expect("a root");
    let containment = ContainmentChoice::Auto.decide().expect("a containment");
    Repository::new(vec![spec], containment).expect("a repository")
}

fn least<T: 'static>(mut work: impl FnMut() -> T) -> Duration {
    let [least] = least_in_turns([&mut || Box::new(work())]);
    least
}

/// What a work gives is let go of outside of its time.
fn least_in_turns<const N: usize>(mut works: [&mut dyn FnMut() -> Box<dyn Any>; N]) -> [Duration; N] {
    let mut least = [Duration::MAX; N];
    for _ in 0..ROUNDS {
        for (work, least) in works.iter_mut().zip(&mut least) {
            let began = Instant::now();
            let given = black_box(work());
            *least = began.elapsed().min(*least);
            drop(given);
        }
    }
    least
}

/// Shares names out to threads, as a scan does.
fn with_threads<T: Send>(names: &[PathBuf], threads: usize, work: impl Fn(&Path) -> T + Sync) -> Vec<T> {
    let next = AtomicUsize::new(0);
    let part = || {
        let mut done = Vec::new();
        loop {
            let begin = next.fetch_add(64, Ordering::Relaxed);
            let Some(batch) = names.get(begin..names.len().min(begin + 64)).filter(|batch| !batch.is_empty()) else {
                return done;
            };
            done.extend(batch.iter().map(|name| work(name)));
        }
    };
    std::thread::scope(|scope| {
        let helpers: Vec<_> = (1..threads).map(|_| scope.spawn(part)).collect();
        let mut done = part();
        for helper in helpers {
            done.extend(helper.join().expect("a thread"));
        }
        done
    })
}

fn names(root: &Path) -> Vec<PathBuf> {
    fs::read_dir(root).expect("listed").map(|entry| entry.expect("an entry").path()).collect()
}

fn read_all(root: &Path, threads: usize) -> usize {
    let read = |run: &Path| fs::read(run.join("retention-summary.json")).expect("read").len();
    with_threads(&names(root), threads, read).into_iter().sum()
}

fn stat_all(root: &Path, threads: usize) -> u64 {
    let stat = |run: &Path| fs::symlink_metadata(run.join("retention-summary.json")).expect("there").ino();
    with_threads(&names(root), threads, stat).into_iter().fold(0, u64::wrapping_add)
}

fn python_scan(root: &Path) -> Option<Duration> {
    let output = Command::new("python3").arg("-c").arg(PYTHON).arg(root).output().ok()?;
    let seconds: f64 = String::from_utf8(output.stdout).ok()?.trim().parse().ok()?;
    Some(Duration::from_secs_f64(seconds))
}

/// What a scan adds to the memory of a process of its own, where nothing freed before is used again.
fn held_bytes(directory: &Path, root: &Path) -> usize {
    let this = std::env::current_exe().expect("this program");
    let warm_up = directory.join("warm-up");
    make_runs(&warm_up, 200);
    let output = Command::new(this).arg("--resident").arg(warm_up).arg(root).output().expect("run");
    String::from_utf8_lossy(&output.stdout).trim().parse().expect("a number")
}

/// The warm-up takes what any scan takes, once: the code's pages, the threads' allocators.
fn resident_after_scan(warm_up: &Path, root: &Path) -> usize {
    let [warm_up, repository] = [warm_up, root].map(repository);
    let warm = warm_up.roots()[0].refresh().expect("scanned");
    let before = resident_bytes();
    let snapshot = repository.roots()[0].refresh().expect("scanned");
    let held = resident_bytes().saturating_sub(before);
    drop((warm, snapshot));
    held
}

/// What this process holds in memory; 0 where the system does not tell.
fn resident_bytes() -> usize {
    let Ok(status) = fs::read_to_string("/proc/self/statm") else { return 0 };
    let pages: usize = status.split(' ').nth(1).and_then(|pages| pages.parse().ok()).unwrap_or(0);
    pages * 4096
}

/// Summaries of about 1 KiB, as our writer makes them: 40 targets, 10 assessments, a commit of its own for each run. Old enough that a
/// refresh trusts them.
fn make_runs(root: &Path, size: usize) {
    let old = filetime_hour_ago();
    for number in 0..size {
        let (month, day) = (1 + number % 12, 1 + number % 28);
        let clock = format!("{:02}:{:02}:{:02}", number % 24, number % 60, number / 60 % 60);
        let run_id = format!("run-2026{month:02}{day:02}T{}Z-{number:08x}", clock.replace(':', ""));
        let directory = root.join(&run_id);
        fs::create_dir_all(&directory).expect("made");
        let summary = format!(
            r#"{{
  "schema_version": "1",
  "run_id": "{run_id}",
  "target_profile_ref": "target-{}",
  "assessment_profile_ref": "assessment-{}",
  "result_status": "{}",
  "started_at": "2026-{month:02}-{day:02}T{clock}Z",
  "completed_at": "2026-{month:02}-{day:02}T{clock}Z",
  "evidence_counts": {{"pass": {}, "warning": {}}},
  "finding_counts": {{"total": {}, "unexpected": 1, "expected": 2, "waived": 0, "challenged": 0, "excluded": 0}},
  "report_paths": {{"assessment_package": "reports/assessment-package.json", "report": "reports/report.md"}},
  "source_commits": {{"example-repository": "{number:040x}"}},
  "labels": {{"branch": "main", "build": "{}"}},
  "retention_policy": {{"summary_days": 365, "raw_artifact_days": 30}}
}}
"#,
            number % 40,
            number % 10,
            ["completed", "failed", "blocked"][number % 3],
            number % 50,
            number % 7,
            number % 9,
            number % 1000
        );
        let path = directory.join("retention-summary.json");
        fs::write(&path, summary).expect("written");
        fs::File::options().write(true).open(&path).and_then(|file| file.set_modified(old)).expect("aged");
    }
}

fn filetime_hour_ago() -> std::time::SystemTime {
    std::time::SystemTime::now() - Duration::from_secs(3600)
}
