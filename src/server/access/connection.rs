//! What a request came in by. The listener puts a [`Connection`] into every request's extensions.

use std::net::SocketAddr;
use std::sync::Arc;

/// The connection of a request, as its listener knows it.
#[derive(Debug, Clone)]
pub enum Connection {
    /// Plain TCP.
    Tcp {
        /// The other end.
        peer: Option<SocketAddr>,
        /// This end.
        local: Option<SocketAddr>,
    },
    /// TLS over TCP.
    Tls {
        /// The other end.
        peer: Option<SocketAddr>,
        /// This end.
        local: Option<SocketAddr>,
        /// Whom the client's certificate names; `None` when it sent none. The listener has verified it against its client authority.
        identity: Option<Arc<PeerIdentity>>,
    },
    /// A Unix socket.
    Unix {
        /// The effective user id of the process at the other end, as the kernel tells it; `None` when it does not.
        uid: Option<u32>,
    },
}

impl Connection {
    /// The other end, for a log.
    #[must_use]
    pub fn peer(&self) -> String {
        match self {
            Self::Tcp { peer, .. } | Self::Tls { peer, .. } => {
                peer.map_or_else(|| "unknown".to_owned(), |peer| peer.to_string())
            }
            Self::Unix { uid } => uid.map_or_else(|| "unix".to_owned(), |uid| format!("unix, uid {uid}")),
        }
    }

    /// Whether it never left this machine.
    pub(super) fn is_loopback(&self) -> bool {
        let (Self::Tcp { local, .. } | Self::Tls { local, .. }) = self else { return false };
        local.is_some_and(|local| local.ip().to_canonical().is_loopback())
    }
}

/// Whom a verified client certificate names: every name of these kinds among its subject's alternative names. Its common name and mail
/// addresses name nobody.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PeerIdentity {
    /// Its names.
    pub names: Vec<CertificateName>,
}

/// A name in a certificate. Two of different kinds are never the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CertificateName {
    /// A URI of the subject's alternative names, as it stands there: a SPIFFE id, for example.
    Uri(String),
    /// A DNS name of the subject's alternative names, in lower case.
    Dns(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_told_by_this_end_of_the_connection() {
        let tcp = |local: &str| Connection::Tcp { peer: None, local: local.parse().ok() };
        assert!(tcp("127.8.0.1:1").is_loopback() && tcp("[::1]:1").is_loopback());
        assert!(tcp("[::ffff:127.0.0.1]:1").is_loopback());
        assert!(!tcp("10.0.0.1:1").is_loopback() && !tcp("").is_loopback() && !tcp("[::]:1").is_loopback());
        assert!(!Connection::Unix { uid: Some(0) }.is_loopback());
    }
}
