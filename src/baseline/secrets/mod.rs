//! Finding likely secrets in text. What is found stays in memory: the outside world hears of a rule, a line, a length and a salted hash.

mod keeper;
mod plausible;
mod rules;
mod sanitise;

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use regex::bytes::{Regex, RegexBuilder};

use super::documents::decode;

pub use keeper::{Keeper, Sighting};
pub use rules::{Confidence, RULES, Rule};
pub(super) use sanitise::sanitise;

/// Before a keyword a pattern may begin this many bytes earlier.
const LOOK_BACK: usize = 72;
/// A text with more places to look at than this is generated, or made to cost time; the rest of it is not looked at.
const MAX_PLACES: usize = 20_000;
/// At most so many hits of one text count.
const MAX_HITS: usize = 500;
/// What git looks at to tell text from other content.
const TEXT_PROBE: usize = 8000;

/// Where a likely secret stands in a text. It has no `Debug`, so that the secret is not written by accident.
pub struct Hit {
    /// What found it.
    pub rule: &'static Rule,
    /// The line on which it begins, counted from 1.
    pub line: u64,
    /// Its place in the text.
    span: (usize, usize),
    /// The secret.
    secret: Vec<u8>,
}

impl Hit {
    /// The secret, for hashing.
    pub(super) fn secret(&self) -> &[u8] {
        &self.secret
    }
}

/// The rules, made ready.
struct Scanner {
    keywords: AhoCorasick,
    /// For every keyword the rules it belongs to.
    rules_of: Vec<Vec<(usize, &'static Rule, Regex)>>,
}

static SCANNER: LazyLock<Option<Scanner>> = LazyLock::new(Scanner::new);

impl Scanner {
    fn new() -> Option<Self> {
        let mut words: Vec<&'static str> = RULES.iter().flat_map(|rule| rule.keywords).copied().collect();
        words.sort_unstable();
        words.dedup();
        let mut rules_of = Vec::new();
        for word in &words {
            let mut owners = Vec::new();
            for (at, rule) in RULES.iter().enumerate().filter(|(_, rule)| rule.keywords.contains(word)) {
                owners.push((at, rule, RegexBuilder::new(rule.pattern).unicode(false).build().ok()?));
            }
            rules_of.push(owners);
        }
        Some(Self { keywords: AhoCorasick::builder().ascii_case_insensitive(true).build(words).ok()?, rules_of })
    }
}

/// What was found in a text.
#[must_use]
pub struct Search {
    /// The likely secrets, in the order of their places.
    pub hits: Vec<Hit>,
    /// Whether the text was looked through to its end.
    pub is_whole: bool,
}

/// Whether content is text, so that it is looked through at all.
#[must_use]
pub fn is_text(content: &[u8]) -> bool {
    matches!(content, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) || !content.iter().take(TEXT_PROBE).any(|byte| *byte == 0)
}

/// The likely secrets in a text that is short, or of which nothing is concluded: see [`search`].
#[must_use]
pub fn find(content: &[u8], assignments: bool) -> Vec<Hit> {
    search(content, assignments).hits
}

/// Looks for likely secrets in a text. `assignments` says whether names and addresses count too, or issuers' forms alone.
///
/// Content that is no text has none.
pub fn search(content: &[u8], assignments: bool) -> Search {
    let nothing = |is_whole| Search { hits: Vec::new(), is_whole };
    if !is_text(content) {
        return nothing(true);
    }
    let text: Cow<'_, [u8]> = match content {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Cow::Owned(decode(content).into_bytes()),
        _ => Cow::Borrowed(content),
    };
    let Some(scanner) = SCANNER.as_ref() else { return nothing(false) };
    let mut is_whole = true;
    let mut found: Vec<(usize, Hit)> = Vec::new();
    let mut seen = HashSet::new();
    for (number, place) in scanner.keywords.find_overlapping_iter(text.as_ref()).enumerate() {
        if number >= MAX_PLACES || found.len() >= MAX_HITS {
            is_whole = false;
            break;
        }
        for (order, rule, pattern) in scanner.rules_of.get(place.pattern().as_usize()).into_iter().flatten() {
            if !assignments && rule.goes_by_name() {
                continue;
            }
            let window = window(&text, place.start(), rule.reach);
            let Some(piece) = text.get(window.0..window.1) else { continue };
            let Some(group) = pattern.captures_iter(piece).find_map(|captures| {
                let group = captures.get(1)?;
                // The one that this keyword belongs to; others have their own turn.
                (window.0.saturating_add(group.end()) > place.start()).then_some(group)
            }) else {
                continue;
            };
            let span = (window.0.saturating_add(group.start()), window.0.saturating_add(group.end()));
            if !seen.insert((*order, span.0)) {
                continue;
            }
            let after = text.get(span.1..).unwrap_or_default();
            if let Some(secret) = (rule.secret)(group.as_bytes(), after) {
                found.push((*order, Hit { rule, line: 0, span, secret }));
            }
        }
    }
    Search { hits: number_lines(&text, without_overlaps(found)), is_whole }
}

/// The part of the line around a keyword that a rule looks at.
fn window(text: &[u8], keyword: usize, reach: usize) -> (usize, usize) {
    let earliest = keyword.saturating_sub(LOOK_BACK);
    let before = text.get(earliest..keyword).unwrap_or_default();
    let begin = before
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(earliest, |at| earliest.saturating_add(at).saturating_add(1));
    let latest = keyword.saturating_add(reach).min(text.len());
    let after = text.get(keyword..latest).unwrap_or_default();
    let end = after.iter().position(|byte| *byte == b'\n').map_or(latest, |at| keyword.saturating_add(at));
    (begin, end)
}

/// Of hits on the same bytes the one of the earlier rule.
fn without_overlaps(mut found: Vec<(usize, Hit)>) -> Vec<Hit> {
    found.sort_by_key(|(order, hit)| (*order, hit.span.0));
    let mut kept: Vec<Hit> = Vec::new();
    for (_, hit) in found {
        if !kept.iter().any(|other| other.span.0 < hit.span.1 && hit.span.0 < other.span.1) {
            kept.push(hit);
        }
    }
    kept.sort_by_key(|hit| hit.span.0);
    kept
}

fn number_lines(text: &[u8], mut hits: Vec<Hit>) -> Vec<Hit> {
    let (mut line, mut counted) = (1_u64, 0_usize);
    for hit in &mut hits {
        let between = text.get(counted..hit.span.0).unwrap_or_default();
        let breaks = between.iter().filter(|byte| **byte == b'\n').count();
        line = line.saturating_add(u64::try_from(breaks).unwrap_or(u64::MAX));
        counted = hit.span.0;
        hit.line = line;
    }
    hits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles_and_has_its_keywords_in_lower_case() {
        assert!(SCANNER.is_some());
        for rule in RULES {
            assert!(Regex::new(rule.pattern).expect("a pattern").captures_len() > 1, "{}", rule.id);
            assert!(rule.keywords.iter().all(|word| *word == word.to_lowercase() && !word.is_empty()), "{}", rule.id);
        }
    }

    #[test]
    fn a_text_made_of_keywords_ends() {
        let text = "password = \"://secret".repeat(60_000);
        assert!(find(text.as_bytes(), true).is_empty());
    }

    #[test]
    fn a_text_made_of_key_headers_costs_no_more_than_its_length() {
        let text = "-----BEGIN PRIVATE KEY-----".repeat(38_000);
        let begin = std::time::Instant::now();
        assert!(find(text.as_bytes(), true).is_empty());
        assert!(begin.elapsed() < std::time::Duration::from_secs(6), "{:?}", begin.elapsed());
    }
}
