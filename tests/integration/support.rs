//! Builders for profiles and extensions in a fresh directory, and the binary in a neutral environment.

pub(crate) mod authority;
pub(crate) mod whole;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use tempfile::TempDir;

/// How long a condition may take to come true before a test gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A fresh directory for one test. At its end every run that was made in it has to be whole.
pub(crate) struct World {
    directory: TempDir,
}

impl Drop for World {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            whole::all_beneath(self.directory.path());
        }
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().expect("a directory") }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// One with profiles and an extension `probe`, whose runner is this shell script.
    pub(crate) fn of(script: &str) -> Self {
        let world = Self::new();
        world.target().write();
        world.assessment(&["probe"]).write();
        world.extension("probe").script(script);
        world
    }

    /// A target profile named `target.json`, id `a-target`.
    pub(crate) fn target(&self) -> Profile {
        let value = json!({
            "id": "a-target", "subject_type": "repository",
            "endpoints": [{"binding": "https", "url": "https://example.invalid"}],
        });
        Profile { path: self.path("target.json"), value }
    }

    /// An assessment profile named `assessment.json`, id `an-assessment`, of these extensions.
    pub(crate) fn assessment(&self, extensions: &[&str]) -> Profile {
        let value = json!({"id": "an-assessment", "extensions": extensions});
        Profile { path: self.path("assessment.json"), value }
    }

    /// An extension in `extensions/<id>` with one group `group` and the checks `one` and `two`.
    pub(crate) fn extension(&self, id: &str) -> Extension {
        let directory = self.path("extensions").join(id);
        std::fs::create_dir_all(&directory).expect("made");
        let manifest = json!({
            "id": id, "version": "1.2.3",
            "check_groups": [{"id": "group", "runner_ref": "runner", "checks": [
                {"id": "one", "title": "Check one", "requirement_refs": ["public:1"]}, {"id": "two"},
            ]}],
            "runner_entrypoints": [{"id": "runner", "kind": "command", "command": ["./runner.sh"]}],
        });
        Extension { directory, manifest }
    }

    /// A `run` of `target.json` and `assessment.json` with the extensions of this world, into `run`.
    pub(crate) fn run(&self) -> Run {
        let mut command = self.asked("run");
        let output = self.path("run");
        command.arg("--output-dir").arg(&output);
        Run { command, plan: self.asked("plan"), output }
    }

    /// A command that takes the profiles of [`run`](Self::run).
    fn asked(&self, name: &str) -> Command {
        let mut command = self.command();
        if self.path("extensions").is_dir() {
            command.arg("--extension-dir").arg(self.path("extensions"));
        }
        command.arg(name);
        command.arg("--target").arg(self.path("target.json"));
        command.arg("--assessment").arg(self.path("assessment.json"));
        command
    }

    /// The bare binary in this world's directory and a neutral environment.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_guide-board"));
        command.current_dir(self.directory.path()).env_clear().env("HOME", self.directory.path());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_else(|| OsString::from("/usr/bin:/bin")));
        command.stdin(Stdio::null());
        command
    }
}

/// A profile in the making.
pub(crate) struct Profile {
    path: PathBuf,
    value: Value,
}

impl Profile {
    pub(crate) fn set(mut self, key: &str, value: Value) -> Self {
        self.value[key] = value;
        self
    }

    pub(crate) fn write(self) -> PathBuf {
        std::fs::write(&self.path, self.value.to_string()).expect("written");
        self.path
    }
}

/// An extension in the making.
pub(crate) struct Extension {
    directory: PathBuf,
    manifest: Value,
}

impl Extension {
    pub(crate) fn set(mut self, pointer: &str, value: Value) -> Self {
        let (above, key) = pointer.rsplit_once('/').expect("a pointer");
        let place = self.manifest.pointer_mut(above).expect("there");
        match place {
            Value::Array(items) => match key.parse::<usize>().expect("an index") {
                index if index == items.len() => items.push(value),
                index => items[index] = value,
            },
            other => other[key] = value,
        }
        self
    }

    pub(crate) fn timeout(self, seconds: u64) -> Self {
        self.set("/check_groups/0/timeout_seconds", json!(seconds))
    }

    /// Writes the manifest and a runner that is this shell script.
    pub(crate) fn script(self, script: &str) {
        use std::os::unix::fs::PermissionsExt;
        let runner = self.directory.join("runner.sh");
        std::fs::write(&runner, format!("#!/bin/sh\n{script}\n")).expect("written");
        std::fs::set_permissions(&runner, PermissionsExt::from_mode(0o755)).expect("executable");
        self.write();
    }

    /// Writes the manifest alone.
    pub(crate) fn write(self) {
        std::fs::write(self.directory.join("extension.json"), self.manifest.to_string()).expect("written");
    }
}

/// Shell that reports both checks with this result.
pub(crate) fn reports(result: &str) -> String {
    let item = |check: &str| json!({"check_id": check, "result": result, "observations": ["seen"], "facts": {}});
    format!("cat <<'END'\n{}\nEND", json!({"evidence": [item("one"), item("two")]}))
}

/// A `run` in the making.
pub(crate) struct Run {
    pub(crate) command: Command,
    /// What prints its plan.
    plan: Command,
    output: PathBuf,
}

impl Run {
    pub(crate) fn arg(mut self, arg: &str) -> Self {
        self.command.arg(arg);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs it to its end. A run that is then retained is whole, and its plan is the one that `plan` prints.
    pub(crate) fn finish(self) -> Finished {
        self.finish_with_peak().0
    }

    /// The same with the most memory that the program itself held, in bytes, as far as the system tells.
    pub(crate) fn finish_with_peak(mut self) -> (Finished, u64) {
        let child = self.command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
        let pid = child.id();
        let watching = std::thread::spawn(move || {
            let mut peak = 0;
            // It only grows, and goes when the process has ended.
            while let Some(now) = peak_of(pid) {
                peak = now;
                std::thread::sleep(Duration::from_millis(2));
            }
            peak
        });
        let output = child.wait_with_output().expect("the binary runs");
        let run = Finished {
            code: output.status.code().expect("an exit code"),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
            directory: self.output,
        };
        if whole::is_retained_whole(&run.directory) && !matches!(run.code, 1 | 2) {
            let plan = self.plan.output().expect("the binary runs").stdout;
            assert_eq!(serde_json::from_slice::<Value>(&plan).expect("a plan"), run.json("plan.json"));
        }
        (run, watching.join().expect("watched"))
    }

    /// Starts it.
    pub(crate) fn start(mut self) -> Started {
        let child = self.command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary starts");
        Started { child, directory: self.output }
    }
}

/// The most memory that a process held so far, in bytes.
fn peak_of(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? << 10)
}

/// A `run` that runs. Dropping it kills it.
pub(crate) struct Started {
    pub(crate) child: Child,
    pub(crate) directory: PathBuf,
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A `run` that has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) directory: PathBuf,
}

impl Finished {
    pub(crate) fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}{}", self.stdout, self.stderr);
        self
    }

    pub(crate) fn json(&self, document: &str) -> Value {
        let text = self.text(document);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{document}: {error}"))
    }

    pub(crate) fn text(&self, document: &str) -> String {
        std::fs::read_to_string(self.directory.join(document)).unwrap_or_else(|error| panic!("{document}: {error}"))
    }

    /// The items of one check.
    pub(crate) fn items(&self, check: &str) -> Vec<Map<String, Value>> {
        let evidence = self.json("normalized/evidence.json");
        let items = evidence.as_array().expect("an array").iter();
        items
            .filter(|item| item["check_id"] == check)
            .map(|item| item.as_object().expect("an object").clone())
            .collect()
    }

    /// Asserts that both checks have exactly one item with this result, and an observation that contains `said`.
    pub(crate) fn expect_items(&self, result: &str, said: &str) {
        for check in ["one", "two"] {
            let items = self.items(check);
            assert_eq!(items.len(), 1, "{items:?}");
            assert_eq!(items[0]["result"], result, "{items:?}");
            assert!(items[0]["observations"].to_string().contains(said), "{said}: {items:?}");
        }
    }

    /// Every file of the run directory, relative, in order.
    pub(crate) fn files(&self) -> Vec<String> {
        files(&self.directory)
    }
}

/// Every file beneath a directory, links and special files included, relative, in order.
pub(crate) fn files(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut waiting = vec![directory.to_owned()];
    while let Some(next) = waiting.pop() {
        let listed = match std::fs::read_dir(&next) {
            // No path of a run is that long.
            Err(error) if error.kind() == std::io::ErrorKind::InvalidFilename => continue,
            listed => listed.expect("listed"),
        };
        for entry in listed {
            let entry = entry.expect("an entry");
            if entry.file_type().expect("a type").is_dir() {
                waiting.push(entry.path());
            } else {
                let path = entry.path();
                found.push(path.strip_prefix(directory).expect("beneath").to_string_lossy().into_owned());
            }
        }
    }
    found.sort();
    found
}

/// The seeds of a test that loops over random cases: the first few, or as many as fit into GUIDE_BOARD_LOOP_SECONDS where that is set.
pub(crate) fn seeds(few: u64) -> impl Iterator<Item = u64> {
    let seconds = std::env::var("GUIDE_BOARD_LOOP_SECONDS").ok().and_then(|text| text.parse().ok());
    let bound = seconds.map(Duration::from_secs);
    let began = Instant::now();
    (0..).take_while(move |seed| *seed == 0 || bound.map_or(*seed < few, |bound| began.elapsed() < bound))
}

/// Random numbers that are the same for the same seed (SplitMix64).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below this one.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub(crate) fn pick(&mut self, texts: &[&'static str]) -> &'static str {
        texts[self.below(texts.len())]
    }
}

/// Waits until something is there, and gives up loudly.
pub(crate) fn eventually<T>(what: &str, within: Option<Duration>, mut look: impl FnMut() -> Option<T>) -> T {
    let bound = within.unwrap_or(PATIENCE);
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < bound, "{what} did not come within {bound:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The process ids that runners wrote into files of their artifact directory, once all stand there whole.
pub(crate) fn pids(directory: &Path, names: &[&str]) -> Vec<u32> {
    let read = |name: &&str| {
        let text = std::fs::read_to_string(directory.join(name)).ok()?;
        text.strip_suffix('\n')?.parse().ok()
    };
    names.iter().map(|name| eventually(name, None, || read(name))).collect()
}

/// Whether a process is there and more than a zombie.
pub(crate) fn is_alive(pid: u32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    !matches!(state, Some('Z' | 'X') | None)
}
