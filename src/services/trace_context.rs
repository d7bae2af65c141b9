//! W3C trace context: the header `traceparent`, read strictly and written anew.

use std::fmt;

/// Which trace a call belongs to, and as which of its spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TraceContext {
    /// The trace; not zero in a context that was read or made.
    pub trace_id: u128,
    /// The span; not zero either.
    pub span_id: u64,
    /// Whether the caller recorded its span.
    pub is_sampled: bool,
}

impl TraceContext {
    /// Reads a `traceparent`: version, trace, span and flags in lower-case hex. A later version may have more behind them. `None` when it is
    /// anything else.
    #[must_use]
    pub fn parse(header: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(header).ok()?;
        let (version, rest) = text.split_at_checked(2)?;
        let (trace_id, rest) = rest.strip_prefix('-')?.split_at_checked(32)?;
        let (span_id, rest) = rest.strip_prefix('-')?.split_at_checked(16)?;
        let (flags, rest) = rest.strip_prefix('-')?.split_at_checked(2)?;
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if ![version, trace_id, span_id, flags].iter().all(|part| part.bytes().all(is_hex)) {
            return None;
        }
        let is_whole = rest.is_empty() || version != "00" && rest.starts_with('-');
        let context = Self {
            trace_id: u128::from_str_radix(trace_id, 16).ok()?,
            span_id: u64::from_str_radix(span_id, 16).ok()?,
            is_sampled: u8::from_str_radix(flags, 16).ok()? & 1 == 1,
        };
        Some(context).filter(|read| is_whole && version != "ff" && read.trace_id != 0 && read.span_id != 0)
    }
}

/// As `traceparent` says it.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, u8::from(self.is_sampled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KNOWN: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_context_is_read_and_written_and_of_a_later_version_what_is_known() {
        let read = TraceContext::parse(KNOWN.as_bytes()).expect("a context");
        assert_eq!((read.to_string().as_str(), read.is_sampled), (KNOWN, true));
        assert_eq!(TraceContext::parse(KNOWN.replacen("00", "01", 1).as_bytes()), Some(read));
        assert_eq!(TraceContext::parse(format!("cc{}-what-comes", &KNOWN[2..]).as_bytes()), Some(read));
    }

    #[test]
    fn what_is_not_exactly_a_context_is_none() {
        let zero_trace = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
        let zero_span = "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01";
        let cases = [
            zero_trace.to_owned(),
            zero_span.to_owned(),
            KNOWN.to_uppercase(),
            KNOWN.replacen("00", "ff", 1),
            format!("{KNOWN}-more"),
            format!("cc{}what-comes", &KNOWN[2..]),
            format!(" {KNOWN}"),
            format!("{KNOWN} "),
            KNOWN[..54].to_owned(),
            KNOWN.replace('-', "_"),
            KNOWN.replace("4bf9", "+bf9"),
            String::new(),
        ];
        for case in cases {
            assert_eq!(TraceContext::parse(case.as_bytes()), None, "{case}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80), text in "\\PC{0,60}") {
            let _ = TraceContext::parse(&bytes);
            let _ = TraceContext::parse(text.as_bytes());
        }

        #[test]
        fn what_is_written_is_read_as_it_was(trace_id in 1_u128.., span_id in 1_u64.., is_sampled: bool) {
            let context = TraceContext { trace_id, span_id, is_sampled };
            prop_assert_eq!(TraceContext::parse(context.to_string().as_bytes()), Some(context));
        }
    }
}
