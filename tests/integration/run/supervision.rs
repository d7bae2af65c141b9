//! Nothing outlives the one who asked for it. Linux only: elsewhere only the process group is reached, as documented.
#![cfg(target_os = "linux")]

use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{World, eventually, is_alive, pids, reports};

/// Starts a descendant that leaves its parent, its group and its session, and notes its pid in `daemon`.
const DAEMON: &str = "(setsid sh -c 'echo $$ > daemon; exec sleep 600' > /dev/null 2>&1 &) ; while ! test -s daemon; do sleep 0.05; done";

/// The same, deaf to SIGTERM, and holding the runner's output open.
const DEAF: &str = "(setsid sh -c 'trap \"\" TERM; echo $$ > deaf; while :; do sleep 1; done' &) ; while ! test -s deaf; do sleep 0.05; done";

#[test]
fn a_double_forked_session_changer_is_dead_when_the_run_ends() {
    let world = World::of(&format!("{DAEMON}\n{DEAF}\n{}", reports("pass")));
    let run = world.run().finish().expect_code(0);
    for pid in pids(&run.directory.join("artifacts/probe"), &["daemon", "deaf"]) {
        assert!(!is_alive(pid), "{pid}");
    }
    let runner = &run.json("reports/submission-package.json")["reported_metadata"]["runners"][0];
    assert!(runner["killed_descendants"].as_u64() >= Some(2), "{runner}");
}

#[test]
fn a_timeout_reaches_a_runner_and_descendants_that_are_deaf_to_sigterm() {
    let world = World::new();
    world.target().write();
    world.assessment(&["probe"]).write();
    world
        .extension("probe")
        .timeout(1)
        .script(&format!("trap '' TERM\n{DEAF}\necho $$ > runner\nwhile :; do sleep 1; done"));
    let (run, peak) = world.run().finish_with_peak();
    assert!(peak < 64 << 20, "{} KiB", peak >> 10);
    let run = run.expect_code(5);
    run.expect_items("infrastructure_error", "took longer than 1 s");
    assert_eq!(run.items("one")[0]["facts"]["signal"], 9);
    for pid in pids(&run.directory.join("artifacts/probe"), &["deaf", "runner"]) {
        assert!(!is_alive(pid), "{pid}");
    }
}

#[test]
fn killing_the_run_leaves_no_descendant_and_no_summary() {
    let world = World::of(&format!("{DAEMON}\necho $$ > runner\nsleep 600"));
    let mut started = world.run().start();
    let pids = pids(&started.directory.join("artifacts/probe"), &["daemon", "runner"]);
    assert!(pids.iter().copied().all(is_alive));
    started.child.kill().expect("killed");
    eventually("the end of all descendants", Some(Duration::from_secs(2)), || {
        (!pids.iter().copied().any(is_alive)).then_some(())
    });
    assert!(!started.directory.join("retention-summary.json").exists());
    assert!(started.directory.join("run.json").exists());
}

#[test]
fn signals_end_the_run_with_their_code_and_leave_it_incomplete() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let world = World::of(&format!("{DAEMON}\necho $$ > runner\nsleep 600"));
        let mut started = world.run().start();
        let pids = pids(&started.directory.join("artifacts/probe"), &["daemon", "runner"]);
        kill_process(Pid::from_child(&started.child), signal).expect("signalled");
        let status = eventually("the run's end", None, || started.child.try_wait().expect("waited"));
        assert_eq!(status.code(), Some(code));
        assert!(!pids.iter().copied().any(is_alive));
        assert!(!started.directory.join("retention-summary.json").exists());
        assert!(!started.directory.join(".work").exists());
    }
}

#[test]
fn a_run_that_is_stopped_for_good_by_its_own_supervisor_takes_its_runner_along() {
    // `run` under `supervise`, as a job starts it: ending the outer one ends the inner one and its runner.
    let world = World::of(&format!("{DAEMON}\necho $$ > runner\nsleep 600"));
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().expect("a pair");
    let mut command = world.command();
    command.args(["supervise", "--grace-ms", "10000", "--"]).arg(env!("CARGO_BIN_EXE_guide-board"));
    command.arg("--extension-dir").arg(world.path("extensions")).arg("run");
    command.arg("--target").arg(world.path("target.json")).arg("--assessment").arg(world.path("assessment.json"));
    command.arg("--output-dir").arg(world.path("run"));
    command.stdin(std::os::fd::OwnedFd::from(theirs));
    let mut supervisor = command.spawn().expect("started");
    drop(command);
    let pids = pids(&world.path("run/artifacts/probe"), &["daemon", "runner"]);
    drop(ours);
    eventually("the supervisor's end", None, || supervisor.try_wait().expect("waited"));
    assert!(!pids.iter().copied().any(is_alive));
}

#[test]
fn supervise_without_its_socket_is_refused() {
    let output = World::new().command().args(["supervise", "--", "true"]).output().expect("runs");
    assert_eq!(output.status.code(), Some(2));
}
