//! `jobs …` against a real server process.

mod commands;
mod connections;
mod interrupts;
pub(super) mod proxy;

use std::process::Command;

use serde_json::Value;

use super::live::{Ended, Live};
use crate::service::served::{Served, stand_in, world_of_jobs};
use crate::support::World;

/// Shell that waits until the world has a file `go`.
pub(super) const WAIT: &str = "while ! test -e go; do sleep 0.02; done";

/// Shell that makes a run with this result.
pub(super) fn retains(result: &str) -> String {
    format!(
        "mkdir -p \"$out/reports\"; echo '# All is well' > \"$out/reports/report.md\"\n\
         echo '{{\"run_id\": \"the-run\", \"result_status\": \"{result}\", \"report_paths\": {{\"report\": \"reports/report.md\"}}}}' \
         > \"$out/retention-summary.json\""
    )
}

/// A world and a server in it, whose jobs are this shell script.
async fn serve(script: &str) -> (World, Served) {
    let world = world_of_jobs("");
    stand_in(&world, script);
    let server = Served::start(&world, &["--cli-command=./stand-in", "--job-events=5000"]).await;
    (world, server)
}

pub(super) fn go(world: &World) {
    std::fs::write(world.path("go"), "").expect("written");
}

/// `jobs` with these words, asking the server at this address.
fn jobs_at(world: &World, address: std::net::SocketAddr, words: &[&str]) -> Command {
    let mut command = world.command();
    command.env("TERM", "xterm").env("GUIDE_BOARD_SERVER", format!("http://{address}")).arg("jobs").args(words);
    command
}

fn jobs(world: &World, server: &Served, words: &[&str]) -> Command {
    jobs_at(world, server.address, words)
}

/// Runs a `jobs` command to its end, without a terminal.
#[track_caller]
fn told(world: &World, server: &Served, words: &[&str], code: i32) -> Ended {
    let ended = Live::with_pipes(jobs(world, server, words)).ended();
    assert_eq!(ended.code, Some(code), "{words:?}: {ended:?}");
    let steers = |text: &str| text.chars().any(|letter| letter.is_control() && !matches!(letter, '\n' | '\t'));
    assert!(!steers(&ended.stdout) && !steers(&ended.stderr), "{words:?}: {ended:?}");
    ended
}

pub(super) const PROFILES: [&str; 4] = ["--target", "profiles/target.json", "--assessment", "profiles/assessment.json"];

/// Starts a job, followed or not.
pub(super) fn start<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["start"], &PROFILES[..], more].concat()
}

/// Starts a job that nobody follows; its id.
fn started(world: &World, server: &Served) -> String {
    told(world, server, &start(&["--detach"]), 0).stdout.trim_end().to_owned()
}

pub(super) fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}
