//! TLS: certificates from files, read again when the files change, and what a client's own certificate says of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use sha2::{Digest, Sha256};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use tokio_rustls::rustls::{self, RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;

use super::access::{CertificateName, PeerIdentity};
use crate::repository::ambient::{self, AmbientError};
use crate::wire::pem;

/// How often the files are looked at.
const RELOAD_INTERVAL: Duration = Duration::from_secs(1);
/// The most bytes that one file may have.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// The protocols that a client may choose from.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// The files that TLS needs, in PEM.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The server's certificate, followed by those that lead to its authority.
    pub certificate: PathBuf,
    /// The certificate's private key.
    pub key: PathBuf,
    /// The authorities of clients' certificates; with it only clients that have one are served.
    pub client_ca: Option<PathBuf>,
}

/// Why TLS cannot be served. Names the file, never its contents.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] AmbientError),
    /// A file holds nothing that can be used.
    #[error("{}: {detail}", path.display())]
    Pem {
        /// The file as the operator named it.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The files do not fit together.
    #[error("{} and {} do not go together: {}", certificate.display(), key.display(), pem::mismatch(source))]
    Pair {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What the library says.
        source: rustls::Error,
    },
}

/// Certificates in use. Connections that stand keep theirs; new ones get the newest.
#[derive(Debug, Clone)]
pub struct Tls {
    files: Arc<TlsFiles>,
    current: Arc<ArcSwap<Loaded>>,
}

#[derive(Debug)]
struct Loaded {
    config: Arc<ServerConfig>,
    digest: [u8; 32],
}

/// The contents of the files.
struct Contents {
    certificate: Vec<u8>,
    key: Vec<u8>,
    client_ca: Option<Vec<u8>>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// [`TlsError`].
    pub fn load(files: TlsFiles) -> Result<Self, TlsError> {
        let contents = Contents::read(&files)?;
        let loaded = Loaded { config: contents.config(&files)?, digest: contents.digest() };
        Ok(Self { files: Arc::new(files), current: Arc::new(ArcSwap::from_pointee(loaded)) })
    }

    /// Whether clients must have a certificate.
    #[must_use]
    pub fn verifies_clients(&self) -> bool {
        self.files.client_ca.is_some()
    }

    /// Greets a client, with the certificates of this moment.
    pub(super) async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        TlsAcceptor::from(Arc::clone(&self.current.load().config)).accept(stream).await
    }

    /// Reads the files again whenever they change, until it is dropped. Files that cannot be used leave the certificates as they are; that is
    /// logged once for each such state of the files.
    pub(super) async fn keep_fresh(self) {
        let mut refused = None;
        loop {
            tokio::time::sleep(RELOAD_INTERVAL).await;
            let tls = self.clone();
            let Ok(looked) = tokio::task::spawn_blocking(move || tls.reload()).await else { return };
            match looked {
                Ok(true) => {
                    refused = None;
                    tracing::info!(certificate = %self.files.certificate.display(), "the certificates were read again");
                }
                Ok(false) => refused = None,
                Err(error) => {
                    let told = error.to_string();
                    if refused.as_ref() != Some(&told) {
                        tracing::error!(
                            error = told,
                            "the changed certificates cannot be used; the earlier ones stay in use"
                        );
                    }
                    refused = Some(told);
                }
            }
        }
    }

    /// Takes the files up if they changed; returns whether they did.
    fn reload(&self) -> Result<bool, TlsError> {
        let contents = Contents::read(&self.files)?;
        let digest = contents.digest();
        if digest == self.current.load().digest {
            return Ok(false);
        }
        self.current.store(Arc::new(Loaded { config: contents.config(&self.files)?, digest }));
        Ok(true)
    }
}

impl Contents {
    fn read(files: &TlsFiles) -> Result<Self, AmbientError> {
        let read = |path: &PathBuf| ambient::read_bytes(path, MAX_FILE_BYTES);
        Ok(Self {
            certificate: read(&files.certificate)?,
            key: read(&files.key)?,
            client_ca: files.client_ca.as_ref().map(read).transpose()?,
        })
    }

    fn digest(&self) -> [u8; 32] {
        let mut digest = Sha256::new();
        for part in [Some(&self.certificate), Some(&self.key), self.client_ca.as_ref()].into_iter().flatten() {
            digest.update(Sha256::digest(part));
        }
        digest.finalize().into()
    }

    fn config(&self, files: &TlsFiles) -> Result<Arc<ServerConfig>, TlsError> {
        let certificates =
            pem::certificates(&self.certificate).map_err(|detail| unusable(&files.certificate, detail))?;
        let key = pem::private_key(&self.key).map_err(|detail| unusable(&files.key, detail))?;
        let provider = Arc::new(ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable(&files.certificate, error.to_string()))?;
        let builder = match (&files.client_ca, &self.client_ca) {
            (Some(path), Some(bytes)) => builder.with_client_cert_verifier(client_verifier(path, bytes, provider)?),
            _ => builder.with_no_client_auth(),
        };
        let mut config = builder.with_single_cert(certificates, key).map_err(|source| TlsError::Pair {
            certificate: files.certificate.clone(),
            key: files.key.clone(),
            source,
        })?;
        if self.client_ca.is_some() {
            // A session that is taken up again is not verified again: a client whose certificate ran out would go on by it.
            config.session_storage = Arc::new(NoServerSessionStorage {});
            config.send_tls13_tickets = 0;
        }
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        Ok(Arc::new(config))
    }
}

fn client_verifier(
    path: &Path,
    bytes: &[u8],
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>, TlsError> {
    let mut authorities = RootCertStore::empty();
    for certificate in pem::certificates(bytes).map_err(|detail| unusable(path, detail))? {
        authorities
            .add(certificate)
            .map_err(|error| unusable(path, format!("no authority's certificate ({error})")))?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), provider)
        .build()
        .map_err(|error| unusable(path, error.to_string()))
}

fn unusable(path: &Path, detail: String) -> TlsError {
    TlsError::Pem { path: path.to_owned(), detail }
}

/// Whom a client's certificate names, which the handshake has verified; `None` when it showed none.
pub(super) fn identity(stream: &TlsStream<TcpStream>) -> Option<PeerIdentity> {
    let (_, session) = stream.get_ref();
    let certificate = session.peer_certificates()?.first()?;
    let certificate = webpki::EndEntityCert::try_from(certificate).ok()?;
    let names = certificate.valid_dns_names().map(|name| CertificateName::Dns(name.to_ascii_lowercase()));
    let uris = certificate.valid_uri_names().map(|name| CertificateName::Uri(name.to_owned()));
    Some(PeerIdentity { names: names.chain(uris).collect() })
}
