//! Times as run documents write them.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The first and last second that a wire timestamp can carry: the years 1 to 9999.
const RANGE: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// Parses RFC 3339, with or without fractional seconds; a time without an offset is read as UTC. `None` when it is no time, or
/// outside the years 1 to 9999.
#[must_use]
pub fn parse_timestamp(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if text.len() > 64 || text.contains('[') {
        return None;
    }
    let parsed = text.parse::<Timestamp>().ok().or_else(|| {
        // A civil time has a `T` or a space between date and time; a bare date is not a time.
        let civil: DateTime = text.contains([':', 'T', 't']).then(|| text.parse().ok())??;
        TimeZone::UTC.to_timestamp(civil).ok()
    })?;
    RANGE.contains(&parsed.as_second()).then_some(parsed)
}

/// Writes a time as RFC 3339 in UTC, whole seconds: `2026-05-08T16:43:34Z`.
#[must_use]
pub fn format_timestamp(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn offsets_fractions_and_missing_offsets_are_read() {
        let expected: Timestamp = "2026-05-08T16:43:34Z".parse().expect("a time");
        for text in ["2026-05-08T16:43:34Z", "2026-05-08T16:43:34", "2026-05-08T18:43:34+02:00", "2026-05-08 16:43:34Z"]
        {
            assert_eq!(parse_timestamp(text), Some(expected), "{text}");
        }
        let fraction = parse_timestamp("2026-05-08T16:43:34.250").expect("a time");
        assert_eq!(fraction.subsec_nanosecond(), 250_000_000);
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in ["", "yesterday", "2026-05-08", "2026-13-08T00:00:00Z", "-009999-01-01T00:00:00Z", "1778258614"] {
            assert_eq!(parse_timestamp(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn parsing_any_text_is_total(text in "\\PC{0,80}") {
            let _ = parse_timestamp(&text);
        }

        #[test]
        fn what_is_written_is_read_back(second in RANGE) {
            let time = Timestamp::from_second(second).expect("in range");
            prop_assert_eq!(parse_timestamp(&format_timestamp(time)), Some(time));
        }
    }
}
