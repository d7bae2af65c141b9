//! The built-in normalizers: from the reports that tools write (JUnit XML, SARIF 2.1.0, TAP) to evidence.
//!
//! Everything here is a pure function over a stream: nothing is opened, nothing is fetched, and memory is bounded whatever the input is.
//! `decoded` makes UTF-8 of the bytes; `xml_bounds` and `json_bounds` cut what a parser would hold whole; `junit_xml`, `sarif` and `tap` read;
//! `collect` gives each reported thing to a check and keeps the caps. `docs/normalizers.md` says what becomes of what.

mod bounds;
mod collect;
mod decoded;
mod item;
mod json_bounds;
mod junit_case;
mod junit_xml;
mod sarif;
mod sarif_model;
mod sarif_run;
mod tap;
mod tap_line;
mod tap_point;
#[cfg(test)]
mod tests;
mod xml_bounds;

use std::collections::BTreeMap;
use std::io::Read;
use std::str::FromStr;

use super::result::RunnerResult;
use crate::model::printable;
use collect::Sink;

/// A format that a built-in normalizer reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JUnit XML, as test runners write it.
    JunitXml,
    /// SARIF 2.1.0.
    Sarif210,
    /// TAP 14; 13 and 12 are read, too.
    Tap14,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::JunitXml, Self::Sarif210, Self::Tap14];

    /// The word that manifests use.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::JunitXml => "junit-xml",
            Self::Sarif210 => "sarif-2.1.0",
            Self::Tap14 => "tap-14",
        }
    }
}

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|format| format.word() == word)
            .ok_or_else(|| UnknownFormat { word: printable(word, 80) })
    }
}

/// A word that names no built-in format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is no built-in format; there are junit-xml, sarif-2.1.0 and tap-14")]
pub struct UnknownFormat {
    word: String,
}

/// Why an input could not be read to its end. The sentence names the input and the place. What was read before it counts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{input}: {sentence}")]
pub struct FormatError {
    input: String,
    sentence: String,
}

/// What a check takes of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckPatterns {
    /// The check's id.
    pub id: String,
    /// Wildcards (`*`, `?`) over the reported names; empty: the check takes whatever no other takes.
    pub matches: Vec<String>,
}

/// Collects the evidence of one step; several inputs may be read into it, one after the other.
#[derive(Debug)]
pub struct Collector {
    format: Format,
    sink: Sink,
}

impl Collector {
    /// A collector that gives what it reads to `checks`, the first that matches first.
    #[must_use]
    pub fn new(format: Format, checks: Vec<CheckPatterns>) -> Self {
        Self { format, sink: Sink::new(format.word(), checks) }
    }

    /// Reads one input to its end. `name` is its path relative to the extension's artifacts, for messages and `artifact_refs`.
    ///
    /// # Errors
    /// The input is not of the format, ends in the middle, or is refused. What was read before that counts.
    pub fn read(&mut self, name: &str, input: impl Read) -> Result<(), FormatError> {
        self.sink.begin(name);
        let outcome = match self.format {
            Format::JunitXml => junit_xml::read(&mut self.sink, input),
            Format::Sarif210 => sarif::read(&mut self.sink, input),
            Format::Tap14 => tap::read(&mut self.sink, input),
        };
        self.sink.end(outcome.as_ref().err());
        outcome.map_err(|sentence| FormatError { input: printable(name, bounds::NAME), sentence })
    }

    /// The tool did not end as it should: that it is silent about a check means nothing.
    pub fn doubt(&mut self) {
        self.sink.doubt();
    }

    /// Whether something in the reports is not as it should be.
    #[must_use]
    pub fn has_trouble(&self) -> bool {
        self.sink.has_trouble()
    }

    /// The checks that nothing was reported for, each with a sentence that helps to find out why.
    #[must_use]
    pub fn unanswered(&self) -> Vec<(String, String)> {
        self.sink.unanswered()
    }

    /// The evidence and what there is to say about the reports.
    pub(in crate::assessment) fn finish(self) -> RunnerResult {
        self.sink.finish()
    }

    /// The number of items by result word: all that a caller outside of a run can ask for.
    #[must_use]
    pub fn counts(self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        let result = self.finish();
        for item in result.evidence.into_iter().chain(result.aside) {
            *counts.entry(item.result.word()).or_default() += 1;
        }
        counts
    }
}
