//! The token in a request's `authorization` header.

use http::HeaderMap;
use http::header::AUTHORIZATION;

/// The fewest characters of a token.
pub(super) const MIN_TOKEN: usize = 16;
/// The most characters of a token.
pub(super) const MAX_TOKEN: usize = 512;

/// An `authorization` header that is none of ours: another scheme, no token, several of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotBearer;

/// The token that a request carries; `None` when it has no such header.
///
/// # Errors
/// When there are several headers, another scheme than `Bearer` (in any case), or what follows is no token.
pub fn token(headers: &HeaderMap) -> Result<Option<&str>, NotBearer> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(NotBearer);
    }
    let text = value.to_str().map_err(|_| NotBearer)?;
    let (scheme, rest) = text.split_once(' ').ok_or(NotBearer)?;
    let token = rest.trim_matches(' ');
    if scheme.eq_ignore_ascii_case("bearer") && is_token(token) { Ok(Some(token)) } else { Err(NotBearer) }
}

/// Whether a text can be a token: the characters of RFC 6750, and a length that is neither guessed nor a burden.
#[must_use]
pub fn is_token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    (MIN_TOKEN..=MAX_TOKEN).contains(&text.len()) && !body.is_empty() && body.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    const TOKEN: &str = "0123456789abcdef";

    fn of(values: &[&str]) -> Result<Option<String>, NotBearer> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(value.as_bytes()).expect("a value"));
        }
        token(&headers).map(|token| token.map(str::to_owned))
    }

    #[test]
    fn a_token_is_taken_in_any_case_of_the_scheme() {
        for scheme in ["Bearer", "bearer", "BEARER"] {
            assert_eq!(of(&[&format!("{scheme} {TOKEN}")]), Ok(Some(TOKEN.to_owned())));
        }
        assert_eq!(of(&[&format!("Bearer   {TOKEN} ")]), Ok(Some(TOKEN.to_owned())));
        assert_eq!(of(&[]), Ok(None));
    }

    #[test]
    fn other_schemes_several_headers_and_what_is_no_token_are_refused() {
        let good = format!("Bearer {TOKEN}");
        let long = format!("Bearer {}", "a".repeat(MAX_TOKEN + 1));
        for refused in [
            "",
            "Bearer",
            "Bearer ",
            TOKEN,
            "Basic dXNlcjpwYXNzd29yZA==",
            "Bearer short",
            "Bearer 0123456789 abcdef",
            "Bearer\t0123456789abcdef",
            "Bearer 0123456789abcdef,Bearer x",
            "Bearer ================",
            "Bearer 0123456789äbcdef",
            &long,
        ] {
            assert_eq!(of(&[refused]), Err(NotBearer), "{refused}");
        }
        assert_eq!(of(&[&good, &good]), Err(NotBearer));
    }

    proptest! {
        #[test]
        fn what_is_taken_is_a_token_of_the_header(text in "(?i:(bearer|basic)) {0,3}[ -~]{0,40}") {
            if let Ok(Some(token)) = of(&[&text]) {
                prop_assert!(is_token(&token) && text.ends_with(token.as_str()) || text.trim_end().ends_with(token.as_str()));
            }
        }
    }
}
