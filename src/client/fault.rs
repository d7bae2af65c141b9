//! What keeps a connection from coming about however often it is tried: found in the causes of an error.

use std::error::Error;
use std::io;

use tokio_rustls::rustls::{AlertDescription, CertificateError, Error as TlsError};

/// Why two sides do not come together, and will not until somebody changes something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// No authority that is trusted has signed the server's certificate.
    UnknownAuthority,
    /// The server's certificate is for other names: these, when it tells them.
    WrongName(Vec<String>),
    /// The server's certificate has expired.
    Expired,
    /// The server's certificate is not valid yet.
    NotYetValid,
    /// The server's certificate is not accepted for another reason.
    BadCertificate(String),
    /// What answers does not speak TLS.
    NotTls,
    /// What answers does not speak HTTP/2 in the clear: it speaks TLS, or HTTP/1.1 alone.
    NotHttp2,
    /// The system does not let this user connect.
    NotAllowed,
    /// The server serves only clients that have a certificate.
    WantsCertificate,
    /// The server does not accept the client's certificate.
    RefusesCertificate,
}

/// What the library of HTTP/2 says of a frame that cannot be one.
const BAD_FRAME: &str = "connection error detected: frame with invalid size";

/// Alerts that a server sends about the client's certificate.
const ALERTS: [(AlertDescription, Fault); 9] = [
    (AlertDescription::CertificateRequired, Fault::WantsCertificate),
    (AlertDescription::BadCertificate, Fault::RefusesCertificate),
    (AlertDescription::UnsupportedCertificate, Fault::RefusesCertificate),
    (AlertDescription::CertificateRevoked, Fault::RefusesCertificate),
    (AlertDescription::CertificateExpired, Fault::RefusesCertificate),
    (AlertDescription::CertificateUnknown, Fault::RefusesCertificate),
    (AlertDescription::UnknownCA, Fault::RefusesCertificate),
    (AlertDescription::AccessDenied, Fault::RefusesCertificate),
    (AlertDescription::DecryptError, Fault::RefusesCertificate),
];

/// The fault among the causes of an error, if it is a lasting one.
#[must_use]
pub fn fault_of(error: &(dyn Error + 'static)) -> Option<Fault> {
    if let Some(error) = find::<TlsError>(error) {
        return of_tls(error);
    }
    if find::<io::Error>(error).is_some_and(|error| error.kind() == io::ErrorKind::PermissionDenied) {
        return Some(Fault::NotAllowed);
    }
    // The first bytes of another protocol, read as the length of a frame, are more than a frame may have.
    if causes(error).any(|cause| cause.to_string() == BAD_FRAME) {
        return Some(Fault::NotHttp2);
    }
    // HTTP/2 keeps the text alone of what broke its connection: in TLS 1.3 a server refuses a certificate after the handshake.
    let text = causes(error).last().map(ToString::to_string).unwrap_or_default();
    let said = |alert: AlertDescription| text.contains(&TlsError::AlertReceived(alert).to_string());
    ALERTS.into_iter().find(|(alert, _)| said(*alert)).map(|(_, fault)| fault)
}

/// The first cause of this type.
pub(super) fn find<'a, T: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a T> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// An error and its causes, those that an I/O error wraps among them.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    })
}

/// A name of a certificate, which the library shows as `DnsName("…")`.
fn plain(name: &str) -> String {
    let quoted = name.strip_prefix("DnsName(\"").and_then(|rest| rest.strip_suffix("\")"));
    quoted.unwrap_or(name).to_owned()
}

fn of_tls(error: &TlsError) -> Option<Fault> {
    Some(match error {
        TlsError::InvalidCertificate(error) => match error {
            // Or by one of the same name, with another key.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Fault::UnknownAuthority,
            CertificateError::NotValidForName => Fault::WrongName(Vec::new()),
            CertificateError::NotValidForNameContext { presented, .. } => {
                Fault::WrongName(presented.iter().map(|name| plain(name)).collect())
            }
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Fault::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Fault::NotYetValid,
            other => Fault::BadCertificate(other.to_string()),
        },
        TlsError::InvalidMessage(_) => Fault::NotTls,
        TlsError::AlertReceived(alert) => {
            return ALERTS.into_iter().find(|(known, _)| known == alert).map(|(_, fault)| fault);
        }
        _ => return None,
    })
}
