//! What is said when a server cannot be reached or refuses: what it is, and what to do.

use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::{TOKEN_VARIABLE, Way};
use crate::cli::exit::{self, Failure};
use crate::cli::terminal;
use crate::client::{ConnectError, Fault, ServerAddress, SettingsError, fault_of, is_broken_connection};
use crate::services::reason_of;

/// No connection came about.
pub(super) fn of_connection(way: &Way, error: &ConnectError) -> Failure {
    let address = way.address();
    if let Some(fault) = fault_of(error) {
        return Failure::new(exit::SERVER, told(&fault, address));
    }
    match error {
        ConnectError::Settings(SettingsError::NoAuthorities) => {
            Failure::new(exit::USAGE, format!("{error}; name the server's with --tls-ca"))
        }
        ConnectError::Settings(_) => Failure::new(exit::USAGE, terminal::sentence(&error.to_string())),
        _ => nobody(&terminal::sentence(&error.to_string())),
    }
}

/// A call over a connection that came about failed.
pub(super) fn of_call(way: &Way, status: Status) -> Failure {
    let address = way.address();
    let refused = |what: &str| Failure::new(exit::SERVER, format!("the server at {address} {what}"));
    if let Some(fault) = fault_of(&status) {
        return Failure::new(exit::SERVER, told(&fault, address));
    }
    if is_broken_connection(&status) {
        // A refusal after the handshake may come too late to be read.
        let hint = match (address.is_socket(), address.is_tls()) {
            (true, _) => "",
            (_, true) if way.settings.tls.identity.is_some() => " (it may not accept the certificate of --tls-cert)",
            (_, true) => " (if it asks clients for a certificate, give --tls-cert and --tls-key)",
            (_, false) => " (if it speaks TLS, name it https://HOST:PORT)",
        };
        return nobody(&format!("no guide-board server answers at {address}: {}{hint}", said(&status)));
    }
    match (status.code(), reason_of(&status).as_deref(), way.token_from) {
        (Code::Unauthenticated, Some("CREDENTIALS_MISSING"), _) => {
            let certificate =
                if address.is_tls() { ", or --tls-cert and --tls-key if it takes client certificates" } else { "" };
            refused(&format!("wants a token; give --token-file, or set {TOKEN_VARIABLE}{certificate}"))
        }
        (Code::Unauthenticated, Some("CREDENTIALS_INVALID"), Some(from)) => {
            refused(&format!("does not know the token of {from}; ask its operator for one that is valid there"))
        }
        (Code::Unimplemented, _, _) => {
            refused(&format!("has no such call: it is older than this command, or no guide-board ({})", said(&status)))
        }
        // Whoever asks may not take it for a run, or a history, that is not there.
        (Code::Unavailable, Some("ROOT_AWAY"), _) => Failure::new(exit::SERVER, status.message()),
        // What something else than the service says may have no text at all.
        (Code::PermissionDenied | Code::Unauthenticated | Code::ResourceExhausted, _, _)
            if status.get_details_error_info().is_none() =>
        {
            refused(&format!("refuses: {}", said(&status)))
        }
        _ => Failure::from(status),
    }
}

/// Whether another try may be answered otherwise.
pub(in crate::cli) fn may_pass(error: &ConnectError) -> bool {
    !matches!(error, ConnectError::Settings(_)) && fault_of(error).is_none()
}

/// Nothing answers; says what to do.
fn nobody(what: &str) -> Failure {
    let message = format!("{what}; start one with `guide-board serve`, or name another with --server");
    Failure::new(exit::SERVER, message)
}

/// What a status says, or at least its code.
pub(in crate::cli) fn said(status: &Status) -> String {
    if status.message().is_empty() { status.code().description().to_owned() } else { terminal::cell(status.message()) }
}

/// What a fault is, and what to do.
fn told(fault: &Fault, address: &ServerAddress) -> String {
    let certificate = format!("the certificate of {address}");
    match fault {
        Fault::UnknownAuthority => {
            format!("{certificate} is not trusted: no known authority has signed it; name its authority with --tls-ca")
        }
        Fault::WrongName(names) => {
            let names: Vec<String> = names.iter().map(|name| terminal::cell(name)).collect();
            let names = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
            format!("{certificate} is for another name{names}; use that in --server, or say it with --tls-server-name")
        }
        Fault::Expired => {
            format!("{certificate} has expired; its operator must renew it, if this machine's clock is right")
        }
        Fault::NotYetValid => format!("{certificate} is not valid yet; look at this machine's clock"),
        Fault::BadCertificate(what) => {
            format!("{certificate} cannot be accepted: {}; its operator must replace it", terminal::sentence(what))
        }
        Fault::NotTls => {
            format!("what answers at {address} does not speak TLS; name it http://HOST:PORT if that is meant")
        }
        Fault::NotHttp2 => {
            format!(
                "what answers at {address} does not speak HTTP/2 in the clear; if it speaks TLS, name it https://HOST:PORT"
            )
        }
        Fault::NotAllowed if address.is_socket() => format!(
            "you may not connect to {address}: the mode of the socket or of a directory above it keeps you out; `serve --uds-mode` sets the former"
        ),
        Fault::NotAllowed => format!("the system does not let you connect to {address}"),
        Fault::WantsCertificate => {
            format!("the server at {address} serves only clients with a certificate; give --tls-cert and --tls-key")
        }
        Fault::RefusesCertificate => {
            format!(
                "the server at {address} does not accept the certificate of --tls-cert; ask its operator which authority it trusts"
            )
        }
    }
}
