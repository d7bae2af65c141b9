//! The real binary as a server process, and job fixtures: profiles in their directory, and stand-ins for the CLI.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus};
use std::time::Instant;

use guide_board::client::{Client, Transport};
use guide_board::wire::pb;
use guide_board::wire::pb::run_service_client::RunServiceClient;
use rustix::process::{Pid, Signal, kill_process};
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::fixtures::{PATIENCE, eventually};
use crate::support::{self, World};

/// A server process. Dropped, it is killed.
pub(crate) struct Served {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) client: Client,
}

impl Served {
    /// `guide-board serve` over `runs` in the world, on a port that the kernel picks.
    pub(crate) async fn start(world: &World, arguments: &[&str]) -> Self {
        Self::spawn(world, &mut world.command(), arguments).await
    }

    /// The same with a command that was prepared further.
    pub(crate) async fn spawn(world: &World, command: &mut Command, arguments: &[&str]) -> Self {
        let port_file = world.path("port");
        let _ = std::fs::remove_file(&port_file);
        command.args(["serve", "--listen", "127.0.0.1:0", "--port-file", "port", "--runs-dir", "runs"]);
        let mut child = command.args(arguments).spawn().expect("the binary starts");
        let port: u16 = eventually("the port file", async || {
            assert!(child.try_wait().expect("asked").is_none(), "the server ended at once");
            std::fs::read_to_string(&port_file).ok()?.trim().parse().ok()
        })
        .await;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let client = Client::connect_ready(address, Instant::now() + PATIENCE).await.expect("a ready server");
        Self { child, address, client }
    }

    /// A connection of its own, for services that the client has no face for.
    pub(crate) async fn channel(&self) -> Channel {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address)).expect("a URI");
        endpoint.connect().await.expect("connected")
    }

    /// The health of the server as a whole.
    pub(super) async fn health(&self) -> ServingStatus {
        let mut health = HealthClient::new(self.channel().await);
        health.check(HealthCheckRequest::default()).await.expect("a health").get_ref().status()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("waited for");
    }

    /// SIGTERM.
    pub(crate) fn terminate(&self) {
        signal(&self.child, Signal::TERM);
    }

    /// Waits for its end.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        support::eventually("the end of the server", None, || self.child.try_wait().expect("asked"))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a child a signal.
pub(super) fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).expect("sent");
}

/// A world with `profiles/target.json`, `profiles/assessment.json`, and the extension `probe` of this script in `extensions`.
pub(crate) fn world_of_jobs(script: &str) -> World {
    let world = World::new();
    std::fs::create_dir_all(world.path("profiles")).expect("made");
    std::fs::create_dir_all(world.path("runs")).expect("made");
    world.extension("probe").script(script);
    for written in [world.target().write(), world.assessment(&["probe"]).write()] {
        let name = written.file_name().expect("a name").to_owned();
        std::fs::rename(&written, world.path("profiles").join(name)).expect("moved");
    }
    world
}

/// The request for those profiles.
pub(crate) fn start_request() -> pb::StartRunRequest {
    pb::StartRunRequest {
        target: "profiles/target.json".to_owned(),
        assessment: "profiles/assessment.json".to_owned(),
        ..Default::default()
    }
}

/// A program that is the real supervisor, and in place of `run` this shell script; `$out` is the output directory.
pub(crate) fn stand_in(world: &World, script: &str) -> PathBuf {
    let path = world.path("stand-in");
    let binary = env!("CARGO_BIN_EXE_guide-board");
    let text = format!(
        "#!/bin/sh\nif test \"$1\" = supervise; then exec '{binary}' \"$@\"; fi\n\
         while test $# -gt 0; do if test \"$1\" = --output-dir; then out=$2; fi; shift; done\n{script}\n"
    );
    std::fs::write(&path, text).expect("written");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("executable");
    path
}

/// A runner's script that notes its pid in `runner`, waits until the world has a file `go`, and then reports.
pub(crate) fn waits_for_go() -> String {
    format!("echo $$ > runner\nwhile ! test -e ../../../../go; do sleep 0.02; done\n{}", support::reports("pass"))
}

/// Starts a job.
pub(crate) async fn start(mut runs: RunServiceClient<Transport>, request: pb::StartRunRequest) -> pb::Job {
    runs.start_run(request).await.expect("a job").into_inner().run.expect("a job")
}

pub(crate) async fn get(mut runs: RunServiceClient<Transport>, job_id: &str) -> pb::Job {
    let request = pb::GetRunRequest { job_id: job_id.to_owned() };
    runs.get_run(request).await.expect("the job").into_inner().run.expect("the job")
}

/// Polls a job until it ended.
pub(crate) async fn ended(runs: RunServiceClient<Transport>, job_id: &str) -> pb::Job {
    let what = format!("the end of {job_id}");
    eventually(&what, async || Some(get(runs.clone(), job_id).await).filter(|job| job.ended_at.is_some())).await
}
