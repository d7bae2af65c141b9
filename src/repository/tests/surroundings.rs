//! Surroundings that a test needs and a plain test run need not have: a mount namespace of its own, a user without privileges. The test
//! binary is run once more in them, for the one test; where they cannot be had, the test is skipped and says so.

use std::io::Write;
use std::process::Command;

use tempfile::TempDir;

use crate::repository::root::{Containment, ContainmentChoice};

/// Set for a test that already runs in the surroundings it needs.
const INSIDE: &str = "GUIDE_BOARD_TEST_INSIDE";

/// Says that something was not tested, and why; past the capturing of a test's output, which hides what passes.
pub(crate) fn skipped(what: &str, why: &str) {
    say(&format!("SKIPPED, NOT TESTED: {what}: {why}"));
}

fn say(line: &str) {
    // Nobody to tell it to is no reason to fail.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// The mechanisms that this system has; each test of the gate is run with all of them.
pub(crate) fn mechanisms() -> Vec<Containment> {
    match ContainmentChoice::Openat2.decide() {
        Ok(by_kernel) => vec![by_kernel, Containment::Walk],
        Err(refused) => {
            skipped("openat2", &refused.to_string());
            vec![Containment::Walk]
        }
    }
}

/// The mechanism that a server would choose here.
pub(crate) fn containment() -> Containment {
    ContainmentChoice::Auto.decide().expect("the walk is always there")
}

/// Whether the present test has a mount namespace of its own. When it has not, this runs it in one (and fails if it fails there) or
/// skips it, and the caller returns.
pub(crate) fn has_private_mounts(test: &str) -> bool {
    if is_inside("mounts") {
        return true;
    }
    let options = if rustix::process::geteuid().is_root() { "-m" } else { "-rm" };
    let possible = Command::new("unshare").args([options, "--", "true"]).output();
    if !possible.is_ok_and(|ran| ran.status.success()) {
        skipped(test, "a private mount namespace needs `unshare` and the right to use it");
        return false;
    }
    let binary = std::env::current_exe().expect("the test binary has a path");
    let mut command = Command::new("unshare");
    command.arg(options).arg("--").arg(binary);
    run_again(command, test, "mounts");
    false
}

/// Whether the present test runs without the privilege to read everything. When it has that, this runs it as another user (and fails if
/// it fails there) or skips it, and the caller returns.
pub(crate) fn is_unprivileged(test: &str) -> bool {
    if !rustix::process::geteuid().is_root() {
        return true;
    }
    let user = ["--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all"];
    let possible = Command::new("setpriv").args(user).args(["--", "true"]).output();
    if !possible.is_ok_and(|ran| ran.status.success()) {
        skipped(test, "root reads everything, and `setpriv` to become another user is not there");
        return false;
    }
    // The binary may stand where another user cannot come.
    let place = TempDir::new().expect("a directory");
    let binary = place.path().join("tests");
    std::fs::copy(std::env::current_exe().expect("the test binary has a path"), &binary).expect("copied");
    for path in [place.path(), &binary] {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(path, mode).expect("the mode is set");
    }
    let mut command = Command::new("setpriv");
    command.args(user).arg("--").arg(&binary).current_dir("/");
    run_again(command, test, "unprivileged");
    false
}

fn is_inside(surroundings: &str) -> bool {
    std::env::var(INSIDE).is_ok_and(|inside| inside == surroundings)
}

fn run_again(mut command: Command, test: &str, surroundings: &str) {
    // `module_path!` begins with the crate, the names of tests do not.
    let name = test.split_once("::").map_or(test, |(_, name)| name);
    command.args([name, "--exact", "--nocapture", "--test-threads=1"]).env(INSIDE, surroundings);
    let output = command.output().expect("the test binary runs again");
    let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "failed in its own surroundings:\n{told}");
    assert!(told.contains("1 passed"), "no test of the name {name} ran:\n{told}");
    told.lines().filter(|line| line.starts_with("SKIPPED")).for_each(say);
}
