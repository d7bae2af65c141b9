//! What a service manager is told over its socket, and that nobody else hears of that.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process::Command;
use std::time::Duration;

use tonic_health::pb::health_check_response::ServingStatus;

use super::super::fixtures::{PATIENCE, put_summary, summary};
use super::super::served::{self, Served, stand_in, start_request, world_of_jobs};
use super::{log, log_to};
use crate::support::World;

/// The manager's end of the socket.
pub(super) struct Manager(UnixDatagram);

impl Manager {
    /// One at `notify` in the world, which the command is told of.
    pub(super) fn of(world: &World, command: &mut Command) -> Self {
        let path = world.path("notify");
        command.env("NOTIFY_SOCKET", &path);
        Self(UnixDatagram::bind(path).expect("bound"))
    }

    /// The next message.
    fn next(&self) -> String {
        self.next_within(PATIENCE).expect("a message within the patience")
    }

    /// The next message, if it comes soon.
    pub(super) fn next_within(&self, patience: Duration) -> Option<String> {
        self.0.set_read_timeout(Some(patience)).expect("set");
        let mut message = [0; 4096];
        let length = self.0.recv(&mut message).ok()?;
        Some(String::from_utf8(message[..length].to_vec()).expect("UTF-8"))
    }

    /// The next message that is about something else than being alive.
    fn next_news(&self) -> String {
        std::iter::repeat_with(|| self.next()).find(|message| message != "WATCHDOG=1").expect("endless")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ready_is_told_after_the_first_look_at_every_root_and_stopping_when_the_end_is_asked_for() {
    let world = world_of_jobs("");
    for number in 0..1500 {
        put_summary(
            &world.path("many"),
            &format!("d{number}"),
            &summary(&format!("r{number}"), "2026-01-01T00:00:00Z"),
        );
    }
    let mut command = world.command();
    log_to(&world, &mut command);
    let manager = Manager::of(&world, &mut command);
    // One that is away was looked at, too: it may take days to come, and a manager waits for minutes.
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--port-file", "port"];
    command.args(arguments).args(["--runs-dir", "many", "--runs-dir", "away"]);
    let mut server = command.spawn().expect("the binary starts");
    assert_eq!(manager.next(), "STATUS=listens, and looks at the runs directories for the first time");
    assert!(world.path("port").is_file(), "the port file stands as soon as the server listens");
    let ready = manager.next();
    let seen = log(&world);
    let port = std::fs::read_to_string(world.path("port")).expect("a port");
    let address = format!("127.0.0.1:{}", port.trim());
    let health = world.command().args(["health", "--server", &format!("http://{address}")]).output().expect("ran");
    served::signal(&server, rustix::process::Signal::TERM);
    let stopping = manager.next();
    let status = crate::support::eventually("its end", None, || server.try_wait().expect("asked"));
    assert_eq!(ready, format!("READY=1\nSTATUS=serves many=many, away=away on {address}"));
    assert!(seen.contains("runs=1500") && seen.contains("the runs root is away"), "ready before it was: {seen}");
    assert_eq!(String::from_utf8_lossy(&health.stdout), "SERVING\n");
    assert_eq!(stopping, "STOPPING=1\nSTATUS=ends: SIGTERM");
    assert!(status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watchdog_is_kept_quiet_and_jobs_hear_of_no_manager() {
    let world = world_of_jobs("");
    stand_in(&world, "env > environment.new; mv environment.new environment; exit 1");
    let mut command = world.command();
    let name = world.path("abstract").into_os_string().into_encoded_bytes();
    let address = SocketAddr::from_abstract_name(&name).expect("a name");
    let manager = Manager(UnixDatagram::bind_addr(&address).expect("bound"));
    command.env("NOTIFY_SOCKET", format!("@{}", String::from_utf8(name).expect("UTF-8")));
    command.envs([("WATCHDOG_USEC", "50000"), ("LISTEN_FDS", "1"), ("LISTEN_PID", "1"), ("LISTEN_FDNAMES", "a")]);
    command.envs([("LISTEN_PIDFDID", "1"), ("CREDENTIALS_DIRECTORY", "/run/credentials/a"), ("KEPT", "yes")]);
    let server = Served::spawn(&world, &mut command, &["--cli-command=./stand-in"]).await;
    assert!(manager.next_news().starts_with("STATUS="));
    assert!(manager.next_news().starts_with("READY=1\n"));
    // Those that waited in the socket, which holds no more than so many.
    let waiting = std::fs::read_to_string("/proc/sys/net/unix/max_dgram_qlen").expect("a length");
    for _ in 0..waiting.trim().parse::<usize>().expect("a number").min(100) + 2 {
        assert_eq!(manager.next(), "WATCHDOG=1");
    }
    let began = std::time::Instant::now();
    for _ in 0..4 {
        assert_eq!(manager.next(), "WATCHDOG=1");
    }
    // Three intervals of half the time lie between four.
    assert!(began.elapsed() > Duration::from_millis(70), "{:?}", began.elapsed());
    let job = served::start(server.client.runs(), start_request()).await;
    served::ended(server.client.runs(), &job.job_id).await;
    let environment = std::fs::read_to_string(world.path("environment")).expect("the job's environment");
    assert!(environment.contains("KEPT=yes\n"), "{environment}");
    for name in ["NOTIFY_SOCKET", "WATCHDOG_", "LISTEN_", "CREDENTIALS_"] {
        assert!(!environment.contains(name), "{environment}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manager_that_cannot_be_told_keeps_nobody_from_being_served() {
    for (socket, words) in [("/nowhere/at/all", "cannot be told"), ("vsock:2:1", "cannot be used")] {
        let world = world_of_jobs("");
        let mut command = world.command();
        log_to(&world, &mut command);
        let mut server = Served::spawn(&world, command.env("NOTIFY_SOCKET", socket), &[]).await;
        assert_eq!(server.health().await, ServingStatus::Serving);
        server.terminate();
        assert!(server.ended().success());
        assert!(log(&world).contains(words), "{}", log(&world));
    }
}
