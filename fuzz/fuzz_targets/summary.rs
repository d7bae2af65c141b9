//! `retention-summary.json`: any bytes are a summary or have a reason, and a valid run id stays valid.
#![no_main]

use guide_board::model::RunId;
use guide_board::repository::decode::decode_summary;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(summary) = decode_summary(bytes) {
        let again: RunId = summary.run_id.as_str().parse().expect("an accepted run id is one");
        assert_eq!(again, summary.run_id);
        assert!(!summary.unknown.contains_key("run_id"));
    }
});
