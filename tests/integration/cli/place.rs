//! A working directory with roots of runs to ask about.
//!
//! - `runs`: the committed fixture root, one run of every layout generation.
//! - `broken`: a directory for every problem that can be made on any disk, and two runs with one id.
//! - `odd`: manifests and reports that name what is missing, changed, linked or outside.
//! - `empty`, `a-file`, and configuration files.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::fs::{CWD, FileType, FlockOperation, Mode};
use serde_json::json;
use tempfile::TempDir;

/// The working directory.
pub(crate) struct Place {
    directory: TempDir,
    /// Holds the lock of the run that is being made.
    _writer: File,
}

impl Drop for Place {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            crate::support::whole::all_beneath(self.directory.path());
        }
    }
}

impl Place {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let at = directory.path();
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/runs-root");
        copy(&fixtures, &at.join("runs"));
        std::fs::create_dir(at.join("empty")).expect("made");
        put(at, "a-file", "text");
        for (id, command) in
            [("absent", json!(["no-such-program-anywhere"])), ("crashing", json!(["/bin/sh", "-c", "exit 9"]))]
        {
            extension(at, id, &command);
        }
        put(at, "wrong.json", json!({"id": 7, "endpoints": []}).to_string());
        put(at, "one.toml", "[runs]\nruns-dir = \"runs\"\n\n[runs.list]\nlimit = 1\n");
        put(at, "unknown.toml", "[runs.list]\nlimmit = 1\n");
        put(at, "misplaced.toml", "[runs.list]\nruns-dir = \"runs\"\n");
        put(at, "type.toml", "[runs.list]\nlimit = \"many\"\n");
        put(at, "list.toml", "[runs.list]\nlimit = [1, 2]\n");
        put(at, "syntax.toml", "[runs.list\n");
        put(at, "both.toml", "[serve]\nlisten = \"127.0.0.1:0\"\nport = 1\n");
        odd(&at.join("odd"));
        let writer = broken(&at.join("broken"));
        Self { directory, _writer: writer }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The binary in this directory and a neutral environment, with 80 columns.
    pub(super) fn command(&self) -> Command {
        self.command_of(env!("CARGO_BIN_EXE_guide-board"))
    }

    /// Another program, likewise.
    pub(super) fn command_of(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.directory.path()).env_clear().env("COLUMNS", "80").stdin(Stdio::null());
        command
    }

    /// A text without what differs from one machine and moment to the next.
    pub(super) fn redacted(&self, text: &str) -> String {
        let here = self.directory.path().to_string_lossy().into_owned();
        let text = text.replace(&here, "[HERE]").replace(env!("CARGO_PKG_VERSION"), "[VERSION]");
        let mut redacted = String::with_capacity(text.len());
        for line in text.split_inclusive('\n') {
            let hidden = [("\"scanned_at\": ", "[TIME]\n"), ("\"generation\": ", "[GENERATION],\n")];
            match hidden.iter().find_map(|(key, shown)| Some((line.split_once(key)?.0, key, shown))) {
                Some((before, key, shown)) => redacted.push_str(&format!("{before}{key}{shown}")),
                None => redacted.push_str(line),
            }
        }
        redacted
    }
}

fn put(root: &Path, path: &str, contents: impl AsRef<[u8]>) {
    let file = root.join(path);
    std::fs::create_dir_all(file.parent().expect("a parent")).expect("made");
    std::fs::write(file, contents).expect("written");
}

/// An extension of one check whose runner is this command, and an assessment profile for it.
fn extension(root: &Path, id: &str, command: &serde_json::Value) {
    let manifest = json!({
        "id": id, "version": "1.0.0",
        "check_groups": [{"id": "group", "runner_ref": "runner", "checks": [{"id": "check", "title": "All is well"}]}],
        "runner_entrypoints": [{"id": "runner", "kind": "command", "command": command}],
    });
    put(root, &format!("extensions/{id}/extension.json"), manifest.to_string());
    put(root, &format!("{id}.json"), json!({"id": id, "extensions": [id]}).to_string());
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("made");
    for entry in std::fs::read_dir(from).expect("listed") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("a type").is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copied");
        }
    }
}

/// Every problem but `summary_unreadable`, which no disk shows to a privileged user. The file returned holds the lock of a run in progress.
fn broken(root: &Path) -> File {
    let summary = |directory: &str, text: &str| put(root, &format!("{directory}/retention-summary.json"), text);
    put(root, "being-made/run.json", "{}");
    put(
        root,
        "being-made/normalized/findings.json",
        json!({"findings": [{"id": "finding-0001", "severity": "low"}]}).to_string(),
    );
    put(root, "being-made/normalized/evidence.json", "[{\"id\": \"evidence-0001\"");
    let writer = File::options().write(true).open(root.join("being-made/run.json")).expect("opened");
    rustix::fs::flock(&writer, FlockOperation::LockExclusive).expect("locked");
    put(root, "broken-off/run.json", "{}");
    put(root, "broken-off/artifacts/ext/half.log", "half a line");
    summary("not-json", "{\"run_id\": ");
    summary("not-an-object", "[1]");
    summary("without-id", "{\"target\": \"t\"}");
    summary("id-with-slash", "{\"run_id\": \"a/b\"}");
    summary("too-large", &format!("{{\"run_id\": \"x\", \"padding\": \"{}\"}}", "x".repeat(1 << 20)));
    std::fs::create_dir_all(root.join("summary-is-link")).expect("made");
    symlink("../not-json/retention-summary.json", root.join("summary-is-link/retention-summary.json")).expect("linked");
    std::fs::create_dir_all(root.join("summary-is-fifo")).expect("made");
    let fifo = root.join("summary-is-fifo/retention-summary.json");
    rustix::fs::mknodat(CWD, fifo, FileType::Fifo, Mode::RUSR, 0).expect("a FIFO");
    std::fs::create_dir_all(root.join("summary-is-directory/retention-summary.json")).expect("made");
    symlink("broken-off", root.join("link")).expect("linked");
    std::fs::create_dir(root.join(OsStr::from_bytes(b"not-utf8-\xff"))).expect("made");
    summary("steers-\u{1b}[2J-\u{202e}terminals", "{}");
    for (directory, time) in [("twice-a", "2026-05-01T00:00:00Z"), ("twice-b", "2026-05-01T00:00:01Z")] {
        summary(directory, &json!({"run_id": "twice", "completed_at": time, "target": "doubled"}).to_string());
    }
    writer
}

/// Two runs whose documents name what they should not.
fn odd(root: &Path) {
    let digest = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    let entry = |path: &str, size: u64| json!({"path": path, "size_bytes": size, "sha256": digest});
    put(root, "states/artifacts/ext/hello.txt", "hello");
    put(root, "states/artifacts/ext/grown.txt", "hello, more");
    put(root, "states/artifacts/ext/extra \u{1b}[31m.txt", "\u{1b}[31mred\u{1b}[0m\r\n\tplain\n");
    put(root, "states/artifacts/ext/bytes.bin", [0xff_u8, 0, 27, b'[']);
    put(root, "states/secret.txt", "no output");
    symlink("../../secret.txt", root.join("states/artifacts/ext/link")).expect("linked");
    let package = json!({"artifact_manifest": [
        entry("artifacts/ext/hello.txt", 5), entry("artifacts/ext/grown.txt", 5), entry("artifacts/ext/gone.txt", 5),
        entry("artifacts/ext/link", 5), entry("../../etc/passwd", 5), {"path": "artifacts/ext/hello.txt"},
    ]});
    put(root, "states/reports/assessment-package.json", package.to_string());
    put(root, "states/reports/report.md", "# Everything\n\nis fine");
    let summary = json!({
        "run_id": "states", "result_status": "blocked", "target": "odd", "assessment": "odd", "completed_at": "2026-05-02T00:00:00Z",
        "report_paths": {"report": "reports/report.md", "outside": "../secret", "linked": "artifacts/ext/link", "lost": "reports/lost.md"},
        "finding_counts": {"total": 3, "unexpected": 1, "waived": 2, "expected": 0},
        "reviewer": {"name": "A \u{1b}[31mreviewer", "done": true}, "evidence_counts": "many",
    });
    put(root, "states/retention-summary.json", summary.to_string());
    let findings = json!([
        {"id": "f-1", "severity": "critical", "disposition": "unexpected", "check_id": "a", "title": "Steers \u{1b}[2J terminals",
         "locations": [{"path": "src/a.rs", "line": 7}, {"path": "b"}, {"path": "c"}], "artifact_refs": ["../outside", "artifacts/x"]},
        {"id": "f-2", "severity": "grave", "disposition": "disputed", "check_id": "b", "description": "No title", "owner": {"name": "x"}},
        "no finding",
        {"id": 3, "severity": "low", "disposition": "waived", "locations": [{"path": "d"}], "description": "x".repeat(2 << 20)},
        {},
    ]);
    put(root, "broke/normalized/findings.json", json!({"schema_version": "0", "items": findings}).to_string());
    let many: Vec<_> = (0..25).map(|_| json!(null)).chain([json!({"id": "e-1", "result": "unknown"})]).collect();
    put(root, "broke/normalized/evidence.json", json!(many).to_string());
    std::fs::create_dir_all(root.join("states/normalized")).expect("made");
    symlink("../secret.txt", root.join("states/normalized/findings.json")).expect("linked");
    let summary =
        json!({"run_id": "broke", "result_status": "infrastructure_error", "completed_at": "2026-05-01T00:00:00Z"});
    put(root, "broke/retention-summary.json", summary.to_string());
}
