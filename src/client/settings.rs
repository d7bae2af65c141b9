//! How a server is reached: its address, whom to trust there, and what to show of oneself.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use tokio_rustls::rustls;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, TrustAnchor};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::service::Interceptor;
use tonic::transport::{ClientTlsConfig, Endpoint, Identity};
use tonic::{Request, Status};

use super::ServerAddress;
use super::fault::find;
use crate::wire::pem;

/// How long a connection may take to come about, and how long a TLS handshake after it.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long nothing may come during a call until the other side is asked whether it is still there, and how long it may take to answer.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(20), Duration::from_secs(20));

/// How a server is reached.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// Where it is.
    pub address: ServerAddress,
    /// Whom to trust; for https alone.
    pub tls: TlsSettings,
    /// What every call carries.
    pub token: Option<Token>,
}

impl From<ServerAddress> for ServerSettings {
    /// With the system's authorities, and without a token.
    fn from(address: ServerAddress) -> Self {
        Self { address, tls: TlsSettings::default(), token: None }
    }
}

impl From<SocketAddr> for ServerSettings {
    fn from(address: SocketAddr) -> Self {
        ServerAddress::from(address).into()
    }
}

/// Whom to trust, and as whom to appear.
#[derive(Debug, Clone, Default)]
pub struct TlsSettings {
    /// The authorities of the server's certificate; without them those of the system.
    pub authorities: Option<PemFile>,
    /// The name that the server's certificate must have, in place of the address's host.
    pub server_name: Option<String>,
    /// The client's certificate, followed by those that lead to its authority, and its private key.
    pub identity: Option<(PemFile, PemFile)>,
}

/// The contents of a file in PEM. `Debug` does not show them.
#[derive(Clone)]
pub struct PemFile {
    /// Its name, for messages.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for PemFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PemFile").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A bearer token. `Debug` does not show it, and neither does the header compression of the transport.
#[derive(Clone)]
pub struct Token(MetadataValue<Ascii>);

impl Token {
    /// A token; `None` when a header cannot carry it.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let mut value: MetadataValue<Ascii> = format!("Bearer {text}").parse().ok()?;
        value.set_sensitive(true);
        Some(Self(value))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token")
    }
}

/// Puts the token into each call, if there is one.
#[derive(Debug, Clone, Default)]
pub struct Credentials(pub(super) Option<Token>);

impl Interceptor for Credentials {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(Token(value)) = &self.0 {
            request.metadata_mut().insert("authorization", value.clone());
        }
        Ok(request)
    }
}

/// Why settings cannot be used. Names files, never their contents.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The transport does not take the address.
    #[error("{0} cannot be used as an address")]
    Address(ServerAddress),
    /// A file holds nothing that can be used.
    #[error("{name}: {detail}")]
    Pem {
        /// The file's name.
        name: String,
        /// What is wrong.
        detail: String,
    },
    /// The certificate and the key are not those of one client.
    #[error("{certificate} and {key} do not go together: {detail}")]
    Pair {
        /// The certificate's file.
        certificate: String,
        /// The key's file.
        key: String,
        /// What the library says.
        detail: String,
    },
    /// A certificate cannot have this name.
    #[error("`{0}` is no name that a server's certificate can have")]
    ServerName(String),
    /// The system trusts nobody.
    #[error("this system has no trusted authorities")]
    NoAuthorities,
}

impl ServerSettings {
    /// What connections are made from.
    pub(super) fn endpoint(&self) -> Result<Endpoint, SettingsError> {
        let (interval, timeout) = KEEP_ALIVE;
        let unusable = || SettingsError::Address(self.address.clone());
        let endpoint = Endpoint::from_shared(self.address.to_string())
            .map_err(|_| unusable())?
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(interval)
            .keep_alive_timeout(timeout);
        if self.address.is_socket() {
            return Ok(endpoint.origin(http::Uri::from_static("http://localhost")));
        }
        if self.address.is_tls() { self.tls.apply(endpoint) } else { Ok(endpoint) }
    }
}

impl TlsSettings {
    fn apply(&self, endpoint: Endpoint) -> Result<Endpoint, SettingsError> {
        let mut config = ClientTlsConfig::new().timeout(CONNECT_TIMEOUT);
        config = match &self.authorities {
            Some(file) => config.trust_anchors(anchors(file)?),
            None => config.with_native_roots(),
        };
        if let Some(name) = &self.server_name {
            if ServerName::try_from(name.as_str()).is_err() {
                return Err(SettingsError::ServerName(name.clone()));
            }
            config = config.domain_name(name);
        }
        if let Some((certificate, key)) = &self.identity {
            pem::certificates(&certificate.bytes).map_err(|detail| unusable(certificate, detail))?;
            pem::private_key(&key.bytes).map_err(|detail| unusable(key, detail))?;
            config = config.identity(Identity::from_pem(&certificate.bytes, &key.bytes));
        }
        endpoint.tls_config(config).map_err(|error| match (find::<rustls::Error>(&error), &self.identity) {
            (Some(error), Some((certificate, key))) => SettingsError::Pair {
                certificate: certificate.name.clone(),
                key: key.name.clone(),
                detail: pem::mismatch(error),
            },
            _ => SettingsError::NoAuthorities,
        })
    }
}

fn anchors(file: &PemFile) -> Result<Vec<TrustAnchor<'static>>, SettingsError> {
    let anchor =
        |certificate: &CertificateDer<'_>| webpki::anchor_from_trusted_cert(certificate).map(|it| it.to_owned());
    let certificates = pem::certificates(&file.bytes).map_err(|detail| unusable(file, detail))?;
    let found: Result<Vec<_>, _> = certificates.iter().map(anchor).collect();
    found.map_err(|error| unusable(file, format!("no authority's certificate ({error})")))
}

fn unusable(file: &PemFile, detail: String) -> SettingsError {
    SettingsError::Pem { name: file.name.clone(), detail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_debug_output_shows_a_secret() {
        let secret = "0123456789-a-secret";
        let file = || PemFile { name: "key.pem".to_owned(), bytes: secret.as_bytes().to_vec() };
        let address: ServerAddress = "https://host:1".parse().expect("an address");
        let tls = TlsSettings { identity: Some((file(), file())), ..TlsSettings::default() };
        let settings = ServerSettings { address, tls, token: Token::new(secret) };
        let shown = format!("{settings:?} {:?}", Credentials(settings.token.clone()));
        assert!(!shown.contains(secret) && !shown.contains(&format!("{:?}", secret.as_bytes())), "{shown}");
        assert!(shown.contains("key.pem") && Token::new("a\nb").is_none(), "{shown}");
    }

    #[test]
    fn the_token_is_in_each_call_and_marked_as_secret() {
        let mut credentials = Credentials(Token::new("t"));
        let request = credentials.call(Request::new(())).expect("passed");
        let value = request.metadata().get("authorization").expect("a header");
        assert!(value.is_sensitive() && value.as_encoded_bytes() == b"Bearer t");
        assert!(Credentials(None).call(Request::new(())).expect("passed").metadata().is_empty());
    }
}
