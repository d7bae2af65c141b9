//! SARIF 2.1.0, read in one pass: a result at a time, wherever the rules stand.

use std::fmt;
use std::io::{BufReader, Read};

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::collect::Sink;
use super::json_bounds::JsonBounds;
use super::sarif_model::{Few, Invocation, RawResult, Text, Tool};
use super::sarif_run::Run;
use crate::model::printable;

/// Reads an input. The error is one sentence.
pub(super) fn read(sink: &mut Sink, input: impl Read) -> Result<(), String> {
    let mut log = Log { sink, version: None, is_foreign: false, run: Run::default(), runs: 0, scans: 0 };
    let mut deserializer = serde_json::Deserializer::from_reader(BufReader::new(JsonBounds::new(input)));
    let read = Root(&mut log).deserialize(&mut deserializer).and_then(|()| deserializer.end());
    // A run that was cut off still has its results.
    log.end_run();
    let (runs, scans, is_foreign) = (log.runs, log.scans, log.is_foreign);
    sink.about("runs", runs);
    read.map_err(|error| sentence(&error, is_foreign))?;
    if runs == 0 {
        sink.note("the log has no run");
    } else if scans > 0 {
        let tools = "the tool ran and reported nothing for this check";
        sink.silence_is_a_pass(tools.to_owned());
    }
    Ok(())
}

fn sentence(error: &serde_json::Error, is_foreign: bool) -> String {
    let text = printable(&error.to_string(), 300);
    let place = format!("line {}, column {}", error.line(), error.column());
    if is_foreign {
        // The sentence is ours; the place of a version is of no use.
        return text.split(" at line ").next().unwrap_or(&text).to_owned();
    }
    match error.classify() {
        serde_json::error::Category::Io => format!("the log cannot be read: {text}"),
        serde_json::error::Category::Eof => format!("{place}: the log ends in the middle"),
        serde_json::error::Category::Syntax => format!("{place}: no JSON: {text}"),
        serde_json::error::Category::Data => format!("{place}: no SARIF 2.1.0: {text}"),
    }
}

struct Log<'a> {
    sink: &'a mut Sink,
    version: Option<String>,
    is_foreign: bool,
    run: Run,
    runs: u64,
    /// The runs that have a list of results, were it empty.
    scans: u64,
}

impl Log<'_> {
    fn end_run(&mut self) {
        std::mem::take(&mut self.run).finish(self.sink);
    }

    /// Refuses another version than 2.1.0, as soon as it is known.
    fn check<E: Error>(&mut self) -> Result<(), E> {
        match &self.version {
            Some(version) if version == "2.1.0" || version.starts_with("2.1.0-") => Ok(()),
            Some(version) => {
                self.is_foreign = true;
                Err(E::custom(format!("the log is of SARIF version {}; version 2.1.0 is read", printable(version, 40))))
            }
            None => {
                self.is_foreign = true;
                Err(E::custom("the document states no version, so it is no SARIF log; version 2.1.0 is read"))
            }
        }
    }
}

struct Root<'a, 'b>(&'a mut Log<'b>);

impl<'de> DeserializeSeed<'de> for Root<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Root<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a SARIF log, which is an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Text(key)) = map.next_key()? {
            match key.as_str() {
                "version" => {
                    let Text(version) = map.next_value()?;
                    self.0.version = Some(version);
                    self.0.check()?;
                }
                "runs" => map.next_value_seed(Runs(self.0))?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        self.0.check()
    }
}

struct Runs<'a, 'b>(&'a mut Log<'b>);

impl<'de> DeserializeSeed<'de> for Runs<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Runs<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of runs")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(OneRun(self.0))?.is_some() {}
        Ok(())
    }
}

struct OneRun<'a, 'b>(&'a mut Log<'b>);

impl<'de> DeserializeSeed<'de> for OneRun<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for OneRun<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a run, which is an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Self(log) = self;
        log.runs += 1;
        let mut has_results = false;
        while let Some(Text(key)) = map.next_key()? {
            match key.as_str() {
                "tool" => log.run.tool(map.next_value::<Option<Tool>>()?.unwrap_or_default()),
                "results" => has_results |= map.next_value_seed(Results(log))?,
                "invocations" => {
                    let Few(invocations) = map.next_value::<Few<Invocation, 20>>()?;
                    log.run.invocations(invocations);
                }
                "externalPropertyFileReferences" | "externalPropertyFiles" => {
                    let files = map.next_value::<External>()?;
                    log.run.has_results_elsewhere |= files.has_results;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        log.scans += u64::from(has_results && !log.run.has_results_elsewhere);
        if !has_results && !log.run.has_results_elsewhere {
            log.sink.note("a run has no list of results; it says nothing about what passed");
        }
        log.end_run();
        Ok(())
    }
}

struct Results<'a, 'b>(&'a mut Log<'b>);

impl<'de> DeserializeSeed<'de> for Results<'_, '_> {
    /// Whether there is a list.
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Results<'_, '_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of results")
    }

    fn visit_unit<E: Error>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<bool, A::Error> {
        while let Some(result) = list.next_element::<RawResult>()? {
            self.0.run.result(result, self.0.sink);
        }
        Ok(true)
    }
}

/// Whether results stand in another file.
#[derive(Default)]
struct External {
    has_results: bool,
}

impl<'de> Deserialize<'de> for External {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(serde::Deserialize)]
        struct Files {
            #[serde(default)]
            results: Few<IgnoredAny, 1>,
        }
        let files = Option::<Files>::deserialize(deserializer)?;
        Ok(Self { has_results: files.is_some_and(|files| !files.results.0.is_empty()) })
    }
}
