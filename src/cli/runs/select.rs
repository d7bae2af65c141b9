//! Which run a command means, and which runs match.

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use jiff::{SpanRelativeTo, Timestamp};

use crate::model::parse_timestamp;

/// One run.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub(super) struct OneRun {
    /// The run's id
    #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    pub(super) run_id: Option<String>,
    /// The run's directory name, instead of its id
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(super) directory: Option<String>,
}

impl OneRun {
    pub(super) fn run_id(&self) -> String {
        self.run_id.clone().unwrap_or_default()
    }

    pub(super) fn directory(&self) -> String {
        self.directory.clone().unwrap_or_default()
    }
}

/// Which runs match.
#[derive(Debug, Clone, Args)]
pub(super) struct Filters {
    /// Only runs of this target profile
    #[arg(long, value_name = "ID")]
    pub(super) target: Option<String>,
    /// Only runs of this assessment profile
    #[arg(long, value_name = "ID")]
    pub(super) assessment: Option<String>,
    /// Only runs with this result: completed, failed, blocked, infrastructure_error, or any other word; may be repeated
    #[arg(long = "status", value_name = "WORD")]
    pub(super) statuses: Vec<String>,
    /// Only runs completed since then: an age (7d, 12h, 30m) or a time (2026-05-08T16:43:34Z)
    #[arg(long, value_name = "WHEN", value_parser = since)]
    pub(super) since: Option<Timestamp>,
    /// Only runs that assessed this commit: the whole id, or at least its first 7 characters
    #[arg(long, value_name = "SHA")]
    pub(super) commit: Option<String>,
    /// Only runs with this label; may be repeated
    #[arg(long = "label", value_name = "K=V", value_parser = label)]
    pub(super) labels: Vec<(String, String)>,
}

/// A time on the wire.
pub(super) fn wire_time(time: Timestamp) -> prost_types::Timestamp {
    let nanos = time.as_nanosecond();
    let seconds = i64::try_from(nanos.div_euclid(1_000_000_000)).unwrap_or_default();
    prost_types::Timestamp { seconds, nanos: i32::try_from(nanos.rem_euclid(1_000_000_000)).unwrap_or_default() }
}

/// A time from the wire.
pub(super) fn model_time(time: &prost_types::Timestamp) -> Option<Timestamp> {
    Timestamp::new(time.seconds, time.nanos).ok()
}

/// An age as a duration: `7d`, `24h`, `90m`. Days have 24 hours.
pub(super) fn age(text: &str) -> Result<jiff::SignedDuration, String> {
    let span: jiff::Span = text.parse().map_err(|_| "an age is like 7d, 24h or 30m".to_owned())?;
    let duration = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|_| "an age has weeks, days, hours, minutes and seconds".to_owned())?;
    if duration.is_negative() { Err("an age is not negative".to_owned()) } else { Ok(duration) }
}

fn since(text: &str) -> Result<Timestamp, String> {
    if let Some(time) = parse_timestamp(text) {
        return Ok(time);
    }
    let age = age(text).map_err(|_| "an age (7d, 12h, 30m) or a time (2026-05-08T16:43:34Z)".to_owned())?;
    Timestamp::now().checked_sub(age).map_err(|_| "too long ago".to_owned())
}

fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("a label is KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ages_are_read_as_people_write_them() {
        assert_eq!(age("24h").map(|age| age.as_secs()), Ok(86_400));
        assert_eq!(age("7d").map(|age| age.as_secs()), Ok(604_800));
        assert_eq!(age("1h30m").map(|age| age.as_secs()), Ok(5_400));
        assert_eq!(age("2w").map(|age| age.as_secs()), Ok(1_209_600));
        for refused in ["", "7", "-7d", "1mo", "soon"] {
            assert!(age(refused).is_err(), "{refused}");
        }
    }

    proptest! {
        #[test]
        fn reading_any_age_or_time_is_total(text in "\\PC{0,40}") {
            let _ = (age(&text), since(&text), label(&text));
        }
    }
}
