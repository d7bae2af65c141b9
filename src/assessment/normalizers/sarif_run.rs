//! One SARIF run: what its results come to by the rules of its tool, which may stand before them or behind.

use std::collections::{BTreeMap, HashMap};

use serde_json::json;

use super::bounds::{self, ITEMS, LINE, TEXT_BYTES};
use super::collect::Sink;
use super::item::Item;
use super::sarif_model::{
    Component, Few, Invocation, Message, Notification, Number, RawLocation, RawResult, Rule, Strings, Text, Tool,
};
use crate::assessment::documents::Location;
use crate::model::{EvidenceResult, Severity};

/// The most kinds of results that are told apart beyond the cap, while the rules are not known.
const KINDS: usize = 10_000;
/// The name of a result that names no rule.
const NO_RULE: &str = "(no rule)";

/// What decides the outcome of a result, apart from its rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Verdict {
    rule_id: Option<String>,
    place: (Option<usize>, Option<usize>),
    kind: Option<String>,
    level: Option<String>,
    is_suppressed: bool,
}

/// A run as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Run {
    rules: Option<Rules>,
    /// Results that came before the tool, up to the caps.
    waiting: Vec<RawResult>,
    waiting_bytes: usize,
    /// Those beyond.
    counted: BTreeMap<Verdict, u64>,
    results: u64,
    absent: u64,
    broken: Vec<String>,
    said: Vec<String>,
    pub(super) has_results_elsewhere: bool,
}

impl Run {
    pub(super) fn tool(&mut self, tool: Tool) {
        self.rules = Some(Rules::new(tool));
    }

    pub(super) fn result(&mut self, result: RawResult, sink: &mut Sink) {
        if result.baseline_state.as_ref().is_some_and(|state| state.0 == "absent") {
            self.absent += 1;
            return;
        }
        self.results += 1;
        if let Some(rules) = &self.rules {
            return sink.push(rules.item(&result));
        }
        let bytes = held_bytes(&result);
        if self.waiting.len() < ITEMS && self.waiting_bytes + bytes <= TEXT_BYTES {
            self.waiting_bytes += bytes;
            return self.waiting.push(result);
        }
        let verdict = Verdict::of(&result);
        if self.counted.len() < KINDS || self.counted.contains_key(&verdict) {
            *self.counted.entry(verdict).or_default() += 1;
        } else {
            // Without its rule: by what it says itself.
            let rules = Rules::default();
            let (outcome, severity, name) = rules.judge(&verdict, &result);
            sink.count(&name, outcome, severity, 1);
        }
    }

    pub(super) fn invocations(&mut self, invocations: Vec<Invocation>) {
        for invocation in invocations {
            let notifications =
                [&invocation.tool_execution_notifications, &invocation.tool_configuration_notifications];
            let said = notifications.into_iter().flat_map(|few| &few.0).map(spoken);
            let target = if invocation.execution_successful == Some(false) {
                let reason = invocation.exit_code_description.map(|text| format!(": {}", text.0)).unwrap_or_default();
                self.broken.push(format!("the tool says that it did not run successfully{reason}"));
                &mut self.broken
            } else {
                &mut self.said
            };
            target.extend(said);
        }
    }

    /// Settles what waited, and tells of the run.
    pub(super) fn finish(mut self, sink: &mut Sink) {
        let is_untold = self.rules.is_none() && self.results == 0 && self.broken.is_empty();
        let rules = self.rules.take().unwrap_or_default();
        for result in &self.waiting {
            sink.push(rules.item(result));
        }
        for (verdict, count) in &self.counted {
            let (outcome, severity, name) = rules.judge(verdict, &RawResult::default());
            sink.count(&name, outcome, severity, *count);
        }
        self.broken.iter().for_each(|sentence| sink.broke(sentence));
        self.said.iter().for_each(|sentence| sink.note(&format!("the tool says: {sentence}")));
        if self.has_results_elsewhere {
            sink.broke("the results stand in other files (externalPropertyFileReferences), which are not read");
        }
        if rules.dropped > 0 {
            sink.note(&format!(
                "the tool has {} more rules than are kept; their results count by what they say",
                rules.dropped
            ));
        }
        if !is_untold {
            let tool = [rules.tool.as_str(), rules.version.as_str()].join(" ");
            let absent =
                if self.absent > 0 { format!(", {} absent ones passed over", self.absent) } else { String::new() };
            sink.note(&format!("a run of {} with {} results{absent}", tool.trim(), self.results));
        }
    }
}

fn held_bytes(result: &RawResult) -> usize {
    let text = |text: &Option<Text>| text.as_ref().map_or(0, |text| text.0.len());
    let message = result.message.as_ref().map_or(0, |message| {
        text(&message.text) + message.arguments.0.iter().map(|argument| argument.0.len()).sum::<usize>()
    });
    let suppressions: usize = result
        .suppressions
        .0
        .iter()
        .map(|suppression| text(&suppression.justification) + text(&suppression.kind) + 64)
        .sum();
    let places = result.locations.0.iter().map(|location| {
        let artifact = location.physical_location.as_ref().and_then(|place| place.artifact_location.as_ref());
        let logical = location.logical_locations.0.first();
        128 + artifact.map_or(0, |artifact| text(&artifact.uri) + text(&artifact.uri_base_id))
            + logical.map_or(0, |logical| text(&logical.fully_qualified_name) + text(&logical.name))
    });
    256 + text(&result.rule_id) + message + suppressions + places.sum::<usize>()
}

/// A notification in one sentence.
fn spoken(notification: &Notification) -> String {
    let text = notification.message.as_ref().and_then(|message| message.text.as_ref()).map_or("", |text| &text.0);
    let level = notification.level.as_ref().map_or("warning", |level| &level.0);
    let place = notification.locations.0.first().and_then(place_of).map(|place| format!(" ({})", place.path));
    bounds::body(&format!("{level}: {text}{}", place.unwrap_or_default()), bounds::BODY)
}

impl Verdict {
    fn of(result: &RawResult) -> Self {
        let text =
            |text: &Option<Text>| text.as_ref().map(|text| bounds::name(&text.0)).filter(|text| !text.is_empty());
        let reference = result.rule.as_ref();
        let component = reference.and_then(|rule| rule.tool_component.as_ref()).and_then(|component| component.index);
        let index = result.rule_index.or(reference.and_then(|rule| rule.index));
        let is_accepted = |status: &Option<Text>| status.as_ref().is_none_or(|status| status.0 == "accepted");
        Self {
            rule_id: text(&result.rule_id).or_else(|| reference.and_then(|rule| text(&rule.id))),
            place: (component.and_then(Number::place), index.and_then(Number::place)),
            kind: text(&result.kind),
            level: text(&result.level),
            is_suppressed: !result.suppressions.0.is_empty()
                && result.suppressions.0.iter().all(|suppression| is_accepted(&suppression.status)),
        }
    }
}

/// The rules of a run, to be asked by id or by place.
#[derive(Debug, Default)]
struct Rules {
    tool: String,
    version: String,
    /// How many rules there were beyond those that are kept.
    dropped: u64,
    /// Those of the driver, then those of each extension.
    components: Vec<(Vec<Rule>, Strings)>,
    by_id: HashMap<String, (usize, usize)>,
}

impl Rules {
    fn new(tool: Tool) -> Self {
        let text = |text: &Option<Text>| text.as_ref().map(|text| bounds::name(&text.0)).unwrap_or_default();
        let mut rules = Self { tool: text(&tool.driver.name), ..Self::default() };
        rules.version = text(&tool.driver.version.clone().or_else(|| tool.driver.semantic_version.clone()));
        let Few(extensions) = tool.extensions;
        for Component { rules: listed, global_message_strings, .. } in [tool.driver].into_iter().chain(extensions) {
            let component = rules.components.len();
            rules.dropped += listed.dropped;
            for (place, rule) in listed.kept.iter().enumerate() {
                if let Some(id) = &rule.id {
                    rules.by_id.entry(bounds::name(&id.0)).or_insert((component, place));
                }
            }
            rules.components.push((listed.kept, global_message_strings));
        }
        rules
    }

    /// A rule is named by its id, by an id beneath its own (`CA1000/1`), or by its place.
    fn find(&self, verdict: &Verdict) -> Option<(usize, &Rule)> {
        let by_id = verdict.rule_id.as_deref().and_then(|id| {
            let outer = id.rsplit_once('/').map_or(id, |(outer, _)| outer);
            self.by_id.get(id).or_else(|| self.by_id.get(outer)).copied()
        });
        // Extensions are counted from 0, and the driver stands before them.
        let by_place = match verdict.place {
            (component, Some(place)) => Some((component.map_or(0, |component| component.saturating_add(1)), place)),
            (_, None) => None,
        };
        let (component, place) = match (by_place, by_id) {
            (Some(place), _) if verdict.rule_id.is_none() || verdict.place.0.is_some() => place,
            (_, Some(place)) => place,
            (place, None) if verdict.rule_id.is_none() => place?,
            _ => return None,
        };
        self.components.get(component)?.0.get(place).map(|rule| (component, rule))
    }

    /// What a result comes to, how grave it is, and the name of its rule.
    fn judge(&self, verdict: &Verdict, result: &RawResult) -> (EvidenceResult, Option<Severity>, String) {
        let rule = self.find(verdict).map(|(_, rule)| rule);
        let id_of_rule = || rule.and_then(|rule| rule.id.as_ref()).map(|id| bounds::name(&id.0));
        let name = verdict.rule_id.clone().or_else(id_of_rule).unwrap_or_else(|| NO_RULE.to_owned());
        let outcome = match verdict.kind.as_deref() {
            Some("pass" | "informational") => return (EvidenceResult::Pass, None, name),
            Some("notApplicable") => return (EvidenceResult::NotApplicable, None, name),
            Some("open" | "review") => return (EvidenceResult::Manual, None, name),
            _ if verdict.is_suppressed => EvidenceResult::WaiverApplied,
            _ => EvidenceResult::Fail,
        };
        let level = level(verdict, rule);
        let (result_by_level, severity) = match level {
            "error" => (EvidenceResult::Fail, None),
            "note" => (EvidenceResult::Warning, Some(Severity::Info)),
            "none" => return (EvidenceResult::Pass, None, name),
            _ => (EvidenceResult::Warning, Some(Severity::Medium)),
        };
        let score = [result.properties.as_ref(), rule.and_then(|rule| rule.properties.as_ref())];
        let score = score.into_iter().flatten().find_map(|properties| properties.security_severity);
        let severity = score.and_then(severity_of).or(severity);
        (if outcome == EvidenceResult::Fail { result_by_level } else { outcome }, severity, name)
    }

    fn item(&self, result: &RawResult) -> Item {
        let verdict = Verdict::of(result);
        let (outcome, severity, name) = self.judge(&verdict, result);
        let found = self.find(&verdict);
        let mut item = Item::new(&name, outcome);
        item.severity = severity;
        let message = self.message(result.message.as_ref(), found);
        item.observations.extend(bounds::first_line(&message));
        let body = bounds::body(message.trim(), bounds::BODY);
        if body.contains('\n') || body.chars().count() > LINE {
            item.observations.push(body);
        }
        if outcome == EvidenceResult::WaiverApplied {
            item.observations.extend(result.suppressions.0.iter().map(|suppression| {
                let kind = suppression.kind.as_ref().map(|kind| format!(" ({})", kind.0)).unwrap_or_default();
                let why = suppression.justification.as_ref().map_or("no justification is given", |text| &text.0);
                bounds::body(&format!("suppressed{kind}: {why}"), bounds::BODY)
            }));
        }
        item.facts.insert("rule".to_owned(), json!(name));
        let rule_name = found.and_then(|(_, rule)| rule.name.as_ref()).map(|text| bounds::name(&text.0));
        if let Some(rule_name) = rule_name.filter(|rule_name| *rule_name != name) {
            item.facts.insert("rule_name".to_owned(), json!(rule_name));
        }
        match verdict.kind.as_deref() {
            None | Some("fail") => {
                let level = level(&verdict, found.map(|(_, rule)| rule));
                item.facts.insert("level".to_owned(), json!(level));
                if level == "none" {
                    item.observations.push("the tool gives this no weight (level none)".to_owned());
                }
            }
            Some(kind) => {
                item.facts.insert("kind".to_owned(), json!(kind));
            }
        }
        for (key, text) in [("baseline_state", &result.baseline_state), ("uri_base_id", &base_of(result))] {
            if let Some(text) = text {
                item.facts.insert(key.to_owned(), json!(bounds::name(&text.0)));
            }
        }
        item.locations = result.locations.0.iter().filter_map(place_of).collect();
        let place = item.locations.first().map(|location| location.path.clone()).or_else(|| logical_of(result));
        if let Some(place) = place {
            item.subject = bounds::name(&format!("{name} in {place}"));
        }
        item
    }

    /// The text of a message, its placeholders filled; failing that, what the rule says of itself.
    fn message(&self, message: Option<&Message>, found: Option<(usize, &Rule)>) -> String {
        let rule = found.map(|(_, rule)| rule);
        let by_id = |id: &Text| {
            let own = rule.and_then(|rule| rule.message_strings.0.get(&id.0));
            let shared = self.components.get(found.map_or(0, |(component, _)| component));
            own.or_else(|| shared.and_then(|(_, strings)| strings.0.get(&id.0)))
        };
        if let Some(message) = message {
            let text = message.text.as_ref().or_else(|| message.id.as_ref().and_then(by_id));
            if let Some(text) = text.filter(|text| !text.0.trim().is_empty()) {
                return filled(&text.0, &message.arguments.0);
            }
        }
        let short = rule.and_then(|rule| rule.short_description.as_ref()).and_then(|message| message.text.as_ref());
        match (short, message.and_then(|message| message.id.as_ref())) {
            (Some(short), _) => short.0.clone(),
            (None, Some(id)) => format!("the message {:?}, whose text the log does not have", bounds::name(&id.0)),
            (None, None) => String::new(),
        }
    }
}

/// Its own level, or the one that the rule has, or `warning`.
fn level<'a>(verdict: &'a Verdict, rule: Option<&'a Rule>) -> &'a str {
    let set = || rule.and_then(|rule| rule.default_configuration.as_ref()).and_then(|set| set.level.as_ref());
    verdict.level.as_deref().or_else(|| set().map(|level| level.0.as_str())).unwrap_or("warning")
}

fn severity_of(score: Number) -> Option<Severity> {
    match score.0 {
        score if score >= 9.0 => Some(Severity::Critical),
        score if score >= 7.0 => Some(Severity::High),
        score if score >= 4.0 => Some(Severity::Medium),
        score if score >= 0.0 => Some(Severity::Low),
        _ => None,
    }
}

/// `{0}` and its like become the arguments; `{{` is a brace.
fn filled(text: &str, arguments: &[Text]) -> String {
    if arguments.is_empty() {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(['{', '}']) {
        out.push_str(before);
        let brace = rest.as_bytes().get(before.len()).map_or('{', |byte| char::from(*byte));
        let argument = after.split_once('}').filter(|_| brace == '{').and_then(|(number, behind)| {
            let number: usize = number.parse().ok()?;
            arguments.get(number).map(|argument| (argument, behind))
        });
        rest = match (argument, after.strip_prefix(brace)) {
            (Some((argument, behind)), _) => {
                out.push_str(&argument.0);
                behind
            }
            (None, Some(behind)) => {
                out.push(brace);
                behind
            }
            (None, None) => {
                out.push(brace);
                after
            }
        };
    }
    out.push_str(rest);
    out
}

/// The place in a file; the URI stays as it is written.
fn place_of(location: &RawLocation) -> Option<Location> {
    let physical = location.physical_location.as_ref()?;
    let uri = physical.artifact_location.as_ref()?.uri.as_ref().filter(|uri| !uri.0.trim().is_empty())?;
    let line = physical.region.as_ref().and_then(|region| region.start_line).and_then(Number::whole);
    Some(Location { path: bounds::name(&uri.0), line: line.filter(|line| *line > 0) })
}

fn base_of(result: &RawResult) -> Option<Text> {
    result.locations.0.first()?.physical_location.as_ref()?.artifact_location.as_ref()?.uri_base_id.clone()
}

fn logical_of(result: &RawResult) -> Option<String> {
    let logical = result.locations.0.first()?.logical_locations.0.first()?;
    logical.fully_qualified_name.as_ref().or(logical.name.as_ref()).map(|text| bounds::name(&text.0))
}
