//! The real server over a tree: in a mount namespace with mounts where a run has none to have, or behind a filter of its system calls.

use std::net::SocketAddr;
use std::process::{Command, Stdio};

use serde_json::Value;
use tonic::transport::{Channel, Endpoint};

use super::calls::{self, Answer};
use super::names::Surroundings;
use super::not_tested;
use super::tree::Tree;
use crate::service::served::Served;

/// The mounts, made in a namespace of the server's own: outside directories and files inside a run, and a run that is a mount.
const MOUNTS: &str = "set -e
mount --bind outside runs/run/artifacts/mount-directory
mount --bind outside/secret.txt runs/run/artifacts/mount-file
mount --bind elsewhere runs/mounted
exec \"$@\"";

/// A server process, and a connection to it.
pub(super) struct Server {
    served: Served,
    pub(super) channel: Channel,
}

/// A command in a namespace of its own with the mounts, and whether it could be had.
pub(super) fn with_mounts(plain: Command) -> (Command, Surroundings) {
    let options = if rustix::process::geteuid().is_root() { "-m" } else { "-rm" };
    let possible = Command::new("unshare").args([options, "--", "true"]).output();
    if !possible.is_ok_and(|ran| ran.status.success()) {
        not_tested("mounts in the hostile tree", "a private mount namespace needs `unshare` and the right to use it");
        return (plain, Surroundings { has_mounts: false });
    }
    let mut command = in_place_of(&plain, "unshare");
    command.args([options, "--", "sh", "-c", MOUNTS, "sh"]).arg(plain.get_program()).args(plain.get_args());
    (command, Surroundings { has_mounts: true })
}

/// Another program in the directory and the environment of a command.
pub(super) fn in_place_of(plain: &Command, program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(plain.get_current_dir().expect("a directory")).env_clear().stdin(Stdio::null());
    for (name, value) in plain.get_envs() {
        command.env(name, value.expect("only set ones"));
    }
    command
}

impl Server {
    /// Starts one with this mechanism; the root is also served by its absolute path.
    pub(super) async fn start(tree: &Tree, command: &mut Command, containment: &str) -> Self {
        let absolute = format!("absolute={}", tree.path("runs").display());
        let arguments = ["--containment", containment, "--poll-interval", "0.1", "--runs-dir", &absolute];
        let served = Served::spawn(&tree.world, command, &arguments).await;
        let uri = format!("http://{}", served.address);
        let channel = Endpoint::from_shared(uri).expect("a URI").connect().await.expect("connected");
        Self { served, channel }
    }

    /// Makes the call of this name, and insists that nothing of its answer shows what must not be shown.
    pub(super) async fn ask(&self, tree: &Tree, name: &str, request: &Value) -> Answer {
        let method = calls::methods().into_iter().find(|method| method.name() == name).expect("a call");
        let answer = calls::ask(&self.channel, &method, &calls::request(&method, request)).await;
        tree.assert_clean(&(name, request), &answer.bytes());
        answer
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.served.address
    }

    /// How many descriptors it holds.
    pub(super) fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.served.pid())).expect("listed").count()
    }
}
