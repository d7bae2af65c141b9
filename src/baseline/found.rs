//! Findings of one check by rule, and the outcome they make.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::model::Severity;

use super::outcome::Outcome;

/// The facts list at most so many.
const MAX_LISTED: usize = 100;

/// Something that a rule of a check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The rule, as the README of the extension names it.
    pub rule: &'static str,
    /// Whether it fails the check; otherwise it is a warning.
    pub fails: bool,
    /// How bad it is.
    pub severity: Severity,
    /// The file.
    pub path: String,
    /// The line, counted from 1.
    pub line: u64,
    /// What was found and what to do, without the place.
    pub sentence: String,
}

/// The outcome of what was found, the worst first; `clean` where nothing was.
pub fn outcome(mut found: Vec<Found>, clean: Outcome) -> Outcome {
    found.sort_by(|a, b| {
        (b.fails, b.severity, &a.path, a.line, a.rule).cmp(&(a.fails, a.severity, &b.path, b.line, b.rule))
    });
    found.dedup();
    let start = match found.first() {
        None => clean,
        Some(worst) if worst.fails => Outcome::fail(worst.severity),
        Some(worst) => Outcome::warning(worst.severity),
    };
    let mut rules: BTreeMap<&str, u64> = BTreeMap::new();
    for found in &found {
        let count = rules.entry(found.rule).or_default();
        *count = count.saturating_add(1);
    }
    let listed: Vec<Value> = found
        .iter()
        .take(MAX_LISTED)
        .map(|found| json!({"rule": found.rule, "path": found.path, "line": found.line}))
        .collect();
    found
        .iter()
        .fold(start, |outcome, found| {
            outcome
                .observe(format!("{}:{}: {}", found.path, found.line, found.sentence))
                .at_line(&found.path, found.line)
        })
        .fact("count", found.len())
        .fact("rules", json!(rules))
        .fact("findings", listed)
}

/// At most 80 letters of a text from the tree, on one line.
pub fn shorten(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() > 80 { line.chars().take(79).chain(['…']).collect() } else { line }
}
