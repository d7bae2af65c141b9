//! A server beside others: whose end is its own, whom it tells that it is ready, how it ends, and who reaches its socket.

#[cfg(target_os = "linux")]
mod deployed;
mod endings;
#[cfg(target_os = "linux")]
mod manager;
#[cfg(target_os = "linux")]
mod parent;
#[cfg(target_os = "linux")]
mod volume;

use std::fs::File;
use std::process::{Command, Stdio};

use crate::support::World;

/// A shell in the world that executes this script, with the binary as `$0`, and `$@` what is added as arguments.
fn shell(world: &World, script: &str) -> Command {
    let own = world.command();
    let mut command = Command::new("sh");
    command.args(["-c", script]).arg(own.get_program()).current_dir(world.path("")).env_clear();
    command.envs(own.get_envs().filter_map(|(name, value)| Some((name, value?)))).stdin(Stdio::null());
    command
}

/// Sends the log of a command to the world's `log`.
fn log_to(world: &World, command: &mut Command) {
    command.stderr(File::create(world.path("log")).expect("created"));
}

/// The log so far.
fn log(world: &World) -> String {
    std::fs::read_to_string(world.path("log")).expect("a log")
}
