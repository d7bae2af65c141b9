//! The conditions of a request on the state of a file (RFC 9110, section 13).

use http::header::{HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE};
use http::{HeaderMap, HeaderValue};
use jiff::Timestamp;
use jiff::fmt::rfc2822::{DateTimeParser, DateTimePrinter};

use crate::wire::pb;

/// What the conditions come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Send the whole.
    Whole,
    /// Send what `Range` asks for.
    Ranged,
    /// The client has it already.
    NotModified,
    /// It is not what the client means.
    Failed,
}

/// Whether a request has neither conditions nor a range.
pub(super) fn are_none(headers: &HeaderMap) -> bool {
    let names = [IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE];
    !names.iter().any(|name| headers.contains_key(name))
}

/// Weighs the conditions, in the order of the standard.
pub(super) fn verdict(headers: &HeaderMap, head: &pb::ReadArtifactResponse) -> Verdict {
    let tag = format!("\"{}\"", head.generation);
    let since = |name: &HeaderName| headers.get(name).and_then(time);
    let modified = head.modified_at.as_ref().and_then(|time| Timestamp::from_second(time.seconds).ok());
    let failed = if headers.contains_key(IF_MATCH) {
        !tags(headers, &IF_MATCH).any(|given| given == "*" || given == tag)
    } else {
        matches!((since(&IF_UNMODIFIED_SINCE), modified), (Some(since), Some(modified)) if modified > since)
    };
    if failed {
        return Verdict::Failed;
    }
    let is_known = if headers.contains_key(IF_NONE_MATCH) {
        tags(headers, &IF_NONE_MATCH).any(|given| given == "*" || given.trim_start_matches("W/") == tag)
    } else {
        matches!((since(&IF_MODIFIED_SINCE), modified), (Some(since), Some(modified)) if modified <= since)
    };
    if is_known {
        return Verdict::NotModified;
    }
    // A date is too coarse to be sure that a part fits to another, so only the tag does.
    let fits = headers.get(IF_RANGE).is_none_or(|given| given.as_bytes() == tag.as_bytes());
    if fits && headers.contains_key(RANGE) { Verdict::Ranged } else { Verdict::Whole }
}

/// The entity tags of a header. Ours hold no comma, so one that does is not cut at the right place and is not ours either way.
fn tags<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

fn time(value: &HeaderValue) -> Option<Timestamp> {
    DateTimeParser::new().parse_timestamp(value.to_str().ok()?).ok()
}

/// When the file was last modified, as HTTP writes it.
pub(super) fn modified(head: &pb::ReadArtifactResponse) -> Option<String> {
    let time = Timestamp::from_second(head.modified_at.as_ref()?.seconds).ok()?;
    DateTimePrinter::new().timestamp_to_rfc9110_string(&time).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weigh(given: &[(HeaderName, &str)]) -> Verdict {
        let head = pb::ReadArtifactResponse {
            generation: "g1".to_owned(),
            modified_at: Some(prost_types::Timestamp { seconds: 784_111_777, nanos: 5 }),
            ..Default::default()
        };
        assert_eq!(modified(&head).as_deref(), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.append(name, value.parse().expect("a value"));
        }
        assert_eq!(are_none(&headers), given.is_empty());
        verdict(&headers, &head)
    }

    const THEN: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";

    #[test]
    fn conditions_are_weighed_in_the_order_of_the_standard() {
        use Verdict::{Failed, NotModified, Ranged, Whole};
        let range = (RANGE, "bytes=0-1");
        for (given, expected) in [
            (&[][..], Whole),
            (std::slice::from_ref(&range), Ranged),
            (&[(IF_MATCH, "\"g1\"")], Whole),
            (&[(IF_MATCH, "\"g0\", \"g1\""), range.clone()], Ranged),
            (&[(IF_MATCH, "*")], Whole),
            (&[(IF_MATCH, "\"g0\"")], Failed),
            (&[(IF_MATCH, "W/\"g1\"")], Failed),
            (&[(IF_MATCH, "g1")], Failed),
            (&[(IF_MATCH, "\"g0\""), (IF_NONE_MATCH, "\"g1\"")], Failed),
            (&[(IF_UNMODIFIED_SINCE, BEFORE)], Failed),
            (&[(IF_UNMODIFIED_SINCE, THEN)], Whole),
            (&[(IF_MATCH, "\"g1\""), (IF_UNMODIFIED_SINCE, BEFORE)], Whole),
            (&[(IF_NONE_MATCH, "\"g1\"")], NotModified),
            (&[(IF_NONE_MATCH, "W/\"g1\"")], NotModified),
            (&[(IF_NONE_MATCH, "*"), range.clone()], NotModified),
            (&[(IF_NONE_MATCH, "\"g0\""), (IF_NONE_MATCH, "\"g1\"")], NotModified),
            (&[(IF_NONE_MATCH, "\"g0\""), (IF_MODIFIED_SINCE, THEN)], Whole),
            (&[(IF_MODIFIED_SINCE, THEN)], NotModified),
            (&[(IF_MODIFIED_SINCE, BEFORE)], Whole),
            (&[(IF_MODIFIED_SINCE, "yesterday")], Whole),
            (&[(IF_RANGE, "\"g1\""), range.clone()], Ranged),
            (&[(IF_RANGE, "\"g0\""), range.clone()], Whole),
            (&[(IF_RANGE, "W/\"g1\""), range.clone()], Whole),
            (&[(IF_RANGE, THEN), range.clone()], Whole),
        ] {
            assert_eq!(weigh(given), expected, "{given:?}");
        }
    }
}
