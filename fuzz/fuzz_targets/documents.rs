//! The little that is read of `run.json` and of the submission package.
#![no_main]

use guide_board::repository::decode::{recorded_digests, recorded_output_dir};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = recorded_output_dir(bytes);
    for document in recorded_digests(bytes) {
        assert!(document.sha256.len() == 64 && document.sha256.bytes().all(|byte| byte.is_ascii_hexdigit()));
    }
});
