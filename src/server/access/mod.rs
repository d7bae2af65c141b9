//! Access: who may call, what, and which runs roots there are for them.
//!
//! Two layers. The door is outermost and asks whether a request is addressed to this server and whether a web page may send it. The
//! guard wraps the gRPC routes, which every face calls, and puts a [`Caller`] into each request or refuses it. A handler that finds no
//! caller refuses too.

pub mod bearer;
mod callers;
mod connection;
mod door;
mod guard;
pub mod host;
mod methods;
pub mod origin;
mod reload;
mod start;
pub mod tokens;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use http::Request;

pub use callers::Callers;
pub use connection::{CertificateName, Connection, PeerIdentity};
pub(super) use door::door;
pub(super) use guard::guard;
pub use host::HostName;
pub use origin::Origin;
pub use reload::{LoadError, TokensFile};
pub use start::{Anonymous, Listening, Protection, StartRefusal, may_listen};

use self::reload::Watched;
use super::throttle::Throttle;
use crate::model::printable;
use crate::repository::Repository;
use crate::services::{AccessError, Caller, reason_of};

/// The most characters of a host or an origin in the log.
const MAX_NAME: usize = 100;

/// What a server lets in.
#[derive(Debug)]
pub struct AccessConfig {
    /// The tokens file. With one, who does not stand in it is nobody, but for a Unix socket's own user.
    pub tokens: Option<TokensFile>,
    /// Who a TCP request is that shows nothing, without a tokens file.
    pub anonymous: Anonymous,
    /// The names that requests may be addressed to, beside IP addresses and `localhost`.
    pub allowed_hosts: Vec<HostName>,
    /// The origins whose web pages may call.
    pub allowed_origins: Vec<Origin>,
    /// Whether reflection is served.
    pub reflection: bool,
    /// How often the tokens file is looked at.
    pub reload_interval: Duration,
}

impl Default for AccessConfig {
    /// Everything for whoever comes over loopback.
    fn default() -> Self {
        Self {
            tokens: None,
            anonymous: Anonymous::Loopback,
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            reflection: true,
            reload_interval: reload::INTERVAL,
        }
    }
}

/// Decides about requests.
#[derive(Debug)]
pub struct Access {
    file: Option<Watched>,
    /// The callers of the moment; `None` without a tokens file.
    callers: Option<ArcSwap<Callers>>,
    anonymous: Anonymous,
    allowed_hosts: Vec<HostName>,
    allowed_origins: Vec<Origin>,
    reflection: bool,
    reload_interval: Duration,
    own_uid: u32,
    refusals: Throttle,
}

impl Access {
    /// As configured.
    #[must_use]
    pub fn new(config: AccessConfig) -> Arc<Self> {
        let (callers, file) = config.tokens.map(TokensFile::into_parts).unzip();
        Arc::new(Self {
            file,
            callers: callers.map(ArcSwap::new),
            anonymous: config.anonymous,
            allowed_hosts: config.allowed_hosts,
            allowed_origins: config.allowed_origins,
            reflection: config.reflection,
            reload_interval: config.reload_interval,
            own_uid: rustix::process::geteuid().as_raw(),
            refusals: Throttle::default(),
        })
    }

    /// Whether reflection is served.
    #[must_use]
    pub const fn serves_reflection(&self) -> bool {
        self.reflection
    }

    /// Warns of roots that the tokens file names and nobody configured: nobody sees them, and a name may be misspelt.
    pub(super) fn warn_of_unknown_roots(&self, repository: &Repository) {
        let Some(callers) = &self.callers else { return };
        let callers = callers.load();
        let is_known = |name: &str| repository.roots().iter().any(|root| root.name().as_str() == name);
        for name in callers.roots().into_iter().filter(|name| !is_known(name.as_str())) {
            tracing::warn!(root = %name, "the tokens file names a runs root that this server does not have");
        }
    }

    /// Who makes a request.
    fn caller_of<B>(&self, request: &Request<B>) -> Result<Caller, AccessError> {
        let callers = self.callers.as_ref().map(ArcSwap::load);
        let callers = callers.as_ref().map(|callers| &***callers);
        let connection = request.extensions().get::<Connection>();
        callers::authenticate(callers, self.anonymous, self.own_uid, connection, request.headers())
    }

    /// Logs a refusal. No credentials that the request showed are told, and a flood of refusals becomes a number.
    fn tell_refused<B>(&self, request: &Request<B>, error: AccessError) {
        if let Some(more) = self.refusals.turn() {
            let peer = request.extensions().get::<Connection>().map_or_else(String::new, Connection::peer);
            // Whatever else stands in a path is the client's own text.
            let call = Some(request.uri().path()).filter(|path| methods::rule_of(path, true).is_some());
            // Without the name that was refused nobody knows which one to allow.
            let shown = |name: String| printable(&name, MAX_NAME);
            let host = (error == AccessError::HostNotAllowed).then(|| host::named(request.uri(), request.headers()));
            let origin = (error == AccessError::OriginNotAllowed).then(|| origin::named(request.headers()));
            let (host, origin) = (host.map(shown), origin.map(shown));
            let reason = reason_of(&error.into()).unwrap_or_default();
            tracing::warn!(peer, call, host, origin, reason, more, "refused");
        }
    }
}
