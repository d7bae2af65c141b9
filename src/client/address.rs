//! Where a server is looked for.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// The longest host name of the domain name system, in bytes.
const MAX_HOST: usize = 253;
/// The longest path of a Unix socket, in bytes.
const MAX_SOCKET_PATH: usize = 107;

/// The address of a server: `http://HOST:PORT`, `https://HOST:PORT` or `unix:PATH`. `Display` gives it in this form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress(Place);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Port {
        tls: bool,
        /// A name, an IPv4 address, or an IPv6 address in brackets.
        host: String,
        port: u16,
    },
    Socket(String),
}

/// A text that is no address of a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a server is http://HOST:PORT or https://HOST:PORT, an IPv6 address in brackets, or unix:PATH: {0}")]
pub struct AddressError(Cow<'static, str>);

impl From<&'static str> for AddressError {
    fn from(what: &'static str) -> Self {
        Self(what.into())
    }
}

impl FromStr for ServerAddress {
    type Err = AddressError;

    /// Takes `http://HOST:PORT` and `https://HOST:PORT`, with or without a slash at the end, a bare `HOST:PORT`, which is http, and `unix:PATH`,
    /// or `unix://` and an absolute path.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        if let Some(path) = text.strip_prefix("unix:") {
            return socket(path).map(|path| Self(Place::Socket(path)));
        }
        let (tls, authority) = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (false, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (true, rest),
            Some(_) => return Err(AddressError::from("the scheme is none of these")),
            None if is_like_a_path(text) => {
                let meant: String = text.escape_debug().take(MAX_SOCKET_PATH).collect();
                return Err(AddressError(format!("was `unix:{meant}` meant?").into()));
            }
            None => (false, text),
        };
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        if authority.contains(['/', '?', '#']) {
            return Err(AddressError::from("nothing may follow the port"));
        }
        if authority.contains('@') {
            return Err(AddressError::from("a user cannot be named"));
        }
        let (host, port) = authority.rsplit_once(':').ok_or(AddressError::from("the port is missing"))?;
        if host.starts_with('[') != host.ends_with(']') || !host.starts_with('[') && host.contains(':') {
            return Err(AddressError::from("the port is missing, or the brackets"));
        }
        // `parse` would take a sign.
        let is_number = !port.is_empty() && port.bytes().all(|digit| digit.is_ascii_digit());
        let port: u16 = port
            .parse()
            .ok()
            .filter(|port| is_number && *port > 0)
            .ok_or(AddressError::from("the port is from 1 to 65535"))?;
        let is_host = match literal(host) {
            Some(literal) => literal.parse::<Ipv6Addr>().is_ok(),
            None => {
                let is_plain = |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'.' | b'-' | b'_');
                !host.is_empty() && host.len() <= MAX_HOST && host.bytes().all(is_plain)
            }
        };
        if is_host {
            Ok(Self(Place::Port { tls, host: host.to_owned(), port }))
        } else {
            Err(AddressError::from("the host is no name or address"))
        }
    }
}

/// Whether a text is the path of a file rather than a host and a port.
fn is_like_a_path(text: &str) -> bool {
    text.ends_with(".sock") || ["/", "./", "../"].iter().any(|start| text.starts_with(start))
}

/// What stands between brackets.
fn literal(host: &str) -> Option<&str> {
    host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'))
}

/// The path behind `unix:`.
fn socket(text: &str) -> Result<String, AddressError> {
    let path = match text.strip_prefix("//") {
        Some(path) if path.starts_with('/') => path,
        Some(_) => {
            return Err(AddressError::from("`unix://` is followed by an absolute path; a relative one is unix:PATH"));
        }
        None => text,
    };
    if path.is_empty() || path.contains('\0') {
        return Err(AddressError::from("the path of the socket is missing"));
    }
    if path.len() > MAX_SOCKET_PATH {
        return Err(AddressError::from("the path of a socket has at most 107 bytes"));
    }
    Ok(path.to_owned())
}

impl ServerAddress {
    /// Whether connections are encrypted.
    #[must_use]
    pub const fn is_tls(&self) -> bool {
        matches!(self.0, Place::Port { tls: true, .. })
    }

    /// Whether what is sent in the clear would pass a network: http to another host than this one.
    #[must_use]
    pub fn is_exposed(&self) -> bool {
        let Place::Port { tls: false, host, .. } = &self.0 else { return false };
        let address: Option<IpAddr> = literal(host).unwrap_or(host).parse().ok();
        match address {
            Some(address) => !address.to_canonical().is_loopback(),
            None => !host.eq_ignore_ascii_case("localhost"),
        }
    }

    /// Whether it is a Unix socket.
    #[must_use]
    pub const fn is_socket(&self) -> bool {
        matches!(self.0, Place::Socket(_))
    }
}

impl From<SocketAddr> for ServerAddress {
    /// Without TLS.
    fn from(address: SocketAddr) -> Self {
        let host = match address {
            SocketAddr::V4(address) => address.ip().to_string(),
            SocketAddr::V6(address) => format!("[{}]", address.ip()),
        };
        Self(Place::Port { tls: false, host, port: address.port() })
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Place::Port { tls, host, port } => {
                write!(formatter, "{}://{host}:{port}", if *tls { "https" } else { "http" })
            }
            // Two slashes at the beginning would be taken for those of `unix://`.
            Place::Socket(path) if path.starts_with("//") => write!(formatter, "unix://{path}"),
            Place::Socket(path) => write!(formatter, "unix:{path}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<String, AddressError> {
        text.parse::<ServerAddress>().map(|address| address.to_string())
    }

    #[test]
    fn names_and_addresses_are_taken_with_and_without_the_scheme() {
        for (text, shown) in [
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("127.0.0.1:8080", "http://127.0.0.1:8080"),
            ("HTTP://localhost:1/", "http://localhost:1"),
            ("a-host.example:65535", "http://a-host.example:65535"),
            ("http://[::1]:80", "http://[::1]:80"),
            ("[2001:db8::1]:80", "http://[2001:db8::1]:80"),
            ("https://board.example:443", "https://board.example:443"),
            ("HTTPS://[::1]:8443/", "https://[::1]:8443"),
            ("unix:run/board.sock", "unix:run/board.sock"),
            ("unix:/run/board.sock", "unix:/run/board.sock"),
            ("unix:///run/board.sock", "unix:/run/board.sock"),
            ("unix:////run/board.sock", "unix:////run/board.sock"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(shown), "{text}");
        }
        let socket: SocketAddr = "[::1]:9".parse().expect("an address");
        assert_eq!(ServerAddress::from(socket).to_string(), "http://[::1]:9");
    }

    #[test]
    fn only_http_to_another_host_is_exposed() {
        let is_exposed = |text: &str| text.parse::<ServerAddress>().expect("an address").is_exposed();
        for text in
            ["localhost:1", "LOCALHOST:1", "127.8.9.1:1", "[::1]:1", "[::ffff:127.0.0.1]:1", "https://a:1", "unix:s"]
        {
            assert!(!is_exposed(text), "{text}");
        }
        for text in ["a:1", "10.0.0.1:1", "0.0.0.0:1", "[::]:1", "[::ffff:10.0.0.1]:1", "localhost.example:1"] {
            assert!(is_exposed(text), "{text}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "http://",
            "host",
            "http://host",
            "host:",
            "host:0",
            "host:65536",
            "host:+80",
            "host:80x",
            ":80",
            "::1:80",
            "[::1]",
            "[::1:80",
            "::1]:80",
            "[host]:80",
            "[::1%lo]:80",
            "http://host:80/path",
            "http://user@host:80",
            "ftp://host:80",
            "a host:80",
            "host\u{7f}:80",
            "hôte:80",
            "https://host",
            "https://host:443/path",
            "unix:",
            "unix://",
            "unix://relative/path",
            "unix:a\0b",
            &format!("unix:/{}", "x".repeat(107)),
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_does_not_belong_to_an_address_is_named() {
        for (text, what) in [
            ("http://host:80/path", "nothing may follow the port"),
            ("host:80//", "nothing may follow the port"),
            ("http://host:80?x=1", "nothing may follow the port"),
            ("http://user:password@host:80", "a user cannot be named"),
        ] {
            assert_eq!(read(text), Err(AddressError::from(what)), "{text}");
        }
    }

    #[test]
    fn the_path_of_a_socket_without_its_scheme_is_asked_about() {
        for text in ["../b.sock", "./b", "/run/b", "b.sock", "run/b.sock"] {
            let error = read(text).expect_err("no address").to_string();
            assert!(error.ends_with(&format!(": was `unix:{text}` meant?")), "{error}");
        }
        let error = read("/\u{1b}[31m").expect_err("no address").to_string();
        assert!(!error.contains('\u{1b}'), "{error:?}");
        assert_eq!(read("a.sock:80").as_deref(), Ok("http://a.sock:80"));
    }

    proptest! {
        #[test]
        fn reading_any_text_is_total_and_what_is_taken_reads_the_same_again(text in "(https?://|unix:)?[\\[\\]a-z0-9.:/@-]{0,30}") {
            if let Ok(address) = text.parse::<ServerAddress>() {
                prop_assert_eq!(address.to_string().parse::<ServerAddress>(), Ok(address));
            }
        }
    }
}
