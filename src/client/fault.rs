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
    /// The server serves only clients that have a certificate.
    WantsCertificate,
    /// The server does not accept the client's certificate.
    RefusesCertificate,
}

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

fn of_tls(error: &TlsError) -> Option<Fault> {
    Some(match error {
        TlsError::InvalidCertificate(error) => match error {
            // Or by one of the same name, with another key.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Fault::UnknownAuthority,
            CertificateError::NotValidForName => Fault::WrongName(Vec::new()),
            CertificateError::NotValidForNameContext { presented, .. } => Fault::WrongName(presented.clone()),
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
