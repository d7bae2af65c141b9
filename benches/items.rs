//! Pages of findings out of one large document: the first, which makes a pass over all of it, one after that, one whose filter matches nothing,
//! and the most memory that this process ever held. Absolute times say little; that the memory stays as it is, and that a later page does not
//! grow with the document, is what to look at.
//!
//! `cargo bench --bench items` measures 10 000 and 1 000 000 findings; `GUIDE_BOARD_BENCH_ITEMS=1000,10000` says which numbers.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::as_conversions,
    reason = "a test stops where something is not as it should be"
)]
#![allow(clippy::disallowed_methods, reason = "a benchmark makes and reads real files")]

use std::fs;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use guide_board::model::FindingItem;
use guide_board::repository::root::ContainmentChoice;
use guide_board::repository::{ItemFilter, ItemsPage, ItemsPlace, LocatedRun, Repository, RootSpec, RunSelector};

/// Items a page.
const PAGE: usize = 500;

fn main() {
    let sizes = std::env::var("GUIDE_BOARD_BENCH_ITEMS").unwrap_or_else(|_| "10000,1000000".to_owned());
    println!("| findings | document | first page | later page | nothing matches | most memory ever held |");
    println!("|---:|---:|---:|---:|---:|---:|");
    for size in sizes.split(',').filter_map(|size| size.trim().parse().ok()) {
        measure(size);
    }
}

fn measure(size: usize) {
    let directory = tempfile::tempdir().expect("a directory");
    let root = directory.path().join("runs");
    let bytes = make_findings(&root.join("big"), size);
    let spec: RootSpec = format!("runs={}", root.display()).parse().expect("a root");
    let containment = ContainmentChoice::Auto.decide().expect("a containment");
    let repository = Repository::new(vec![spec], containment).expect("a repository");
    repository.roots()[0].refresh().expect("scanned");
    let selector = RunSelector::Directory("big".parse().expect("a name"));
    let located = repository.roots()[0].locate(&selector).expect("the run");
    let everything = ItemFilter::default();
    let (first, page) = timed(&located, &everything, None);
    assert_eq!(page.total, u64::try_from(size).expect("a number"));
    let (later, _) = timed(&located, &everything, page.next.as_ref());
    let nothing = ItemFilter { severities: vec!["none".to_owned()], ..ItemFilter::default() };
    let (none, _) = timed(&located, &nothing, None);
    println!("| {size} | {} MiB | {first:.1?} | {later:.1?} | {none:.1?} | {} MiB |", bytes >> 20, peak_kib() >> 10);
}

fn timed(located: &LocatedRun, filter: &ItemFilter, after: Option<&ItemsPlace>) -> (Duration, ItemsPage) {
    let began = Instant::now();
    let mut items = Vec::with_capacity(PAGE);
    let page = located.items::<FindingItem>(filter, after, PAGE, &mut |listed| {
        items.push(listed);
        true
    });
    (began.elapsed(), page.expect("a page"))
}

/// Writes a run with this many findings, as our writer makes them, and says how large the document is.
fn make_findings(run: &Path, size: usize) -> u64 {
    fs::create_dir_all(run.join("normalized")).expect("made");
    fs::write(run.join("retention-summary.json"), r#"{"run_id": "big"}"#).expect("written");
    let path = run.join("normalized/findings.json");
    let mut file = BufWriter::new(fs::File::create(&path).expect("made"));
    file.write_all(b"[").expect("written");
    for number in 0..size {
        let comma = if number == 0 { "" } else { "," };
        write!(
            file,
            r#"{comma}
  {{
    "id": "finding-{number:07}", "run_id": "big", "evidence_id": "evidence-{number:07}", "extension_id": "x", "check_id": "check-{}",
    "subject_ref": "repository", "classification": "fail", "severity": "{}", "title": "Finding {number}",
    "description": "Something is not as it should be.", "locations": [{{"path": "src/file.rs", "line": {number}}}],
    "requirement_refs": ["a:1"], "artifact_refs": ["artifacts/x/a.txt"], "disposition": "unexpected", "expectation_ref": null,
    "waiver_ref": null, "challenge_refs": [], "exclusion_refs": [], "review_status": "open"
  }}"#,
            number % 50,
            ["low", "medium", "high"][number % 3],
        )
        .expect("written");
    }
    file.write_all(b"\n]\n").expect("written");
    file.flush().expect("written");
    fs::metadata(&path).expect("there").len()
}

/// The most memory that this process held so far, in KiB; 0 where the system does not tell.
fn peak_kib() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}
