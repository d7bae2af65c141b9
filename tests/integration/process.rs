//! The supervised child process through its library face: both its users rely on this.
#![cfg(target_os = "linux")]

use std::ffi::OsString;
use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, Instant};

use guide_board::process::{Environment, SpawnRequest, Supervised};
use rustix::process::{Pid, Signal, kill_process};

use crate::support::{eventually, is_alive, pids};

fn spawn(directory: &Path, command: &[&str]) -> Supervised {
    let command: Vec<OsString> = command.iter().map(OsString::from).collect();
    Supervised::spawn(SpawnRequest {
        program: Path::new(env!("CARGO_BIN_EXE_guide-board")),
        command: &command,
        current_dir: directory,
        environment: Environment::Inherited,
        grace: Duration::from_millis(300),
    })
    .expect("spawned")
}

#[test]
fn an_exit_code_and_a_signal_come_through() {
    let directory = tempfile::tempdir().expect("a directory");
    let ending = spawn(directory.path(), &["sh", "-c", "exit 42"]).wait(None);
    assert_eq!((ending.exit_code, ending.signal, ending.killed_descendants), (Some(42), None, 0));
    let ending = spawn(directory.path(), &["sh", "-c", "kill -KILL $$"]).wait(None);
    assert_eq!((ending.exit_code, ending.signal), (None, Some(9)));
}

#[test]
fn a_program_that_is_not_there_is_an_ending_and_a_supervisor_that_is_not_there_an_error() {
    let directory = tempfile::tempdir().expect("a directory");
    let ending = spawn(directory.path(), &["no-such-program-anywhere"]).wait(None);
    assert!(ending.start_failure.is_some_and(|failure| failure.program_missing));
    let request = SpawnRequest {
        program: Path::new("/no/such/binary"),
        command: &["true".into()],
        current_dir: directory.path(),
        environment: Environment::Inherited,
        grace: Duration::ZERO,
    };
    assert!(Supervised::spawn(request).is_err());
}

#[test]
fn terminate_from_another_thread_ends_a_command_that_ignores_sigterm() {
    let directory = tempfile::tempdir().expect("a directory");
    let script = "trap '' TERM; echo $$ > pid; while :; do sleep 1; done";
    let running = spawn(directory.path(), &["sh", "-c", script]);
    let pid = pids(directory.path(), &["pid"])[0];
    let terminator = running.terminator();
    std::thread::spawn(move || {
        terminator.terminate();
        terminator.terminate();
    });
    let ending = running.wait(None);
    assert_eq!(ending.signal, Some(9));
    assert!(!ending.timed_out && !is_alive(pid));
}

#[test]
fn a_command_that_obeys_has_its_grace_time() {
    let directory = tempfile::tempdir().expect("a directory");
    let script = "trap 'echo tidied > tidied; exit 5' TERM; echo $$ > pid; while :; do sleep 0.05; done";
    let running = spawn(directory.path(), &["sh", "-c", script]);
    pids(directory.path(), &["pid"]);
    let ending = running.wait(Some(Instant::now()));
    assert!(ending.timed_out);
    assert_eq!(ending.exit_code, Some(5));
    assert!(directory.path().join("tidied").exists());
}

#[test]
fn dropping_the_handle_ends_everything() {
    let directory = tempfile::tempdir().expect("a directory");
    let running =
        spawn(directory.path(), &["sh", "-c", "(setsid sleep 600 & echo $! > below); echo $$ > pid; sleep 600"]);
    let pids = pids(directory.path(), &["pid", "below"]);
    drop(running);
    eventually("the end", None, || (!pids.iter().copied().any(is_alive)).then_some(()));
}

#[test]
fn a_supervisor_that_is_killed_is_told_and_the_command_goes_with_it() {
    let directory = tempfile::tempdir().expect("a directory");
    let running = spawn(directory.path(), &["sh", "-c", "echo $PPID > supervisor; echo $$ > pid; sleep 600"]);
    let found = pids(directory.path(), &["supervisor", "pid"]);
    let supervisor = i32::try_from(found[0]).ok().and_then(Pid::from_raw).expect("a pid");
    // It tells what it started and then sleeps; killed before that, it cannot have told.
    let sleeps = || std::fs::read_to_string(format!("/proc/{}/stat", found[0])).is_ok_and(|stat| stat.contains(") S "));
    eventually("a waiting supervisor", None, || sleeps().then_some(()));
    kill_process(supervisor, Signal::KILL).expect("killed");
    let ending = running.wait(None);
    assert!(ending.supervisor_lost);
    eventually("the command's end", None, || (!is_alive(found[1])).then_some(()));
}

#[test]
fn a_crowd_that_keeps_forking_is_ended() {
    let directory = tempfile::tempdir().expect("a directory");
    // Each generation is a session of its own, ignores SIGTERM and starts the next one.
    let script = "trap '' TERM; echo $$ >> crowd; n=${1:-0}; test $n -ge 40 || setsid sh \"$0\" $((n + 1)) & sleep 600";
    std::fs::write(directory.path().join("crowd.sh"), script).expect("written");
    let running = spawn(directory.path(), &["sh", "crowd.sh"]);
    let crowd = || std::fs::read_to_string(directory.path().join("crowd")).unwrap_or_default();
    eventually("a crowd", None, || (crowd().lines().count() >= 10).then_some(()));
    let ending = running.wait(Some(Instant::now()));
    assert!(ending.killed_descendants >= 10 && !ending.survivors, "{ending:?}");
    for pid in crowd().lines().map(|line| line.parse().expect("a pid")) {
        assert!(!is_alive(pid), "{pid}");
    }
}

#[test]
fn standard_output_and_error_are_pipes_that_end_with_the_command() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut running = spawn(directory.path(), &["sh", "-c", "echo out; echo err >&2; cat"]);
    let (mut out, mut err) = (String::new(), String::new());
    running.take_stdout().expect("a pipe").read_to_string(&mut out).expect("read");
    running.take_stderr().expect("a pipe").read_to_string(&mut err).expect("read");
    assert_eq!((out.as_str(), err.as_str()), ("out\n", "err\n"));
    assert_eq!(running.wait(None).exit_code, Some(0));
}
