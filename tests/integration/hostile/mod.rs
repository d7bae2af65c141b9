//! One hostile tree against everything that takes or follows a name: every call of the descriptor set, every command that reads runs, under
//! both mechanisms of confinement, with `openat2` refused, and while names are exchanged under the server.
//!
//! What must not be read stands in the tree as a canary, a text that nothing else holds. Every byte of every answer is searched for it, and
//! for the directory that the tree stands in.

pub(crate) mod calls;
mod cli;
mod expected;
mod http;
mod names;
mod odd_names;
mod pull;
mod races;
mod requests;
mod seccomp;
mod server;
mod stored_links;
mod stored_paths;
mod storm;
mod tree;
mod writing;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::sync::Mutex;

use guide_board::repository::root::ContainmentChoice;

/// The mechanisms that this system has, as the command line calls them.
fn mechanisms() -> Vec<&'static str> {
    match ContainmentChoice::Openat2.decide() {
        Ok(_) => vec!["openat2", "walk"],
        Err(refused) => {
            not_tested("openat2", &refused.to_string());
            vec!["walk"]
        }
    }
}

/// Says that something was not tested, and why; past the capturing of a test's output. CI has to have what the tests need.
fn not_tested(what: &str, why: &str) {
    let line = format!("SKIPPED, NOT TESTED: {what}: {why}");
    assert!(std::env::var_os("CI").is_none(), "{line}");
    static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    if SAID.lock().is_ok_and(|mut said| said.insert(line.clone())) {
        let _ = writeln!(std::io::stderr(), "{line}");
    }
}
