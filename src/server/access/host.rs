//! Which names of this server a request may be addressed to: a web page that has its own name resolve to this machine is told apart by them.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use http::header::HOST;
use http::{HeaderMap, Uri, Version};

/// A DNS name that requests may be addressed to, in lower case and without a dot at its end.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostName(String);

/// A text that is no host name. `Display` says the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a host is a name like guide-board.example, without a port; IP addresses and localhost need not be allowed")]
pub struct NotAHostName;

impl FromStr for HostName {
    type Err = NotAHostName;

    fn from_str(text: &str) -> Result<Self, NotAHostName> {
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let is_label = |label: &str| {
            let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            (1..=63).contains(&label.len()) && label.bytes().all(is_letter)
        };
        let is_name = name.len() <= 253 && name.split('.').all(is_label) && name.parse::<Ipv4Addr>().is_err();
        if is_name { Ok(Self(name)) } else { Err(NotAHostName) }
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a request is addressed to this server: by an IP address, by `localhost`, or by an allowed name. Everything that it names counts,
/// `:authority` and `Host`, and it has to name something.
#[must_use]
pub fn is_addressed_here(version: Version, uri: &Uri, headers: &HeaderMap, allowed: &[HostName]) -> bool {
    let mut hosts = headers.get_all(HOST).iter();
    let host = hosts.next();
    let is_missing = match version {
        Version::HTTP_2 | Version::HTTP_3 => host.is_none() && uri.authority().is_none(),
        _ => host.is_none(),
    };
    if is_missing || hosts.next().is_some() {
        return false;
    }
    let is_ours = |authority: &str| is_allowed(authority, allowed);
    uri.authority().is_none_or(|authority| is_ours(authority.as_str()))
        && host.is_none_or(|host| host.to_str().is_ok_and(is_ours))
}

/// Everything by which a request names a host, for a log.
pub(super) fn named(uri: &Uri, headers: &HeaderMap) -> String {
    let authority = uri.authority().map(|authority| authority.as_str().into());
    let hosts = headers.get_all(HOST).iter().map(|host| String::from_utf8_lossy(host.as_bytes()));
    authority.into_iter().chain(hosts).collect::<Vec<_>>().join(", ")
}

/// Whether an authority, a host with or without a port, is one of this server's.
#[must_use]
pub fn is_allowed(authority: &str, allowed: &[HostName]) -> bool {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let Some((address, rest)) = rest.split_once(']') else { return false };
            if address.parse::<Ipv6Addr>().is_err() {
                return false;
            }
            (None, rest.strip_prefix(':').or_else(|| rest.is_empty().then_some("0")))
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (Some(host), Some(port)),
            None => (Some(authority), Some("0")),
        },
    };
    // Digits alone: the parser of numbers would take a sign.
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok();
    if !port.is_some_and(is_port) {
        return false;
    }
    let Some(host) = host else { return true };
    if host.parse::<Ipv4Addr>().is_ok() {
        return true;
    }
    let Ok(name) = host.parse::<HostName>() else { return false };
    name.0 == "localhost" || allowed.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    fn names() -> Vec<HostName> {
        vec!["Board.Example.".parse().expect("a name")]
    }

    #[test]
    fn addresses_localhost_and_allowed_names_pass_with_or_without_a_port() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:8080",
            "10.1.2.3:1",
            "[::1]",
            "[::1]:80",
            "[fe80::1]:65535",
            "localhost",
            "LOCALHOST:1",
            "localhost.",
            "localhost.:80",
            "board.example",
            "BOARD.example:443",
            "board.example.",
        ] {
            assert!(is_allowed(host, &names()), "{host}");
        }
    }

    #[test]
    fn other_names_and_what_is_no_authority_are_refused() {
        for host in [
            "",
            ".",
            ":",
            ":80",
            "evil.example",
            "board.example.evil",
            "xboard.example",
            "localhost.evil",
            "a.localhost",
            "localhost..",
            "127.0.0.1.evil",
            "127.1",
            "0x7f.0.0.1",
            "2130706433",
            "::1",
            "[::1",
            "[::1]x",
            "[::1]:",
            "[127.0.0.1]",
            "[fe80::1%25eth0]",
            "localhost:",
            "localhost:x",
            "localhost:+1",
            "localhost:65536",
            "localhost:80:80",
            "user@localhost",
            "localhost@evil.example",
            "localhost/",
            " localhost",
            "localhost ",
            "board.example,evil",
            "lócalhost",
        ] {
            assert!(!is_allowed(host, &names()), "{host}");
        }
    }

    #[test]
    fn a_request_names_this_server_once_and_everywhere() {
        let asked = |version: Version, uri: &str, hosts: &[&str]| {
            let mut headers = HeaderMap::new();
            for host in hosts {
                headers.append(HOST, HeaderValue::from_str(host).expect("a value"));
            }
            is_addressed_here(version, &uri.parse().expect("a URI"), &headers, &names())
        };
        let (one, two) = (Version::HTTP_11, Version::HTTP_2);
        assert!(asked(one, "/x", &["localhost"]) && asked(two, "http://localhost/x", &[]));
        assert!(asked(two, "/x", &["localhost"]) && asked(two, "http://[::1]:1/x", &["127.0.0.1"]));
        assert!(!asked(one, "/x", &[]) && !asked(two, "/x", &[]) && !asked(Version::HTTP_10, "/x", &[]));
        assert!(!asked(one, "http://localhost/x", &[]), "a Host is due whatever the request line says");
        assert!(!asked(one, "/x", &["localhost", "localhost"]) && !asked(one, "/x", &["evil"]));
        assert!(!asked(two, "http://localhost/x", &["evil"]) && !asked(two, "http://evil/x", &["localhost"]));
        assert!(!asked(one, "http://evil/x", &["localhost"]));
    }

    #[test]
    fn an_allowed_name_is_a_plain_one() {
        for refused in ["", "*", "*.example", "a:80", "http://a", "[::1]", "127.0.0.1", "a b", "a..b", "ä.example"] {
            assert!(refused.parse::<HostName>().is_err(), "{refused}");
        }
    }

    proptest! {
        #[test]
        fn what_passes_is_an_address_localhost_or_an_allowed_name(authority in "\\PC{0,40}|[a-z0-9.:\\[\\]@-]{0,40}") {
            if is_allowed(&authority, &names()) {
                let text = authority.to_ascii_lowercase();
                let host = text.rsplit_once(':').map_or(text.as_str(), |(host, _)| host);
                let host = host.trim_end_matches('.');
                let is_address = text.starts_with('[') || host.parse::<Ipv4Addr>().is_ok();
                prop_assert!(is_address || host == "localhost" || host == "board.example", "{}", authority);
            }
        }
    }
}
