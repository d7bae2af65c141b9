//! The exit codes of `serve`: one test for each line of the table in docs/sidecar.md.

use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Stdio};

use rustix::process::Signal;

use super::super::served::{self, world_of_jobs};
use super::shell;
use crate::support::{World, eventually};

/// A server that listens. Dropped, it is killed.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn listening(world: &World, more: &[&str]) -> Server {
    let mut command = world.command();
    command.args(["serve", "--listen", "127.0.0.1:0", "--port-file", "port"]).args(more);
    command.stdin(Stdio::piped()).stderr(Stdio::null());
    let mut server = Server(command.spawn().expect("the binary starts"));
    eventually("the port file", None, || {
        assert!(server.0.try_wait().expect("asked").is_none(), "the server ended at once");
        world.path("port").is_file().then_some(())
    });
    server
}

#[test]
fn a_server_that_was_asked_to_end_ends_with_0_and_takes_its_port_file_away() {
    for signal in [Signal::TERM, Signal::INT] {
        let world = World::new();
        let mut server = listening(&world, &[]);
        served::signal(&server.0, signal);
        let status = eventually("its end", None, || server.0.try_wait().expect("asked"));
        assert_eq!((status.code(), world.path("port").exists()), (Some(0), false), "{signal:?}");
    }
    let world = World::new();
    let mut server = listening(&world, &["--until-stdin-ends"]);
    drop(server.0.stdin.take());
    let status = eventually("its end", None, || server.0.try_wait().expect("asked"));
    assert_eq!(status.code(), Some(0));
}

/// Whether this process ignores a signal, as far as the system tells.
fn is_ignored(signal: Signal) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or("0");
    let ignored = u64::from_str_radix(ignored.trim(), 16).expect("a mask");
    (ignored >> (signal.as_raw() - 1)) & 1 == 1
}

#[test]
fn a_hangup_and_a_kill_end_it_at_once_and_leave_the_port_file() {
    for signal in [Signal::HUP, Signal::KILL] {
        if signal == Signal::HUP && is_ignored(signal) {
            eprintln!(
                "SKIPPED, NOT TESTED: a hangup: this process ignores it, as nohup makes it, and so does what it starts"
            );
            continue;
        }
        let world = World::new();
        let mut server = listening(&world, &[]);
        served::signal(&server.0, signal);
        let status = eventually("its end", None, || server.0.try_wait().expect("asked"));
        assert_eq!((status.signal(), world.path("port").exists()), (Some(signal.as_raw()), true));
    }
}

#[test]
fn what_the_operator_can_mend_ends_it_with_2_and_a_sentence() {
    let world = world_of_jobs("");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("an address").to_string();
    std::fs::write(world.path("wrong.toml"), "[serve]\nno-such = 1\n").expect("written");
    std::fs::write(world.path("tokens.toml"), "[[token]]\nname = 7\n").expect("written");
    let wrong: [(&[&str], &str); 16] = [
        (&["--no-such-option"], "--no-such-option"),
        (&["--drain", "soon"], "--drain"),
        (&["--config", "wrong.toml"], "wrong.toml"),
        (&["--config", "none.toml"], "none.toml"),
        (&["--listen", &taken], "another process listens there"),
        (&["--listen", "192.0.2.1:0", "--insecure"], "this machine does not have that address"),
        (&["--listen", "0.0.0.0:0"], "is not a loopback address"),
        (&["--health-listen", &taken], "another process listens there"),
        (&["--port-file", "none/port"], "none/port"),
        (&["--uds", "none/socket"], "none/socket"),
        (&["--uds", "socket", "--port-file", "port"], "a Unix socket has no port"),
        (&["--tokens", "none.toml"], "none.toml"),
        (&["--tokens", "tokens.toml"], "tokens.toml"),
        (&["--tls-cert", "none.pem", "--tls-key", "none.pem"], "none.pem"),
        (&["--cli-command", "./none"], "--cli-command"),
        (&["--parent-pid", "1"], "--parent-pid goes with --die-with-parent"),
    ];
    for (arguments, words) in wrong {
        let mut command = world.command();
        command.arg("serve").args(["--runs-dir", "runs"]).args(arguments);
        let is_bound = arguments.iter().any(|argument| matches!(*argument, "--listen" | "--uds"));
        let ended = command.args(if is_bound { &[][..] } else { &["--listen", "127.0.0.1:0"] }).output().expect("ran");
        let told = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(2), "{arguments:?}: {told}");
        assert!(told.contains("error: ") && told.contains(words) && ended.stdout.is_empty(), "{arguments:?}: {told}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_machine_that_does_not_let_it_work_ends_it_with_1() {
    // Too few descriptors for the threads' door to the kernel: nothing that an option of `serve` could mend.
    let world = World::new();
    let mut command = shell(&world, "ulimit -n 5; exec \"$0\" \"$@\"");
    let ended = command.args(["serve", "--listen", "127.0.0.1:0"]).output().expect("ran");
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(1), "{told}");
    assert!(told.contains("error: "), "{told}");
}
