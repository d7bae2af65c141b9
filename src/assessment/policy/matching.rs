//! Which findings an entry of a policy set concerns.

use serde::Deserialize;
use wildmatch::WildMatch;

use crate::assessment::documents::Finding;
use crate::model::EvidenceResult;

/// The conditions of an entry; all that are stated must hold. Texts are wildcards: `*` is any text, `?` one character.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Match {
    extension_id: Option<Pattern>,
    check_id: Option<Pattern>,
    subject_ref: Option<Pattern>,
    requirement_ref: Option<Pattern>,
    path: Option<Pattern>,
    title: Option<Pattern>,
    /// Left out: `fail` and `warning`. That a check broke or was blocked is never covered by accident.
    classification: Option<Classifications>,
}

/// A wildcard.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "String")]
struct Pattern(WildMatch);

impl From<String> for Pattern {
    fn from(text: String) -> Self {
        Self(WildMatch::new(&text))
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Classifications {
    One(EvidenceResult),
    Many(Vec<EvidenceResult>),
}

impl Match {
    /// The one check that is meant, unless it is a wildcard or left out.
    pub(super) fn one_check(&self) -> Option<String> {
        let text = self.check_id.as_ref()?.0.pattern();
        (!text.contains(['*', '?'])).then_some(text)
    }

    /// Whether the finding is concerned.
    pub(super) fn concerns(&self, finding: &Finding) -> bool {
        let classified = match &self.classification {
            None => matches!(finding.classification, EvidenceResult::Fail | EvidenceResult::Warning),
            Some(Classifications::One(one)) => finding.classification == *one,
            Some(Classifications::Many(many)) => many.contains(&finding.classification),
        };
        let holds = |pattern: &Option<Pattern>, text: &str| pattern.as_ref().is_none_or(|it| it.0.matches(text));
        classified
            && holds(&self.extension_id, &finding.extension_id)
            && holds(&self.check_id, &finding.check_id)
            && holds(&self.subject_ref, &finding.subject_ref)
            && holds(&self.title, &finding.title)
            && self
                .requirement_ref
                .as_ref()
                .is_none_or(|it| finding.requirement_refs.iter().any(|text| it.0.matches(text)))
            && self.path.as_ref().is_none_or(|it| finding.locations.iter().any(|place| it.0.matches(&place.path)))
    }
}
