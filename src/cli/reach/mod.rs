//! How a running server is reached: the options that every command has which asks one, and what is said when it does not answer as it should.

mod refusal;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use tonic::Status;

use super::exit::{self, Failure};
use super::settings::is_on_the_command_line;
use super::values::{count, quoted};
use crate::client::{Client, ConnectError, PemFile, ServerAddress, ServerSettings, TlsSettings, Token};
use crate::repository::ambient;
use crate::server::access::bearer;
pub(super) use refusal::{may_pass, said};

/// Where `serve` listens unless told otherwise.
const DEFAULT_SERVER: &str = "http://127.0.0.1:8080";
/// The variable that holds a token itself, where no file is named.
pub(super) const TOKEN_VARIABLE: &str = "GUIDE_BOARD_TOKEN";
/// The most bytes that a file in PEM may have.
const MAX_PEM_BYTES: u64 = 1 << 20;
/// The most bytes that a token's file may have: the token, and blanks around it.
const MAX_TOKEN_BYTES: u64 = 4096;

/// Which server, whom to trust there, and what to show.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Reaching the server")]
pub(super) struct ServerArgs {
    /// The server: http://HOST:PORT, https://HOST:PORT, or unix:PATH for a Unix socket
    #[arg(long, global = true, value_name = "URL", default_value = DEFAULT_SERVER)]
    server: ServerAddress,
    #[command(flatten)]
    credentials: CredentialArgs,
}

/// The same for commands that need no server.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Reaching the server")]
pub(super) struct MaybeServerArgs {
    /// Ask this server instead of reading a directory: http://HOST:PORT, https://HOST:PORT, or unix:PATH for a Unix socket
    #[arg(long, global = true, value_name = "URL")]
    server: Option<ServerAddress>,
    #[command(flatten)]
    credentials: CredentialArgs,
    /// How long to try again when the connection breaks or the server is busy
    #[arg(long, global = true, value_name = "SECONDS", default_value_t = 60, value_parser = count, hide_short_help = true)]
    retry_for: u64,
}

/// Whom to trust, and what to show.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Reaching the server")]
struct CredentialArgs {
    /// The authorities that may have signed the server's certificate, in PEM [default: those of the system]
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    tls_ca: Option<PathBuf>,
    /// The name that the server's certificate must have [default: the host of --server]
    #[arg(long, global = true, value_name = "NAME", hide_short_help = true)]
    tls_server_name: Option<String>,
    /// The certificate to show the server, in PEM, followed by those that lead to its authority
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    tls_cert: Option<PathBuf>,
    /// The private key of --tls-cert, in PEM
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    tls_key: Option<PathBuf>,
    /// A file that holds the token to send, and nothing else. Without it, the variable GUIDE_BOARD_TOKEN may hold the token itself
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    token_file: Option<PathBuf>,
    /// Send the token without TLS to another host than this one: whoever listens on the way can read and use it
    #[arg(long, global = true, hide_short_help = true)]
    allow_plain_token: bool,
}

/// The way to a server: what the options and the environment say, read and checked.
#[derive(Debug)]
pub(super) struct Way {
    settings: ServerSettings,
    /// Where the token is from that every call carries.
    token_from: Option<&'static str>,
    /// The options beside its address that reach it again, each behind a blank.
    again: String,
}

impl ServerArgs {
    /// Reads the files, and asks whether the token may be sent there.
    pub(super) fn way(&self) -> Result<Way, Failure> {
        self.credentials.way(&self.server)
    }
}

impl MaybeServerArgs {
    /// The same, if a server is named. An option of the command line that is only for a server is refused where none is.
    pub(super) fn way(&self) -> Result<Option<Way>, Failure> {
        const FOR_SERVERS: [&str; 7] =
            ["tls-ca", "tls-server-name", "tls-cert", "tls-key", "token-file", "allow-plain-token", "retry-for"];
        match &self.server {
            Some(server) => self.credentials.way(server).map(Some),
            None => match FOR_SERVERS.into_iter().find(|option| is_on_the_command_line(option)) {
                None => Ok(None),
                Some(option) => Err(Failure::new(
                    exit::USAGE,
                    format!("--{option} is for a server, and a directory is read; name the server with --server"),
                )),
            },
        }
    }

    /// How long a broken connection is tried again.
    pub(super) fn retry_for(&self) -> Duration {
        for_at_most(self.retry_for)
    }
}

/// A time of the command line. A year is as good as forever, and can be added to any time.
pub(super) fn for_at_most(seconds: u64) -> Duration {
    Duration::from_secs(seconds.min(365 * 24 * 3600))
}

impl CredentialArgs {
    /// Reads the files, and asks whether the token may be sent there.
    fn way(&self, server: &ServerAddress) -> Result<Way, Failure> {
        let usage = |message: String| Failure::new(exit::USAGE, message);
        let (token, token_from) = self.token(std::env::var_os(TOKEN_VARIABLE)).map_err(usage)?.unzip();
        if let Some(from) = token_from.filter(|_| server.is_exposed() && !self.allow_plain_token) {
            return Err(usage(format!(
                "the token of {from} would pass the network to {} in the clear; use https://, or --allow-plain-token where nobody can \
                 listen on the way",
                server
            )));
        }
        let settings = ServerSettings { address: server.clone(), tls: self.tls(server).map_err(usage)?, token };
        Ok(Way { settings, token_from, again: self.again() })
    }

    fn tls(&self, server: &ServerAddress) -> Result<TlsSettings, String> {
        let options = [
            ("--tls-ca", self.tls_ca.is_some()),
            ("--tls-server-name", self.tls_server_name.is_some()),
            ("--tls-cert", self.tls_cert.is_some()),
            ("--tls-key", self.tls_key.is_some()),
        ];
        if let Some((option, _)) = options.iter().find(|(_, is_given)| *is_given && !server.is_tls()) {
            return Err(format!("{option} is for servers at https://HOST:PORT, and the server is {server}"));
        }
        let identity = match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => Some((pem(certificate)?, pem(key)?)),
            (None, None) => None,
            (Some(_), None) => return Err("--tls-cert needs its private key: give --tls-key, too".to_owned()),
            (None, Some(_)) => return Err("--tls-key needs its certificate: give --tls-cert, too".to_owned()),
        };
        let authorities = self.tls_ca.as_deref().map(pem).transpose()?;
        Ok(TlsSettings { authorities, server_name: self.tls_server_name.clone(), identity })
    }

    /// The token, and where it is from. No error repeats what may be one.
    fn token(&self, variable: Option<OsString>) -> Result<Option<(Token, &'static str)>, String> {
        let (text, from, place) = match (&self.token_file, variable.filter(|value| !value.is_empty())) {
            (Some(path), _) => {
                let text = ambient::read_text(path, MAX_TOKEN_BYTES).map_err(|error| error.to_string())?;
                (text, "--token-file", path.display().to_string())
            }
            // What is no UTF-8 is no token either.
            (None, Some(value)) => (value.into_string().unwrap_or_default(), TOKEN_VARIABLE, TOKEN_VARIABLE.to_owned()),
            (None, None) => return Ok(None),
        };
        let token = Some(text.trim()).filter(|text| bearer::is_token(text)).and_then(Token::new);
        let token = token.ok_or_else(|| {
            format!("{place} holds no token: one word of 16 to 512 characters from A-Z a-z 0-9 - . _ ~ + /, as `guide-board tokens new` makes it")
        })?;
        Ok(Some((token, from)))
    }

    /// The options that are accepted there again, each behind a blank.
    fn again(&self) -> String {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let options = [
            ("tls-ca", path(&self.tls_ca)),
            ("tls-server-name", self.tls_server_name.clone()),
            ("tls-cert", path(&self.tls_cert)),
            ("tls-key", path(&self.tls_key)),
            ("token-file", path(&self.token_file)),
        ];
        let given = options.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let mut text: String = given.map(|(name, value)| format!(" --{name} {}", quoted(&value))).collect();
        if self.allow_plain_token {
            text.push_str(" --allow-plain-token");
        }
        text
    }
}

impl Way {
    /// Where it leads.
    pub(super) const fn address(&self) -> &ServerAddress {
        &self.settings.address
    }

    /// Connects to the server.
    pub(super) async fn connect(&self) -> Result<Client, ConnectError> {
        Client::connect(&self.settings).await
    }

    /// Why it was not reached.
    pub(super) fn unreached(&self, error: &ConnectError) -> Failure {
        refusal::of_connection(self, error)
    }

    /// What a status means that a call to it ended with.
    pub(super) fn failure(&self, status: Status) -> Failure {
        refusal::of_call(self, status)
    }

    /// A command that always asks a server, for whoever reads, with the options that reach the same one again.
    pub(super) fn command(&self, words: &str) -> String {
        if self.address().to_string() == DEFAULT_SERVER {
            return format!("`guide-board {words}{}`", self.again);
        }
        self.command_by_name(words)
    }

    /// The same of a command that reads a local directory unless a server is named.
    pub(super) fn command_by_name(&self, words: &str) -> String {
        format!("`guide-board {words} --server {}{}`", quoted(&self.address().to_string()), self.again)
    }
}

fn pem(path: &Path) -> Result<PemFile, String> {
    let bytes = ambient::read_bytes(path, MAX_PEM_BYTES).map_err(|error| error.to_string())?;
    Ok(PemFile { name: path.display().to_string(), bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args() -> CredentialArgs {
        CredentialArgs {
            tls_ca: None,
            tls_server_name: None,
            tls_cert: None,
            tls_key: None,
            token_file: None,
            allow_plain_token: false,
        }
    }

    #[test]
    fn a_file_wins_over_the_variable_and_no_error_shows_what_is_no_token() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("token");
        let mut args = args();
        let token = "0123456789abcdef";
        let from = |args: &CredentialArgs, variable: &str| {
            args.token(Some(variable.into())).map(|it| it.map(|(_, from)| from))
        };
        assert_eq!((from(&args, token), from(&args, "")), (Ok(Some(TOKEN_VARIABLE)), Ok(None)));
        std::fs::write(&path, format!("\n {token} \r\n")).expect("written");
        args.token_file = Some(path.clone());
        assert_eq!(from(&args, "short-secret"), Ok(Some("--token-file")));
        for wrong in ["short-secret", "", "two-secret-words 0123456789abcdef", "token: secret-0123456789abcdef"] {
            std::fs::write(&path, wrong).expect("written");
            let error = from(&args, token).expect_err("no token");
            assert!(error.contains("holds no token") && !error.contains("secret"), "{error}");
        }
        args.token_file = None;
        let error = from(&args, "short-secret").expect_err("no token");
        assert!(error.starts_with("GUIDE_BOARD_TOKEN holds no token") && !error.contains("secret"), "{error}");
    }

    #[test]
    fn a_command_to_paste_names_files_and_is_quoted() {
        let mut args = args();
        args.tls_ca = Some("a dir/it's.pem".into());
        args.token_file = Some("/run/token".into());
        assert_eq!(args.again(), " --tls-ca 'a dir/it'\\''s.pem' --token-file /run/token");
        assert_eq!(super::tests::args().again(), "");
        let command = |server: &str| {
            let way = super::tests::args().way(&server.parse().expect("an address")).expect("a way");
            (way.command("jobs list"), way.command_by_name("runs list"))
        };
        let commands = |jobs: &str, runs: &str| (jobs.to_owned(), runs.to_owned());
        assert_eq!(
            command("unix:a b"),
            commands("`guide-board jobs list --server 'unix:a b'`", "`guide-board runs list --server 'unix:a b'`")
        );
        let by_name = format!("`guide-board runs list --server {DEFAULT_SERVER}`");
        assert_eq!(command(DEFAULT_SERVER), commands("`guide-board jobs list`", &by_name));
    }
}
