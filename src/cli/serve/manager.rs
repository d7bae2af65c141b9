//! What the service manager is told, in the protocol of sd_notify(3): that the server is ready, that it is alive, that it ends.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::model::printable;

/// Where the manager listens.
const SOCKET: &str = "NOTIFY_SOCKET";
/// How long it lets a service be silent, in microseconds, and which process it means.
const WATCHDOG: [&str; 2] = ["WATCHDOG_USEC", "WATCHDOG_PID"];
/// How long the first looks may keep the server from being ready. A directory of a filesystem that hangs is never looked at; a manager that waited for it
/// would end the server, and all that it serves, again and again.
const FIRST_LOOKS: Duration = Duration::from_secs(60);
/// How long a message may wait for room in the manager's socket.
const PATIENCE: Duration = Duration::from_secs(5);
/// The same for the message that the server ends.
const LAST_WORD: Duration = Duration::from_millis(250);

/// The service manager, where there is one that wants to be told.
#[derive(Debug, Clone)]
pub(super) struct Manager {
    address: Option<SocketAddr>,
    watchdog: Option<Duration>,
}

impl Manager {
    /// As the environment names it. What is there and cannot be used is told in the log.
    pub(super) fn from_environment() -> Self {
        let address = std::env::var_os(SOCKET).filter(|name| !name.is_empty()).and_then(|name| {
            let address = address(&name);
            if let Err(error) = &address {
                tracing::warn!(socket = %printable(&name.to_string_lossy(), 200), %error, "the service manager's socket cannot be used");
            }
            address.ok()
        });
        let [interval, process] = WATCHDOG.map(std::env::var_os);
        let watchdog = address.as_ref().and_then(|_| silence(interval, process, std::process::id()));
        Self { address, watchdog }
    }

    /// Tells that the server is ready once every runs directory was looked at, or after [`FIRST_LOOKS`], and from now on that it is alive. `unseen`
    /// counts the directories that were not looked at yet. Told by the threads that answer calls: when all of them stand, the manager hears
    /// nothing. Dropping what this returns does not end it; aborting does.
    pub(super) fn follow(
        &self,
        scanned: watch::Receiver<bool>,
        unseen: impl Fn() -> usize + Send + 'static,
        status: String,
    ) -> JoinHandle<()> {
        if let Some(silence) = self.watchdog {
            let manager = self.clone();
            tokio::spawn(async move {
                let mut ticks = tokio::time::interval(silence / 2);
                ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                loop {
                    ticks.tick().await;
                    manager.tell("WATCHDOG=1").await;
                }
            });
        }
        let manager = self.clone();
        tokio::spawn(async move { manager.become_ready(scanned, unseen, &status, FIRST_LOOKS).await })
    }

    /// Does so, waiting no longer than `patience`, and tells when the looks that were not waited for have ended.
    async fn become_ready(
        &self,
        mut scanned: watch::Receiver<bool>,
        unseen: impl Fn() -> usize,
        status: &str,
        patience: Duration,
    ) {
        self.tell("STATUS=listens, and looks at the runs directories for the first time").await;
        let status = printable(status, 400);
        // An error would be a server that has ended before it was ready.
        let looked =
            tokio::time::timeout(patience, scanned.wait_for(|scanned| *scanned)).await.map(|looked| looked.is_ok());
        match looked {
            Ok(true) => self.tell(&format!("READY=1\nSTATUS={status}")).await,
            Ok(false) => {}
            Err(_) => {
                let unseen = unseen();
                tracing::warn!(directories = unseen, "the first look at some runs directories takes long");
                self.tell(&format!("READY=1\nSTATUS={status}; first look not ended: {unseen}")).await;
                if scanned.wait_for(|scanned| *scanned).await.is_ok() {
                    self.tell(&format!("STATUS={status}")).await;
                }
            }
        }
    }

    /// Tells that the server ends, and why. The end does not wait for a manager that takes nothing.
    pub(super) async fn stopping(&self, why: &str) {
        let message = format!("STOPPING=1\nSTATUS=ends: {why}");
        let _ = tokio::time::timeout(LAST_WORD, self.tell(&message)).await;
    }

    async fn tell(&self, message: &str) {
        let Some(address) = &self.address else { return };
        if let Err(error) = send(address, message).await {
            tracing::warn!(%error, "the service manager cannot be told");
        }
    }
}

/// Connected anew for each message: the manager may have been replaced by its successor.
async fn send(address: &SocketAddr, message: &str) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(address)?;
    socket.set_nonblocking(true)?;
    let socket = tokio::net::UnixDatagram::from_std(socket)?;
    tokio::time::timeout(PATIENCE, socket.send(message.as_bytes())).await?.map(drop)
}

/// A socket's address: a path, or after `@` a name that stands in no directory.
fn address(name: &OsStr) -> io::Result<SocketAddr> {
    match name.as_encoded_bytes() {
        [b'/', ..] => SocketAddr::from_pathname(name),
        #[cfg(target_os = "linux")]
        [b'@', rest @ ..] => {
            use std::os::linux::net::SocketAddrExt as _;
            SocketAddr::from_abstract_name(rest)
        }
        _ => Err(io::Error::new(io::ErrorKind::Unsupported, "neither an absolute path nor a name after @")),
    }
}

/// How long this process may be silent; `None` where nobody waits for it.
fn silence(interval: Option<OsString>, process: Option<OsString>, own: u32) -> Option<Duration> {
    let number = |text: OsString| text.to_str().and_then(|text| text.parse::<u64>().ok());
    let is_meant = process.is_none_or(|process| number(process) == Some(own.into()));
    let interval = interval.and_then(number).filter(|microseconds| *microseconds > 1 && is_meant)?;
    Some(Duration::from_micros(interval))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_process_that_the_manager_means_keeps_its_watchdog_quiet() {
        let silence =
            |interval: &str, process: Option<&str>| silence(Some(interval.into()), process.map(Into::into), 7);
        assert_eq!(silence("3000000", None), Some(Duration::from_secs(3)));
        assert_eq!(silence("3000000", Some("7")), Some(Duration::from_secs(3)));
        for (interval, process) in
            [("3000000", Some("8")), ("3000000", Some("x")), ("0", None), ("-1", None), ("", None)]
        {
            assert_eq!(silence(interval, process), None, "{interval} {process:?}");
        }
    }

    #[tokio::test]
    async fn a_look_that_does_not_end_keeps_the_server_from_being_ready_for_so_long_only() {
        let place = tempfile::tempdir().expect("a directory");
        let path = place.path().join("notify");
        let socket = tokio::net::UnixDatagram::bind(&path).expect("bound");
        let manager = Manager { address: Some(SocketAddr::from_pathname(&path).expect("an address")), watchdog: None };
        let scanned = watch::Sender::new(false);
        let receiver = scanned.subscribe();
        let told = tokio::spawn(async move {
            manager.become_ready(receiver, || 1, "serves a", Duration::from_millis(20)).await;
        });
        let next = async || {
            let mut message = [0; 200];
            let received = tokio::time::timeout(PATIENCE, socket.recv(&mut message)).await;
            let length = received.expect("a message within the patience").expect("received");
            String::from_utf8_lossy(&message[..length]).into_owned()
        };
        assert!(next().await.starts_with("STATUS=listens"));
        assert_eq!(next().await, "READY=1\nSTATUS=serves a; first look not ended: 1");
        scanned.send_replace(true);
        assert_eq!(next().await, "STATUS=serves a");
        told.await.expect("ended");
    }

    #[test]
    fn a_socket_is_an_absolute_path_or_a_name_after_an_at_sign() {
        assert!(address(OsStr::new("/run/systemd/notify")).is_ok());
        assert_eq!(address(OsStr::new("@a")).is_ok(), cfg!(target_os = "linux"));
        for refused in ["relative", "vsock:2:1234", ""] {
            assert!(address(OsStr::new(refused)).is_err(), "{refused}");
        }
    }
}
