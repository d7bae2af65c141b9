//! The normalizers over files that real tools wrote, beside goldens of what becomes of them, and over whole inputs made here.

mod collecting;
mod hostile;
mod junit;
mod real;
mod sarif;
mod tap;

use std::io::Read;

use serde_json::{Value, json};

use super::{CheckPatterns, Collector, Format};
use crate::assessment::result::{ReportedItem, RunnerResult};

/// A check that takes what these wildcards match; everything without.
fn check(id: &str, matches: &[&str]) -> CheckPatterns {
    CheckPatterns { id: id.to_owned(), matches: matches.iter().map(|pattern| (*pattern).to_owned()).collect() }
}

/// Reads one input into one check that takes everything.
fn normalized(format: Format, input: impl Read) -> (RunnerResult, Result<(), String>) {
    let mut collector = Collector::new(format, vec![check("all", &[])]);
    let outcome = collector.read("report", input).map_err(|error| error.to_string());
    (collector.finish(), outcome)
}

fn items_of(format: Format, text: &str) -> Vec<ReportedItem> {
    let (result, outcome) = normalized(format, text.as_bytes());
    outcome.expect("read to its end");
    result.evidence
}

/// Names and results, to be compared at a glance.
fn said(items: &[ReportedItem]) -> Vec<(&str, &str)> {
    items.iter().map(|item| (item.subject_ref.as_str(), item.result.word())).collect()
}

fn shown(result: &RunnerResult) -> Value {
    let items = result.evidence.iter().map(|item| {
        json!({
            "check_id": item.check_id,
            "subject_ref": item.subject_ref,
            "result": item.result,
            "severity": item.severity,
            "observations": item.observations,
            "facts": item.facts,
            "locations": item.locations,
            "artifact_refs": item.artifact_refs,
        })
    });
    json!({ "evidence": items.collect::<Vec<Value>>(), "metadata": result.metadata })
}
