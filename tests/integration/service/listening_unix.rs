//! `serve --uds` and `--health-listen`: a socket for its owner alone, and health for probes.

use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use guide_board::wire::pb;
use guide_board::wire::pb::retained_run_service_client::RetainedRunServiceClient;
use hyper_util::rt::TokioIo;
use rustix::process::{Pid, Signal, kill_process};
use tokio::net::UnixStream;
use tonic::Code;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::fixtures::{eventually, put_summary, summary};
use super::http::client::ask;
use crate::support::{self, World};

/// A channel over a socket.
pub(super) async fn over(socket: &Path) -> Option<Channel> {
    let socket: PathBuf = socket.to_owned();
    let connect = tower::service_fn(move |_| {
        let socket = socket.clone();
        async move { UnixStream::connect(socket).await.map(TokioIo::new) }
    });
    Endpoint::from_static("http://localhost").connect_with_connector(connect).await.ok()
}

struct Server(Child);

impl Server {
    fn start(world: &World, arguments: &[&str]) -> Self {
        let mut command = world.command();
        command.args(["serve", "--runs-dir", "runs"]).args(arguments);
        Self(command.stdout(Stdio::null()).spawn().expect("the binary starts"))
    }

    fn end(&mut self) {
        kill_process(Pid::from_child(&self.0), Signal::TERM).expect("sent");
        let status = support::eventually("the end of the server", None, || self.0.try_wait().expect("asked"));
        assert!(status.success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_serves_its_owner_and_goes_with_the_server() {
    let world = World::new();
    put_summary(&world.path("runs"), "d", &summary("r", "2026-01-01T00:00:00Z"));
    let socket = world.path("s");
    // Left behind by a server that was killed.
    drop(std::os::unix::net::UnixListener::bind(&socket).expect("bound"));
    let mut server = Server::start(&world, &["--uds", "s"]);
    let channel = eventually("the socket", async || over(&socket).await).await;
    let there = std::fs::symlink_metadata(&socket).expect("there");
    assert!(there.file_type().is_socket());
    assert_eq!(there.permissions().mode() & 0o777, 0o600);
    let mut retained = RetainedRunServiceClient::new(channel);
    eventually("the run", async || {
        let list = retained.list_retained_runs(pb::ListRetainedRunsRequest::default()).await.ok()?;
        (list.get_ref().total_size == 1).then_some(())
    })
    .await;
    let second = world.command().args(["serve", "--runs-dir", "runs", "--uds", "s"]).output().expect("ran");
    assert_eq!(second.status.code(), Some(2), "{second:?}");
    server.end();
    assert!(!socket.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mode_of_the_socket_is_a_setting_and_a_file_is_not_replaced() {
    let world = World::new();
    std::fs::create_dir_all(world.path("runs")).expect("made");
    let socket = world.path("s");
    let mut server = Server::start(&world, &["--uds", "s", "--uds-mode", "0660"]);
    eventually("the socket", async || over(&socket).await).await;
    let mode = std::fs::symlink_metadata(&socket).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode, 0o660);
    server.end();
    std::fs::write(&socket, "words").expect("written");
    for arguments in [&["--uds", "s"][..], &["--uds", "t", "--port-file", "p"], &["--uds", "t", "--uds-mode", "0077"]] {
        let ran = world.command().args(["serve", "--runs-dir", "runs"]).args(arguments).output().expect("ran");
        assert_eq!(ran.status.code(), Some(2), "{arguments:?}: {ran:?}");
    }
    assert_eq!(std::fs::read_to_string(&socket).expect("read"), "words");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_health_listener_tells_health_and_metrics_and_makes_no_call() {
    let world = World::new();
    std::fs::create_dir_all(world.path("runs")).expect("made");
    let health = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let mut server = Server::start(&world, &["--uds", "s", "--health-listen", &health.to_string()]);
    let channel = eventually("the health port", async || {
        Endpoint::from_shared(format!("http://{health}")).expect("a URI").connect().await.ok()
    })
    .await;
    let mut probe = HealthClient::new(channel.clone());
    eventually("SERVING", async || {
        let reply = probe.check(HealthCheckRequest { service: String::new() }).await.ok()?;
        (reply.get_ref().status() == ServingStatus::Serving).then_some(())
    })
    .await;
    let request = pb::ListRetainedRunsRequest::default();
    let status = RetainedRunServiceClient::new(channel).list_retained_runs(request).await.expect_err("no such call");
    assert_eq!(status.code(), Code::Unimplemented);
    for rule in guide_board::wire::Rules::read().expect("the paths").iter() {
        let answer = ask(health, rule.method, &rule.template.replace(['{', '}', '=', '*'], ""), &[], b"").await;
        answer.refused(404, "NOT_FOUND", "PATH_NOT_FOUND");
    }
    for path in ["/health", "/metrics"] {
        assert_eq!(ask(health, "GET", path, &[], b"").await.code, 200, "{path}");
    }
    server.end();
}
