//! From what a report says to evidence items: each goes to the first check that matches its name, and memory is bounded.
//!
//! Nothing is lost without a word. What is beyond a cap is counted and told of in one item for each check and result; what no check takes,
//! in one item on the first check.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use wildmatch::WildMatch;

use super::CheckPatterns;
use super::bounds::{self, ITEMS, NAMES, PASSES, TEXT_BYTES};
use super::item::Item;
use crate::assessment::result::{ReportedItem, RunnerResult};
use crate::model::{EvidenceResult, Severity};

/// The most notes, inputs and sentences about what broke.
const NOTES: usize = 50;

#[derive(Debug)]
struct Check {
    id: String,
    patterns: Vec<WildMatch>,
    is_answered: bool,
}

/// Things that are counted and not kept.
#[derive(Debug, Default)]
struct Counted {
    count: u64,
    names: Vec<String>,
    severity: Option<Severity>,
}

impl Counted {
    fn add(&mut self, name: &str, severity: Option<Severity>, count: u64) {
        self.count = self.count.saturating_add(count);
        self.severity = self.severity.max(severity);
        if self.names.len() < NAMES && !self.names.iter().any(|known| known == name) {
            self.names.push(name.to_owned());
        }
    }
}

/// What a format writes to.
#[derive(Debug)]
pub(super) struct Sink {
    format: &'static str,
    checks: Vec<Check>,
    input: String,
    evidence: Vec<ReportedItem>,
    passes: usize,
    text_bytes: usize,
    beyond: BTreeMap<(usize, EvidenceResult), Counted>,
    strays: BTreeMap<EvidenceResult, Counted>,
    results: BTreeMap<&'static str, u64>,
    broken: Vec<String>,
    left_out: Vec<String>,
    /// The sentence of a check for which nothing was reported, where that means that it passed.
    nothing_reported: Option<String>,
    /// Whether an input could not be read to its end, so that silence means nothing.
    is_doubtful: bool,
    /// What answers for no check.
    aside: Vec<ReportedItem>,
    /// A name that was reported.
    example: Option<String>,
    inputs: Vec<Value>,
    about_input: Map<String, Value>,
    notes: Vec<String>,
    notes_dropped: u64,
}

impl Sink {
    pub(super) fn new(format: &'static str, checks: Vec<CheckPatterns>) -> Self {
        let checks = checks
            .into_iter()
            .map(|check| Check {
                id: check.id,
                patterns: check.matches.iter().map(|pattern| WildMatch::new(pattern)).collect(),
                is_answered: false,
            })
            .collect();
        Self {
            format,
            checks,
            input: String::new(),
            evidence: Vec::new(),
            passes: 0,
            text_bytes: 0,
            beyond: BTreeMap::new(),
            strays: BTreeMap::new(),
            results: BTreeMap::new(),
            broken: Vec::new(),
            left_out: Vec::new(),
            nothing_reported: None,
            is_doubtful: false,
            aside: Vec::new(),
            example: None,
            inputs: Vec::new(),
            about_input: Map::new(),
            notes: Vec::new(),
            notes_dropped: 0,
        }
    }

    /// From here on, things come from this input.
    pub(super) fn begin(&mut self, input: &str) {
        input.clone_into(&mut self.input);
        self.about_input = Map::new();
    }

    /// The input is at its end, or could not be read further.
    pub(super) fn end(&mut self, error: Option<&String>) {
        let mut about = std::mem::take(&mut self.about_input);
        about.insert("path".to_owned(), Value::String(bounds::name(&self.input)));
        if let Some(error) = error {
            self.is_doubtful = true;
            about.insert("error".to_owned(), Value::String(error.clone()));
        }
        if self.inputs.len() < NOTES {
            self.inputs.push(Value::Object(about));
        } else {
            self.notes_dropped += 1;
        }
    }

    /// A fact about the input, for the metadata.
    pub(super) fn about(&mut self, key: &str, value: impl Into<Value>) {
        self.about_input.insert(key.to_owned(), value.into());
    }

    /// A sentence about the input, for the metadata.
    pub(super) fn note(&mut self, sentence: &str) {
        if self.notes.len() < NOTES {
            let sentence = bounds::body(sentence, bounds::BODY);
            self.notes.push(format!("{}: {sentence}", bounds::name(&self.input)));
        } else {
            self.notes_dropped += 1;
        }
    }

    /// The tool says that it did not do its work, or its report shows that: checks that nothing was reported for did not run.
    pub(super) fn broke(&mut self, sentence: &str) {
        if self.broken.len() < NAMES {
            self.broken.push(bounds::body(sentence, bounds::BODY));
        }
    }

    /// The tool says that it left everything out: checks that nothing was reported for were skipped.
    pub(super) fn left_out(&mut self, sentence: &str) {
        if self.left_out.len() < NAMES {
            self.left_out.push(bounds::body(sentence, bounds::BODY));
        }
    }

    /// A check that nothing was reported for has passed, in these words.
    pub(super) fn silence_is_a_pass(&mut self, sentence: String) {
        self.nothing_reported.get_or_insert(sentence);
    }

    /// The tool did not end as it should: that it is silent about a check means nothing.
    pub(super) fn doubt(&mut self) {
        self.is_doubtful = true;
    }

    /// Whether something in the reports is not as it should be.
    pub(super) fn has_trouble(&self) -> bool {
        use EvidenceResult as Word;
        let troubles = [Word::Fail, Word::Warning, Word::InfrastructureError, Word::Blocked];
        !self.broken.is_empty() || troubles.iter().any(|trouble| self.results.contains_key(trouble.word()))
    }

    /// The checks that nothing was reported for, each with a sentence that helps to find out why.
    pub(super) fn unanswered(&self) -> Vec<(String, String)> {
        let count: u64 = self.results.values().sum();
        let has = match (&self.example, count) {
            (None, _) | (_, 0) => "the report names nothing".to_owned(),
            (Some(example), 1) => format!("the report names 1 thing, {example}"),
            (Some(example), count) => format!("the report names {count} things, for example {example}"),
        };
        let unanswered = self.checks.iter().filter(|check| !check.is_answered);
        unanswered
            .map(|check| {
                let patterns: Vec<String> =
                    check.patterns.iter().take(5).map(|pattern| format!("`{pattern}`")).collect();
                let sentence = match patterns.as_slice() {
                    [] => format!("nothing is left for this check: {has}"),
                    patterns => format!("nothing matches {}: {has}", patterns.join(", ")),
                };
                (check.id.clone(), sentence)
            })
            .collect()
    }

    fn see(&mut self, name: &str) {
        if self.example.is_none() {
            self.example = Some(name.to_owned());
        }
    }

    /// The check that takes a name: the first that matches, else the first without wildcards.
    fn taker(&self, name: &str) -> Option<usize> {
        let matching = |check: &Check| check.patterns.iter().any(|pattern| pattern.matches(name));
        self.checks.iter().position(matching).or_else(|| self.catch_all())
    }

    fn catch_all(&self) -> Option<usize> {
        self.checks.iter().position(|check| check.patterns.is_empty())
    }

    fn answer(&mut self, check: usize) {
        if let Some(check) = self.checks.get_mut(check) {
            check.is_answered = true;
        }
    }

    /// Gives an item to its check, or counts it where there is no place for it.
    pub(super) fn push(&mut self, item: Item) {
        self.see(&item.name);
        let Some(taker) = self.taker(&item.name) else { return self.stray(&item.name, item.result, item.severity, 1) };
        let is_pass = item.result == EvidenceResult::Pass;
        let bytes = item.text_bytes() + self.input.len();
        let room = if is_pass { TEXT_BYTES / 2 } else { TEXT_BYTES };
        let is_full = self.evidence.len() >= ITEMS || (is_pass && self.passes >= PASSES);
        if is_full || self.text_bytes + bytes > room {
            return self.count_for(taker, &item.name, item.result, item.severity, 1);
        }
        self.text_bytes += bytes;
        self.passes += usize::from(is_pass);
        *self.results.entry(item.result.word()).or_default() += 1;
        self.answer(taker);
        let artifact_refs = vec![self.input.clone()];
        let Some(check) = self.checks.get(taker) else { return };
        self.evidence.push(ReportedItem {
            check_id: check.id.clone(),
            subject_ref: item.subject,
            result: item.result,
            severity: item.severity,
            observations: item.observations,
            facts: item.facts,
            locations: item.locations,
            requirement_refs: Vec::new(),
            artifact_refs,
        });
    }

    /// Counts things of one name that there is no place for.
    pub(super) fn count(&mut self, name: &str, result: EvidenceResult, severity: Option<Severity>, count: u64) {
        let name = bounds::name(name);
        self.see(&name);
        match self.taker(&name) {
            Some(taker) => self.count_for(taker, &name, result, severity, count),
            None => self.stray(&name, result, severity, count),
        }
    }

    fn count_for(&mut self, taker: usize, name: &str, result: EvidenceResult, severity: Option<Severity>, count: u64) {
        *self.results.entry(result.word()).or_default() += count;
        self.answer(taker);
        self.beyond.entry((taker, result)).or_default().add(name, severity, count);
    }

    fn stray(&mut self, name: &str, result: EvidenceResult, severity: Option<Severity>, count: u64) {
        *self.results.entry(result.word()).or_default() += count;
        self.strays.entry(result).or_default().add(name, severity, count);
    }

    /// An item of the collector itself, beyond every cap.
    fn say(
        &mut self,
        check: usize,
        result: EvidenceResult,
        severity: Option<Severity>,
        observations: Vec<String>,
        facts: Value,
    ) {
        let Some(check) = self.checks.get(check) else { return };
        self.evidence.push(ReportedItem {
            check_id: check.id.clone(),
            subject_ref: String::new(),
            result,
            severity,
            observations,
            facts: facts.as_object().cloned().unwrap_or_default(),
            locations: Vec::new(),
            requirement_refs: Vec::new(),
            artifact_refs: Vec::new(),
        });
    }

    pub(super) fn finish(mut self) -> RunnerResult {
        for ((check, result), counted) in std::mem::take(&mut self.beyond) {
            let sentence = format!(
                "and {} more with the result {}, which are only counted; among them: {}",
                counted.count,
                result.word(),
                counted.names.join(", ")
            );
            self.say(check, result, counted.severity, vec![sentence], json!({ "count": counted.count }));
        }
        self.say_strays();
        self.say_unanswered();
        let mut metadata = Map::new();
        metadata.insert("format".to_owned(), json!(self.format));
        metadata.insert("inputs".to_owned(), Value::Array(self.inputs));
        metadata.insert("results".to_owned(), json!(self.results));
        if !self.notes.is_empty() {
            metadata.insert("notes".to_owned(), json!(self.notes));
        }
        if self.notes_dropped > 0 {
            metadata.insert("notes_dropped".to_owned(), json!(self.notes_dropped));
        }
        RunnerResult { evidence: self.evidence, metadata, aside: self.aside }
    }

    fn say_strays(&mut self) {
        let strays = std::mem::take(&mut self.strays);
        if strays.is_empty() {
            return;
        }
        // What failed is named first.
        let failed = strays.get(&EvidenceResult::Fail);
        let others = strays.iter().filter(|(result, _)| **result != EvidenceResult::Fail).map(|(_, counted)| counted);
        let names: Vec<&str> = failed
            .into_iter()
            .chain(others)
            .flat_map(|counted| &counted.names)
            .map(String::as_str)
            .take(NAMES)
            .collect();
        let count: u64 = strays.values().map(|counted| counted.count).sum();
        let by_result: BTreeMap<&str, u64> =
            strays.iter().map(|(result, counted)| (result.word(), counted.count)).collect();
        let sentence = format!(
            "{count} reported {} taken by no check: {}",
            if count == 1 { "thing is" } else { "things are" },
            names.join(", ")
        );
        let result = if failed.is_some() { EvidenceResult::Fail } else { EvidenceResult::Warning };
        let severity = failed.and_then(|counted| counted.severity);
        self.say(0, result, severity, vec![sentence], json!({ "unmatched": count, "by_result": by_result }));
        // It stands with the first check and does not answer for it.
        self.aside.extend(self.evidence.pop());
    }

    fn say_unanswered(&mut self) {
        let unanswered: Vec<usize> =
            self.checks.iter().enumerate().filter(|(_, check)| !check.is_answered).map(|(place, _)| place).collect();
        if !self.broken.is_empty() {
            let broken = std::mem::take(&mut self.broken);
            // Where every check has an answer, it still may be half of one.
            let checks = if unanswered.is_empty() { vec![self.catch_all().unwrap_or(0)] } else { unanswered };
            for check in checks {
                self.say(check, EvidenceResult::InfrastructureError, None, broken.clone(), Value::Null);
            }
        } else if self.is_doubtful {
            // The caller has the error and tells of it.
        } else if !self.left_out.is_empty() {
            let left_out = std::mem::take(&mut self.left_out);
            for check in unanswered {
                self.say(check, EvidenceResult::Skipped, None, left_out.clone(), Value::Null);
            }
        } else if let Some(sentence) = self.nothing_reported.take() {
            for check in unanswered {
                self.say(check, EvidenceResult::Pass, None, vec![sentence.clone()], Value::Null);
            }
        }
    }
}
