//! Whether a server may listen where it is told to, with the credentials that it asks for.

/// Where a server listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listening {
    /// On a loopback address.
    Loopback,
    /// On any other address.
    Beyond,
    /// On a Unix socket.
    Unix,
}

impl Listening {
    /// That of an address. The unspecified one is every address of the machine.
    #[must_use]
    pub fn on(address: std::net::IpAddr) -> Self {
        if address.to_canonical().is_loopback() { Self::Loopback } else { Self::Beyond }
    }
}

/// What stands between a listener and whoever reaches it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Protection {
    /// Connections are encrypted.
    pub tls: bool,
    /// Clients show a certificate that is verified against an authority.
    pub client_certificates: bool,
    /// Callers stand in a tokens file.
    pub tokens: bool,
    /// The operator wants it without all that.
    pub insecure: bool,
}

/// Who a TCP request without credentials is, when no credential decides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Anonymous {
    /// Nobody: it is refused.
    Refused,
    /// One who may do everything, as long as it came over loopback.
    #[default]
    Loopback,
    /// One who may do everything.
    Anyone,
}

/// Why a server may not start. `Display` says what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StartRefusal {
    /// Whoever reaches it could do everything.
    #[error(
        "is not a loopback address, and requests would carry no credentials; give --tls-cert, --tls-key and --tokens, or listen on \
         127.0.0.1; --insecure lets whoever reaches the port read every run and start jobs"
    )]
    Open,
    /// Tokens would be sent in the clear.
    #[error(
        "is not a loopback address, and without TLS the tokens would be sent in the clear; give --tls-cert and --tls-key, or \
         listen on 127.0.0.1; --insecure is for a port that something in front of the server encrypts"
    )]
    InTheClear,
    /// Encrypted, and open to everybody.
    #[error(
        "is not a loopback address, and TLS alone asks nobody who they are; add --tokens, have clients show certificates, or give --insecure"
    )]
    NobodyIsAsked,
}

/// Whether a server may listen there, and who a request without credentials then is. Loopback and a Unix socket need nothing; any other
/// address needs TLS and tokens, or client certificates, or `--insecure`.
///
/// # Errors
/// Why it may not. The sentence continues one that begins with the address.
pub const fn may_listen(listening: Listening, protection: Protection) -> Result<Anonymous, StartRefusal> {
    let Protection { tls, client_certificates, tokens, insecure } = protection;
    let asks = tokens || client_certificates;
    match listening {
        Listening::Beyond if insecure && !asks => Ok(Anonymous::Anyone),
        Listening::Beyond if insecure || tls && asks => Ok(Anonymous::Refused),
        Listening::Beyond if tokens => Err(StartRefusal::InTheClear),
        Listening::Beyond if tls => Err(StartRefusal::NobodyIsAsked),
        Listening::Beyond => Err(StartRefusal::Open),
        Listening::Loopback | Listening::Unix if asks => Ok(Anonymous::Refused),
        Listening::Loopback | Listening::Unix => Ok(Anonymous::Loopback),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_loopback_only_tls_with_tokens_client_certificates_or_insecure_start() {
        for bits in 0..16_u8 {
            let [tls, client_certificates, tokens, insecure] = [1, 2, 4, 8].map(|bit| bits & bit != 0);
            let protection = Protection { tls, client_certificates, tokens, insecure };
            let starts = may_listen(Listening::Beyond, protection);
            assert_eq!(starts.is_ok(), insecure || tls && (tokens || client_certificates), "{protection:?}");
            assert_eq!(starts == Ok(Anonymous::Anyone), insecure && !tokens && !client_certificates, "{protection:?}");
            for listening in [Listening::Loopback, Listening::Unix] {
                let expected = if tokens || client_certificates { Anonymous::Refused } else { Anonymous::Loopback };
                assert_eq!(may_listen(listening, protection), Ok(expected), "{protection:?}");
            }
        }
    }

    #[test]
    fn every_address_of_the_machine_is_beyond_loopback() {
        for (address, expected) in [
            ("127.0.0.1", Listening::Loopback),
            ("::1", Listening::Loopback),
            ("0.0.0.0", Listening::Beyond),
            ("::", Listening::Beyond),
            ("10.0.0.1", Listening::Beyond),
            ("::ffff:127.0.0.1", Listening::Loopback),
        ] {
            assert_eq!(Listening::on(address.parse().expect("an address")), expected, "{address}");
        }
    }
}
