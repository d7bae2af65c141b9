//! The built-in normalizers: any bytes are read to their end or refused, in whatever pieces they come, with the same outcome.
#![no_main]

use std::io::Read;

use guide_board::assessment::normalizers::{CheckPatterns, Collector, Format};
use libfuzzer_sys::fuzz_target;

/// Gives a few bytes at a time.
struct Pieces<'a> {
    bytes: &'a [u8],
    most: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let count = self.bytes.len().min(into.len()).min(self.most);
        let (now, later) = self.bytes.split_at(count);
        into[..count].copy_from_slice(now);
        self.bytes = later;
        Ok(count)
    }
}

fuzz_target!(|input: (u8, &[u8])| {
    let (most, bytes) = input;
    for format in Format::ALL {
        let read = |most: usize| {
            let check = |id: &str, matches: &[&str]| CheckPatterns {
                id: id.to_owned(),
                matches: matches.iter().map(|pattern| (*pattern).to_owned()).collect(),
            };
            let mut collector = Collector::new(format, vec![check("some", &["a*", "*?[b]"]), check("rest", &[])]);
            let outcome = collector.read("report", Pieces { bytes, most });
            (collector.counts(), outcome)
        };
        assert_eq!(read(usize::MAX), read(usize::from(most) + 1));
    }
});
