//! Certificates and keys in PEM, as servers and clients read them from files, and the words for what is wrong with them.

use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{Error, InconsistentKeys};

/// The certificates of a file, in its order: at least one.
///
/// # Errors
/// What is wrong, to stand behind the file's name. It never repeats what the file holds.
pub fn certificates(bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(bytes).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err("holds no certificate in PEM".to_owned()),
        Err(error) => Err(format!("is not PEM as it should be ({error})")),
    }
}

/// The private key of a file.
///
/// # Errors
/// As for [`certificates`].
pub fn private_key(bytes: &[u8]) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_slice(bytes).map_err(|error| format!("holds no private key in PEM ({error})"))
}

/// Why a certificate and a key do not go together.
#[must_use]
pub fn mismatch(error: &Error) -> String {
    match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => "the key is not that of the certificate".to_owned(),
        other => other.to_string(),
    }
}
