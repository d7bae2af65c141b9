//! The hostile tree: runs as they should be, and beside, between and inside them whatever somebody could put there to lead a server astray.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::not_tested;
use crate::support::World;

/// The bytes of every plain file of a run.
pub(super) const PLAIN: &str = "plain\n";

/// Names of runs and of outputs that only look odd.
pub(super) const ODD: [&str; 16] = [
    "foo..bar",
    "%2e%2e",
    "%2e%2e%2f",
    "a b",
    " ",
    "Grüße",
    "line\nbreak",
    "\u{1b}[31m",
    "\u{202e}x",
    "-rf",
    "--help",
    "~",
    "$HOME",
    "*",
    "．．",
    "run.json",
];

/// The tree, in a fresh directory. The server's working directory is its top; `runs` is the root that is served.
pub(super) struct Tree {
    pub(super) world: World,
    pub(super) canary: String,
    /// Another way to the tree: a request that names an absolute path goes this way, so that an echo of it is told from a leak.
    alias: TempDir,
    /// Whether the device nodes could be made.
    pub(super) has_devices: bool,
    _sockets: Vec<UnixListener>,
}

impl Tree {
    /// The whole tree.
    pub(super) fn new() -> Self {
        let mut tree = Self::bare();
        tree.runs().beside_the_runs().inside_a_run();
        tree
    }

    /// Only what stands outside the root.
    pub(super) fn bare() -> Self {
        let world = World::new();
        let canary = format!("canary-{:016x}", getrandom::u64().expect("random numbers"));
        let alias = tempfile::tempdir().expect("a directory");
        symlink(world.path(""), alias.path().join("alias")).expect("linked");
        let mut tree = Self { world, canary, alias, has_devices: false, _sockets: Vec::new() };
        std::fs::create_dir(tree.path("runs")).expect("made");
        tree.outside();
        tree
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.world.path(name)
    }

    /// The absolute path of something in the tree, by the way that an answer may echo.
    pub(super) fn alias(&self, name: &str) -> String {
        self.alias.path().join("alias").join(name).to_str().expect("text").to_owned()
    }

    pub(super) fn put(&self, name: &str, contents: impl AsRef<[u8]>) -> &Self {
        let file = self.path(name);
        std::fs::create_dir_all(file.parent().expect("a parent")).expect("made");
        std::fs::write(&file, contents).unwrap_or_else(|error| panic!("{name:?}: {error}"));
        self
    }

    /// Puts the canary somewhere.
    pub(super) fn hide(&self, name: &str) -> &Self {
        self.put(name, format!("{}\n", self.canary))
    }

    pub(super) fn link(&self, name: &str, to: impl AsRef<Path>) -> &Self {
        std::fs::create_dir_all(self.path(name).parent().expect("a parent")).expect("made");
        symlink(to, self.path(name)).unwrap_or_else(|error| panic!("{name:?}: {error}"));
        self
    }

    fn special(&self, name: &str, kind: FileType, device: u64) -> bool {
        mknodat(CWD, self.path(name), kind, Mode::RUSR | Mode::WUSR, device).is_ok()
    }

    pub(super) fn fifo(&self, name: &str) -> &Self {
        assert!(self.special(name, FileType::Fifo, 0), "{name}");
        self
    }

    /// A run as it should be: of that id, with every document and `artifacts/plain.txt`.
    pub(super) fn run(&self, directory: &str, run_id: &str) -> &Self {
        self.run_saying(directory, run_id, PLAIN)
    }

    /// A run that must not be read.
    pub(super) fn run_of_canaries(&self, directory: &str) -> &Self {
        self.run_saying(directory, "canary", &self.canary)
    }

    /// A run whose every document holds this text somewhere.
    fn run_saying(&self, directory: &str, run_id: &str, text: &str) -> &Self {
        let text = text.trim_end();
        let put = |name: &str, value: Value| {
            self.put(&format!("{directory}/{name}"), value.to_string());
        };
        put("retention-summary.json", summary(run_id, text));
        put("run.json", json!({"run_id": run_id, "output_dir": "/old/place", "said": text}));
        put("plan.json", json!({"said": text}));
        put("sources.lock.json", json!({"said": text}));
        let item = json!({
            "id": "item-1", "run_id": run_id, "extension_id": "x", "check_id": "x", "subject_ref": text, "result": "pass",
            "observations": [text], "facts": {}, "title": text, "classification": "pass", "severity": "low",
        });
        for name in ["evidence", "findings", "mappings"] {
            put(&format!("normalized/{name}.json"), json!([item]));
        }
        put("reports/assessment-package.json", package(&["artifacts/plain.txt"]));
        put("reports/submission-package.json", json!({"documents": [], "said": text}));
        self.put(&format!("{directory}/reports/report.md"), format!("{text}\n"));
        self.put(&format!("{directory}/artifacts/plain.txt"), format!("{text}\n"))
    }

    /// What stands outside the root: a run full of canaries, also in its names, and a twin of the root's name.
    fn outside(&mut self) -> &mut Self {
        let canary = self.canary.clone();
        self.run_saying("outside", "outside", &canary)
            .hide("outside/secret.txt")
            .hide(&format!("outside/{canary}.txt"));
        self.hide(&format!("outside/artifacts/{canary}.txt")).hide("outside/reports/secret.txt");
        self.run_saying("runs-secret/run", "run", &canary).hide("runs-secret/secret.txt").hide("secret.txt");
        for kind in ["target", "assessment"] {
            self.put(&format!("profiles/{kind}.json"), "{}");
        }
        self.hide("profiles-secret/target.json").link("profiles/link.json", self.path("outside/secret.txt"));
        self.link("profiles/loop.json", "loop.json").link("profiles/up", "..");
        self
    }

    fn runs(&mut self) -> &mut Self {
        self.run("runs/run", "run").run("runs/run-secret", "run-secret");
        for (number, name) in ODD.iter().enumerate() {
            self.run(&format!("runs/{name}"), &format!("odd-{number}"));
        }
        // The twin has its canary where only a request that left the run `run` would come.
        self.hide("runs/run-secret/secret.txt").hide("runs/run-secret/artifacts/secret.txt");
        self
    }

    fn beside_the_runs(&mut self) -> &mut Self {
        let canary = self.canary.clone();
        for hidden in [".hidden-run", "...", "..hidden", "lost+found"] {
            self.run_saying(&format!("runs/{hidden}"), "hidden", &canary);
        }
        self.link("runs/link-run", "run").link("runs/link-outside", self.path("outside"));
        self.link("runs/link-dangling", format!("/nowhere/{canary}")).link("runs/link-loop", "link-loop");
        self.link("runs/link-proc", "/proc/self/root").link("runs/link-root", ".").link("runs/link-up", "..");
        self.link("runs/link-file", self.path("outside/secret.txt"));
        self.hide("runs/a-file").fifo("runs/a-fifo");
        self._sockets.push(UnixListener::bind(self.path("runs/a-socket")).expect("bound"));
        let not_utf8 = self.path("runs").join(OsStr::from_bytes(b"not-\xff\xfe-utf8"));
        std::fs::create_dir(&not_utf8).expect("made");
        std::fs::write(not_utf8.join("retention-summary.json"), summary("not-utf8", &canary).to_string()).expect("put");
        self
    }

    fn inside_a_run(&mut self) -> &mut Self {
        let canary = self.canary.clone();
        for name in
            ["secret.txt", ".hidden", ".work/context.json", "run.json.bak", "artifacts-secret/x", "reports.bak/r.md"]
        {
            self.hide(&format!("runs/run/{name}"));
        }
        let at = |name: &str| format!("runs/run/artifacts/{name}");
        for name in ODD {
            self.put(&at(name), PLAIN);
        }
        self.put(&at("..."), PLAIN).put(&at("dir/below.txt"), PLAIN).put(&at("dir/.../below.txt"), PLAIN);
        self.put("hard.txt", PLAIN);
        std::fs::hard_link(self.path("hard.txt"), self.path(&at("hard.txt"))).expect("linked");
        self.link(&at("link-file"), self.path("outside/secret.txt")).link(&at("link-plain"), "plain.txt");
        self.link(&at("link-directory"), self.path("outside")).link(&at("link-dir"), "dir");
        self.link(&at("link-sibling"), "../../run-secret/artifacts").link(&at("link-hidden"), "../secret.txt");
        self.link(&at("link-here"), ".").link(&at("link-up"), "..").link(&at("link-loop"), "link-loop");
        self.link(&at("link-dangling"), format!("/nowhere/{canary}"));
        self.link(&at("link-proc"), "/proc/self/root").link(&at("link-fd"), "/proc/self/fd");
        self.link("runs/run/exports", self.path("outside/reports"));
        self.fifo(&at("fifo"));
        self._sockets.push(UnixListener::bind(self.path(&at("socket"))).expect("bound"));
        let devices = [("null", FileType::CharacterDevice, 1, 3), ("no-driver", FileType::CharacterDevice, 250, 77)];
        self.has_devices = devices
            .iter()
            .all(|(name, kind, major, minor)| self.special(&at(name), *kind, rustix::fs::makedev(*major, *minor)));
        if !self.has_devices {
            not_tested("device nodes", "this user may not make them");
        }
        // Where mounts are put; see `server`.
        std::fs::create_dir_all(self.path(&at("mount-directory"))).expect("made");
        self.put(&at("mount-file"), PLAIN).run("elsewhere", "mounted");
        std::fs::create_dir_all(self.path("runs/mounted")).expect("made");
        self
    }

    /// Insists that nothing of this shows the canary or where the tree stands.
    pub(super) fn assert_clean(&self, what: &dyn std::fmt::Debug, bytes: &[u8]) {
        let place = self.path("");
        let place = place.to_str().expect("text").trim_end_matches('/');
        // What is no UTF-8 is replaced, and neither needle has any of that.
        let text = String::from_utf8_lossy(bytes);
        for needle in [self.canary.as_str(), place] {
            assert!(!text.contains(needle), "{what:?} shows {needle}: {text}");
        }
    }

    /// Insists that this does not show the canary; what a run itself writes down may tell where it stands.
    pub(super) fn assert_clean_of_canary(&self, what: &dyn std::fmt::Debug, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        assert!(!text.contains(&self.canary), "{what:?} shows the canary: {text}");
    }

    /// The binary at the top of the tree, with what it is given in front of it.
    pub(super) fn command(&self) -> Command {
        self.world.command()
    }
}

/// A summary that holds this text in every place.
pub(super) fn summary(run_id: &str, text: &str) -> Value {
    json!({
        "schema_version": "1", "run_id": run_id, "target_profile_ref": "a-target", "assessment_profile_ref": "an-assessment",
        "result_status": "completed", "completed_at": "2026-05-08T16:43:35Z", "labels": {"said": text}, "said": text,
        "report_paths": {"report": "reports/report.md"},
    })
}

/// An assessment package whose manifest names these paths.
pub(super) fn package(paths: &[&str]) -> Value {
    let entries: Vec<Value> = paths.iter().map(|path| json!({"path": path})).collect();
    json!({"artifact_manifest": entries})
}
