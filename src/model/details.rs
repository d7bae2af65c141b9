//! What lists show of a run beyond its place in them, packed: one allocation a run, whatever its summary holds.

use std::fmt;

use jiff::Timestamp;

/// One detail of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail<'a> {
    /// When the run began.
    StartedAt(Timestamp),
    /// Evidence items with this result word.
    EvidenceCount(&'a str, u64),
    /// Findings under this key of the summary.
    FindingCount(&'a str, u64),
    /// A commit id by source name.
    SourceCommit(&'a str, &'a str),
    /// A label's value by its key.
    Label(&'a str, &'a str),
}

/// The details of a run, in the order in which they were written. A detail is a tag, then its parts: a number in base 128, lowest digits
/// first, or a text after its length in bytes.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Details(Box<[u8]>);

/// Packs the details of one run after the other, in memory that is used again.
#[derive(Debug, Default)]
pub struct DetailsWriter(Vec<u8>);

const STARTED_AT: u8 = 0;
const EVIDENCE_COUNT: u8 = 1;
const FINDING_COUNT: u8 = 2;
const SOURCE_COMMIT: u8 = 3;
const LABEL: u8 = 4;

impl DetailsWriter {
    /// Forgets what was written.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Adds a detail.
    pub fn add(&mut self, detail: Detail<'_>) {
        match detail {
            Detail::StartedAt(time) => {
                self.0.push(STARTED_AT);
                self.0.extend_from_slice(&time.as_second().to_le_bytes());
                self.0.extend_from_slice(&time.subsec_nanosecond().to_le_bytes());
            }
            Detail::EvidenceCount(word, count) => self.count(EVIDENCE_COUNT, word, count),
            Detail::FindingCount(key, count) => self.count(FINDING_COUNT, key, count),
            Detail::SourceCommit(source, commit) => self.texts(SOURCE_COMMIT, source, commit),
            Detail::Label(key, value) => self.texts(LABEL, key, value),
        }
    }

    /// What was written so far, in order.
    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        Iter(&self.0)
    }

    /// The details written since the last time.
    #[must_use]
    pub fn take(&mut self) -> Details {
        let details = Details(self.0.as_slice().into());
        self.0.clear();
        details
    }

    fn count(&mut self, tag: u8, key: &str, count: u64) {
        self.0.push(tag);
        self.text(key);
        self.number(count);
    }

    fn texts(&mut self, tag: u8, key: &str, value: &str) {
        self.0.push(tag);
        self.text(key);
        self.text(value);
    }

    fn text(&mut self, text: &str) {
        self.number(u64::try_from(text.len()).unwrap_or(u64::MAX));
        self.0.extend_from_slice(text.as_bytes());
    }

    fn number(&mut self, mut number: u64) {
        while let Some(low) = u8::try_from(number & 0x7f).ok().filter(|_| number > 0x7f) {
            self.0.push(low | 0x80);
            number >>= 7;
        }
        self.0.push(u8::try_from(number).unwrap_or(0));
    }
}

impl Details {
    /// The details, in order.
    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        Iter(&self.0)
    }
}

impl<'a> IntoIterator for &'a Details {
    type Item = Detail<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl fmt::Debug for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

/// Goes over packed details.
#[derive(Debug, Clone)]
pub struct Iter<'a>(&'a [u8]);

impl<'a> Iterator for Iter<'a> {
    type Item = Detail<'a>;

    fn next(&mut self) -> Option<Detail<'a>> {
        let (tag, rest) = self.0.split_first()?;
        self.0 = rest;
        match *tag {
            STARTED_AT => {
                let second = i64::from_le_bytes(self.fixed()?);
                let nanosecond = i32::from_le_bytes(self.fixed()?);
                Timestamp::new(second, nanosecond).ok().map(Detail::StartedAt)
            }
            EVIDENCE_COUNT => Some(Detail::EvidenceCount(self.text()?, self.number()?)),
            FINDING_COUNT => Some(Detail::FindingCount(self.text()?, self.number()?)),
            SOURCE_COMMIT => Some(Detail::SourceCommit(self.text()?, self.text()?)),
            LABEL => Some(Detail::Label(self.text()?, self.text()?)),
            _ => None,
        }
    }
}

impl<'a> Iter<'a> {
    fn fixed<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*head)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0_u32..).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                break;
            }
        }
        Some(number)
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = usize::try_from(self.number()?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        std::str::from_utf8(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_packed_is_unpacked(
            second in -62_135_596_800_i64..=253_402_300_799,
            nanosecond in 0_i32..1_000_000_000,
            counts in proptest::collection::vec((".{0,9}", any::<u64>()), 0..4),
            texts in proptest::collection::vec((".{0,300}", ".{0,9}"), 0..4),
        ) {
            let started_at = Timestamp::new(second, nanosecond).expect("in range");
            let mut details = vec![Detail::StartedAt(started_at)];
            for (key, count) in &counts {
                details.extend([Detail::EvidenceCount(key, *count), Detail::FindingCount(key, count >> 40)]);
            }
            for (key, value) in &texts {
                details.extend([Detail::SourceCommit(key, value), Detail::Label(value, key)]);
            }
            let mut writer = DetailsWriter::default();
            details.iter().for_each(|detail| writer.add(*detail));
            prop_assert_eq!(writer.iter().collect::<Vec<_>>(), details.clone());
            let packed = writer.take();
            prop_assert_eq!(packed.iter().collect::<Vec<_>>(), details);
            prop_assert_eq!(writer.iter().count(), 0);
        }
    }
}
