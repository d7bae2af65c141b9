//! The last gate before a result leaves: no word of it holds a secret, whichever check wrote it.

use aho_corasick::{AhoCorasick, MatchKind};
use serde_json::{Map, Value};

use super::Keeper;
use crate::baseline::result::{EvidenceItem, Location};

const REDACTED: &str = "[redacted]";

/// Takes secrets out of every word of the items and of the metadata: those that the run came upon, and what has an issuer's form.
pub(in crate::baseline) fn sanitise(keeper: &Keeper, evidence: &mut [EvidenceItem], metadata: &mut Map<String, Value>) {
    let mut known = keeper.known();
    // The longest first, so that no part of one is left behind.
    known.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    let gate = Gate { known: AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(known).ok() };
    for item in evidence {
        item.observations.iter_mut().for_each(|sentence| gate.text(sentence));
        for Location { path, .. } in &mut item.locations {
            gate.text(path);
        }
        item.facts.values_mut().for_each(|fact| gate.value(fact));
    }
    metadata.values_mut().for_each(|fact| gate.value(fact));
}

struct Gate {
    known: Option<AhoCorasick>,
}

impl Gate {
    fn text(&self, text: &mut String) {
        if let Some(known) = self.known.as_ref().filter(|known| known.is_match(text.as_str())) {
            let count = known.patterns_len();
            *text = known.replace_all(text, &vec![REDACTED; count]);
        }
        // From the last to the first, so that earlier places stay true.
        for hit in super::find(text.as_bytes(), true).iter().rev() {
            if text.is_char_boundary(hit.span.0) && text.is_char_boundary(hit.span.1) {
                text.replace_range(hit.span.0..hit.span.1, REDACTED);
            }
        }
    }

    fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(members) => members.values_mut().for_each(|member| self.value(member)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}
