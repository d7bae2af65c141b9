//! Times: what is read is within the years that a message can carry, and is read back from how it is written.
#![no_main]

use guide_board::model::{format_timestamp, parse_timestamp};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Some(time) = parse_timestamp(text) {
        let written = format_timestamp(time);
        let again = parse_timestamp(&written).expect("what is written is a time");
        assert_eq!(written, format_timestamp(again));
    }
});
