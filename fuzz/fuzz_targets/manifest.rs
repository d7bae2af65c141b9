//! The artifact manifest in a package: any bytes are read to their end or refused, and whatever an entry's path is, what it resolves to stays
//! within the run.
#![no_main]

use std::ops::ControlFlow;

use guide_board::model::Rebase;
use guide_board::repository::decode::read_manifest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let rebase = Rebase { output_dir: Some("/srv/runs/run-1"), directory: "run-1" };
    let _ = read_manifest(bytes, &mut |entry| {
        if let Ok(path) = entry.path.resolve(rebase) {
            assert!(path.components().all(|component| !matches!(component, "" | "." | "..")));
        }
        ControlFlow::Continue(())
    });
});
