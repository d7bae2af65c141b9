//! The server that the quickstart starts and kills: this same binary, as a child process.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::Scene;
use crate::cli::exit::{self, Failure};
use crate::client::Client;
use crate::repository::ambient;

/// How long a server may take until it serves.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// How long it may take to end when asked to.
const STOP_TIMEOUT: Duration = Duration::from_secs(15);
/// How long to wait between two looks at something that is not there yet.
const PAUSE: Duration = Duration::from_millis(20);

/// A running server. Dropped, it is killed.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    log: PathBuf,
    port_file: PathBuf,
    /// Where it listens.
    pub(super) address: SocketAddr,
}

impl Server {
    /// Starts a server on a port that the kernel picks, and waits until it serves.
    pub(super) async fn start(scene: &Scene) -> Result<(Self, Client), Failure> {
        let internal = |error: &dyn std::fmt::Display| {
            Failure::new(exit::INTERNAL, format!("the server cannot be started: {error}"))
        };
        let program = std::env::current_exe().map_err(|error| internal(&error))?;
        let port_file = scene.state.join(format!("port-{}", std::process::id()));
        ambient::remove_own_file(&port_file);
        let log_path = scene.state.join("server.log");
        let log = ambient::append_to(&log_path).map_err(|error| internal(&error))?;
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"GUIDE_BOARD_")) {
            command.env_remove(name);
        }
        let mut runs = std::ffi::OsString::from("runs=");
        runs.push(&scene.runs);
        command.arg("serve").args(["--listen", "127.0.0.1:0"]).arg("--root").arg(&scene.state);
        command.arg("--profiles-dir").arg(scene.state.join("profiles")).arg("--runs-dir").arg(runs);
        command.arg("--port-file").arg(&port_file).args(["--log-format", scene.globals.log_format.word()]);
        for directory in &scene.globals.extension_dirs {
            command.arg("--extension-dir").arg(ambient::resolved(directory));
        }
        // The pipe's end tells the server that nobody is left to serve for, however this process ended.
        command.arg("--until-stdin-ends");
        let child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(|error| internal(&error))?;
        let mut server = Self { child, log: log_path, port_file, address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)) };
        let deadline = Instant::now() + START_TIMEOUT;
        let port = server.wait_for_port(deadline).await?;
        server.address.set_port(port);
        let client = Client::connect_ready(server.address, deadline)
            .await
            .map_err(|error| Failure::new(exit::SERVER, error.to_string()))?;
        Ok((server, client))
    }

    async fn wait_for_port(&mut self, deadline: Instant) -> Result<u16, Failure> {
        loop {
            // The file appears whole or not at all.
            if let Some(port) = ambient::read_text(&self.port_file, 64).ok().and_then(|text| text.trim().parse().ok()) {
                return Ok(port);
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                let message = format!("the server ended at once ({status}); {} says why", self.log.display());
                return Err(Failure::new(exit::INTERNAL, message));
            }
            if Instant::now() >= deadline {
                let message = format!("the server did not start in time; {} says why", self.log.display());
                return Err(Failure::new(exit::SERVER, message));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Its process id.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it with SIGKILL: it gets no chance to write anything.
    pub(super) fn kill(mut self) -> Result<(), Failure> {
        self.child.kill().and_then(|()| self.child.wait().map(drop)).map_err(Failure::from)
    }

    /// Asks it to end with SIGTERM and waits for that.
    pub(super) async fn stop(mut self) -> Result<(), Failure> {
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        let deadline = Instant::now() + STOP_TIMEOUT;
        while Instant::now() < deadline {
            if self.child.try_wait().map_err(Failure::from)?.is_some() {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(Failure::new(exit::SERVER, "the server did not end in time and was killed"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        ambient::remove_own_file(&self.port_file);
    }
}
