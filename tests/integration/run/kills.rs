//! Runs that are killed with SIGKILL at any moment: nothing of them lives on, and what they leave is no summary or a whole valid run.
#![cfg(target_os = "linux")]

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime};

use guide_board::assessment::schema::Schema;
use serde_json::{Value, json};

use crate::support::{Random, World, eventually, pids, reports, whole};

/// How many moments are tried where there is time.
const MOMENTS: usize = 300;

/// After so many of them it is measured anew how long a run takes: machines have other things to do, too.
const CALIBRATED: usize = 10;

/// For so long they are tried otherwise.
const SHORT: Duration = Duration::from_secs(5);

/// A report of two tests, as a harness leaves it.
const JUNIT: &str = "<testsuite name=\"suite\"><testcase name=\"a\"/><testcase name=\"b\"><failure message=\"no\"/></testcase></testsuite>";

/// A world whose run has all that needs no Python: two extensions, three steps, artifacts, daemons, a normalizer, mappings, report fragments.
fn world() -> World {
    let world = World::new();
    world.target().write();
    world.assessment(&["probe", "suite"]).write();
    std::fs::create_dir(world.path("runs")).expect("made");
    std::fs::create_dir(world.path("tmp")).expect("made");
    let groups = json!([
        {"id": "group", "runner_ref": "runner", "checks": [{"id": "one", "requirement_refs": ["public:1"]}, {"id": "two"}]},
        {"id": "again", "runner_ref": "again", "checks": [{"id": "three"}]},
    ]);
    let runners = json!([
        {"id": "runner", "kind": "command", "command": ["./runner.sh"]},
        {"id": "again", "kind": "command", "command": ["/bin/sh", "-c", "echo '{\"evidence\": [{\"check_id\": \"three\", \"result\": \"fail\"}]}'"]},
    ]);
    let entries = json!([{"requirement_ref": "public:1", "control_refs": ["C-1"]}]);
    world
        .extension("probe")
        .set("/check_groups", groups)
        .set("/runner_entrypoints", runners)
        .set("/mappings", json!([{"id": "controls", "entries": entries}]))
        .set(
            "/report_fragments",
            json!([{"id": "note", "title": "A note", "kind": "markdown_file", "path": "runner.sh"}]),
        )
        .script(&format!(
            "mkdir -p deep/er; echo x > deep/er/file; head -c 300000 /dev/zero > zeros\n\
             (setsid sleep 600 &); (setsid sh -c 'exec sleep 600' > /dev/null 2>&1 &)\nsleep 0.05\n{}",
            reports("pass")
        ));
    world
        .extension("suite")
        .set("/check_groups/0/checks", json!([{"id": "four", "matches": ["*a"]}, {"id": "five"}]))
        .set("/check_groups/0/normalizer_ref", json!("junit"))
        .set("/normalizers", json!([{"id": "junit", "kind": "junit-xml", "input": "*.xml"}]))
        .script(&format!("cat > report.xml <<'END'\n{JUNIT}\nEND"));
    world
}

/// A `run` into `runs/<name>`, with its temporary files in `tmp`.
fn command(world: &World, name: &str) -> Command {
    let mut command = world.command();
    command.env("TMPDIR", world.path("tmp"));
    command.args([
        "--extension-dir",
        "extensions",
        "run",
        "--target",
        "target.json",
        "--assessment",
        "assessment.json",
    ]);
    command.arg("--output-dir").arg(world.path("runs").join(name));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// The processes that have something to do with a directory: in their environment, their arguments, or as their working directory.
fn living(directory: &Path) -> Vec<u32> {
    let wanted = directory.as_os_str().as_bytes();
    let speaks = |bytes: &[u8]| bytes.windows(wanted.len()).any(|window| window == wanted);
    let processes = std::fs::read_dir("/proc").expect("listed");
    let pids = processes.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid: &u32| {
        let of = |file: &str| std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
        let place = std::fs::read_link(format!("/proc/{pid}/cwd"));
        *pid != std::process::id()
            && (speaks(&of("environ"))
                || speaks(&of("cmdline"))
                || place.is_ok_and(|place| place.starts_with(directory)))
    })
    .collect()
}

/// What a killed run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Left {
    /// There is no directory.
    Nothing,
    /// A directory without `run.json`.
    BareDirectory,
    /// A run without a summary.
    Incomplete,
    /// A whole run, though it was killed.
    Whole,
    /// A whole run that had ended before.
    Ended,
}

/// Starts a run, kills it after `moment`, and says what it left. Nothing of it lives on.
fn killed(world: &World, name: &str, moment: Duration) -> Left {
    let directory = world.path("runs").join(name);
    let mut child = command(world, name).spawn().expect("the binary starts");
    let (_sender, never) = mpsc::channel::<()>();
    // Woken by nothing, it waits exactly so long.
    let _ = never.recv_timeout(moment);
    let ended = child.try_wait().expect("asked").is_some();
    child.kill().expect("killed");
    child.wait().expect("waited for");
    eventually("the end of all that the run started", Some(Duration::from_secs(10)), || {
        living(&directory).is_empty().then_some(())
    });
    if whole::is_retained_whole(&directory) {
        return if ended { Left::Ended } else { Left::Whole };
    }
    assert!(!ended, "{name} ended and left no summary");
    match std::fs::read(directory.join("run.json")) {
        Ok(record) => {
            let record: Value = serde_json::from_slice(&record).expect("never half of it");
            whole::valid(Schema::Run, &record, "run.json");
            Left::Incomplete
        }
        Err(_) if directory.exists() => Left::BareDirectory,
        Err(_) => Left::Nothing,
    }
}

/// How long a run takes that nobody kills.
fn undisturbed(world: &World, name: &str) -> Duration {
    let began = Instant::now();
    let output = command(world, name).stderr(Stdio::piped()).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(3), "what fails: {}", String::from_utf8_lossy(&output.stderr));
    let duration = began.elapsed();
    assert!(whole::is_retained_whole(&world.path("runs").join(name)));
    duration
}

/// The names of directories in a listing of `runs list` or `runs problems`, with the reason in the latter.
fn listed(world: &World, what: &str, key: &str) -> BTreeMap<String, String> {
    let mut command = world.command();
    command.args(["runs", what, "--runs-dir", "runs", "--json"]);
    let output = command.output().expect("the binary runs");
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let entries = answer[key].as_array().into_iter().flatten();
    entries.map(|entry| (text(&entry["directory"]), text(&entry["reason"]))).collect()
}

#[test]
fn a_run_that_is_killed_at_any_moment_leaves_no_summary_or_a_whole_run() {
    let world = world();
    let mut duration = Duration::ZERO;
    let seed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_micros() as u64;
    let mut random = Random::new(seed);
    let bound = std::env::var("GUIDE_BOARD_LOOP_SECONDS").ok().and_then(|text| text.parse().ok());
    let bound = bound.map_or(SHORT, Duration::from_secs);
    let (began, mut left) = (Instant::now(), BTreeMap::new());
    while left.len() < MOMENTS && (left.is_empty() || began.elapsed() < bound) {
        if left.len().is_multiple_of(CALIBRATED) {
            duration = undisturbed(&world, &format!("whole-{:03}", left.len()));
        }
        let name = format!("run-{:03}", left.len());
        let moment = duration.mul_f64(random.below(1_000_000) as f64 / 1e6);
        let came_to = killed(&world, &name, moment);
        left.insert(name, came_to);
    }
    let count = |kind: Left| left.values().filter(|left| **left == kind).count();
    println!(
        "seed {seed}: {} of {MOMENTS} moments of a run of about {duration:?}: {} before there was a directory, {} before it had run.json, \
         {} incomplete, {} whole though killed, {} had ended",
        left.len(),
        count(Left::Nothing),
        count(Left::BareDirectory),
        count(Left::Incomplete),
        count(Left::Whole),
        count(Left::Ended)
    );
    // A reader says the same of each of them.
    let (runs, problems) = (listed(&world, "list", "runs"), listed(&world, "problems", "problems"));
    for (name, left) in &left {
        let found = (runs.contains_key(name), problems.get(name).map(String::as_str));
        let expected = match left {
            Left::Nothing => (false, None),
            Left::BareDirectory | Left::Incomplete => (false, Some("incomplete")),
            Left::Whole | Left::Ended => (true, None),
        };
        assert_eq!(found, expected, "{name}: {left:?}");
    }
    let outside: BTreeSet<String> = std::fs::read_dir(world.path(""))
        .expect("listed")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(outside, ["assessment.json", "extensions", "runs", "target.json", "tmp"].map(str::to_owned).into());
    assert_eq!(crate::support::files(&world.path("tmp")), [""; 0]);
    let in_extensions = crate::support::files(&world.path("extensions"));
    assert_eq!(in_extensions.len(), 4, "{in_extensions:?}");
}

#[test]
fn the_working_files_of_a_killed_run_are_no_outputs() {
    let world = world();
    world.extension("probe").script("echo $$ > runner; exec sleep 600");
    let mut child = command(&world, "killed").spawn().expect("the binary starts");
    pids(&world.path("runs/killed/artifacts/probe"), &["runner"]);
    child.kill().expect("killed");
    child.wait().expect("waited for");
    let context = ".work/step-0001/context.json";
    assert!(world.path("runs/killed").join(context).is_file(), "else there is nothing to keep from readers");
    let runs = |arguments: &[&str]| {
        let mut command = world.command();
        command.args(["runs", arguments[0], "--runs-dir", "runs", "--directory", "killed"]).args(&arguments[1..]);
        command.output().expect("the binary runs")
    };
    let told = runs(&["artifacts", "--include-unlisted"]);
    let text = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(text.contains("artifacts/probe/runner") && !text.contains(".work"), "{text}");
    let refused = runs(&["cat", context]);
    assert!(!refused.status.success() && refused.stdout.is_empty(), "{refused:?}");
}
