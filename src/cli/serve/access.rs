//! The options of `serve` that say who may call.

use std::path::PathBuf;

use clap::Args;

use super::listening::ListenArgs;
use crate::cli::exit::{self, Failure};
use crate::server::access::{AccessConfig, Anonymous, HostName, Listening, Origin, Protection, TokensFile, may_listen};

/// Who may call.
#[derive(Debug, Clone, Args)]
pub(super) struct AccessArgs {
    /// A TOML file with the tokens of callers, their scopes and the runs directories that they see; read again when it changes. With it every
    /// call but health and reflection needs credentials
    #[arg(long, value_name = "FILE")]
    tokens: Option<PathBuf>,
    /// A name that requests may be addressed to, beside IP addresses and localhost; may be repeated
    #[arg(long = "allowed-host", value_name = "NAME")]
    allowed_hosts: Vec<HostName>,
    /// An origin whose web pages may call, like https://board.example; may be repeated. Without any, no web page may
    #[arg(long = "allowed-origin", value_name = "ORIGIN")]
    allowed_origins: Vec<Origin>,
    /// Do not serve reflection
    #[arg(long)]
    no_reflection: bool,
    /// Listen beyond loopback although requests carry no credentials, or carry tokens in the clear: without --tokens whoever reaches the port may
    /// read every run and start jobs
    #[arg(long)]
    insecure: bool,
}

impl AccessArgs {
    /// Whether the server may listen there, and what it then lets in.
    pub(super) fn decide(&self, listening: &ListenArgs) -> Result<AccessConfig, Failure> {
        let usage = |message: String| Failure::new(exit::USAGE, message);
        let anonymous = self.may_listen(listening).map_err(usage)?;
        let tokens =
            self.tokens.as_deref().map(TokensFile::load).transpose().map_err(|error| usage(error.to_string()))?;
        Ok(AccessConfig {
            tokens,
            anonymous,
            allowed_hosts: self.allowed_hosts.clone(),
            allowed_origins: self.allowed_origins.clone(),
            reflection: !self.no_reflection,
            ..AccessConfig::default()
        })
    }

    fn may_listen(&self, listening: &ListenArgs) -> Result<Anonymous, String> {
        let protection = Protection {
            tls: listening.has_tls(),
            client_certificates: listening.verifies_clients(),
            tokens: self.tokens.is_some(),
            insecure: self.insecure,
        };
        let Some(address) = listening.address() else {
            return may_listen(Listening::Unix, protection).map_err(|refusal| format!("the Unix socket {refusal}"));
        };
        may_listen(Listening::on(address.ip()), protection).map_err(|refusal| format!("{address} {refusal}"))
    }

    /// Whether callers show tokens.
    pub(super) const fn asks_for_tokens(&self) -> bool {
        self.tokens.is_some()
    }

    /// What the log says of it when the server listens, if it is worth a warning.
    pub(super) fn warning(&self, listening: &ListenArgs) -> Option<&'static str> {
        let is_beyond = listening.address().is_some_and(|address| Listening::on(address.ip()) == Listening::Beyond);
        let asks = self.tokens.is_some() || listening.verifies_clients();
        match (is_beyond, asks, listening.has_tls()) {
            (true, false, _) => Some("listening beyond loopback without credentials, as --insecure asks"),
            (true, true, false) => {
                Some("listening beyond loopback without TLS, as --insecure asks: tokens come in the clear")
            }
            _ => None,
        }
    }
}
