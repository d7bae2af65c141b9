//! Which web pages may call: none, unless the operator allows their origin. What a browser needs to be told for those is told narrowly.

use std::fmt;
use std::str::FromStr;

use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Method};

/// What pages may send.
const ALLOWED_HEADERS: &str = "authorization, content-type, grpc-timeout, if-match, if-none-match, if-range, range, traceparent, x-grpc-web, x-request-id, x-user-agent";
/// What pages may read of a reply beside the common headers.
const EXPOSED_HEADERS: &str = "accept-ranges, content-range, etag, grpc-message, grpc-status, grpc-status-details-bin, www-authenticate, x-request-id";
/// How they may ask.
const ALLOWED_METHODS: &str = "GET, HEAD, POST";
/// How long a browser may keep the answer, in seconds.
const MAX_AGE: &str = "600";

/// The origin of web pages: a scheme, a host, and a port unless it is the scheme's own, as browsers write it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Origin(String);

/// A text that is no origin. `Display` says the rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an origin is like https://board.example or http://localhost:3000, without a path; there is no wildcard")]
pub struct NotAnOrigin;

impl FromStr for Origin {
    type Err = NotAnOrigin;

    fn from_str(text: &str) -> Result<Self, NotAnOrigin> {
        let text = text.to_ascii_lowercase();
        let (scheme, authority) = text.split_once("://").ok_or(NotAnOrigin)?;
        let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte);
        let is_origin = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(is_scheme)
            && !authority.is_empty()
            && authority.bytes().all(is_host)
            && text.len() <= 300;
        if !is_origin {
            return Err(NotAnOrigin);
        }
        let own_port = match scheme {
            "http" => ":80",
            "https" => ":443",
            _ => return Ok(Self(text)),
        };
        Ok(Self(text.strip_suffix(own_port).unwrap_or(&text).to_owned()))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A request of a web page whose origin is not allowed, or cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAllowed;

/// The origin of a request, if it is a page's and may call; `None` when no page sent it.
///
/// # Errors
/// When it is not allowed, `null`, or there are several.
pub fn of_request(headers: &HeaderMap, allowed: &[Origin]) -> Result<Option<HeaderValue>, NotAllowed> {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let Some(origin) = origins.next() else { return Ok(None) };
    let is_allowed = |text: &str| allowed.iter().any(|known| known.0 == text);
    if origins.next().is_some() || !origin.to_str().is_ok_and(is_allowed) {
        return Err(NotAllowed);
    }
    Ok(Some(origin.clone()))
}

/// The origins that a request names, for a log.
pub(super) fn named(headers: &HeaderMap) -> String {
    let origins = headers.get_all(header::ORIGIN).iter();
    origins.map(|origin| String::from_utf8_lossy(origin.as_bytes())).collect::<Vec<_>>().join(", ")
}

/// Whether a request only asks what a page may do.
pub(super) fn is_preflight(method: &Method, headers: &HeaderMap) -> bool {
    *method == Method::OPTIONS && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// What a preflight is answered.
pub(super) fn allow_preflight(headers: &mut HeaderMap, origin: HeaderValue) {
    allow(headers, origin);
    headers.remove(header::ACCESS_CONTROL_EXPOSE_HEADERS);
    let mut set = |name: HeaderName, value: &'static str| drop(headers.insert(name, HeaderValue::from_static(value)));
    set(header::ACCESS_CONTROL_ALLOW_METHODS, ALLOWED_METHODS);
    set(header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS);
    set(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
}

/// Lets pages of the origin read a reply. Cookies are never allowed: nothing here reads any.
pub(super) fn allow(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED_HEADERS));
    headers.append(header::VARY, HeaderValue::from_static("origin"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[&str], allowed: &[&str]) -> Result<bool, NotAllowed> {
        let allowed: Vec<Origin> = allowed.iter().map(|text| text.parse().expect("an origin")).collect();
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::ORIGIN, HeaderValue::from_str(value).expect("a value"));
        }
        of_request(&headers, &allowed).map(|origin| origin.is_some())
    }

    #[test]
    fn only_exactly_an_allowed_origin_passes() {
        let allowed = ["HTTPS://Board.Example:443", "http://localhost:3000"];
        assert_eq!(of(&[], &allowed), Ok(false));
        assert_eq!(of(&["https://board.example"], &allowed), Ok(true));
        assert_eq!(of(&["http://localhost:3000"], &allowed), Ok(true));
        for refused in [
            "",
            "null",
            "*",
            "https://board.example.evil",
            "http://board.example",
            "https://board.example:8443",
            "http://localhost",
            "http://localhost:3000/",
            "http://localhost:3000 http://evil",
            "file://",
            "http://xlocalhost:3000",
        ] {
            assert_eq!(of(&[refused], &allowed), Err(NotAllowed), "{refused}");
            assert_eq!(of(&[refused], &[]), Err(NotAllowed), "{refused}");
        }
        assert_eq!(of(&["http://localhost:3000", "http://localhost:3000"], &allowed), Err(NotAllowed));
    }

    #[test]
    fn an_origin_has_a_scheme_and_a_host_and_nothing_more() {
        for refused in [
            "",
            "null",
            "*",
            "board.example",
            "https://",
            "https://*",
            "https://a/",
            "https://a?b",
            "https://u@a",
            "://a",
            "https://a b",
        ] {
            assert!(refused.parse::<Origin>().is_err(), "{refused}");
        }
        assert_eq!("http://[::1]:80".parse::<Origin>().expect("one").to_string(), "http://[::1]");
    }

    proptest! {
        #[test]
        fn nothing_passes_where_nothing_is_allowed(value in "[ -~]{0,60}") {
            prop_assert_eq!(of(&[&value], &[]), Err(NotAllowed));
        }
    }
}
