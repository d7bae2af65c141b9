//! Mounts: a run directory may be one, inside a run none is crossed. Each test makes its mounts in a mount namespace of its own.

use std::process::Command;

use super::*;

/// Whether the caller runs in a mount namespace of its own; else the test of that name was run in one, or skipped.
macro_rules! in_private_mounts {
    ($name:literal) => {
        if !surroundings::has_private_mounts(concat!(module_path!(), "::", $name)) {
            return;
        }
    };
}

impl Tree {
    fn mount(&self, arguments: &[&str], at: &str) -> &Self {
        let made = Command::new("mount").args(arguments).arg(self.path(at)).output().expect("mount runs");
        assert!(made.status.success(), "mount {arguments:?}: {}", String::from_utf8_lossy(&made.stderr));
        self
    }

    fn bind(&self, what: &str, at: &str) -> &Self {
        let what = self.path(what);
        self.mount(&["--bind", what.to_str().expect("is text")], at)
    }
}

#[test]
fn a_mount_inside_a_run_is_not_crossed() {
    in_private_mounts!("a_mount_inside_a_run_is_not_crossed");
    let tree = Tree::new();
    tree.directory("runs/run/artifacts/same-filesystem").bind("outside", "runs/run/artifacts/same-filesystem");
    tree.directory("runs/run/artifacts/itself").text("runs/run/artifacts/itself/x", "x");
    tree.bind("runs/run/artifacts/itself", "runs/run/artifacts/itself");
    tree.directory("runs/run/artifacts/tmpfs").mount(&["-t", "tmpfs", "tmpfs"], "runs/run/artifacts/tmpfs");
    tree.text("runs/run/artifacts/file", "own").bind("outside/secret.txt", "runs/run/artifacts/file");
    tree.text("runs/run/artifacts/null", "own").mount(&["--bind", "/dev/null"], "runs/run/artifacts/null");
    tree.link("outside/link", "secret.txt");
    tree.expect(&[
        ("artifacts/plain.txt", text("plain")),
        ("artifacts/same-filesystem", Mount),
        ("artifacts/same-filesystem/secret.txt", Mount),
        ("artifacts/same-filesystem/missing", Mount),
        ("artifacts/same-filesystem/link", Mount),
        ("artifacts/itself/x", Mount),
        ("artifacts/tmpfs", Mount),
        ("artifacts/tmpfs/missing", Mount),
        ("artifacts/file", Mount),
        ("artifacts/file/below", Mount),
        ("artifacts/null", Mount),
    ]);
    for path in ["artifacts/same-filesystem", "artifacts/itself", "artifacts/tmpfs"] {
        assert_eq!(tree.entries(path), Mount, "{path}");
    }
}

#[test]
fn a_run_directory_may_itself_be_a_mount() {
    in_private_mounts!("a_run_directory_may_itself_be_a_mount");
    let tree = Tree::new();
    tree.directory("elsewhere/artifacts").text("elsewhere/artifacts/plain.txt", "mounted");
    tree.text("elsewhere/retention-summary.json", "summary").directory("elsewhere/artifacts/inner");
    tree.bind("elsewhere", "runs/run").bind("outside", "runs/run/artifacts/inner");
    assert_eq!(tree.summary("run"), text("summary"));
    tree.expect(&[
        ("artifacts/plain.txt", text("mounted")),
        ("artifacts/inner/secret.txt", Mount),
        ("artifacts/missing", NotFound),
    ]);
}

#[test]
fn a_summary_on_a_mount_of_its_own_is_refused() {
    in_private_mounts!("a_summary_on_a_mount_of_its_own_is_refused");
    let tree = Tree::new();
    tree.text("runs/run/retention-summary.json", "own").bind("outside/secret.txt", "runs/run/retention-summary.json");
    assert_eq!(tree.summary("run"), Mount);
}

#[test]
fn an_overlay_is_one_mount_though_its_files_are_of_several_devices() {
    in_private_mounts!("an_overlay_is_one_mount_though_its_files_are_of_several_devices");
    let tree = Tree::new();
    for layer in ["lower-a", "lower-b", "upper"] {
        tree.directory(layer).mount(&["-t", "tmpfs", "tmpfs"], layer);
    }
    tree.directory("lower-a/artifacts").text("lower-a/artifacts/a", "a");
    tree.directory("lower-b/artifacts").text("lower-b/artifacts/b", "b");
    tree.directory("upper/up/artifacts").directory("upper/work").text("upper/up/artifacts/c", "c");
    let layer = |name: &str| tree.path(name).to_str().expect("is text").to_owned();
    let options = format!(
        "lowerdir={}:{},upperdir={},workdir={}",
        layer("lower-a"),
        layer("lower-b"),
        layer("upper/up"),
        layer("upper/work")
    );
    let mut mount = Command::new("mount");
    mount.args(["-t", "overlay", "overlay", "-o", &options]).arg(tree.path("runs/run"));
    if !mount.output().expect("mount runs").status.success() {
        surroundings::skipped("overlays", "this system mounts none");
        return;
    }
    tree.expect(&[("artifacts/a", text("a")), ("artifacts/b", text("b")), ("artifacts/c", text("c"))]);
    assert_eq!(tree.entries("artifacts"), Names(["a", "b", "c"].map(str::to_owned).to_vec()));
}

#[test]
fn a_root_knows_whether_it_is_a_mount() {
    in_private_mounts!("a_root_knows_whether_it_is_a_mount");
    let tree = Tree::new();
    let identity = || OpenRoot::open_ambient(&tree.path("runs"), Containment::Walk).expect("opens").identity();
    let before = identity();
    assert!(!before.is_mount);
    tree.bind("outside", "runs");
    assert!(identity().is_mount);
    assert_ne!(identity(), before);
}
