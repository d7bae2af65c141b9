//! Where `serve` listens, and the limits of connections.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use tokio::net::{TcpListener, TcpSocket, UnixListener};

use super::super::exit::{self, Failure};
use super::{at_least_one, seconds};
use crate::repository::ambient::{self, AmbientError, SocketFile};
use crate::server::{CallLimits, ConnectionLimits, Listener, Listening, Tls, TlsFiles};

/// Where to listen.
#[derive(Debug, Clone, Args)]
pub(super) struct ListenArgs {
    /// Where to listen; port 0 lets the kernel pick one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDR:PORT", conflicts_with_all = ["host", "port"], value_parser = address)]
    listen: Option<SocketAddr>,
    /// The address to listen on, instead of --listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1", value_parser = host)]
    host: IpAddr,
    /// The port to listen on, instead of --listen
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    port: u16,
    /// Listen on a Unix socket of this name, instead of a port
    #[arg(long, value_name = "PATH", conflicts_with_all = ["listen", "host", "port"])]
    uds: Option<PathBuf>,
    /// Who may connect to the Unix socket, as the mode of its file
    #[arg(long, value_name = "MODE", default_value = "0600", value_parser = mode)]
    uds_mode: u32,
    /// Write the port to this file once the service listens
    #[arg(long, value_name = "FILE")]
    pub(super) port_file: Option<PathBuf>,
    /// Serve health and metrics here and nothing else, without TLS and credentials, on any address: for probes and scrapers
    #[arg(long, value_name = "ADDR:PORT", value_parser = address)]
    health_listen: Option<SocketAddr>,
    /// The server's certificate in PEM, followed by those that lead to its authority; with it the port speaks TLS. Read again when it changes
    #[arg(long, value_name = "FILE", requires = "tls_key", conflicts_with = "uds")]
    tls_cert: Option<PathBuf>,
    /// The private key of --tls-cert, in PEM. Read again when it changes
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// The authorities of clients' certificates, in PEM; with it only clients that have one are served. Read again when it changes
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_client_ca: Option<PathBuf>,
    /// Connections held at once; beyond it the one that has gone longest without a call is closed for a further one, which waits where all have calls
    #[arg(long, value_name = "N", default_value_t = ConnectionLimits::default().max_connections, value_parser = at_least_one)]
    max_connections: usize,
    /// Calls at once on one connection
    #[arg(long, value_name = "N", default_value_t = ConnectionLimits::default().max_streams, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    max_streams: u32,
    /// The largest headers of a request, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = ConnectionLimits::default().max_header_bytes, value_parser = clap::value_parser!(u32).range(8192..=1_048_576))]
    max_header_bytes: u32,
    /// How long a client may take for a handshake, for the headers of a request and for the rest of it, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10.0, value_parser = seconds)]
    header_time: f64,
    /// How long a connection of HTTP/2 may stand without a request, in seconds (one of HTTP/1.1: --header-time); it is then closed, and clients open another one when they need it
    #[arg(long, value_name = "SECONDS", default_value_t = 300.0, value_parser = seconds)]
    idle_time: f64,
    /// How long a call may take, in seconds; watches of jobs may take longer, and a client's own deadline holds in any case
    #[arg(long, value_name = "SECONDS", default_value_t = 3600.0, value_parser = seconds)]
    call_time: f64,
    /// How long a stream or a connection may stand because its reader takes nothing, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300.0, value_parser = seconds)]
    stall_time: f64,
}

/// An address; `localhost` is the loopback of IPv4. Other names are not looked up: what they mean may change.
fn host(text: &str) -> Result<IpAddr, String> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    if bare == "localhost" {
        return Ok(Ipv4Addr::LOCALHOST.into());
    }
    bare.parse().map_err(|_| "an address is like 127.0.0.1 or ::1; of names only localhost is known".to_owned())
}

fn address(text: &str) -> Result<SocketAddr, String> {
    let like = || "an address is like 127.0.0.1:8080 or [::1]:8080; of names only localhost is known".to_owned();
    let (host_text, port) = text.rsplit_once(':').ok_or_else(like)?;
    if host_text.contains(':') && !host_text.starts_with('[') {
        return Err(like());
    }
    Ok(SocketAddr::new(host(host_text).map_err(|_| like())?, port.parse().map_err(|_| like())?))
}

/// The mode of a socket, in octal.
fn mode(text: &str) -> Result<u32, String> {
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o777 && mode & 0o600 == 0o600);
    mode.ok_or_else(|| "a mode is an octal number like 0600 or 0660, and lets the owner read and write".to_owned())
}

/// What was bound: it says where, and takes its traces away when it is dropped.
#[derive(Debug)]
pub(super) struct Bound {
    address: Address,
    health: Option<SocketAddr>,
    port_file: Option<PathBuf>,
}

#[derive(Debug)]
enum Address {
    Port(SocketAddr),
    Socket(PathBuf, #[expect(dead_code, reason = "removes the socket when it is dropped")] SocketFile),
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.address {
            Address::Port(address) => write!(f, "{address}"),
            Address::Socket(path, _) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl Bound {
    /// Where health and metrics are served apart, with the port that the kernel picked.
    pub(super) const fn health(&self) -> Option<SocketAddr> {
        self.health
    }

    /// Writes the port file.
    pub(super) fn tell(&mut self, port_file: Option<&Path>) -> Result<(), Failure> {
        let (Some(path), Address::Port(address)) = (port_file, &self.address) else { return Ok(()) };
        ambient::write_atomically(path, &format!("{}\n", address.port()))
            .map_err(|error| Failure::new(exit::USAGE, error.to_string()))?;
        self.port_file = Some(path.to_owned());
        Ok(())
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        if let Some(path) = &self.port_file {
            ambient::remove_own_file(path);
        }
    }
}

impl ListenArgs {
    /// The TCP port to listen on, if it is not a Unix socket.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        if self.uds.is_some() {
            return None;
        }
        Some(self.listen.unwrap_or_else(|| SocketAddr::new(self.host, self.port)))
    }

    /// That the options go together.
    pub(super) fn check(&self) -> Result<(), Failure> {
        if self.address().is_none() && self.port_file.is_some() {
            let message = "a Unix socket has no port: --port-file goes with --listen or --port".to_owned();
            return Err(Failure::new(exit::USAGE, message));
        }
        Ok(())
    }

    /// Whether what goes over the port is encrypted.
    pub(super) const fn has_tls(&self) -> bool {
        self.tls_cert.is_some()
    }

    /// Whether clients show certificates.
    pub(super) const fn verifies_clients(&self) -> bool {
        self.tls_client_ca.is_some()
    }

    /// The limits of connections.
    pub(super) fn limits(&self) -> ConnectionLimits {
        ConnectionLimits {
            max_connections: self.max_connections,
            max_streams: self.max_streams,
            max_header_bytes: self.max_header_bytes,
            header_time: Duration::from_secs_f64(self.header_time),
            idle_time: Duration::from_secs_f64(self.idle_time),
            stall_time: Duration::from_secs_f64(self.stall_time),
        }
    }

    /// The limits of calls.
    pub(super) fn call_limits(&self) -> CallLimits {
        CallLimits {
            call_time: Duration::from_secs_f64(self.call_time),
            stall_time: Duration::from_secs_f64(self.stall_time),
        }
    }

    /// Listens.
    pub(super) async fn bind(&self) -> Result<(Listening, Bound), Failure> {
        let usage = |error: &dyn fmt::Display| Failure::new(exit::USAGE, error.to_string());
        let tls = self.tls_files().map(Tls::load).transpose().map_err(|error| usage(&error))?;
        let health = match self.health_listen {
            Some(address) => Some(listen(address)?),
            None => None,
        };
        let (health, health_address) = health.unzip();
        let (main, address) = match (self.address(), &self.uds) {
            (None, Some(path)) => {
                let (listener, file) =
                    SocketFile::bind(path, self.uds_mode).map_err(|error| no_socket(path, &error))?;
                let listener = listener.set_nonblocking(true).and_then(|()| UnixListener::from_std(listener));
                let listener =
                    listener.map_err(|error| Failure::new(exit::INTERNAL, format!("cannot listen: {error}")))?;
                (Listener::Unix(listener), Address::Socket(path.clone(), file))
            }
            (address, _) => {
                let address = address.unwrap_or_else(|| SocketAddr::new(self.host, self.port));
                let (listener, address) = listen(address)?;
                (Listener::Tcp(listener), Address::Port(address))
            }
        };
        Ok((Listening { main, tls, health }, Bound { address, health: health_address, port_file: None }))
    }

    fn tls_files(&self) -> Option<TlsFiles> {
        let (certificate, key) = self.tls_cert.clone().zip(self.tls_key.clone())?;
        Some(TlsFiles { certificate, key, client_ca: self.tls_client_ca.clone() })
    }
}

/// How many connections may wait to be accepted, where the kernel allows as many. Beyond it a client that says nothing before it hears something takes
/// itself for connected and is not.
const BACKLOG: u32 = 4096;

/// The library's own way to listen would let 128 wait.
fn bound(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A port whose connections of before are still being forgotten can be listened on again.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Failure> {
    let listener = bound(address).map_err(|error| cannot_listen(address, &error))?;
    let address = listener.local_addr().map_err(|error| cannot_listen(address, &error))?;
    Ok((listener, address))
}

/// The same for a Unix socket.
fn no_socket(path: &Path, error: &AmbientError) -> Failure {
    use std::io::ErrorKind;
    let kind = match error {
        AmbientError::Unwritable { source, .. } => Some(source.kind()),
        _ => None,
    };
    let why = match kind {
        Some(ErrorKind::AddrInUse) => "another process listens there; choose another path",
        Some(ErrorKind::AlreadyExists) => "what stands there is no socket; choose another path, or take it away",
        _ => return Failure::new(exit::USAGE, error.to_string()),
    };
    Failure::new(exit::USAGE, format!("cannot listen on unix:{}: {why}", path.display()))
}

/// What the operator chose and can change.
fn cannot_listen(address: SocketAddr, error: &std::io::Error) -> Failure {
    use std::io::ErrorKind;
    let why = match error.kind() {
        ErrorKind::AddrInUse => {
            "another process listens there; choose another port, or port 0 for any free one".to_owned()
        }
        ErrorKind::AddrNotAvailable => "this machine does not have that address".to_owned(),
        ErrorKind::PermissionDenied => "permission denied; ports below 1024 are for privileged processes".to_owned(),
        _ => return Failure::new(exit::INTERNAL, format!("cannot listen on {address}: {error}")),
    };
    Failure::new(exit::USAGE, format!("cannot listen on {address}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_literal_and_localhost_is_the_one_name() {
        assert_eq!(address("localhost:80"), Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, 80))));
        assert_eq!(address("[::1]:0").map(|address| address.to_string()), Ok("[::1]:0".to_owned()));
        assert_eq!(host("::1").map(|host| host.is_loopback()), Ok(true));
        for refused in ["", "80", ":80", "example.org:80", "::1:80", "127.0.0.1", "127.0.0.1:70000", "127.0.0.1:http"] {
            assert!(address(refused).is_err(), "{refused}");
        }
        assert!(host("example.org").is_err());
    }
}
