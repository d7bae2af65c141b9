//! Real run directories, written by a fluent builder into a fresh directory.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value, json};
use tempfile::TempDir;

use super::surroundings;
use crate::model::{RelativePath, RunId, VisibleRoots};
use crate::repository::{LocatedRun, Repository, RetainedRun, RootSpec, RunSelector, RunsRoot};

/// What stands outside of every run, and must never be read.
pub(super) const CANARY: &str = "canary";

/// A fresh directory with the runs root `runs`, and beside it `outside/secret.txt` with the canary.
pub(super) struct Fixture {
    temp: TempDir,
}

/// A generation of the layout that has to stay readable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Generation {
    /// No assessment package, and what came with it.
    BeforePackages,
    /// Run, plan, summary, three normalized, package, report.
    EightFiles,
    /// Plus source lock and submission package.
    Submission,
    /// Plus fragments and export manifest.
    Fragments,
}

impl Fixture {
    pub(super) fn new() -> Self {
        let temp = TempDir::new().expect("a directory");
        for name in ["runs", "outside"] {
            std::fs::create_dir(temp.path().join(name)).expect("a directory");
        }
        std::fs::write(temp.path().join("outside/secret.txt"), CANARY).expect("the canary");
        Self { temp }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    pub(super) fn runs(&self) -> PathBuf {
        self.path("runs")
    }

    /// Waits until the clock of the filesystem shows another time: a change of the same size within one tick of it looks like none.
    pub(super) fn next_tick(&self) {
        let probe = self.path("tick");
        let time = || {
            std::fs::write(&probe, "").expect("written");
            std::fs::metadata(&probe).expect("is there").modified().expect("has a time")
        };
        let first = time();
        assert!((0..1_000_000).any(|_| time() != first), "the filesystem's clock stands still");
    }

    /// Begins a run directory; its summary is written by [`RunBuilder::summary`].
    pub(super) fn run(&self, directory: &str) -> RunBuilder {
        RunBuilder::new(self.runs().join(directory), directory)
    }

    /// Begins a run directory whose name need not be text.
    pub(super) fn raw_run(&self, directory: &[u8]) -> RunBuilder {
        RunBuilder::new(self.runs().join(std::ffi::OsStr::from_bytes(directory)), "raw")
    }

    pub(super) fn link(&self, name: &str, to: impl AsRef<Path>) {
        std::os::unix::fs::symlink(to, self.path(name)).expect("a link");
    }

    /// The runs root, not scanned yet.
    pub(super) fn root(&self) -> Arc<RunsRoot> {
        let spec = RootSpec { name: "runs".parse().expect("a name"), path: self.runs() };
        let repository = Repository::new(vec![spec], surroundings::containment()).expect("a repository");
        Arc::clone(repository.root("", &VisibleRoots::All).expect("the first root"))
    }

    /// The runs root, scanned.
    pub(super) fn scanned(&self) -> Arc<RunsRoot> {
        let root = self.root();
        root.refresh().expect("is scanned");
        root
    }

    /// A run by directory, after a scan.
    pub(super) fn located(&self, directory: &str) -> LocatedRun {
        self.scanned().locate(&by_directory(directory)).expect("is found")
    }

    /// A run by directory with its summary, after a scan.
    pub(super) fn retained(&self, directory: &str) -> (LocatedRun, RetainedRun) {
        let located = self.located(directory);
        let run = located.retained().expect("has a summary");
        (located, run)
    }
}

pub(super) fn by_directory(directory: &str) -> RunSelector {
    RunSelector::Directory(directory.parse().expect("a directory name"))
}

pub(super) fn by_run_id(run_id: &str) -> RunSelector {
    RunSelector::RunId(run_id.parse::<RunId>().expect("a run id"))
}

pub(super) fn path(text: &str) -> RelativePath {
    text.parse().expect("a path")
}

/// Writes one run directory. Files are written as they are named, the summary last.
pub(super) struct RunBuilder {
    at: PathBuf,
    keys: Map<String, Value>,
}

impl RunBuilder {
    fn new(at: PathBuf, run_id: &str) -> Self {
        std::fs::create_dir_all(&at).expect("a directory");
        let mut keys = Map::new();
        keys.insert("run_id".to_owned(), json!(run_id));
        Self { at, keys }
    }

    pub(super) fn path(&self) -> &Path {
        &self.at
    }

    /// A key of the summary.
    pub(super) fn key(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.keys.insert(key.to_owned(), value.into());
        self
    }

    pub(super) fn completed(self, time: &str) -> Self {
        self.key("completed_at", time)
    }

    /// A file beneath the run directory, with the directories above it.
    pub(super) fn file(self, name: &str, contents: impl AsRef<[u8]>) -> Self {
        let path = self.at.join(name);
        std::fs::create_dir_all(path.parent().expect("has a parent")).expect("a directory");
        std::fs::write(path, contents).expect("a file");
        self
    }

    pub(super) fn directory(self, name: &str) -> Self {
        std::fs::create_dir_all(self.at.join(name)).expect("a directory");
        self
    }

    pub(super) fn link(self, name: &str, to: impl AsRef<Path>) -> Self {
        std::os::unix::fs::symlink(to, self.at.join(name)).expect("a link");
        self
    }

    pub(super) fn fifo(self, name: &str) -> Self {
        let made = std::process::Command::new("mkfifo").arg(self.at.join(name)).status();
        assert!(made.expect("mkfifo runs").success());
        self
    }

    /// The assessment package with this manifest.
    pub(super) fn manifest(self, entries: &Value) -> Self {
        self.file("reports/assessment-package.json", json!({"summary": {}, "artifact_manifest": entries}).to_string())
    }

    /// The files of a generation.
    pub(super) fn generation(self, generation: Generation) -> Self {
        let mut run = self.file("run.json", "{}").file("plan.json", "{}");
        for name in ["evidence", "findings", "mappings"] {
            run = run.file(&format!("normalized/{name}.json"), "[]");
        }
        run = run.file("reports/report.md", "# Report\n").file("artifacts/sample/raw.txt", "raw");
        if generation >= Generation::EightFiles {
            run = run.manifest(&json!([{"path": "artifacts/sample/raw.txt", "size_bytes": 3}]));
        }
        if generation >= Generation::Submission {
            run = run.file("sources.lock.json", "[]").file("reports/submission-package.json", "{}");
        }
        if generation >= Generation::Fragments {
            run = run.file("reports/fragments.json", "[]").file("exports/export-manifest.json", "{}");
        }
        run
    }

    /// The summary as the keys make it.
    pub(super) fn summary(self) -> Self {
        let text = Value::Object(self.keys.clone()).to_string();
        self.file("retention-summary.json", text)
    }

    /// A summary of any bytes.
    pub(super) fn summary_bytes(self, bytes: impl AsRef<[u8]>) -> Self {
        self.file("retention-summary.json", bytes)
    }
}
