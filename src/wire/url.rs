//! What stands in a URL, decoded exactly once.

/// What is wrong with a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathFault {
    /// A percent sign without two hex digits after it.
    #[error("a percent sign is not followed by two hex digits; a percent sign itself is written %25")]
    BadPercent,
    /// Bytes that are not UTF-8.
    #[error("it is not UTF-8 when decoded")]
    NotUtf8,
    /// A slash, backslash or NUL within a segment of a path.
    #[error("an encoded slash, a backslash or a NUL stands in the path")]
    Separator,
}

/// The segments of a path, each decoded once: `/a/%252e` is `a` and `%2e`. Nothing is normalised.
///
/// # Errors
/// [`PathFault`].
pub fn path_segments(path: &str) -> Result<Vec<String>, PathFault> {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.split('/')
        .map(|segment| {
            let segment = decode(segment)?;
            if segment.contains(['/', '\\', '\0']) { Err(PathFault::Separator) } else { Ok(segment) }
        })
        .collect()
}

/// The names and values of a query, each decoded once; a plus is a blank.
///
/// # Errors
/// [`PathFault`].
pub fn query_pairs(query: &str) -> Result<Vec<(String, String)>, PathFault> {
    let blank = |text: &str| decode(&text.replace('+', " "));
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((blank(name)?, blank(value)?))
        })
        .collect()
}

fn decode(text: &str) -> Result<String, PathFault> {
    let mut decoded: Vec<u8> = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let (byte, after) = match (byte, after) {
            (b'%', [high, low, after @ ..]) => {
                let (high, low) = (hex(*high), hex(*low));
                (high.zip(low).map(|(high, low)| high << 4 | low).ok_or(PathFault::BadPercent)?, after)
            }
            (b'%', _) => return Err(PathFault::BadPercent),
            (byte, after) => (byte, after),
        };
        decoded.push(byte);
        rest = after;
    }
    String::from_utf8(decoded).map_err(|_| PathFault::NotUtf8)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_segment_is_decoded_once_and_nothing_is_normalised() {
        let segments = |path| path_segments(path).expect("a path");
        assert_eq!(segments("/a/%252e%252e/b"), ["a", "%2e%2e", "b"]);
        assert_eq!(segments("/%72uns/"), ["runs", ""]);
        assert_eq!(segments("/a//./../%2e%2e"), ["a", "", ".", "..", ".."]);
        assert_eq!(segments("/a+b%20c"), ["a+b c"]);
        assert_eq!(segments("/%C3%A9é"), ["éé"]);
    }

    #[test]
    fn what_a_segment_must_not_hold_is_refused() {
        for path in ["/a%2Fb", "/a%2fb", "/a%5Cb", "/a\\b", "/a%00"] {
            assert_eq!(path_segments(path), Err(PathFault::Separator), "{path}");
        }
        for path in ["/%", "/%2", "/%zz", "/a%2", "/%+1", "/%u002e"] {
            assert_eq!(path_segments(path), Err(PathFault::BadPercent), "{path}");
        }
        for path in ["/%ff", "/%c0%af", "/%ed%a0%80"] {
            assert_eq!(path_segments(path), Err(PathFault::NotUtf8), "{path}");
        }
    }

    #[test]
    fn a_query_is_decoded_once_with_plus_as_a_blank() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let pairs = query_pairs("a=b+c%2B&&x&y=%2561=2").expect("a query");
        assert_eq!(pairs, [pair("a", "b c+"), pair("x", ""), pair("y", "%61=2")]);
        assert_eq!(query_pairs("a=%"), Err(PathFault::BadPercent));
    }

    proptest! {
        #[test]
        fn what_is_encoded_comes_back(segment in "[^/\\\\\0]{0,40}") {
            let encoded: String = segment.bytes().map(|byte| format!("%{byte:02X}")).collect();
            prop_assert_eq!(path_segments(&format!("/{encoded}")), Ok(vec![segment]));
        }

        #[test]
        fn reading_any_url_is_total(text in any::<String>()) {
            let _ = path_segments(&text);
            let _ = query_pairs(&text);
        }
    }
}
