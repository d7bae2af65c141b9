//! Ids for requests and traces.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use http::HeaderMap;

use crate::services::TraceContext;

/// The header that a client may name its request with, and that every response has.
pub(super) const REQUEST_ID: &str = "x-request-id";
const TRACE_PARENT: &str = "traceparent";
/// The longest request id that is taken over.
const MAX_REQUEST_ID: usize = 128;

/// Makes ids that do not come twice: a counter's hashes with a random key, which cost no system call.
#[derive(Debug, Default)]
pub(super) struct Ids {
    keys: RandomState,
    next: AtomicU64,
}

impl Ids {
    /// The request's id: its client's, or a new one when the client named none, or what is no id.
    pub(super) fn request_id(&self, headers: &HeaderMap) -> String {
        let mut named = headers.get_all(REQUEST_ID).iter();
        match (named.next(), named.next()) {
            (Some(id), None) if is_id(id.as_bytes()) => id.to_str().unwrap_or_default().to_owned(),
            _ => format!("{:032x}", self.wide()),
        }
    }

    /// The span of a request, in the trace that it comes from or a new one; and the span that it was made in, if it comes from one.
    pub(super) fn trace(&self, headers: &HeaderMap) -> (TraceContext, Option<TraceContext>) {
        let mut told = headers.get_all(TRACE_PARENT).iter();
        let parent = match (told.next(), told.next()) {
            (Some(parent), None) => TraceContext::parse(parent.as_bytes()),
            _ => None,
        };
        let span_id = self.narrow().max(1);
        let own = match parent {
            Some(parent) => TraceContext { span_id, ..parent },
            None => TraceContext { trace_id: self.wide().max(1), span_id, is_sampled: false },
        };
        (own, parent)
    }

    fn wide(&self) -> u128 {
        u128::from(self.narrow()) << 64 | u128::from(self.narrow())
    }

    fn narrow(&self) -> u64 {
        self.keys.hash_one(self.next.fetch_add(1, Ordering::Relaxed))
    }
}

fn is_id(text: &[u8]) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"._~+/=-".contains(byte);
    (1..=MAX_REQUEST_ID).contains(&text.len()) && text.iter().all(is_plain)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_do_not_come_twice_and_a_clients_own_is_kept_when_it_is_one() {
        let ids = Ids::default();
        let made: HashSet<String> = (0..10_000).map(|_| ids.request_id(&HeaderMap::new())).collect();
        assert!(made.len() == 10_000 && made.iter().all(|id| id.len() == 32 && is_id(id.as_bytes())));
        let named = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(REQUEST_ID, http::HeaderValue::from_bytes(value.as_bytes()).expect("a value"));
            }
            ids.request_id(&headers)
        };
        for kept in ["a", "A-1_2", "4bf9/2~+=.", &"x".repeat(128)] {
            assert_eq!(named(&[kept]), kept);
        }
        for replaced in [&[""][..], &["a b"], &["a\"b"], &["a;b"], &[&"x".repeat(129)], &["é"], &["a", "b"]] {
            assert_eq!(named(replaced).len(), 32, "{replaced:?}");
        }
    }

    #[test]
    fn a_request_goes_on_in_the_trace_it_comes_from_as_a_span_of_its_own() {
        let ids = Ids::default();
        let mut headers = HeaderMap::new();
        let parent = TraceContext { trace_id: 7, span_id: 8, is_sampled: true };
        headers.insert(TRACE_PARENT, parent.to_string().parse().expect("a value"));
        let (own, told) = ids.trace(&headers);
        assert_eq!(told, Some(parent));
        assert_eq!((own.trace_id, own.is_sampled), (7, true));
        assert!(own.span_id != 8 && own.span_id != 0);
        headers.append(TRACE_PARENT, parent.to_string().parse().expect("a value"));
        let (own, told) = ids.trace(&headers);
        assert!(told.is_none() && own.trace_id != 7 && TraceContext::parse(own.to_string().as_bytes()) == Some(own));
    }
}
