//! Where a server is looked for.

use std::fmt;
use std::net::{Ipv6Addr, SocketAddr};
use std::str::FromStr;

/// The longest host name of the domain name system, in bytes.
const MAX_HOST: usize = 253;

/// The address of a server: so far `http://HOST:PORT`. `Display` gives it in this form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerAddress {
    /// A name, an IPv4 address, or an IPv6 address in brackets.
    host: String,
    port: u16,
}

/// A text that is no address of a server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// A kind of address that is to come.
    #[error("{0} is not supported yet; use http://HOST:PORT")]
    NotYet(&'static str),
    /// Not an address at all.
    #[error("a server is http://HOST:PORT, an IPv6 address in brackets: {0}")]
    Malformed(&'static str),
}

impl FromStr for ServerAddress {
    type Err = AddressError;

    /// Takes `http://HOST:PORT`, with or without a slash at the end, and a bare `HOST:PORT`.
    fn from_str(text: &str) -> Result<Self, AddressError> {
        use AddressError::{Malformed, NotYet};
        if text.starts_with("unix:") {
            return Err(NotYet("unix:"));
        }
        let authority = match text.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("https") => return Err(NotYet("https://")),
            Some(_) => return Err(Malformed("the scheme is not http")),
            None => text,
        };
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        if authority.contains(['/', '?', '#']) {
            return Err(Malformed("nothing may follow the port"));
        }
        if authority.contains('@') {
            return Err(Malformed("a user cannot be named"));
        }
        let (host, port) = authority.rsplit_once(':').ok_or(Malformed("the port is missing"))?;
        if host.starts_with('[') != host.ends_with(']') || !host.starts_with('[') && host.contains(':') {
            return Err(Malformed("the port is missing, or the brackets"));
        }
        // `parse` would take a sign.
        let is_number = !port.is_empty() && port.bytes().all(|digit| digit.is_ascii_digit());
        let port: u16 =
            port.parse().ok().filter(|port| is_number && *port > 0).ok_or(Malformed("the port is from 1 to 65535"))?;
        let is_host = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            Some(literal) => literal.parse::<Ipv6Addr>().is_ok(),
            None => {
                let is_plain = |letter: u8| letter.is_ascii_alphanumeric() || matches!(letter, b'.' | b'-' | b'_');
                !host.is_empty() && host.len() <= MAX_HOST && host.bytes().all(is_plain)
            }
        };
        if is_host {
            Ok(Self { host: host.to_owned(), port })
        } else {
            Err(Malformed("the host is no name or address"))
        }
    }
}

impl From<SocketAddr> for ServerAddress {
    fn from(address: SocketAddr) -> Self {
        let host = match address {
            SocketAddr::V4(address) => address.ip().to_string(),
            SocketAddr::V6(address) => format!("[{}]", address.ip()),
        };
        Self { host, port: address.port() }
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "http://{}:{}", self.host, self.port)
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
        ] {
            assert_eq!(read(text).as_deref(), Ok(shown), "{text}");
        }
        let socket: SocketAddr = "[::1]:9".parse().expect("an address");
        assert_eq!(ServerAddress::from(socket).to_string(), "http://[::1]:9");
    }

    #[test]
    fn what_is_to_come_says_so() {
        assert_eq!(read("https://host:443"), Err(AddressError::NotYet("https://")));
        assert_eq!(read("unix:/run/guide-board.sock"), Err(AddressError::NotYet("unix:")));
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
        ] {
            assert!(matches!(read(text), Err(AddressError::Malformed(_))), "{text}");
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
            assert_eq!(read(text), Err(AddressError::Malformed(what)), "{text}");
        }
    }

    proptest! {
        #[test]
        fn reading_any_text_is_total_and_what_is_taken_reads_the_same_again(text in "(http://)?[\\[\\]a-z0-9.:/@-]{0,30}") {
            if let Ok(address) = text.parse::<ServerAddress>() {
                prop_assert_eq!(address.to_string().parse::<ServerAddress>(), Ok(address));
            }
        }
    }
}
