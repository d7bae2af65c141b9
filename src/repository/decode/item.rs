//! One normalized item: every key that is known typed, everything else kept as it stands. Total over any JSON.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::document::Document;
use super::text::Text;
use crate::model::{EvidenceItem, FindingItem, ItemRest, Location, StoredPath, parse_timestamp};
use crate::repository::layout;

/// The largest item that is taken as it is, in bytes as written.
const MAX_WHOLE_BYTES: usize = 1 << 20;
/// The largest value that is taken of a larger item, in bytes as written.
const MAX_CUT_VALUE_BYTES: usize = 32 << 10;

/// Which of the two documents an item is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ItemKind {
    /// `normalized/evidence.json`.
    Evidence,
    /// `normalized/findings.json`.
    Finding,
}

impl ItemKind {
    /// The document's path.
    #[must_use]
    pub const fn document(self) -> &'static str {
        match self {
            Self::Evidence => layout::EVIDENCE,
            Self::Finding => layout::FINDINGS,
        }
    }

    /// The name under which the items may stand in an object.
    #[must_use]
    pub const fn array(self) -> &'static str {
        match self {
            Self::Evidence => "evidence",
            Self::Finding => "findings",
        }
    }
}

/// What items are filtered and counted by. A word is empty where the item gives none, or one of the wrong type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ItemWords<'a> {
    /// The result of an evidence item, the classification of a finding.
    pub result: Cow<'a, str>,
    /// The severity.
    pub severity: Cow<'a, str>,
    /// The disposition.
    pub disposition: Cow<'a, str>,
    /// The check.
    pub check_id: Cow<'a, str>,
}

impl<'a> ItemWords<'a> {
    /// Reads the words of an item and nothing else of it; `None` when it is no item.
    #[must_use]
    pub fn read(kind: ItemKind, text: &'a str) -> Option<Self> {
        let result = match kind {
            ItemKind::Evidence => "result",
            ItemKind::Finding => "classification",
        };
        let [result, severity, disposition, check_id] =
            known_values(text, &[result, "severity", "disposition", "check_id"])?;
        Some(Self {
            result: word(result),
            severity: word(severity),
            disposition: word(disposition),
            check_id: word(check_id),
        })
    }
}

/// A kind of normalized item.
pub trait Item: Sized {
    /// Which.
    const KIND: ItemKind;

    /// Reads an item. Of one larger than 1 MiB only values of known keys that are no larger than 32 KiB. `None` when it is no item: no JSON
    /// object, or one with a key that is no Unicode text.
    fn decode(text: &str) -> Option<Self>;

    /// Takes the artifact refs out, for whoever resolves them.
    fn take_artifact_refs(&mut self) -> Vec<StoredPath>;
}

impl Item for EvidenceItem {
    const KIND: ItemKind = ItemKind::Evidence;

    fn decode(text: &str) -> Option<Self> {
        const KEYS: [&str; 14] = [
            "id",
            "run_id",
            "extension_id",
            "check_id",
            "subject_ref",
            "result",
            "severity",
            "observations",
            "facts",
            "locations",
            "requirement_refs",
            "artifact_refs",
            "started_at",
            "completed_at",
        ];
        with_fields(text, &KEYS, |fields| Self {
            id: fields.text("id"),
            run_id: fields.text("run_id"),
            extension_id: fields.text("extension_id"),
            check_id: fields.text("check_id"),
            subject_ref: fields.text("subject_ref"),
            result: fields.text("result"),
            severity: fields.text("severity"),
            observations: fields.list("observations"),
            facts: fields.facts("facts"),
            locations: fields.locations("locations"),
            requirement_refs: fields.list("requirement_refs"),
            artifact_refs: fields.paths("artifact_refs"),
            started_at: fields.time("started_at"),
            completed_at: fields.time("completed_at"),
            rest: ItemRest::default(),
        })
        .map(|(item, rest)| Self { rest, ..item })
    }

    fn take_artifact_refs(&mut self) -> Vec<StoredPath> {
        std::mem::take(&mut self.artifact_refs)
    }
}

impl Item for FindingItem {
    const KIND: ItemKind = ItemKind::Finding;

    fn decode(text: &str) -> Option<Self> {
        const KEYS: [&str; 19] = [
            "id",
            "run_id",
            "evidence_id",
            "extension_id",
            "check_id",
            "subject_ref",
            "classification",
            "severity",
            "title",
            "description",
            "locations",
            "requirement_refs",
            "artifact_refs",
            "disposition",
            "expectation_ref",
            "waiver_ref",
            "challenge_refs",
            "exclusion_refs",
            "review_status",
        ];
        with_fields(text, &KEYS, |fields| Self {
            id: fields.text("id"),
            run_id: fields.text("run_id"),
            evidence_id: fields.text("evidence_id"),
            extension_id: fields.text("extension_id"),
            check_id: fields.text("check_id"),
            subject_ref: fields.text("subject_ref"),
            classification: fields.text("classification"),
            severity: fields.text("severity"),
            title: fields.text("title"),
            description: fields.text("description"),
            locations: fields.locations("locations"),
            requirement_refs: fields.list("requirement_refs"),
            artifact_refs: fields.paths("artifact_refs"),
            disposition: fields.text("disposition"),
            expectation_ref: fields.text("expectation_ref"),
            waiver_ref: fields.text("waiver_ref"),
            challenge_refs: fields.list("challenge_refs"),
            exclusion_refs: fields.list("exclusion_refs"),
            review_status: fields.text("review_status"),
            rest: ItemRest::default(),
        })
        .map(|(item, rest)| Self { rest, ..item })
    }

    fn take_artifact_refs(&mut self) -> Vec<StoredPath> {
        std::mem::take(&mut self.artifact_refs)
    }
}

/// Reads an item's fields, and gives what is left beside it.
fn with_fields<T, const N: usize>(
    text: &str,
    keys: &[&'static str; N],
    read: impl FnOnce(&mut Fields<'_>) -> T,
) -> Option<(T, ItemRest)> {
    // Of a large item not even the structure is built up: lists of nothing weigh many times their text.
    let cut = if text.len() > MAX_WHOLE_BYTES { Some(cut(text, keys)?) } else { None };
    let document = Document::parse(cut.as_deref().unwrap_or(text).as_bytes()).ok()?;
    let mut fields = Fields { document, kept: BTreeMap::new() };
    let item = read(&mut fields);
    let (mut unknown, malformed) = fields.document.into_rest();
    unknown.extend(fields.kept);
    Some((item, ItemRest { unknown, malformed, is_cut: cut.is_some() }))
}

/// The item with the small values of known keys alone.
fn cut<const N: usize>(text: &str, keys: &[&'static str; N]) -> Option<String> {
    let values = known_values(text, keys)?;
    let small = keys.iter().zip(values).filter_map(|(key, value)| Some((key, value?.get())));
    let small = small.filter(|(_, value)| value.len() <= MAX_CUT_VALUE_BYTES);
    let fields: Vec<String> = small.map(|(key, value)| format!("\"{key}\":{value}")).collect();
    Some(format!("{{{}}}", fields.join(",")))
}

/// The fields of an item, read one by one. A null is as good as absent.
struct Fields<'a> {
    document: Document<'a>,
    /// Known keys that say more than is read of them.
    kept: BTreeMap<String, String>,
}

impl<'a> Fields<'a> {
    fn read<T>(&mut self, name: &'static str, read: impl Fn(&'a RawValue) -> Option<T>) -> Option<T> {
        if self.document.get(name).is_some_and(|value| value.get() == "null") {
            self.document.drop_key(name);
            return None;
        }
        self.document.take_if(&[name], read)
    }

    fn text(&mut self, name: &'static str) -> String {
        self.read(name, parsed).unwrap_or_default()
    }

    fn list(&mut self, name: &'static str) -> Vec<String> {
        self.read(name, parsed).unwrap_or_default()
    }

    fn time(&mut self, name: &'static str) -> Option<Timestamp> {
        // An empty text is as good as none, as everywhere.
        self.read(name, |value| match parsed::<Text<'_>>(value)?.0.as_ref() {
            "" => Some(None),
            text => parse_timestamp(text).map(Some),
        })
        .flatten()
    }

    fn facts(&mut self, name: &'static str) -> BTreeMap<String, String> {
        let facts = self.read(name, parsed::<BTreeMap<String, &'a RawValue>>).unwrap_or_default();
        facts.into_iter().map(|(key, value)| (key, value.get().to_owned())).collect()
    }

    fn paths(&mut self, name: &'static str) -> Vec<StoredPath> {
        let paths = self.read(name, parsed::<Vec<Text<'a>>>).unwrap_or_default();
        paths.iter().map(|path| StoredPath::new(&path.0)).collect()
    }

    fn locations(&mut self, name: &'static str) -> Vec<Location> {
        let text = self.document.get(name).map(RawValue::get);
        let read = self.read(name, |value| {
            let values: Vec<&RawValue> = parsed(value)?;
            values.into_iter().map(location).collect::<Option<Vec<_>>>()
        });
        let locations = read.unwrap_or_default();
        if let Some(text) = text.filter(|_| locations.iter().any(|(_, says_more)| *says_more)) {
            self.kept.insert(name.to_owned(), text.to_owned());
        }
        locations.into_iter().map(|(location, _)| location).collect()
    }
}

/// A location, and whether it says more than path and line.
fn location(value: &RawValue) -> Option<(Location, bool)> {
    let mut fields = Fields { document: Document::parse(value.get().as_bytes()).ok()?, kept: BTreeMap::new() };
    let location = Location { path: fields.text("path"), line: fields.read("line", parsed) };
    let (unknown, malformed) = fields.document.into_rest();
    malformed.is_empty().then_some((location, !unknown.is_empty()))
}

fn parsed<'a, T: Deserialize<'a>>(value: &'a RawValue) -> Option<T> {
    serde_json::from_str(value.get()).ok()
}

/// A word; empty when there is none, or what stands there is none.
fn word(value: Option<&RawValue>) -> Cow<'_, str> {
    value.and_then(parsed::<Text<'_>>).map(|text| text.0).unwrap_or_default()
}

/// The values of some keys of an object, the last of each; `None` when it is no object. Nothing is built up for the other keys.
fn known_values<'a, const N: usize>(text: &'a str, keys: &[&str; N]) -> Option<[Option<&'a RawValue>; N]> {
    struct ObjectVisitor<'k, const N: usize>(&'k [&'k str; N]);

    impl<'de, const N: usize> Visitor<'de> for ObjectVisitor<'_, N> {
        type Value = [Option<&'de RawValue>; N];

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut values = [None; N];
            while let Some(place) = map.next_key_seed(KeySeed(self.0))? {
                let value: &RawValue = map.next_value()?;
                if let Some(slot) = place.and_then(|place| values.get_mut(place)) {
                    *slot = Some(value);
                }
            }
            Ok(values)
        }
    }

    let mut deserializer = serde_json::Deserializer::from_str(text);
    let values = deserializer.deserialize_map(ObjectVisitor(keys)).ok()?;
    deserializer.end().ok().map(|()| values)
}

/// Which of some keys a key is.
struct KeySeed<'k>(&'k [&'k str]);

impl<'de> DeserializeSeed<'de> for KeySeed<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|known| *known == key))
    }
}

#[cfg(test)]
mod tests;
