//! Commands that ask a running server, over everything that a server can listen on: TLS, client certificates, Unix sockets, tokens.

mod health;
mod tls;
mod tokens;
mod unix;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::live::{Ended, Live};
use crate::service::served::{stand_in, world_of_jobs};
use crate::support::{self, World};

/// A server process. Dropped, it is killed.
pub(super) struct Server {
    child: Child,
}

impl Server {
    /// `serve` over `runs` with these arguments, its whole log in the world's `log`.
    fn start(world: &World, arguments: &[&str]) -> Self {
        Self::spawn(world.command(), &world.path("log"), &[&["--runs-dir", "runs"], arguments].concat())
    }

    /// `serve` with these arguments, from a command that was prepared so far.
    pub(super) fn spawn(mut command: Command, log: &Path, arguments: &[&str]) -> Self {
        let log = File::create(log).expect("created");
        command.env("GUIDE_BOARD_LOG", "trace").arg("serve").args(arguments);
        Self { child: command.stderr(log).spawn().expect("the binary starts") }
    }

    /// The same on a port that the kernel picks; returns it, too.
    fn on_a_port(world: &World, arguments: &[&str]) -> (Self, u16) {
        let _ = std::fs::remove_file(world.path("port"));
        let options = ["--listen", "127.0.0.1:0", "--port-file", "port"];
        let mut server = Self::start(world, &[&options, arguments].concat());
        let port = server.port(&world.path("port"));
        (server, port)
    }

    /// The port that it writes to this file.
    pub(super) fn port(&mut self, file: &Path) -> u16 {
        support::eventually("the port file", None, || {
            assert!(self.child.try_wait().expect("asked").is_none(), "the server ended at once");
            std::fs::read_to_string(file).ok()?.trim().parse().ok()
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A world whose jobs are this shell script, and the arguments that make it so.
fn world_of(script: &str) -> World {
    let world = world_of_jobs("");
    stand_in(&world, script);
    world
}

const JOBS: &str = "--cli-command=./stand-in";

/// A command that trusts no authority of the system, and these words.
fn command(world: &World, words: &[&str]) -> Command {
    let mut command = world.command();
    command.env("SSL_CERT_FILE", "/dev/null").args(words).stdin(Stdio::null());
    command
}

/// Runs a command to its end, with this exit code.
#[track_caller]
fn told(world: &World, words: &[&str], code: i32) -> Ended {
    ended(command(world, words), code)
}

#[track_caller]
fn ended(command: Command, code: i32) -> Ended {
    let words = format!("{command:?}");
    let ended = Live::with_pipes(command).ended();
    assert_eq!(ended.code, Some(code), "{words}: {ended:?}");
    ended
}

/// Fails unless standard error has all of these words, and standard output has nothing.
#[track_caller]
fn refused(world: &World, words: &[&str], code: i32, parts: &[&str]) {
    let ended = told(world, words, code);
    assert!(ended.stdout.is_empty() && ended.stderr.starts_with("error: "), "{ended:?}");
    assert!(parts.iter().all(|part| ended.stderr.contains(part)), "{parts:?}: {ended:?}");
}

/// Writes a file of the world; its path.
fn put(world: &World, name: &str, text: &str) -> PathBuf {
    std::fs::write(world.path(name), text).expect("written");
    world.path(name)
}

/// Waits until a server serves, by its own probe.
#[track_caller]
fn ready(world: &World, options: &[&str]) {
    let probe = told(world, &[&["health", "--wait", "30"], options].concat(), 0);
    assert_eq!((probe.stdout.as_str(), probe.stderr.as_str()), ("SERVING\n", ""));
}
